//! How many requests the API still takes, resource by resource.
//!
//! <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#checking-the-status-of-your-rate-limit>

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// What the API calls the resource that most calls count for.
const CORE: &str = "core";

/// How long it is believed that there is no limit, where an answer tells of none.
const UNLIMITED_FOR: Duration = Duration::from_hours(1);

/// The most calls that are known to count for another resource than they seem to: a server can name as many as it likes.
const MOST_LEARNT: usize = 1000;

/// The quota of one resource, as the last answers tell it.
#[derive(Debug)]
struct Quota {
    remaining: u32,
    /// `x-ratelimit-reset` as it was told: the same one is the same window.
    window: u64,
    until: Instant,
}

/// What an answer says of a quota.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told {
    pub(super) remaining: u32,
    pub(super) window: u64,
    /// How long the window is still open.
    pub(super) left: Duration,
}

/// Whether a resource takes one more request now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Room {
    Free,
    /// Some are under way, and none must be sent until they are answered.
    AfterAnswer,
    /// None until then.
    At(Instant),
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Quotas {
    known: HashMap<String, Quota>,
    under_way: HashMap<String, u32>,
    learnt: HashMap<String, String>,
}

impl Quotas {
    /// The resource that a call counts for, as far as is known.
    pub(super) fn resource_of(&self, path: &str) -> String {
        if let Some(learnt) = self.learnt.get(&family(path)) {
            return learnt.clone();
        }
        seeming(path).to_owned()
    }

    /// Whether one more may be sent. While nothing is known of a resource, one request goes alone and brings the answer.
    pub(super) fn room(&self, resource: &str, now: Instant) -> Room {
        let under_way = self.under_way.get(resource).copied().unwrap_or_default();
        match self.known.get(resource).filter(|quota| now < quota.until) {
            None if under_way == 0 => Room::Free,
            Some(quota) if quota.remaining > under_way => Room::Free,
            Some(quota) if under_way == 0 => Room::At(quota.until),
            _ => Room::AfterAnswer,
        }
    }

    pub(super) fn begin(&mut self, resource: &str) {
        *self.under_way.entry(resource.to_owned()).or_default() += 1;
    }

    pub(super) fn end(&mut self, resource: &str) {
        if let Some(under_way) = self.under_way.get_mut(resource) {
            *under_way = under_way.saturating_sub(1);
        }
    }

    /// Takes in which resource a call was counted for.
    pub(super) fn learn(&mut self, path: &str, resource: &str) {
        if seeming(path) != resource && self.learnt.len() < MOST_LEARNT {
            self.learnt.insert(family(path), resource.to_owned());
        }
    }

    /// Takes in what an answer says. Answers overtake one another: within a window, the lowest number is right.
    pub(super) fn told(&mut self, resource: &str, told: Told, now: Instant) {
        let until = now + told.left;
        match self.known.get_mut(resource).filter(|quota| now < quota.until) {
            Some(quota) if quota.window > told.window + 1 => {}
            Some(quota) if quota.window + 1 >= told.window => {
                quota.remaining = quota.remaining.min(told.remaining);
                quota.until = quota.until.max(until);
            }
            _ => {
                let Told { remaining, window, .. } = told;
                self.known.insert(resource.to_owned(), Quota { remaining, window, until });
            }
        }
    }

    /// None is left until then.
    pub(super) fn used_up(&mut self, resource: &str, until: Instant) {
        let window = self.known.get(resource).map_or(0, |quota| quota.window);
        self.known.insert(resource.to_owned(), Quota { remaining: 0, window, until });
    }

    /// An answer tells of no limit: a server whose limits are off.
    pub(super) fn unlimited(&mut self, resource: &str, now: Instant) {
        let is_known = self.known.get(resource).is_some_and(|quota| now < quota.until);
        if !is_known {
            let unlimited = Quota { remaining: u32::MAX, window: 0, until: now + UNLIMITED_FOR };
            self.known.insert(resource.to_owned(), unlimited);
        }
    }
}

/// <https://docs.github.com/en/rest/rate-limit/rate-limit>
fn seeming(path: &str) -> &'static str {
    let path = path.split('?').next().unwrap_or(path);
    match path {
        _ if path.starts_with("/search/code") => "code_search",
        _ if path.starts_with("/search/") => "search",
        _ if path.ends_with("/graphql") => "graphql",
        _ => CORE,
    }
}

/// A call without the names in it: `repos/logs`.
fn family(path: &str) -> String {
    let path = path.split('?').next().unwrap_or(path).trim_matches('/');
    let first = path.split('/').next().unwrap_or_default();
    let last = path.rsplit('/').next().unwrap_or_default();
    format!("{first}/{last}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(remaining: u32, window: u64) -> Told {
        Told { remaining, window, left: Duration::from_mins(10) }
    }

    #[test]
    fn one_asks_before_many_do_and_none_more_than_remain() {
        let (mut quotas, now) = (Quotas::default(), Instant::now());
        assert_eq!(quotas.room("core", now), Room::Free);
        quotas.begin("core");
        assert_eq!(quotas.room("core", now), Room::AfterAnswer);
        quotas.end("core");
        quotas.told("core", told(2, 100), now);
        for _ in 0..2 {
            assert_eq!(quotas.room("core", now), Room::Free);
            quotas.begin("core");
        }
        assert_eq!(quotas.room("core", now), Room::AfterAnswer);
        // The answer to the second request comes first.
        quotas.end("core");
        quotas.told("core", told(0, 100), now);
        quotas.end("core");
        quotas.told("core", told(1, 100), now);
        assert_eq!(quotas.room("core", now), Room::At(now + Duration::from_mins(10)));
        assert_eq!(quotas.room("search", now), Room::Free);
        assert_eq!(quotas.room("core", now + Duration::from_mins(10)), Room::Free);
        // A straggler of the window before says nothing of the new one.
        quotas.told("core", told(9, 200), now);
        quotas.told("core", told(0, 100), now);
        assert_eq!(quotas.room("core", now), Room::Free);
    }

    #[test]
    fn a_server_without_limits_has_room_for_all() {
        let (mut quotas, now) = (Quotas::default(), Instant::now());
        quotas.unlimited("core", now);
        for _ in 0..100 {
            quotas.begin("core");
        }
        assert_eq!(quotas.room("core", now), Room::Free);
        quotas.told("core", told(100, 1), now);
        assert_eq!(quotas.room("core", now), Room::AfterAnswer);
    }

    #[test]
    fn the_answer_says_which_resource_a_call_counts_for() {
        let mut quotas = Quotas::default();
        assert_eq!(quotas.resource_of("/search/code?q=x"), "code_search");
        assert_eq!(quotas.resource_of("/../graphql"), "graphql");
        assert_eq!(quotas.resource_of("/orgs/a/audit-log?x"), "core");
        quotas.learn("/orgs/a/audit-log?x", "audit_log");
        assert_eq!(quotas.resource_of("/orgs/b/audit-log"), "audit_log");
        assert_eq!(quotas.resource_of("/orgs/b/repos"), "core");
    }
}
