//! The waits that pace, quota, server and other processes ask for.

use std::time::Duration;

use jiff::Timestamp;

use super::patience::Deadline;
use super::{EndReason, RevokeError, Run};
use crate::ledger::WaitReason;

/// How often a waiting run asks the ledger again: another process may have learned a limit from the server meanwhile, and
/// the clock may have been set.
const RECHECK: Duration = Duration::from_secs(30);

/// For how long another process's request is nothing to tell of: most are answered by then.
const COMMON_REQUEST: Duration = Duration::from_secs(5);

/// Since when another process's request keeps a run waiting, and whether that was told.
#[derive(Debug, Default)]
pub(super) struct Blocked {
    since: Option<Timestamp>,
    told: bool,
}

impl Blocked {
    /// Whether this is the moment to tell of it.
    fn is_news(&mut self, now: Timestamp) -> bool {
        let since = *self.since.get_or_insert(now);
        let lasts = Duration::try_from(now.duration_since(since)).unwrap_or_default();
        let is_news = !self.told && lasts >= COMMON_REQUEST;
        self.told |= is_news;
        is_news
    }
}

impl Run<'_> {
    /// Waits, or returns why the run ends. The pause between two requests and another process's request are always waited
    /// for: both are over in a moment, or when that request's lease is.
    pub(super) fn wait_until(
        &mut self,
        at: Timestamp,
        why: WaitReason,
    ) -> Result<Option<EndReason>, RevokeError> {
        if matches!(why, WaitReason::Quota | WaitReason::Server) {
            // They take no slot of the quota, so there is nothing to wait for.
            let end = self.send_self_revoking(EndReason::Done)?;
            if !matches!(end, EndReason::Done | EndReason::Later(_)) {
                return Ok(Some(end));
            }
            if !self.may_wait_until(at) {
                return Ok(Some(EndReason::Later(why)));
            }
        }
        if why == WaitReason::InFlight && self.blocked.is_news(self.context.clock.now()) {
            self.context.ledger.tell(&format!(
                "another process has a request to {} under way: waiting for its answer, or until it is given up",
                self.limits.host
            ));
        }
        self.pause_until(at);
        Ok(None)
    }

    pub(super) fn may_wait_until(&self, at: Timestamp) -> bool {
        Deadline { wait: self.options.wait, start: self.start }.allows(at)
    }

    /// Waits until then, or for as long as the ledger need not be asked again.
    pub(super) fn pause_until(&self, at: Timestamp) {
        self.context.progress.next_at(Some(at));
        let length = Duration::try_from(at.duration_since(self.context.clock.now())).unwrap_or_default();
        self.sleep(length.min(RECHECK));
        self.context.progress.next_at(None);
    }

    pub(super) fn sleep(&self, length: Duration) {
        self.context.clock.sleep(length, self.context.cancel);
    }
}
