//! Pending tokens at rest: each is sealed with ChaCha20-Poly1305 (RFC 8439) under a key that is kept apart from the
//! ledger, so that a copy of the ledger alone reveals no token. The fingerprint is the associated data: a sealed text
//! that was moved to another row does not open.
//!
//! Sealing and opening are two types, so that whoever queues tokens need not be able to read the queue.
//!
//! Nonces are random. With 96 bits, two of 2^32 tokens under one key collide with a chance below 2^-32 (the birthday
//! bound); a ledger of a billion pending tokens is beyond what 60 requests an hour can ever send.

use chacha20poly1305::aead::AeadInOut as _;
use chacha20poly1305::{ChaCha20Poly1305, Key, KeyInit as _, Nonce};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::error::LedgerError;
use crate::token::{Fingerprint, Kind, Token};

/// The length of the key, in bytes (RFC 8439, section 2.8).
pub(crate) const KEY_LEN: usize = 32;

const NONCE_LEN: usize = 12;
const TAG_LEN: usize = 16;

/// A ledger's key: what its [`Sealer`] and its [`Opener`] are made from.
pub(crate) struct SealingKey {
    cipher: ChaCha20Poly1305,
    check: [u8; 16],
}

/// Seals tokens for the queue.
pub struct Sealer(ChaCha20Poly1305);

/// Opens sealed tokens.
pub struct Opener(ChaCha20Poly1305);

/// A sealed text does not open: it, its row or the key was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the sealed token of sha256 {0:?} cannot be opened; scan again to queue it anew")]
pub struct OpenError(pub Fingerprint);

impl SealingKey {
    /// A key of these bytes.
    pub(crate) fn new(key: &[u8; KEY_LEN]) -> Self {
        // A hash of the key distinguishes two keys without revealing either.
        let mut check = [0; 16];
        let digest = Sha256::new_with_prefix(b"stanch ledger key check\0").chain_update(key).finalize();
        check.copy_from_slice(&digest[..16]);
        SealingKey { cipher: ChaCha20Poly1305::new(&Key::from(*key)), check }
    }

    /// A fresh key that is kept nowhere.
    #[cfg(test)]
    pub(crate) fn ephemeral() -> Result<Self, LedgerError> {
        Ok(SealingKey::new(&*new_key()?))
    }

    /// A public value that distinguishes this key from another.
    pub(crate) fn check(&self) -> [u8; 16] {
        self.check
    }

    /// What seals with this key.
    pub(crate) fn sealer(&self) -> Sealer {
        Sealer(self.cipher.clone())
    }

    /// What opens with this key.
    pub(crate) fn opener(&self) -> Opener {
        Opener(self.cipher.clone())
    }
}

impl Sealer {
    /// Seals a token: nonce, encrypted text, tag.
    ///
    /// # Errors
    /// [`LedgerError::Randomness`] where there is no nonce.
    pub fn seal(&self, token: &Token) -> Result<Vec<u8>, LedgerError> {
        let mut nonce = [0; NONCE_LEN];
        getrandom::fill(&mut nonce).map_err(|error| LedgerError::Randomness(error.to_string()))?;
        #[expect(clippy::disallowed_methods, reason = "a token that waits is kept, sealed, until it is sent")]
        let text = token.reveal().as_bytes();
        // The text is encrypted in place, in a buffer that never grows: no copy of it is left in memory.
        let mut sealed = Vec::with_capacity(NONCE_LEN + text.len() + TAG_LEN);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(text);
        let tag = self
            .0
            .encrypt_inout_detached(
                &Nonce::from(nonce),
                &token.fingerprint().0,
                (&mut sealed[NONCE_LEN..]).into(),
            )
            .map_err(|_| LedgerError::Randomness("a token of more than 256 GiB".into()))?;
        sealed.extend_from_slice(&tag);
        Ok(sealed)
    }
}

impl Opener {
    /// Opens what [`Sealer::seal`] made of the token with this fingerprint.
    pub fn open(&self, kind: Kind, fingerprint: Fingerprint, sealed: &[u8]) -> Result<Token, OpenError> {
        let error = OpenError(fingerprint);
        let (nonce, rest) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(error)?;
        let (text, tag) = rest.split_last_chunk::<TAG_LEN>().ok_or(error)?;
        let mut text = Zeroizing::new(text.to_vec());
        self.0
            .decrypt_inout_detached(
                &Nonce::from(*nonce),
                &fingerprint.0,
                text.as_mut_slice().into(),
                &(*tag).into(),
            )
            .map_err(|_| error)?;
        let token = Token::new(kind, &text);
        // A custom rule's token that is not UTF-8 is changed by the conversion to text; it must not be sent as something
        // else.
        if token.fingerprint() == fingerprint { Ok(token) } else { Err(error) }
    }
}

/// A fresh key.
pub(crate) fn new_key() -> Result<Zeroizing<[u8; KEY_LEN]>, LedgerError> {
    let mut key = Zeroizing::new([0; KEY_LEN]);
    getrandom::fill(key.as_mut_slice()).map_err(|error| LedgerError::Randomness(error.to_string()))?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(text: &str) -> Token {
        Token::new(Kind::pat(), text.as_bytes())
    }

    #[test]
    fn what_is_sealed_opens_and_shows_nothing() -> Result<(), LedgerError> {
        let key = SealingKey::ephemeral()?;
        let seal = |token: &Token| key.sealer().seal(token);
        let open = |token: &Token, sealed: &[u8]| key.opener().open(Kind::pat(), token.fingerprint(), sealed);
        let (one, two) = (token("a secret of some length"), token("another secret of it"));
        let sealed = seal(&one)?;
        assert!(!sealed.windows(6).any(|window| window == b"secret"));
        assert_ne!(sealed, seal(&one)?, "a nonce was used twice");
        let fingerprint = open(&one, &sealed).map(|token| token.fingerprint());
        assert_eq!(fingerprint, Ok(one.fingerprint()));
        assert!(open(&two, &sealed).is_err(), "opened in another's row");
        Ok(())
    }

    #[test]
    fn every_changed_byte_is_noticed() -> Result<(), LedgerError> {
        let key = SealingKey::ephemeral()?;
        let token = token("a secret of some length");
        let sealed = key.sealer().seal(&token)?;
        for index in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[index] ^= 1;
            let opened = key.opener().open(Kind::pat(), token.fingerprint(), &changed);
            assert!(opened.is_err(), "byte {index}");
        }
        assert!(key.opener().open(Kind::pat(), token.fingerprint(), &sealed[..10]).is_err());
        let other = SealingKey::ephemeral()?.opener();
        assert!(other.open(Kind::pat(), token.fingerprint(), &sealed).is_err(), "another key");
        Ok(())
    }

    #[test]
    fn the_check_distinguishes_keys() {
        assert_eq!(SealingKey::new(&[1; 32]).check(), SealingKey::new(&[1; 32]).check());
        assert_ne!(SealingKey::new(&[1; 32]).check(), SealingKey::new(&[2; 32]).check());
    }
}
