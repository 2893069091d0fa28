//! The way to an intake: one question at a time, asked again for a while where nobody answers.

use std::thread;
use std::time::{Duration, Instant};

use super::answer::{self, Away, Failure, content, is_intakes_own};
use super::error::IntakeFault;
use crate::http::{self, Body, Client, Method, Request};
use crate::ledger::address::IntakeAddress;
use crate::ledger::error::LedgerError;
use crate::ledger::wire::{IntakeKey, KEY_PATH, TOKENS_PATH, Taken, TokenState};
use crate::meter::CancelFlag;
use crate::token::{Fingerprint, Kind, Token};

/// How long one attempt may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The longest that is waited in all before an intake counts as away.
const PATIENCE: Duration = Duration::from_secs(15);

/// The pauses between attempts where the intake asked for none: long enough for one that is being restarted.
const PAUSES: [u64; 4] = [250, 500, 1000, 2000];

/// How often a question is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Attempts {
    /// Once: whoever asks can do without an answer.
    One,
    /// Again for a while, where nobody answers.
    Several,
}

/// A way to an intake.
pub(super) struct IntakeClient {
    http: Client,
    intake: String,
    /// The bearer token: the same type that keeps every other secret from being shown.
    bearer: Token,
}

impl IntakeClient {
    /// Prepares the way; sends nothing.
    pub(super) fn new(address: &IntakeAddress) -> Result<Self, LedgerError> {
        let intake = address.url.clone();
        let Some(secret) = &address.access.secret else {
            return Err(IntakeFault::NoToken { intake }.into());
        };
        if !secret.text().bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(IntakeFault::BadToken { intake }.into());
        }
        let options = http::Options {
            base_url: intake.clone(),
            ca_cert: address.access.ca_cert.clone(),
            timeout: TIMEOUT,
            cancel: CancelFlag::default(),
        };
        let http = Client::new(&options)
            .map_err(|error| IntakeFault::Setup { intake: intake.clone(), detail: error.to_string() })?;
        Ok(IntakeClient { http, intake, bearer: Token::new(Kind::OTHER, secret.text().as_bytes()) })
    }

    /// The intake's address.
    pub(super) fn intake(&self) -> &str {
        &self.intake
    }

    /// The key that tokens are sealed to; none where the intake has none.
    pub(super) fn key(&self, attempts: Attempts) -> Result<Option<IntakeKey>, Failure> {
        let response = self.ask(Method::Get, KEY_PATH, "", attempts)?;
        match response.status {
            404 if is_intakes_own(&response) => Ok(None),
            200 => content(&self.intake, &response).map(Some),
            _ => Err(self.no_intake(&response)),
        }
    }

    /// What is known of a token; none where it was never queued there.
    pub(super) fn token(&self, token: &Fingerprint) -> Result<Option<TokenState>, Failure> {
        let path = format!("{TOKENS_PATH}/{}", token.hex());
        let response = self.ask(Method::Get, &path, "", Attempts::One)?;
        match response.status {
            404 if is_intakes_own(&response) => Ok(None),
            200 => content(&self.intake, &response).map(Some),
            _ => Err(self.no_intake(&response)),
        }
    }

    /// Hands over lines. What they come to accounts for each of them, or else nobody knows whether they are queued.
    pub(super) fn post(&self, lines: &str) -> Result<Taken, Failure> {
        let response = self.ask(Method::Post, TOKENS_PATH, lines, Attempts::Several)?;
        let count = lines.lines().count() as u64;
        let taken: Option<Taken> = serde_json::from_slice(&response.body).ok();
        match taken.filter(|taken| response.status == 202 && accounts_for(taken, count)) {
            Some(taken) => Ok(taken),
            None => Err(Failure::Away(Away {
                detail: format!("{}: no answer that an intake gives", response.status),
                retry_after: None,
                briefly: false,
            })),
        }
    }

    fn no_intake(&self, response: &http::Response) -> Failure {
        let (intake, detail) = (self.intake.clone(), answer::detail(response));
        Failure::Final(IntakeFault::NoIntake { intake, detail }.into())
    }

    fn ask(
        &self,
        method: Method,
        path: &str,
        lines: &str,
        attempts: Attempts,
    ) -> Result<http::Response, Failure> {
        let start = Instant::now();
        let mut pauses = PAUSES.iter().map(|pause| jittered(Duration::from_millis(*pause)));
        loop {
            let body = if lines.is_empty() { Body::Empty } else { Body::JsonLines(lines.to_owned()) };
            let request = Request {
                method,
                path: path.to_owned(),
                headers: Vec::new(),
                bearer: Some(&self.bearer),
                body,
            };
            let away = match answer::judge(&self.intake, self.http.send(&request)) {
                Err(Failure::Away(away)) => away,
                judged => return judged,
            };
            let pause = pauses.next().filter(|_| attempts == Attempts::Several && away.briefly);
            let pause = pause.map(|pause| away.retry_after.unwrap_or(pause));
            match pause.filter(|pause| start.elapsed() + *pause <= PATIENCE) {
                Some(pause) => thread::sleep(pause),
                None => return Err(Failure::Away(away)),
            }
        }
    }
}

/// Whether each of so many lines is told of, and none else.
fn accounts_for(taken: &Taken, lines: u64) -> bool {
    let refused = taken.refused.len() as u64;
    let named = taken.refused.iter().all(|line| (1..=lines).contains(&line.line));
    named && taken.accepted.checked_add(taken.known).and_then(|sum| sum.checked_add(refused)) == Some(lines)
}

/// Between half of a pause and all of it, so that runners that failed together do not come back together.
fn jittered(pause: Duration) -> Duration {
    let random = getrandom::u32().unwrap_or(u32::MAX);
    pause.mul_f64(0.5 + 0.5 * f64::from(random) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::wire::RefusedLine;

    #[test]
    fn a_count_that_leaves_a_line_out_is_no_answer() {
        let refused = |lines: &[u64]| {
            lines.iter().map(|line| RefusedLine { line: *line, reason: String::new() }).collect::<Vec<_>>()
        };
        let taken = |accepted, known, lines: &[u64]| Taken { accepted, known, refused: refused(lines) };
        assert!(accounts_for(&taken(2, 1, &[3]), 4) && accounts_for(&taken(0, 0, &[]), 0));
        for wrong in [
            taken(2, 1, &[]),
            taken(4, 1, &[]),
            taken(3, 0, &[5]),
            taken(3, 0, &[0]),
            taken(u64::MAX, 5, &[]),
        ] {
            assert!(!accounts_for(&wrong, 4), "{wrong:?}");
        }
    }
}
