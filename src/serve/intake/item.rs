//! A token on its way into the queue.

use crate::detect::Judged;
use crate::finding::Confidence;
use crate::ledger::{Entry, LedgerError, Sealer};
use crate::revocation::State;
use crate::revoke;
use crate::text::redacted;
use crate::token::{Fingerprint, Kind, Token};

/// The longest place that the ledger keeps, in bytes.
const PLACE_MAX: usize = 1024;

/// A token for the queue of an API base.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) host: String,
    /// Who decided that it may be sent.
    pub(super) by: String,
    pub(super) confidence: Confidence,
    /// Where it was found.
    pub(super) place: String,
    pub(super) secret: Secret,
}

/// A token, as it came.
#[derive(Debug)]
pub(super) enum Secret {
    /// In the clear, or opened here.
    Plain {
        token: Token,
        /// What it was judged to be.
        judged: Judged,
    },
    /// Sealed to the key of the ledger, and not opened here.
    Sealed { kind: Kind, fingerprint: Fingerprint, bytes: Vec<u8> },
}

impl Secret {
    pub(super) fn kind(&self) -> Kind {
        match self {
            Secret::Plain { token, .. } => token.kind(),
            Secret::Sealed { kind, .. } => *kind,
        }
    }
}

impl Item {
    pub(super) fn fingerprint(&self) -> Fingerprint {
        match &self.secret {
            Secret::Plain { token, .. } => token.fingerprint(),
            Secret::Sealed { fingerprint, .. } => *fingerprint,
        }
    }

    /// Whether its text was seen here.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.secret, Secret::Plain { .. })
    }

    /// What is written into the ledger.
    pub(super) fn entry(&self, sealer: &Sealer) -> Result<Entry, LedgerError> {
        match &self.secret {
            Secret::Plain { token, .. } => {
                revoke::entry(sealer, token, self.confidence, State::Queued, &self.place)
            }
            Secret::Sealed { kind, fingerprint, bytes } => Ok(Entry {
                fingerprint: *fingerprint,
                kind: *kind,
                confidence: self.confidence,
                state: State::Queued,
                location: redacted(&self.place, PLACE_MAX),
                sealed: bytes.clone(),
            }),
        }
    }
}
