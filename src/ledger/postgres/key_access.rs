//! Which keys a handle seals to and opens with: the ledger's word, what is pinned, and the private halves at hand.

use super::{PostgresLedger, keys};
use crate::ledger::Ledger as _;
use crate::ledger::error::LedgerError;
use crate::ledger::seal::{KeyRing, PublicKey};

impl PostgresLedger {
    /// The key that is sealed to now, which is the pinned one where one is pinned.
    pub(super) fn public_key(&self) -> Result<PublicKey, LedgerError> {
        let Some(key) = self.connection.read(keys::current)? else {
            return Err(LedgerError::NoPublicKey { ledger: self.description() });
        };
        if let Some(path) = &self.access.seal_to {
            let pinned = PublicKey::read(path)?;
            if pinned != key {
                return Err(self.not_pinned(&key, &pinned));
            }
        }
        Ok(key)
    }

    pub(super) fn not_pinned(&self, found: &PublicKey, pinned: &PublicKey) -> LedgerError {
        let (found, pinned) = (found.id().to_string(), pinned.id().to_string());
        LedgerError::NotPinned { ledger: self.description(), found, pinned }
    }

    /// The private keys that were named.
    pub(super) fn key_ring(&self) -> Result<KeyRing, LedgerError> {
        Ok(KeyRing::read(&self.access.key_files)?)
    }

    /// The same, with that of the key that is sealed to now among them.
    pub(super) fn current_key_ring(&self) -> Result<KeyRing, LedgerError> {
        let current = self.connection.read(keys::current)?;
        let ring = self.key_ring()?;
        match current {
            Some(key) if !ring.has(&key.id()) => {
                Err(LedgerError::NoPrivateKey { ledger: self.description(), key: key.id().to_string() })
            }
            _ => Ok(ring),
        }
    }
}
