//! Many fingerprints in one record: their digest, and a list while they are few.

use sha2::{Digest as _, Sha256};

use crate::token::Fingerprint;

/// How many fingerprints a record lists; of more it holds the digest only.
const MAX_LISTED: usize = crate::revocation::MAX_BATCH;

/// Collects fingerprints for a record: their digest, and a list while they are few.
#[derive(Clone, Default)]
pub struct Digest {
    hash: Sha256,
    count: u64,
    tokens: Vec<String>,
}

impl Digest {
    /// Adds one.
    pub fn add(&mut self, fingerprint: &Fingerprint) {
        self.hash.update(fingerprint.0);
        self.count += 1;
        if self.tokens.len() <= MAX_LISTED {
            self.tokens.push(fingerprint.hex());
        }
    }

    /// How many were added.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The digest in hex, and the fingerprints if they are few enough.
    pub fn finish(self) -> (String, Vec<String>) {
        let digest = Fingerprint(self.hash.finalize().into()).hex();
        let tokens = if self.tokens.len() <= MAX_LISTED { self.tokens } else { Vec::new() };
        (digest, tokens)
    }
}
