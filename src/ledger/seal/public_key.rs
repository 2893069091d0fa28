//! The public half of a key pair, which seals and opens nothing.

use std::fmt;
use std::path::Path;

use super::envelope::Queue;
use super::hybrid;
use super::key_file::{self, KeyFileError};
use super::key_id::KeyId;
use super::key_text::{self, Half, KeyTextError};
use super::sealer::Sealer;

/// What tokens can be sealed to by whoever may not read them. Shown as the text of its file.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    key: hybrid::Public,
    id: KeyId,
}

impl PublicKey {
    pub(super) fn new(key: hybrid::Public) -> Self {
        let id = hybrid::key_id(&key);
        PublicKey { key, id }
    }

    /// The key of a text: what is in FILE.pub.
    ///
    /// # Errors
    /// [`KeyFileError::Text`], which says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, KeyFileError> {
        Ok(Self::from_text(text)?)
    }

    /// The key in a file.
    ///
    /// # Errors
    /// A [`KeyFileError`] that says why there is none.
    pub fn read(path: &Path) -> Result<Self, KeyFileError> {
        let text = key_file::read(path)?;
        Self::from_text(&text).map_err(|problem| KeyFileError::Content { path: path.into(), problem })
    }

    fn from_text(text: &str) -> Result<Self, KeyTextError> {
        let bytes = key_text::read(Half::Public, text)?;
        hybrid::public_from(&bytes).map(Self::new).ok_or(KeyTextError::Damaged)
    }

    /// What distinguishes this key pair from another.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// What seals to this key, for the queue of an API base. The ledger is no part of it: a key pair belongs to one, and a
    /// runner that keeps tokens until it is reached knows the key alone.
    pub fn sealer(&self, host: &str) -> Sealer {
        Sealer::public(self.key.clone(), self.id, queue(host))
    }
}

/// The queue of an API base, of whatever ledger the key belongs to.
pub(super) fn queue(host: &str) -> Queue {
    Queue::new(b"stanch token sealed to a public key\0", host)
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&key_text::write(Half::Public, &hybrid::public_bytes(&self.key)))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}
