//! What does not leave although it was queued. Those who queue are other machines, and what they say of a token may be wrong.

use crate::detect::judge_token;
use crate::finding::Confidence;
use crate::ledger::TokenRecord;
use crate::local_credentials::LocalCredentials;
use crate::revocation::State;
use crate::revoke;
use crate::suppress::Suppressions;
use crate::token::{Fingerprint, Token};

/// What a server does not send, wherever it comes from.
#[derive(Debug, Default)]
pub struct Kept {
    /// What the server's user suppresses.
    pub suppressions: Suppressions,
    /// This machine's own credentials.
    pub own: LocalCredentials,
}

/// Looks at each token of a batch.
pub(super) struct Screen<'a> {
    pub(super) kept: &'a Kept,
    /// The credential that signs the requests.
    pub(super) credential: Option<Fingerprint>,
}

impl revoke::Screen for Screen<'_> {
    fn sets_aside(&self, token: &Token, record: &TokenRecord) -> Option<(State, &'static str)> {
        let Kept { suppressions, own } = self.kept;
        let fingerprint = token.fingerprint();
        if self.credential == Some(fingerprint) || own.location_of(fingerprint).is_some() {
            return Some((State::Own, "it is a credential of this machine"));
        }
        if suppressions.names(fingerprint)
            || suppressions.user_allows(fingerprint, &record.location)
            || suppressions.user_allows_text(token)
        {
            return Some((State::Withdrawn, "it was suppressed since it was queued"));
        }
        // A rule of somebody's own has no checksum, and its tokens are never queued.
        let is_proven = judge_token(token).is_some_and(|judged| judged.confidence >= Confidence::Likely);
        (!is_proven).then_some((State::Held, "opened, it is no token: its shape or checksum does not hold"))
    }
}
