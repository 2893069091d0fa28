//! The keys that runners seal to, and what comes sealed to them.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

use super::item::Secret;
use super::line::{Envelopes, SealedLine};
use crate::detect::judge_token;
use crate::ledger::{KeyFileError, KeyId, KeyRing, Opener, PrivateKey, PublicKey, key_id_of};

/// How long the ledger's keys are believed without asking again: they change when the ledger is given a new one.
const FRESH: Duration = Duration::from_secs(30);

/// The keys of an intake.
pub(super) struct Keys {
    ring: KeyRing,
    /// What opens with the private keys at hand, for each API base.
    openers: HashMap<String, Opener>,
    /// The public half of the first of them.
    own: Option<PublicKey>,
    known: RwLock<Known>,
}

/// What the ledger says of its keys.
#[derive(Default)]
struct Known {
    /// The one that is sealed to now, and those before it.
    keys: Vec<PublicKey>,
    at: Option<Instant>,
}

impl Keys {
    /// The private keys in these files, if any, for the queues of these API bases.
    pub(super) fn read(files: &[PathBuf], hosts: &[String]) -> Result<Self, KeyFileError> {
        let own = files.first().map(|file| PrivateKey::read(file)).transpose()?;
        let ring = KeyRing::read(files)?;
        let openers = hosts.iter().map(|host| (host.clone(), ring.opener(host))).collect();
        Ok(Keys { ring, openers, own: own.map(|key| key.public()), known: RwLock::default() })
    }

    /// Whether the ledger has to be asked for its keys.
    pub(super) fn are_stale(&self) -> bool {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.at.is_none_or(|at| at.elapsed() >= FRESH)
    }

    /// Takes in what the ledger says of its keys.
    pub(super) fn learn(&self, keys: Vec<PublicKey>) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        *known = Known { keys, at: Some(Instant::now()) };
    }

    /// The key that runners seal to, as its file has it: the ledger's, or that of this intake, which seals anew what it opens.
    pub(super) fn public(&self) -> Option<String> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.keys.first().or(self.own.as_ref()).map(ToString::to_string)
    }

    /// Whether who drains the ledger can open what is sealed to a key.
    fn is_of_ledger(&self, id: &KeyId) -> bool {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.keys.iter().any(|key| key.id() == *id)
    }
}

impl Envelopes for Keys {
    fn open(&self, host: &str, line: SealedLine) -> Result<Secret, String> {
        let SealedLine { kind, fingerprint, bytes } = line;
        let id = key_id_of(&bytes).ok_or("its `sealed` is no token that was sealed")?;
        if let Some(opener) = self.openers.get(host).filter(|_| self.ring.has(&id)) {
            let token = opener
                .open(kind, fingerprint, &bytes)
                .map_err(|_| "it does not open: it, or what is said of it, was changed")?;
            let judged = judge_token(&token).ok_or("opened, it is no token of its `kind`")?;
            return Ok(Secret::Plain { token, judged });
        }
        if self.is_of_ledger(&id) {
            return Ok(Secret::Sealed { kind, fingerprint, bytes });
        }
        Err(match self.public() {
            Some(_) => "it is sealed to another key than this intake's: `GET /v1/key` has that".to_owned(),
            None => "this intake has no key, and takes tokens in the clear only".to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checksum::crc32_base62;
    use crate::finding::Confidence;
    use crate::token::{Kind, Token};

    const HOST: &str = "https://api.example.test";

    fn token(body: &str) -> Token {
        let text = format!("ghp_{body}{}", String::from_utf8_lossy(&crc32_base62(body.as_bytes())));
        Token::new(Kind::pat(), text.as_bytes())
    }

    fn line(token: &Token, key: &PublicKey, host: &str) -> SealedLine {
        let bytes = key.sealer(host).seal(token).expect("sealed");
        SealedLine { kind: token.kind(), fingerprint: token.fingerprint(), bytes }
    }

    fn intake(keys: &[&PrivateKey]) -> (tempfile::TempDir, Keys) {
        let home = tempfile::tempdir().expect("a directory");
        let files: Vec<PathBuf> =
            (0..keys.len()).map(|number| home.path().join(format!("{number}.key"))).collect();
        for (key, file) in keys.iter().zip(&files) {
            key.write_new(file).expect("a file");
        }
        let keys = Keys::read(&files, &[HOST.to_owned()]).expect("good keys");
        (home, keys)
    }

    #[test]
    fn what_is_sealed_to_a_key_at_hand_is_opened_and_judged() {
        let [old, new] = std::array::from_fn(|_| PrivateKey::generate().expect("a key"));
        let (_home, keys) = intake(&[&new, &old]);
        assert_eq!(keys.public(), Some(new.public().to_string()));
        let good = token("aB3dE5gH7jK9mN1pQ3rS5tU7vW9xY1");
        for key in [&old, &new] {
            let opened = keys.open(HOST, line(&good, &key.public(), HOST)).expect("opened");
            let Secret::Plain { token, judged } = opened else { panic!("it stayed sealed") };
            assert_eq!((token.fingerprint(), judged.confidence), (good.fingerprint(), Confidence::Certain));
        }
        let problem = |line| keys.open(HOST, line).map(drop).expect_err("refused");
        let fake = Token::new(Kind::pat(), b"hunter2");
        assert!(problem(line(&fake, &new.public(), HOST)).contains("no token of its `kind`"));
        assert!(problem(line(&good, &new.public(), "https://other.example.test")).contains("does not open"));
        let mut changed = line(&good, &new.public(), HOST);
        *changed.bytes.last_mut().expect("bytes") ^= 1;
        assert!(problem(changed).contains("does not open"));
        let stranger = PrivateKey::generate().expect("a key").public();
        assert!(problem(line(&good, &stranger, HOST)).contains("another key"));
        let bytes = vec![9; 80];
        let none = SealedLine { kind: Kind::pat(), fingerprint: good.fingerprint(), bytes };
        assert!(problem(none).contains("no token that was sealed"));
    }

    #[test]
    fn without_the_private_half_what_is_sealed_to_the_ledgers_keys_stays_sealed() {
        let [current, former] = std::array::from_fn(|_| PrivateKey::generate().expect("a key").public());
        let (_home, keys) = intake(&[]);
        let good = token("aB3dE5gH7jK9mN1pQ3rS5tU7vW9xY1");
        assert!(keys.are_stale() && keys.public().is_none());
        let refused = keys.open(HOST, line(&good, &current, HOST)).map(drop);
        assert!(refused.is_err_and(|problem| problem.contains("in the clear only")));
        keys.learn(vec![current.clone(), former.clone()]);
        assert!(!keys.are_stale());
        assert_eq!(keys.public(), Some(current.to_string()));
        for key in [&current, &former] {
            assert!(matches!(keys.open(HOST, line(&good, key, HOST)), Ok(Secret::Sealed { .. })));
        }
        keys.learn(vec![former]);
        let refused = keys.open(HOST, line(&good, &current, HOST)).map(drop);
        assert!(refused.is_err_and(|problem| problem.contains("another key")));
    }
}
