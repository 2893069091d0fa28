//! The private keys that are at hand.

use std::path::PathBuf;

use super::key_file::KeyFileError;
use super::key_id::KeyId;
use super::opener::Opener;
use super::private_key::PrivateKey;
use super::public_key;

/// One private key or more: while a ledger is sealed anew, the old one and the new one are both in use.
#[derive(Debug, Default)]
pub struct KeyRing(Vec<PrivateKey>);

impl KeyRing {
    /// The keys in these files.
    ///
    /// # Errors
    /// A [`KeyFileError`] about the first that cannot be used.
    pub fn read(paths: &[PathBuf]) -> Result<Self, KeyFileError> {
        paths.iter().map(|path| PrivateKey::read(path)).collect()
    }

    /// What opens with these keys, in the queue of an API base.
    pub fn opener(&self, host: &str) -> Opener {
        Opener::private(self.0.iter().map(PrivateKey::share).collect(), public_key::queue(host))
    }

    /// Whether what is sealed to a key can be opened.
    pub fn has(&self, id: &KeyId) -> bool {
        self.0.iter().any(|key| key.id() == *id)
    }

    /// Whether there is no key at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<PrivateKey> for KeyRing {
    fn from_iter<I: IntoIterator<Item = PrivateKey>>(keys: I) -> Self {
        KeyRing(keys.into_iter().collect())
    }
}
