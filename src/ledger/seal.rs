//! Pending tokens at rest: each is sealed with ChaCha20-Poly1305 (RFC 8439) under a key that is kept apart from the
//! ledger, so that a copy of the ledger alone reveals no token.
//!
//! # The envelope
//!
//! A sealed text begins with the version of its format, one byte, and the id of the key that it was sealed to, eight bytes.
//! What follows is the version's own; in version 1, a nonce of twelve bytes, the encrypted text, and a tag of sixteen.
//!
//! The associated data is the beginning of the envelope, and all that says where the token belongs: the ledger's random id,
//! the base of the API it is to be sent to, its kind and its fingerprint. A text that was moved to another row, another
//! queue or another ledger does not open, nor does one whose queue was given another name.
//!
//! Sealing and opening are two types, so that whoever queues tokens need not be able to read the queue. A version in which
//! sealing takes a public key (HPKE, RFC 9180) fits the same envelope: its encapsulated key stands where the nonce does.
//!
//! Nonces are random. With 96 bits, two of 2^32 tokens under one key collide with a chance below 2^-32 (the birthday
//! bound); a ledger of a billion pending tokens is beyond what 60 requests an hour can ever send.

use chacha20poly1305::aead::AeadInOut as _;
use chacha20poly1305::{ChaCha20Poly1305, Key, KeyInit as _, Nonce};
use hmac::{Hmac, Mac as _};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::error::LedgerError;
use crate::token::{Fingerprint, Kind, Token};

/// The length of the key, in bytes (RFC 8439, section 2.8).
pub(crate) const KEY_LEN: usize = 32;

/// The format that is written.
const VERSION: u8 = 1;

const KEY_ID_LEN: usize = 8;
const HEADER_LEN: usize = 1 + KEY_ID_LEN;
const NONCE_LEN: usize = 12;
const TAG_LEN: usize = 16;

/// Which of its keys something was sealed to: a hash of the key, which reveals nothing of it.
pub(crate) type KeyId = [u8; KEY_ID_LEN];

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

/// Seals tokens for one API base's queue in a ledger.
pub struct Sealer(Seal);

/// Opens the sealed tokens of one API base's queue in a ledger.
pub struct Opener(Seal);

/// A key, and where what is sealed with it belongs.
struct Seal {
    key: SealingKey,
    /// The associated data of every token of the queue: what is said of the token itself comes after it.
    queue: Vec<u8>,
}

/// Why a sealed text does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// It, its row, its queue or the key was changed.
    #[error(
        "the sealed token of sha256 {0:?} cannot be opened, it is not what was sealed for this queue; scan again to queue it \
         anew"
    )]
    Changed(Fingerprint),
    /// It was sealed with another key.
    #[error(
        "the sealed token of sha256 {0:?} cannot be opened, it was sealed with another key; scan again to queue it anew"
    )]
    OtherKey(Fingerprint),
    /// Its format is not known here.
    #[error(
        "the sealed token of sha256 {0:?} cannot be opened, its format is not known to this version; update stanch, or scan \
         again to queue it anew"
    )]
    Version(Fingerprint),
}

impl OpenError {
    /// The token.
    pub fn fingerprint(&self) -> Fingerprint {
        match self {
            OpenError::Changed(token) | OpenError::OtherKey(token) | OpenError::Version(token) => *token,
        }
    }
}

impl SealingKey {
    /// A key of these bytes.
    pub(crate) fn new(key: &[u8; KEY_LEN]) -> Self {
        let mut id = KeyId::default();
        let digest = Sha256::new_with_prefix(b"stanch ledger key id\0").chain_update(key).finalize();
        id.copy_from_slice(&digest[..KEY_ID_LEN]);
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
        Sealer(self.seal(ledger, host))
    }

    /// What opens with this key, in the queue of an API base.
    pub(crate) fn opener(&self, ledger: &LedgerId, host: &str) -> Opener {
        Opener(self.seal(ledger, host))
    }

    /// What checks the rows of a ledger.
    pub(crate) fn row_mac(&self, ledger: &LedgerId) -> RowMac {
        let derived =
            self.derive.clone().chain_update(b"stanch ledger rows\0").chain_update(ledger).finalize();
        RowMac(hmac(&derived.into_bytes().into()))
    }

    fn seal(&self, ledger: &LedgerId, host: &str) -> Seal {
        let mut queue = b"stanch sealed token\0".to_vec();
        queue.extend_from_slice(ledger);
        // The length first, so that no name can be taken for the beginning of what follows another.
        queue.extend_from_slice(&(host.len() as u64).to_be_bytes());
        queue.extend_from_slice(host.as_bytes());
        Seal { key: self.clone(), queue }
    }
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

impl Seal {
    /// The beginning of what is sealed now.
    fn header(&self) -> [u8; HEADER_LEN] {
        let mut header = [VERSION; HEADER_LEN];
        header[1..].copy_from_slice(&self.key.id);
        header
    }

    /// The associated data of a token, whose envelope has this beginning.
    fn associated_data(&self, header: &[u8; HEADER_LEN], kind: Kind, token: &Fingerprint) -> Vec<u8> {
        [self.queue.as_slice(), header, &token.0, kind.rule_id().as_bytes()].concat()
    }
}

impl Sealer {
    /// Seals a token.
    ///
    /// # Errors
    /// [`LedgerError::Randomness`] where there is no nonce.
    pub fn seal(&self, token: &Token) -> Result<Vec<u8>, LedgerError> {
        let mut nonce = [0; NONCE_LEN];
        getrandom::fill(&mut nonce).map_err(|error| LedgerError::Randomness(error.to_string()))?;
        #[expect(clippy::disallowed_methods, reason = "a token that waits is kept, sealed, until it is sent")]
        let text = token.reveal().as_bytes();
        let header = self.0.header();
        let associated = self.0.associated_data(&header, token.kind(), &token.fingerprint());
        // The text is encrypted in place, in a buffer that never grows: no copy of it is left in memory.
        let mut sealed = Vec::with_capacity(HEADER_LEN + NONCE_LEN + text.len() + TAG_LEN);
        sealed.extend_from_slice(&header);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(text);
        let (cipher, body) = (&self.0.key.cipher, &mut sealed[HEADER_LEN + NONCE_LEN..]);
        let tag = cipher
            .encrypt_inout_detached(&Nonce::from(nonce), &associated, body.into())
            .map_err(|_| LedgerError::Randomness("a token of more than 256 GiB".into()))?;
        sealed.extend_from_slice(&tag);
        Ok(sealed)
    }
}

impl Opener {
    /// Opens what [`Sealer::seal`] made, for the same queue, of the token of this kind with this fingerprint.
    pub fn open(&self, kind: Kind, fingerprint: Fingerprint, sealed: &[u8]) -> Result<Token, OpenError> {
        let changed = OpenError::Changed(fingerprint);
        let (header, rest) = sealed.split_first_chunk::<HEADER_LEN>().ok_or(changed)?;
        match header.split_first() {
            Some((&VERSION, id)) if *id == self.0.key.id => {}
            Some((&VERSION, _)) => return Err(OpenError::OtherKey(fingerprint)),
            _ => return Err(OpenError::Version(fingerprint)),
        }
        let (nonce, rest) = rest.split_first_chunk::<NONCE_LEN>().ok_or(changed)?;
        let (text, tag) = rest.split_last_chunk::<TAG_LEN>().ok_or(changed)?;
        let mut text = Zeroizing::new(text.to_vec());
        let associated = self.0.associated_data(header, kind, &fingerprint);
        (self.0.key.cipher)
            .decrypt_inout_detached(
                &Nonce::from(*nonce),
                &associated,
                text.as_mut_slice().into(),
                &(*tag).into(),
            )
            .map_err(|_| changed)?;
        let token = Token::new(kind, &text);
        // A custom rule's token that is not UTF-8 is changed by the conversion to text; it must not be sent as something
        // else.
        if token.fingerprint() == fingerprint { Ok(token) } else { Err(changed) }
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

#[cfg(test)]
mod tests;
