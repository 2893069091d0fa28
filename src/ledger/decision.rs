//! Who decided that tokens may be sent, and within which bounds.

use serde::Serialize;

use crate::finding::Confidence;

/// The decision under which tokens were queued. Each queued token carries it, and the audit trail has it whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// Who: user and machine, as `user@host`.
    pub by: String,
    /// The run that asked: a random id, the same in all its records.
    pub run: String,
    /// How the user agreed: `--yes`, an answer at the terminal, a command.
    pub consent: String,
    /// The confidence that was asked for at the least.
    pub min_confidence: Confidence,
    /// Whether this machine's own credentials were allowed.
    pub allow_own: bool,
}

/// The consent of an intake that took a token in sealed and could not open it: what it is said to be, nobody there has seen.
const UNOPENED: &str = "intake, unopened";

impl Decision {
    /// One of an intake that cannot open what it takes in.
    #[must_use]
    pub fn unopened(self) -> Self {
        Decision { consent: UNOPENED.to_owned(), ..self }
    }

    /// Whether nobody has seen what was queued under it. The text of whoever has takes the place of such a one: else a text that
    /// does not open would keep the token from being sent.
    pub(crate) fn is_unopened(&self) -> bool {
        is_unopened(&self.consent)
    }
}

/// The same of a decision's consent.
pub(crate) fn is_unopened(consent: &str) -> bool {
    consent == UNOPENED
}

#[cfg(test)]
pub(crate) mod testing {
    use super::{Confidence, Decision};

    /// Somebody's decision.
    pub(crate) fn decision() -> Decision {
        Decision {
            by: "me@here".to_owned(),
            run: "1".to_owned(),
            consent: "--yes".to_owned(),
            min_confidence: Confidence::Certain,
            allow_own: false,
        }
    }
}
