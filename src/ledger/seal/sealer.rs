//! What seals tokens.

use std::sync::OnceLock;

use chacha20poly1305::ChaCha20Poly1305;

use super::envelope::{self, Header, PUBLIC, Queue, SYMMETRIC};
use super::hybrid::{self, Encapsulated};
use super::key_id::KeyId;
use crate::ledger::error::LedgerError;
use crate::token::Token;

/// Seals tokens for one API base's queue in a ledger.
pub struct Sealer {
    header: Header,
    queue: Queue,
    key: Key,
}

enum Key {
    /// A ledger's own.
    Symmetric(ChaCha20Poly1305),
    /// A public one, and the secret for its owner, which is made once there is something to seal.
    Public(hybrid::Public, OnceLock<(Encapsulated, ChaCha20Poly1305)>),
}

impl Sealer {
    pub(super) fn symmetric(cipher: ChaCha20Poly1305, id: KeyId, queue: Queue) -> Self {
        Sealer { header: Header::new(SYMMETRIC, id), queue, key: Key::Symmetric(cipher) }
    }

    pub(super) fn public(key: hybrid::Public, id: KeyId, queue: Queue) -> Self {
        Sealer { header: Header::new(PUBLIC, id), queue, key: Key::Public(key, OnceLock::new()) }
    }

    /// The key that it seals to.
    pub fn key_id(&self) -> KeyId {
        self.header.key()
    }

    /// Seals a token.
    ///
    /// # Errors
    /// [`LedgerError::Randomness`] where there are no random numbers.
    pub fn seal(&self, token: &Token) -> Result<Vec<u8>, LedgerError> {
        #[expect(clippy::disallowed_methods, reason = "a token that waits is kept, sealed, until it is sent")]
        let text = token.reveal().as_bytes();
        let header = self.header.bytes();
        let associated = self.queue.associated_data(&self.header, token.kind(), &token.fingerprint());
        match &self.key {
            Key::Symmetric(cipher) => envelope::encrypt(cipher, &[header], text, &associated),
            Key::Public(key, secret) => {
                let (encapsulated, cipher) = if let Some(secret) = secret.get() {
                    secret
                } else {
                    let fresh = hybrid::encapsulate(key).map_err(|error| LedgerError::Randomness(error.0))?;
                    secret.get_or_init(|| fresh)
                };
                envelope::encrypt(cipher, &[header, encapsulated], text, &associated)
            }
        }
    }
}
