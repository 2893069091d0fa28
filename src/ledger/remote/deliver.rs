//! Handing over to an intake what an earlier run kept on this machine for it.

use jiff::Timestamp;

use super::answer::Failure;
use super::client::IntakeClient;
use super::spool::Spool;
use crate::ledger::error::LedgerError;
use crate::ledger::wire::RefusedLine;
use crate::text::{MESSAGE_LIMIT, one_line};

/// How many reasons for refused lines are told: mostly they are all the same.
const MOST_REASONS: usize = 3;

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
}

/// Hands over all of it, file by file, oldest first; what the intake is away for stays.
pub(super) fn deliver(client: &IntakeClient, spool: &Spool, now: Timestamp) -> Result<Delivery, LedgerError> {
    let mut delivery = Delivery::default();
    if spool.files()?.is_empty() {
        return Ok(delivery);
    }
    let Some(lock) = spool.lock()? else {
        delivery.left = spool.status()?.tokens;
        delivery.why = Some("another process hands them over now".to_owned());
        return Ok(delivery);
    };
    for file in spool.files()? {
        let Some(lines) = Spool::read(&file)? else { continue };
        let count = lines.lines().count() as u64;
        match client.post(&lines) {
            Ok(taken) => {
                delivery.delivered += taken.accepted + taken.known;
                delivery.refuse(&taken.refused);
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
