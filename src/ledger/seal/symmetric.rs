//! The key of a ledger that is used where it is kept: what seals also opens.

use chacha20poly1305::{ChaCha20Poly1305, Key, KeyInit as _};
use hmac::{Hmac, Mac as _};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::envelope::Queue;
use super::key_id::KeyId;
use super::opener::Opener;
use super::sealer::Sealer;
use crate::ledger::error::LedgerError;

/// The length of the key, in bytes (RFC 8439, section 2.8).
pub(crate) const KEY_LEN: usize = 32;

/// The random number that a ledger is given when it is made, and keeps when it is copied.
pub(crate) type LedgerId = [u8; 16];

/// A ledger's key: what its [`Sealer`] and its [`Opener`] are made from.
#[derive(Clone)]
pub(crate) struct SealingKey {
    cipher: ChaCha20Poly1305,
    id: KeyId,
    /// From which other keys are derived.
    derive: Hmac<Sha256>,
}

/// A keyed check over the rows of one ledger, with a key derived from the ledger's: HMAC-SHA256 (RFC 2104), cut to the half
/// of it that section 5 allows.
pub(crate) struct RowMac(Hmac<Sha256>);

/// The length of a row's check, in bytes.
pub(crate) const ROW_MAC_LEN: usize = 16;

impl SealingKey {
    /// A key of these bytes.
    pub(crate) fn new(key: &[u8; KEY_LEN]) -> Self {
        let digest = Sha256::new_with_prefix(b"stanch ledger key id\0").chain_update(key).finalize();
        let id = KeyId::of_digest(&digest.into());
        SealingKey { cipher: ChaCha20Poly1305::new(&Key::from(*key)), id, derive: hmac(key) }
    }

    /// A fresh key that is kept nowhere.
    #[cfg(test)]
    pub(crate) fn ephemeral() -> Result<Self, LedgerError> {
        Ok(SealingKey::new(&*new_key()?))
    }

    /// What distinguishes this key from another.
    pub(crate) fn id(&self) -> KeyId {
        self.id
    }

    /// What seals with this key, for the queue of an API base.
    pub(crate) fn sealer(&self, ledger: &LedgerId, host: &str) -> Sealer {
        Sealer::symmetric(self.cipher.clone(), self.id, queue(ledger, host))
    }

    /// What opens with this key, in the queue of an API base.
    pub(crate) fn opener(&self, ledger: &LedgerId, host: &str) -> Opener {
        Opener::symmetric(self.cipher.clone(), self.id, queue(ledger, host))
    }

    /// What checks the rows of a ledger.
    pub(crate) fn row_mac(&self, ledger: &LedgerId) -> RowMac {
        let derived =
            self.derive.clone().chain_update(b"stanch ledger rows\0").chain_update(ledger).finalize();
        RowMac(hmac(&derived.into_bytes().into()))
    }
}

/// The queue of an API base in a ledger, and in no other.
fn queue(ledger: &LedgerId, host: &str) -> Queue {
    Queue::new(&[b"stanch sealed token\0".as_slice(), ledger].concat(), host)
}

/// HMAC under a key that is shorter than a block, which is then filled with zeros (RFC 2104, section 2).
fn hmac(key: &[u8; KEY_LEN]) -> Hmac<Sha256> {
    let mut block = Zeroizing::new([0; 64]);
    block[..KEY_LEN].copy_from_slice(key);
    <Hmac<Sha256> as hmac::KeyInit>::new(&(*block).into())
}

impl RowMac {
    /// The check of a row.
    pub(crate) fn tag(&self, row: &[u8]) -> [u8; ROW_MAC_LEN] {
        let mut tag = [0; ROW_MAC_LEN];
        let whole = self.0.clone().chain_update(row).finalize().into_bytes();
        tag.copy_from_slice(&whole[..ROW_MAC_LEN]);
        tag
    }
}

/// A fresh key.
pub(crate) fn new_key() -> Result<Zeroizing<[u8; KEY_LEN]>, LedgerError> {
    let mut key = Zeroizing::new([0; KEY_LEN]);
    getrandom::fill(key.as_mut_slice()).map_err(|error| LedgerError::Randomness(error.to_string()))?;
    Ok(key)
}

/// A fresh id for a ledger.
pub(crate) fn new_ledger_id() -> Result<LedgerId, LedgerError> {
    let mut id = LedgerId::default();
    getrandom::fill(&mut id).map_err(|error| LedgerError::Randomness(error.to_string()))?;
    Ok(id)
}
