//! How the halves of a key pair are written: one line, so that either can be handed on by any means.
//!
//! `stanch-key-v1 x25519 BASE64` is the public half, `stanch-private-key-v1 x25519 BASE64` the private one. The base64 holds
//! the key and the beginning of a hash of it: whoever seals to a mistyped key seals to nobody, and would never learn of it.
//! Lines that begin with `#`, and empty ones, may stand around it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::hybrid::LEN;

const PUBLIC: &str = "stanch-key-v1";
const PRIVATE: &str = "stanch-private-key-v1";
const ALGORITHM: &str = "x25519";
const CHECK_LEN: usize = 4;

/// Which half of a key pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Half {
    Public,
    Private,
}

/// Why a text is not the half of a key pair that is asked for. Quotes nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyTextError {
    /// There is nothing, or nothing but comments.
    #[error("there is nothing in it")]
    Empty,
    /// Neither half of a key pair.
    #[error(
        "it is no key of `stanch ledger keygen`: that is one line, which begins with {PUBLIC} or {PRIVATE}"
    )]
    NoKey,
    /// More than one line.
    #[error("it holds more than one key, and one is asked for")]
    Several,
    /// The public half, where the private one is asked for.
    #[error("it is the public half of a key, which opens nothing; name the private one, without `.pub`")]
    IsPublic,
    /// The private half, where the public one is asked for.
    #[error("it is the private half of a key, which runners must not have; name the public one, FILE.pub")]
    IsPrivate,
    /// Another kind of key.
    #[error("its algorithm is not known to this version, which knows {ALGORITHM}; update stanch")]
    Algorithm,
    /// The line has the right beginning, and not the right rest.
    #[error("it is damaged: a part is missing, or a character was changed; copy it again")]
    Damaged,
}

/// The line of a key.
pub(super) fn write(half: Half, key: &[u8; LEN]) -> Zeroizing<String> {
    let mut bytes = Zeroizing::new([0; LEN + CHECK_LEN]);
    bytes[..LEN].copy_from_slice(key);
    bytes[LEN..].copy_from_slice(&check(half, key));
    let mut encoded = Zeroizing::new(String::with_capacity(64));
    STANDARD.encode_string(*bytes, &mut encoded);
    Zeroizing::new([half.label(), " ", ALGORITHM, " ", &encoded].concat())
}

/// The key of a text.
pub(super) fn read(half: Half, text: &str) -> Result<Zeroizing<[u8; LEN]>, KeyTextError> {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let line = lines.next().ok_or(KeyTextError::Empty)?;
    let mut words = line.split_ascii_whitespace();
    match (words.next(), half) {
        (Some(PUBLIC), Half::Public) | (Some(PRIVATE), Half::Private) => {}
        (Some(PUBLIC), Half::Private) => return Err(KeyTextError::IsPublic),
        (Some(PRIVATE), Half::Public) => return Err(KeyTextError::IsPrivate),
        _ => return Err(KeyTextError::NoKey),
    }
    if lines.next().is_some() {
        return Err(KeyTextError::Several);
    }
    let (algorithm, encoded, rest) = (words.next(), words.next(), words.next());
    if algorithm.is_some_and(|algorithm| algorithm != ALGORITHM) {
        return Err(KeyTextError::Algorithm);
    }
    let (Some(encoded), None) = (encoded, rest) else { return Err(KeyTextError::Damaged) };
    let bytes = Zeroizing::new(STANDARD.decode(encoded).map_err(|_| KeyTextError::Damaged)?);
    match bytes.split_first_chunk::<LEN>() {
        Some((key, found)) if *found == check(half, key) => Ok(Zeroizing::new(*key)),
        _ => Err(KeyTextError::Damaged),
    }
}

/// The beginning of a hash of a key.
fn check(half: Half, key: &[u8; LEN]) -> [u8; CHECK_LEN] {
    let digest = Sha256::new_with_prefix(half.label()).chain_update(key).finalize();
    let mut check = [0; CHECK_LEN];
    check.copy_from_slice(&digest[..CHECK_LEN]);
    check
}

impl Half {
    fn label(self) -> &'static str {
        match self {
            Half::Public => PUBLIC,
            Half::Private => PRIVATE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; LEN] = [9; LEN];

    #[test]
    fn what_is_written_is_read_whatever_stands_around_it() {
        for half in [Half::Public, Half::Private] {
            let line = write(half, &KEY);
            for text in [line.to_string(), format!("\n# the key of a ledger\r\n\n  {}\r\n# end\n", *line)] {
                assert_eq!(read(half, &text).map(|key| *key), Ok(KEY), "{half:?}");
            }
        }
    }

    #[test]
    fn the_other_half_and_anything_else_is_told_apart() {
        let (public, private) = (write(Half::Public, &KEY), write(Half::Private, &KEY));
        let both = format!("{}\n{}", *public, *public);
        for (half, text, expected) in [
            (Half::Private, public.as_str(), KeyTextError::IsPublic),
            (Half::Public, private.as_str(), KeyTextError::IsPrivate),
            (Half::Public, "", KeyTextError::Empty),
            (Half::Public, "# nothing\n", KeyTextError::Empty),
            (Half::Public, "ssh-ed25519 AAAA me@here", KeyTextError::NoKey),
            (Half::Private, &both, KeyTextError::IsPublic),
            (Half::Public, &both, KeyTextError::Several),
            (Half::Public, "stanch-key-v1 x448 AAAA", KeyTextError::Algorithm),
            (Half::Public, "stanch-key-v1", KeyTextError::Damaged),
            (Half::Public, "stanch-key-v1 x25519", KeyTextError::Damaged),
            (Half::Public, "stanch-key-v1 x25519 AAAA", KeyTextError::Damaged),
            (Half::Public, &format!("{} more", *public), KeyTextError::Damaged),
        ] {
            assert_eq!(read(half, text).map(drop), Err(expected), "{text}");
        }
    }

    #[test]
    fn every_changed_character_is_noticed() {
        let line = write(Half::Public, &KEY);
        let start = line.len() - 48;
        for index in start..line.len() {
            let mut changed = line.as_bytes().to_vec();
            changed[index] = if changed[index] == b'A' { b'B' } else { b'A' };
            let text = String::from_utf8(changed).expect("ASCII");
            assert_eq!(read(Half::Public, &text).map(drop), Err(KeyTextError::Damaged), "character {index}");
        }
        for end in start..line.len() {
            assert!(read(Half::Public, &line[..end]).is_err(), "{end} characters");
        }
    }
}
