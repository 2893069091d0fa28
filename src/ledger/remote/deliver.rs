//! Handing over to an intake what an earlier run kept on this machine for it.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::answer::Failure;
use super::client::IntakeClient;
use super::spool::{Spool, read_line};
use crate::ledger::error::LedgerError;
use crate::ledger::wire::RefusedLine;
use crate::revocation::State;
use crate::text::{MESSAGE_LIMIT, one_line};
use crate::token::Fingerprint;

/// How many reasons for refused lines are told: mostly they are all the same.
const MOST_REASONS: usize = 3;

/// How many tokens the intake is asked about, each in a request of its own.
const MOST_QUESTIONS: usize = 300;

/// What became of what waited on this machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delivery {
    /// How many tokens the intake has now.
    pub delivered: u64,
    /// How many it did not take, and will not.
    pub refused: u64,
    /// Why it did not take those.
    pub reasons: String,
    /// How many still wait on this machine.
    pub left: u64,
    /// Why those still wait.
    pub why: Option<String>,
    /// How many were taken out, because they are to be kept back.
    pub kept_back: u64,
    /// Whether any of the delivered ones is not known to be accepted.
    pub unsettled: bool,
}

/// Hands over all of it, file by file, oldest first, but for what is to be kept back, which is taken out; what the intake is
/// away for stays.
pub(super) fn deliver(
    client: &IntakeClient,
    spool: &Spool,
    kept_back: &BTreeSet<Fingerprint>,
    now: Timestamp,
) -> Result<Delivery, LedgerError> {
    let mut delivery = Delivery::default();
    if spool.files()?.is_empty() {
        return Ok(delivery);
    }
    let Some(lock) = spool.lock()? else {
        delivery.left = spool.status()?.tokens;
        delivery.why = Some("another process hands them over now".to_owned());
        return Ok(delivery);
    };
    // Whatever becomes of the others: nothing of it is to be there for whoever delivers next.
    for file in spool.files()? {
        delivery.kept_back += spool.take_out(&file, kept_back)?;
    }
    let mut settled = Settled { client, left: MOST_QUESTIONS };
    for file in spool.files()? {
        let Some(lines) = Spool::read(&file)? else { continue };
        let count = lines.lines().count() as u64;
        match client.post(&lines) {
            Ok(taken) => {
                delivery.delivered += taken.accepted + taken.known;
                delivery.refuse(&taken.refused);
                let is_new = taken.accepted > 0;
                delivery.unsettled = delivery.unsettled || is_new || !settled.all(&lines);
                spool.settle(&file, &refused_lines(&lines, &taken.refused), now)?;
            }
            // Not a line of it is what an intake takes: the files behind it are no worse for that.
            Err(Failure::Final(LedgerError::Backend { detail, .. })) => {
                delivery.refused += count;
                delivery.reasons = detail;
                spool.settle(&file, &lines, now)?;
            }
            Err(Failure::Final(error)) => return Err(error),
            Err(Failure::Away(away)) => {
                delivery.why = Some(away.detail);
                break;
            }
        }
    }
    drop(lock);
    delivery.left = spool.status()?.tokens;
    Ok(delivery)
}

/// Asks what became of tokens, until it is tired of it.
struct Settled<'a> {
    client: &'a IntakeClient,
    left: usize,
}

impl Settled<'_> {
    /// Whether all tokens of these lines are known to be accepted.
    fn all(&mut self, lines: &str) -> bool {
        let mut tokens = lines.lines().map(|line| read_line(line).sha256);
        tokens.all(|token| {
            token.as_deref().and_then(Fingerprint::from_hex).is_some_and(|token| self.is(&token))
        })
    }

    /// A bearer that may not ask, or an intake that is away again, leaves it open.
    fn is(&mut self, token: &Fingerprint) -> bool {
        self.left = self.left.saturating_sub(1);
        let known = if self.left == 0 { None } else { self.client.token(token).ok().flatten() };
        known.and_then(|known| State::from_word(&known.state)).is_some_and(State::is_final)
    }
}

impl Delivery {
    fn refuse(&mut self, refused: &[RefusedLine]) {
        self.refused += refused.len() as u64;
        if !refused.is_empty() {
            self.reasons = reasons(refused);
        }
    }
}

/// Why lines were refused, as the intake has it.
pub(super) fn reasons(refused: &[RefusedLine]) -> String {
    let mut reasons: Vec<String> = Vec::new();
    for line in refused {
        let reason = one_line(&line.reason, MESSAGE_LIMIT);
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
    let more = reasons.len() > MOST_REASONS;
    reasons.truncate(MOST_REASONS);
    if more {
        reasons.push("…".to_owned());
    }
    reasons.join("; ")
}

fn refused_lines(lines: &str, refused: &[RefusedLine]) -> String {
    let lines: Vec<&str> = lines.lines().collect();
    let number = |line: &RefusedLine| usize::try_from(line.line).ok()?.checked_sub(1);
    let texts = refused.iter().filter_map(number).filter_map(|number| lines.get(number));
    texts.flat_map(|text| [text, "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(line: u64, reason: &str) -> RefusedLine {
        RefusedLine { line, reason: reason.to_owned() }
    }

    #[test]
    fn each_reason_is_told_once_and_the_lines_are_kept() {
        let all: Vec<RefusedLine> =
            (1..).zip(["b\nc", "d", "e", "a", "b c"]).map(|(line, reason)| refused(line, reason)).collect();
        assert_eq!(reasons(&all), "b c; d; e; …");
        assert_eq!(reasons(&all[..1]), "b c");
        assert_eq!(refused_lines("one\ntwo\nthree\n", &[refused(3, ""), refused(1, "")]), "three\none\n");
        assert_eq!(refused_lines("one\n", &[refused(0, ""), refused(7, "")]), "");
    }
}
