//! Tokens as lines of a request: sealed, and no more of them than an intake takes at once.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::ledger::decision::Decision;
use crate::ledger::entry::Entry;
use crate::ledger::wire::{MAX_BODY, TokenLine};

/// The most lines of one request: what an intake says of each that it refuses has to fit into its answer.
const MAX_LINES: usize = 2000;

/// Lines of one request.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Lines {
    pub(super) text: String,
    pub(super) count: u64,
}

/// A token for the queue of a host.
pub(super) fn line(host: &str, decision: &Decision, entry: &Entry) -> TokenLine {
    TokenLine {
        token: None,
        sealed: Some(STANDARD.encode(&entry.sealed)),
        sha256: Some(entry.fingerprint.hex()),
        kind: Some(entry.kind.rule_id().to_owned()),
        confidence: Some(entry.confidence.as_str().to_owned()),
        place: Some(entry.location.clone()),
        host: Some(host.to_owned()),
        by: Some(decision.by.clone()),
    }
}

/// Takes the lines of the next request; none where nothing is left.
pub(super) fn next(lines: &mut std::iter::Peekable<impl Iterator<Item = String>>) -> Option<Lines> {
    let mut taken = Lines::default();
    let fits = |taken: &Lines, line: &String| {
        taken.count == 0 || (taken.text.len() + line.len() < MAX_BODY && taken.count < MAX_LINES as u64)
    };
    while let Some(line) = lines.next_if(|line| fits(&taken, line)) {
        taken.text.push_str(&line);
        taken.text.push('\n');
        taken.count += 1;
    }
    (taken.count > 0).then_some(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_filled_and_not_overfilled() {
        let sizes = |lines: Vec<String>| {
            let (mut lines, mut sizes) = (lines.into_iter().peekable(), Vec::new());
            while let Some(taken) = next(&mut lines) {
                assert!(taken.text.len() <= MAX_BODY);
                assert_eq!(taken.text.lines().count() as u64, taken.count);
                sizes.push(taken.count);
            }
            sizes
        };
        assert_eq!(sizes(Vec::new()), Vec::<u64>::new());
        assert_eq!(sizes(vec!["x".to_owned(); MAX_LINES * 2 + 1]), [2000, 2000, 1]);
        assert_eq!(sizes(vec!["x".repeat(MAX_BODY / 2 - 1); 3]), [2, 1]);
    }
}
