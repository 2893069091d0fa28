//! The limits of a GitHub: it counts for each resource, tells what remains, and notes who asks beyond it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::super::http::Reply;

/// Seconds since the epoch.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
}

#[derive(Clone, Copy, Debug)]
struct Budget {
    limit: u64,
    remaining: u64,
    /// Seconds since the epoch.
    reset: u64,
}

/// What each resource has left, and until when nobody may ask.
#[derive(Debug)]
pub(super) struct Limits {
    budgets: BTreeMap<&'static str, Budget>,
    /// Until then every request is one too many.
    closed_until: Option<Instant>,
}

/// Which resource a request takes from (<https://docs.github.com/en/rest/rate-limit>).
pub(super) fn resource(path: &str) -> &'static str {
    if path == "/graphql" { "graphql" } else { "core" }
}

impl Limits {
    pub(super) fn new() -> Self {
        let full = Budget { limit: 5_000_000, remaining: 5_000_000, reset: now() + 3600 };
        Limits { budgets: BTreeMap::from([("core", full), ("graphql", full)]), closed_until: None }
    }

    /// Of this resource so many requests remain until then; after that, so many as there may be at most.
    pub(super) fn set(&mut self, resource: &'static str, remaining: u64, reset_in: Duration, limit: u64) {
        let reset = now() + reset_in.as_secs();
        self.budgets.insert(resource, Budget { limit, remaining, reset });
    }

    /// Nobody may ask for so long.
    pub(super) fn close(&mut self, seconds: u64) {
        // Less than was said: clocks and answers take their time.
        let told = Duration::from_secs(seconds).saturating_sub(Duration::from_millis(50));
        self.closed_until = Some(Instant::now() + told);
    }

    /// Whether somebody asks before he may.
    pub(super) fn is_closed(&self) -> bool {
        self.closed_until.is_some_and(|until| Instant::now() < until)
    }

    /// Takes one request; whether there was one left.
    pub(super) fn take(&mut self, resource: &'static str) -> bool {
        let budget = self.budgets.get_mut(resource).expect("a resource");
        if now() >= budget.reset {
            *budget = Budget { limit: budget.limit, remaining: budget.limit, reset: now() + 3600 };
        }
        let left = budget.remaining > 0;
        budget.remaining = budget.remaining.saturating_sub(1);
        left
    }

    /// Gives one back: an answer that was not changed costs nothing.
    pub(super) fn give_back(&mut self, resource: &'static str) {
        self.budgets.get_mut(resource).expect("a resource").remaining += 1;
    }

    /// Nothing remains for so many seconds.
    pub(super) fn exhaust(&mut self, resource: &'static str, seconds: u64) {
        let budget = self.budgets.get_mut(resource).expect("a resource");
        (budget.remaining, budget.reset) = (0, now() + seconds);
    }

    /// Says in an answer what remains.
    pub(super) fn told(&self, resource: &'static str, reply: Reply) -> Reply {
        let Budget { limit, remaining, reset } = self.budgets[resource];
        reply
            .with("X-RateLimit-Limit", limit)
            .with("X-RateLimit-Remaining", remaining)
            .with("X-RateLimit-Used", limit.saturating_sub(remaining))
            .with("X-RateLimit-Reset", reset)
            .with("X-RateLimit-Resource", resource)
    }

    /// `GET /rate_limit`.
    pub(super) fn overview(&self) -> serde_json::Value {
        let of = |name: &str| {
            let Budget { limit, remaining, reset } = self.budgets[name];
            serde_json::json!({"limit": limit, "remaining": remaining, "reset": reset, "used": limit - remaining.min(limit)})
        };
        serde_json::json!({
            "rate": of("core"),
            "resources": {"core": of("core"), "graphql": of("graphql"), "search": {"limit": 30, "remaining": 30, "reset": now() + 60, "used": 0}},
        })
    }
}
