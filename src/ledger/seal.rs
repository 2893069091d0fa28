//! Pending tokens at rest: each is sealed with ChaCha20-Poly1305 under a key that lives in a file of its own,
//! so that a copy of the ledger alone gives nothing away. The fingerprint is sealed in as associated data:
//! a sealed text that was moved to another row does not open.
//!
//! Nonces are drawn at random. With 96 bits, two of 2^32 tokens under one key collide with a chance below 2^-32;
//! a ledger of a billion pending tokens is beyond what 60 requests an hour can ever send.

use chacha20poly1305::aead::AeadInOut as _;
use chacha20poly1305::{ChaCha20Poly1305, Key, KeyInit as _, Nonce};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::error::LedgerError;
use crate::token::{Fingerprint, Kind, Token};

/// The length of the key, in bytes.
pub const KEY_LEN: usize = 32;

const NONCE_LEN: usize = 12;
const TAG_LEN: usize = 16;

/// Seals tokens and opens them again.
pub struct Seal {
    cipher: ChaCha20Poly1305,
    check: [u8; 16],
}

/// A sealed text does not open: it, its row or the key was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the sealed token of sha256 {0:?} cannot be opened; scan again to queue it anew")]
pub struct Broken(pub Fingerprint);

impl Seal {
    /// A seal with this key.
    pub fn new(key: &[u8; KEY_LEN]) -> Self {
        // A hash of the key tells two keys apart without telling anything of either.
        let mut check = [0; 16];
        let digest = Sha256::new_with_prefix(b"stanch ledger key check\0").chain_update(key).finalize();
        check.copy_from_slice(&digest[..16]);
        Seal { cipher: ChaCha20Poly1305::new(&Key::from(*key)), check }
    }

    /// A seal with a fresh key that nobody keeps.
    pub fn ephemeral() -> Result<Self, LedgerError> {
        Ok(Seal::new(&*new_key()?))
    }

    /// What tells this key from another, and may be known.
    pub fn check(&self) -> [u8; 16] {
        self.check
    }

    /// Seals a token: nonce, text, tag.
    pub fn seal(&self, token: &Token) -> Result<Vec<u8>, LedgerError> {
        let mut nonce = [0; NONCE_LEN];
        getrandom::fill(&mut nonce).map_err(|error| LedgerError::Randomness(error.to_string()))?;
        #[expect(clippy::disallowed_methods, reason = "a token that waits is kept, sealed, until it is sent")]
        let text = token.reveal().as_bytes();
        // The text is encrypted where it lies, in a buffer that never grows: no copy of it stays behind.
        let mut sealed = Vec::with_capacity(NONCE_LEN + text.len() + TAG_LEN);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(text);
        let tag = self
            .cipher
            .encrypt_inout_detached(
                &Nonce::from(nonce),
                &token.fingerprint().0,
                (&mut sealed[NONCE_LEN..]).into(),
            )
            .map_err(|_| LedgerError::Randomness("a token of more than 256 GiB".into()))?;
        sealed.extend_from_slice(&tag);
        Ok(sealed)
    }

    /// Opens what [`Seal::seal`] made of the token with this fingerprint.
    pub fn open(&self, kind: Kind, fingerprint: Fingerprint, sealed: &[u8]) -> Result<Token, Broken> {
        let broken = Broken(fingerprint);
        let (nonce, rest) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(broken)?;
        let (text, tag) = rest.split_last_chunk::<TAG_LEN>().ok_or(broken)?;
        let mut text = Zeroizing::new(text.to_vec());
        self.cipher
            .decrypt_inout_detached(
                &Nonce::from(*nonce),
                &fingerprint.0,
                text.as_mut_slice().into(),
                &(*tag).into(),
            )
            .map_err(|_| broken)?;
        let token = Token::new(kind, &text);
        // A custom rule's token that is not UTF-8 does not survive being a text; it must not be sent as something else.
        if token.fingerprint() == fingerprint { Ok(token) } else { Err(broken) }
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
        let seal = Seal::ephemeral()?;
        let (one, two) = (token("a secret of some length"), token("another secret of it"));
        let sealed = seal.seal(&one)?;
        assert!(!sealed.windows(6).any(|window| window == b"secret"));
        assert_ne!(sealed, seal.seal(&one)?, "a nonce was used twice");
        let opened = seal.open(Kind::pat(), one.fingerprint(), &sealed).map(|token| token.fingerprint());
        assert_eq!(opened, Ok(one.fingerprint()));
        assert!(seal.open(Kind::pat(), two.fingerprint(), &sealed).is_err(), "opened in another's row");
        Ok(())
    }

    #[test]
    fn every_changed_byte_is_noticed() -> Result<(), LedgerError> {
        let seal = Seal::ephemeral()?;
        let token = token("a secret of some length");
        let sealed = seal.seal(&token)?;
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(seal.open(Kind::pat(), token.fingerprint(), &changed).is_err(), "byte {at}");
        }
        assert!(seal.open(Kind::pat(), token.fingerprint(), &sealed[..10]).is_err());
        assert!(Seal::ephemeral()?.open(Kind::pat(), token.fingerprint(), &sealed).is_err(), "another key");
        Ok(())
    }

    #[test]
    fn the_check_tells_keys_apart() {
        assert_eq!(Seal::new(&[1; 32]).check(), Seal::new(&[1; 32]).check());
        assert_ne!(Seal::new(&[1; 32]).check(), Seal::new(&[2; 32]).check());
    }
}
