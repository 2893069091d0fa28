//! Who may send, and when: the limits of the API, held over all threads together.
//!
//! <https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api>

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::error::ApiError;
use super::quota::{Quotas, Room, Told};
use super::wait::{Wait, WaitReason, Watch};
use crate::github::{self, Limited};
use crate::http::Response;
use crate::meter::CancelFlag;

/// The most requests under way at once, of the hundred that GitHub allows.
const MOST_UNDER_WAY: usize = 8;

/// How soon a cancelled run is noticed.
const POLL: Duration = Duration::from_millis(50);

/// The shortest wait after a limit, whatever the server says: asking at once again is what a limit forbids.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);

/// The longest pause that is chosen here, where the server names none.
const LONGEST_PAUSE: Duration = Duration::from_mins(15);

/// The pauses between attempts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pauses {
    /// After a secondary limit that names no time; it doubles.
    pub(super) secondary: Duration,
    /// After an error of the server; it doubles.
    pub(super) trouble: Duration,
}

impl Default for Pauses {
    fn default() -> Self {
        Pauses { secondary: Duration::from_mins(1), trouble: Duration::from_secs(1) }
    }
}

/// Lets requests through, one thread at a time.
pub(super) struct Limiter {
    state: Mutex<State>,
    changed: Condvar,
    min_interval: Duration,
    cancel: CancelFlag,
    pub(super) pauses: Pauses,
    pub(super) watch: Option<Watch>,
}

#[derive(Default)]
struct State {
    quotas: Quotas,
    under_way: usize,
    /// Whether a request is under way that changes something.
    changing: bool,
    next_change: Option<Instant>,
    stop: Option<Stop>,
    /// Secondary limits since something was answered.
    strikes: u32,
    /// The end of the wait that was told last.
    told: Option<Instant>,
}

/// A pause that the server asked for.
#[derive(Clone, Copy)]
struct Stop {
    began: Instant,
    until: Instant,
}

/// Why a request does not leave now.
enum Obstacle {
    /// Others are under way.
    Turn,
    /// The interval between two changes.
    Interval(Instant),
    Told(Instant, WaitReason),
}

impl Limiter {
    pub(super) fn new(min_interval: Duration, cancel: CancelFlag) -> Limiter {
        Limiter {
            state: Mutex::default(),
            changed: Condvar::new(),
            min_interval,
            cancel,
            pauses: Pauses::default(),
            watch: None,
        }
    }

    /// Waits until a request for `path` may leave. It is under way until the permit is dropped.
    pub(super) fn admit(&self, path: &str, changes: bool) -> Result<Permit<'_>, ApiError> {
        loop {
            self.check_cancelled()?;
            let mut state = self.state();
            let (now, resource) = (Instant::now(), state.quotas.resource_of(path));
            let until = match state.obstacle(&resource, changes, now) {
                None => {
                    let was_told = state.told.take_if(|told| *told <= now).is_some();
                    state.begin(&resource, changes);
                    drop(state);
                    if was_told {
                        self.tell(&Wait::Over);
                    }
                    let path = path.to_owned();
                    return Ok(Permit { limiter: self, path, resource, changes, sent_at: Instant::now() });
                }
                Some(Obstacle::Turn) => now + POLL,
                Some(Obstacle::Interval(until)) => until,
                Some(Obstacle::Told(until, why)) => {
                    if state.told.is_none_or(|told| told < until) {
                        state.told = Some(until);
                        drop(state);
                        let end = Timestamp::now().checked_add(until - now).unwrap_or(Timestamp::MAX);
                        self.tell(&Wait::Until(end, why));
                        continue;
                    }
                    until
                }
            };
            let wait = until.saturating_duration_since(now).min(POLL);
            drop(self.changed.wait_timeout(state, wait));
        }
    }

    /// Waits, as long as the run is not cancelled.
    pub(super) fn pause(&self, length: Duration) -> Result<(), ApiError> {
        let end = Instant::now() + length;
        loop {
            self.check_cancelled()?;
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            std::thread::sleep(left.min(POLL));
        }
    }

    pub(super) fn check_cancelled(&self) -> Result<(), ApiError> {
        if self.cancel.is_cancelled() { Err(ApiError::Interrupted) } else { Ok(()) }
    }

    fn tell(&self, wait: &Wait) {
        if let Some(watch) = &self.watch {
            watch(wait);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn obstacle(&self, resource: &str, changes: bool, now: Instant) -> Option<Obstacle> {
        if let Some(stop) = self.stop.filter(|stop| now < stop.until) {
            return Some(Obstacle::Told(stop.until, WaitReason::Pause));
        }
        match self.quotas.room(resource, now) {
            Room::At(until) => {
                return Some(Obstacle::Told(until, WaitReason::Quota(resource.to_owned())));
            }
            Room::AfterAnswer => return Some(Obstacle::Turn),
            Room::Free => {}
        }
        if self.under_way >= MOST_UNDER_WAY || (changes && self.changing) {
            return Some(Obstacle::Turn);
        }
        let next_change = self.next_change.filter(|next| changes && now < *next);
        next_change.map(Obstacle::Interval)
    }

    fn begin(&mut self, resource: &str, changes: bool) {
        self.quotas.begin(resource);
        self.under_way += 1;
        self.changing |= changes;
    }

    /// Stops all threads. Requests that left before the last stop began bring the same news late.
    fn stop(&mut self, sent_at: Instant, asked: Option<Duration>, pause: Duration) {
        let now = Instant::now();
        if self.stop.is_none_or(|stop| stop.began <= sent_at) {
            self.strikes += 1;
        }
        let growing = pause.saturating_mul(1 << (self.strikes.saturating_sub(1)).min(10));
        let wait = asked.unwrap_or_else(|| growing.min(LONGEST_PAUSE));
        let asked_until = now + wait.max(SHORTEST_WAIT.min(pause));
        let until = self.stop.map_or(asked_until, |stop| stop.until.max(asked_until));
        self.stop = Some(Stop { began: now, until });
    }
}

/// That a request may leave, and is under way.
pub(super) struct Permit<'l> {
    limiter: &'l Limiter,
    path: String,
    resource: String,
    changes: bool,
    sent_at: Instant,
}

impl Permit<'_> {
    /// Takes in what an answer says of limits; which of them turned the request away, if one did.
    pub(super) fn answered(self, response: &Response) -> Option<Limited> {
        let (now, limit) = (Instant::now(), github::limit(response, Timestamp::now()));
        let message = if response.status < 400 { String::new() } else { github::message(response) };
        let limited = github::limited(response, &message);
        let mut state = self.limiter.state();
        let resource = named_resource(response).unwrap_or(&self.resource);
        state.quotas.learn(&self.path, resource);
        let left = limit.reset.map(|reset| reset.duration_since(Timestamp::now()));
        let left = left.map(|left| Duration::try_from(left).unwrap_or_default().max(SHORTEST_WAIT));
        let window = response.header("x-ratelimit-reset").and_then(|text| text.parse().ok());
        match (limit.remaining, window, left) {
            (Some(remaining), Some(window), Some(left)) => {
                state.quotas.told(resource, Told { remaining, window, left }, now);
            }
            _ if limited.is_none() && response.status < 500 => state.quotas.unlimited(resource, now),
            _ => {}
        }
        let pause = self.limiter.pauses.secondary;
        match limited {
            Some(Limited::Primary) => match limit.retry_after.or(left) {
                Some(wait) => state.quotas.used_up(resource, now + wait.max(SHORTEST_WAIT)),
                None => state.stop(self.sent_at, None, pause),
            },
            Some(Limited::Secondary) => state.stop(self.sent_at, limit.retry_after, pause),
            None if response.status < 400 => state.strikes = 0,
            None => {}
        }
        limited
    }
}

/// `x-ratelimit-resource`, where it looks like one.
fn named_resource(response: &Response) -> Option<&str> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    let name = response.header("x-ratelimit-resource")?;
    ((1..=64).contains(&name.len()) && name.bytes().all(plain)).then_some(name)
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut state = self.limiter.state();
        state.quotas.end(&self.resource);
        state.under_way = state.under_way.saturating_sub(1);
        if self.changes {
            state.changing = false;
            state.next_change = Some(Instant::now() + self.limiter.min_interval);
        }
        drop(state);
        self.limiter.changed.notify_all();
    }
}
