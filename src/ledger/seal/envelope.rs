//! The bytes of a sealed token.
//!
//! | bytes | what |
//! |---|---|
//! | 1 | the version of the format |
//! | 8 | the id of the key that it was sealed to |
//! | 32 | version 2 alone: the encapsulated key (RFC 9180, section 4.1) |
//! | 12 | a nonce |
//! | | the encrypted text |
//! | 16 | the tag (RFC 8439, section 2.8) |

use chacha20poly1305::aead::AeadInOut as _;
use chacha20poly1305::{ChaCha20Poly1305, Nonce};
use zeroize::Zeroizing;

use super::key_id::{KEY_ID_LEN, KeyId};
use crate::ledger::error::LedgerError;
use crate::token::{Fingerprint, Kind};

/// Sealed with a ledger's own key.
pub(super) const SYMMETRIC: u8 = 1;
/// Sealed to a public key.
pub(super) const PUBLIC: u8 = 2;

pub(super) const HEADER_LEN: usize = 1 + KEY_ID_LEN;
pub(super) const NONCE_LEN: usize = 12;
const TAG_LEN: usize = 16;

/// The beginning of a sealed token.
#[derive(Clone, Copy)]
pub(super) struct Header([u8; HEADER_LEN]);

impl Header {
    pub(super) fn new(version: u8, key: KeyId) -> Self {
        let mut bytes = [version; HEADER_LEN];
        bytes[1..].copy_from_slice(&key.bytes());
        Header(bytes)
    }

    /// That of a sealed token, and what follows it.
    pub(super) fn split(sealed: &[u8]) -> Option<(Self, &[u8])> {
        let (header, rest) = sealed.split_first_chunk()?;
        Some((Header(*header), rest))
    }

    pub(super) fn version(&self) -> u8 {
        self.0[0]
    }

    pub(super) fn key(&self) -> KeyId {
        let [_, id @ ..] = self.0;
        KeyId::new(id)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The key that something was sealed to; none where it is no sealed token of a version that is known here.
pub fn key_id_of(sealed: &[u8]) -> Option<KeyId> {
    let (header, _) = Header::split(sealed)?;
    matches!(header.version(), SYMMETRIC | PUBLIC).then(|| header.key())
}

/// The queue of an API base: the associated data that all its tokens share.
#[derive(Clone)]
pub(super) struct Queue(Vec<u8>);

impl Queue {
    /// The queue of an API base, in what `domain` says: a ledger, or whatever belongs to a key.
    pub(super) fn new(domain: &[u8], host: &str) -> Self {
        // The length first, so that no name can be taken for the beginning of what follows another.
        Queue([domain, &(host.len() as u64).to_be_bytes(), host.as_bytes()].concat())
    }

    /// The associated data of a token whose envelope has this beginning.
    pub(super) fn associated_data(&self, header: &Header, kind: Kind, token: &Fingerprint) -> Vec<u8> {
        [self.0.as_slice(), header.bytes(), &token.0, kind.rule_id().as_bytes()].concat()
    }
}

/// Encrypts a text, and puts `prefix` before it.
pub(super) fn encrypt(
    cipher: &ChaCha20Poly1305,
    prefix: &[&[u8]],
    text: &[u8],
    associated: &[u8],
) -> Result<Vec<u8>, LedgerError> {
    let mut nonce = [0; NONCE_LEN];
    getrandom::fill(&mut nonce).map_err(|error| LedgerError::Randomness(error.to_string()))?;
    // The text is encrypted in place, in a buffer that never grows: no copy of it is left in memory.
    let start = prefix.iter().map(|part| part.len()).sum::<usize>() + NONCE_LEN;
    let mut sealed = Vec::with_capacity(start + text.len() + TAG_LEN);
    for part in prefix {
        sealed.extend_from_slice(part);
    }
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(text);
    let body = &mut sealed[start..];
    let tag = cipher
        .encrypt_inout_detached(&Nonce::from(nonce), associated, body.into())
        .map_err(|_| LedgerError::Randomness("a token of more than 256 GiB".into()))?;
    sealed.extend_from_slice(&tag);
    Ok(sealed)
}

/// The text of a nonce, what was encrypted, and its tag; none where any of it was changed.
pub(super) fn decrypt(
    cipher: &ChaCha20Poly1305,
    body: &[u8],
    associated: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, rest) = body.split_first_chunk::<NONCE_LEN>()?;
    let (text, tag) = rest.split_last_chunk::<TAG_LEN>()?;
    let mut text = Zeroizing::new(text.to_vec());
    cipher
        .decrypt_inout_detached(&Nonce::from(*nonce), associated, text.as_mut_slice().into(), &(*tag).into())
        .ok()?;
    Some(text)
}
