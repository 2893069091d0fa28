//! The private half of a key pair, which opens what is sealed to the public one.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::hybrid::{self, Private};
use super::key_file::{self, KeyFileError};
use super::key_id::KeyId;
use super::key_text::{self, Half, KeyTextError};
use super::public_key::PublicKey;
use crate::ledger::error::LedgerError;

/// Opens what is sealed to its public half. Wiped; shown by its id alone.
pub struct PrivateKey {
    key: Arc<Private>,
    id: KeyId,
}

impl PrivateKey {
    fn new(key: Private) -> Self {
        let id = hybrid::key_id(&hybrid::public_half(&key));
        PrivateKey { key: Arc::new(key), id }
    }

    /// A fresh one, kept nowhere yet.
    ///
    /// # Errors
    /// [`LedgerError::Randomness`] where there are no random numbers.
    pub fn generate() -> Result<Self, LedgerError> {
        hybrid::generate().map(Self::new).map_err(|error| LedgerError::Randomness(error.0))
    }

    /// The key in a file that nobody else can read.
    ///
    /// # Errors
    /// A [`KeyFileError`] that says why there is none.
    pub fn read(path: &Path) -> Result<Self, KeyFileError> {
        let wrong = |problem| KeyFileError::Content { path: path.into(), problem };
        let text = key_file::read_private(path).map_err(|error| match error {
            // Anybody may read the public half: what is wrong is that it was named.
            KeyFileError::Exposed { .. } | KeyFileError::OthersFile { .. } if is_public(path) => {
                wrong(KeyTextError::IsPublic)
            }
            error => error,
        })?;
        let bytes = key_text::read(Half::Private, &text).map_err(wrong)?;
        hybrid::private_from(&bytes).map(Self::new).ok_or(wrong(KeyTextError::Damaged))
    }

    /// Writes it to a file that nobody else can read, and its public half to one beside it, with `.pub` at the end of its
    /// name. Both are durable when this returns.
    ///
    /// # Errors
    /// [`KeyFileError::Exists`] where something is at either path already, which is left as it is.
    pub fn write_new(&self, path: &Path) -> Result<(), KeyFileError> {
        let public = self.public();
        let line = key_text::write(Half::Private, &hybrid::private_bytes(&self.key));
        let private = Zeroizing::new(
            [
                "# The private half of a stanch key: it opens the tokens that wait. Who drains the ledger has it, and no runner.\n# ",
                public.to_string().as_str(),
                "\n",
                line.as_str(),
                "\n",
            ]
            .concat(),
        );
        key_file::write_new(path, &private, &format!("{public}\n"))
    }

    /// Its public half.
    pub fn public(&self) -> PublicKey {
        PublicKey::new(hybrid::public_half(&self.key))
    }

    pub(super) fn id(&self) -> KeyId {
        self.id
    }

    /// The key, for what opens with it.
    pub(super) fn share(&self) -> (KeyId, Arc<Private>) {
        (self.id, Arc::clone(&self.key))
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({})", self.id)
    }
}

/// Whether a file holds the public half of a key.
fn is_public(path: &Path) -> bool {
    key_file::read(path)
        .is_ok_and(|text| key_text::read(Half::Private, &text).is_err_and(|e| e == KeyTextError::IsPublic))
}
