//! What opens sealed tokens.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chacha20poly1305::ChaCha20Poly1305;

use super::envelope::{self, Header, PUBLIC, Queue, SYMMETRIC};
use super::hybrid::{self, Encapsulated};
use super::key_id::KeyId;
use super::open_error::OpenError;
use crate::token::{Fingerprint, Kind, Token};

/// Opens the sealed tokens of one API base's queue in a ledger.
pub struct Opener {
    queue: Queue,
    keys: Keys,
}

enum Keys {
    /// A ledger's own.
    Symmetric(ChaCha20Poly1305, KeyId),
    /// The private ones that are at hand.
    Private(Vec<(KeyId, Arc<hybrid::Private>)>, Mutex<Secrets>),
}

/// Secrets that were found again: all that a run sealed shares one, and to find one costs a hundred times what the rest does.
type Secrets = HashMap<(KeyId, Encapsulated), ChaCha20Poly1305>;

/// The most secrets that are remembered: those of a batch in which each token is of another run.
const MAX_SECRETS: usize = 1_024;

impl Opener {
    pub(super) fn symmetric(cipher: ChaCha20Poly1305, id: KeyId, queue: Queue) -> Self {
        Opener { queue, keys: Keys::Symmetric(cipher, id) }
    }

    pub(super) fn private(keys: Vec<(KeyId, Arc<hybrid::Private>)>, queue: Queue) -> Self {
        Opener { queue, keys: Keys::Private(keys, Mutex::default()) }
    }

    /// Opens what [`Sealer::seal`](super::Sealer::seal) made, for the same queue, of the token of this kind with this
    /// fingerprint.
    pub fn open(&self, kind: Kind, fingerprint: Fingerprint, sealed: &[u8]) -> Result<Token, OpenError> {
        let changed = OpenError::Changed(fingerprint);
        let (header, body) = Header::split(sealed).ok_or(changed)?;
        let associated = self.queue.associated_data(&header, kind, &fingerprint);
        let text = match (header.version(), &self.keys) {
            (SYMMETRIC, Keys::Symmetric(cipher, id)) if *id == header.key() => {
                envelope::decrypt(cipher, body, &associated)
            }
            (PUBLIC, Keys::Private(keys, secrets)) => {
                let key = keys.iter().find(|(id, _)| *id == header.key());
                let key = key.ok_or(OpenError::OtherKey(fingerprint))?;
                let (encapsulated, body) = body.split_first_chunk().ok_or(changed)?;
                let cipher = cipher(key, encapsulated, secrets).ok_or(changed)?;
                envelope::decrypt(&cipher, body, &associated)
            }
            (SYMMETRIC | PUBLIC, _) => return Err(OpenError::OtherKey(fingerprint)),
            _ => return Err(OpenError::Version(fingerprint)),
        };
        let token = Token::new(kind, &text.ok_or(changed)?);
        // A custom rule's token that is not UTF-8 is changed by the conversion to text; it must not be sent as something
        // else.
        if token.fingerprint() == fingerprint { Ok(token) } else { Err(changed) }
    }
}

/// The cipher of what was sealed under an encapsulated key.
fn cipher(
    (id, key): &(KeyId, Arc<hybrid::Private>),
    encapsulated: &Encapsulated,
    secrets: &Mutex<Secrets>,
) -> Option<ChaCha20Poly1305> {
    // A thread that panicked left the map as it was before or after: both are right.
    let mut secrets = secrets.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = secrets.get(&(*id, *encapsulated)) {
        return Some(known.clone());
    }
    let cipher = hybrid::decapsulate(key, encapsulated)?;
    if secrets.len() >= MAX_SECRETS {
        secrets.clear();
    }
    secrets.insert((*id, *encapsulated), cipher.clone());
    Some(cipher)
}
