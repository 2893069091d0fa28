//! What the server counts, and the text in which Prometheus reads it. No token, and no name of a bearer.

use std::sync::atomic::AtomicU64;

use jiff::Timestamp;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::snapshot::Snapshot;
use crate::ledger::WaitReason;
use crate::revocation::State;

/// The type of what [`Metrics::text`] makes (<https://github.com/prometheus/OpenMetrics>).
pub(super) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

type Labels = Vec<(&'static str, String)>;
type Counters = Family<Labels, Counter>;
type Gauges = Family<Labels, Gauge<f64, AtomicU64>>;

/// The counters since the server started. A clone counts the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Metrics {
    revocations: Counters,
    sent: Counters,
    intake: Counters,
    taken: Counters,
    ledger_errors: Counter,
}

impl Metrics {
    /// A request that left, with its class of answer and how many tokens it carried.
    pub(super) fn request(&self, host: &str, answer: &str, tokens: u64) {
        let labels = vec![("host", host.to_owned()), ("answer", answer.to_owned())];
        self.revocations.get_or_create(&labels).inc();
        self.sent.get_or_create(&labels).inc_by(tokens);
    }

    /// A request that came in, by its route and the status it was answered with.
    pub(super) fn intake(&self, route: &'static str, status: u16) {
        let labels = vec![("route", route.to_owned()), ("code", status.to_string())];
        self.intake.get_or_create(&labels).inc();
    }

    /// Tokens that came in, by what became of them.
    pub(super) fn taken(&self, outcome: &'static str, tokens: u64) {
        if tokens > 0 {
            self.taken.get_or_create(&vec![("outcome", outcome.to_owned())]).inc_by(tokens);
        }
    }

    /// The ledger did not do what it was asked.
    pub(super) fn ledger_error(&self) {
        self.ledger_errors.inc();
    }

    /// All of it, with the state of the ledger where that could be read.
    pub(super) fn text(&self, snapshot: Option<&Snapshot>, now: Timestamp) -> String {
        let mut registry = Registry::with_prefix("stanch");
        registry.register(
            "revocation_requests",
            "Requests that left, by host and class of answer",
            self.revocations.clone(),
        );
        registry.register(
            "revocation_request_tokens",
            "Tokens in requests that left, by host and class of answer",
            self.sent.clone(),
        );
        registry.register("intake_requests", "Requests that came in, by route and code", self.intake.clone());
        registry.register("intake_tokens", "Tokens that came in, by what became of them", self.taken.clone());
        registry.register(
            "ledger_errors",
            "How often the ledger did not do what it was asked",
            self.ledger_errors.clone(),
        );
        let up = Gauge::<i64>::default();
        up.set(snapshot.is_some().into());
        registry.register("ledger_up", "Whether the ledger could be read just now", up);
        if let Some(snapshot) = snapshot {
            register_ledger(&mut registry, snapshot, now);
        }
        let mut text = String::new();
        // Writing to a text cannot fail.
        let _ = encode(&mut text, &registry);
        text
    }
}

/// What the ledger holds.
fn register_ledger(registry: &mut Registry, snapshot: &Snapshot, now: Timestamp) {
    let [tokens, waiting, oldest, used, limit, hold, next]: [Gauges; 7] = Default::default();
    for host in &snapshot.hosts {
        let labels = |more: Option<(&'static str, String)>| -> Labels {
            std::iter::once(("host", host.host.clone())).chain(more).collect()
        };
        for state in State::ALL {
            let count = host.status.count(state);
            set(&tokens, &labels(Some(("state", state.to_string()))), count);
        }
        for (kind, count) in &host.waiting {
            set(&waiting, &labels(Some(("kind", kind.rule_id().to_owned()))), *count);
        }
        let age = host.status.oldest.map_or(0.0, |since| now.duration_since(since).as_secs_f64().max(0.0));
        oldest.get_or_create(&labels(None)).set(age);
        for (identity, status) in &host.quotas {
            let labels = labels(Some(("identity", identity.clone())));
            set(&used, &labels, status.requests_last_hour.into());
            set(&limit, &labels, status.limit.into());
            let until = |at: Option<Timestamp>| at.map_or(0, |at| at.as_second().max(0).unsigned_abs());
            let is_held = status.wait_reason == Some(WaitReason::Server);
            set(&hold, &labels, until(status.next_slot.filter(|_| is_held)));
            set(&next, &labels, until(status.next_slot));
        }
    }
    registry.register("tokens", "Tokens in the ledger, by host and state", tokens);
    registry.register("waiting_tokens", "Tokens that wait, by host and kind", waiting);
    registry.register(
        "oldest_waiting_seconds",
        "For how long the oldest of the tokens that wait has waited, by host",
        oldest,
    );
    registry.register(
        "quota_used",
        "Requests of the last hour, by host and identity (a fingerprint of the credential, or anonymous)",
        used,
    );
    registry.register("quota_limit", "Requests that an hour may have, by host and identity", limit);
    registry.register(
        "hold_until_timestamp_seconds",
        "Until when the server asked for no request, 0 where it did not, by host and identity",
        hold,
    );
    registry.register(
        "next_slot_timestamp_seconds",
        "When the next request may leave, 0 for now, by host and identity",
        next,
    );
}

/// Exact up to 2^53, which no count reaches.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn set(gauges: &Gauges, labels: &Labels, value: u64) {
    gauges.get_or_create(labels).set(value as f64);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::HostStatus;
    use crate::serve::snapshot::HostSnapshot;
    use crate::token::Kind;

    #[test]
    fn the_text_is_what_prometheus_reads() {
        let metrics = Metrics::default();
        metrics.request("https://api.github.com", "accepted", 1000);
        metrics.intake("/v1/tokens", 202);
        metrics.taken("accepted", 3);
        metrics.taken("known", 0);
        metrics.ledger_error();
        let now = Timestamp::from_second(1_795_000_100).expect("a time");
        let at = |second| Timestamp::from_second(second).ok();
        let status = HostStatus {
            queued: 7,
            oldest: at(1_795_000_000),
            requests_last_hour: 12,
            next_slot: at(1_795_000_160),
            wait_reason: Some(WaitReason::Server),
            ..HostStatus::empty("l", "https://api.github.com", 60)
        };
        let host = HostSnapshot {
            host: "https://api.github.com".to_owned(),
            waiting: [(Kind::pat(), 7)].into(),
            quotas: vec![("anonymous".to_owned(), status.clone())],
            status,
        };
        let text = metrics.text(Some(&Snapshot { hosts: vec![host] }), now);
        for line in [
            r#"stanch_revocation_requests_total{host="https://api.github.com",answer="accepted"} 1"#,
            r#"stanch_revocation_request_tokens_total{host="https://api.github.com",answer="accepted"} 1000"#,
            r#"stanch_intake_requests_total{route="/v1/tokens",code="202"} 1"#,
            r#"stanch_intake_tokens_total{outcome="accepted"} 3"#,
            "stanch_ledger_errors_total 1",
            "stanch_ledger_up 1",
            r#"stanch_tokens{host="https://api.github.com",state="queued"} 7.0"#,
            r#"stanch_tokens{host="https://api.github.com",state="accepted"} 0.0"#,
            r#"stanch_waiting_tokens{host="https://api.github.com",kind="github-pat"} 7.0"#,
            r#"stanch_oldest_waiting_seconds{host="https://api.github.com"} 100.0"#,
            r#"stanch_quota_used{host="https://api.github.com",identity="anonymous"} 12.0"#,
            r#"stanch_quota_limit{host="https://api.github.com",identity="anonymous"} 60.0"#,
            r#"stanch_hold_until_timestamp_seconds{host="https://api.github.com",identity="anonymous"} 1795000160.0"#,
        ] {
            assert!(text.lines().any(|known| known == line), "{line}\nis not in\n{text}");
        }
        assert!(!text.contains("known"), "{text}");
        assert!(text.ends_with("# EOF\n"), "{text}");
        let without = metrics.text(None, now);
        assert!(without.contains("stanch_ledger_up 0\n") && !without.contains("stanch_tokens"), "{without}");
    }
}
