//! Hybrid public key encryption (RFC 9180), mode base: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and ChaCha20-Poly1305.
//!
//! One encapsulation serves all tokens that a run seals: the key for them is exported from its context (section 5.3). An
//! encapsulation a token would cost three multiplications on the curve each, a hundred times what the rest does.

use std::convert::Infallible;

use chacha20poly1305::{ChaCha20Poly1305, Key, KeyInit as _};
use hpke::aead::ChaCha20Poly1305 as HpkeAead;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::rand_core::{TryCryptoRng, TryRng};
use hpke::{Deserializable as _, Kem, OpModeR, OpModeS, Serializable as _};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::key_id::KeyId;

/// The length of a public and of a private key, and of an encapsulated one (RFC 9180, section 7.1).
pub(super) const LEN: usize = 32;

/// The public half of a key pair.
pub(super) type Public = <X25519HkdfSha256 as Kem>::PublicKey;
/// The private half; wipes itself.
pub(super) type Private = <X25519HkdfSha256 as Kem>::PrivateKey;
/// What the receiver finds the secret with.
pub(super) type Encapsulated = [u8; LEN];

/// What the contexts are for (section 5.1), and what is exported from them.
const INFO: &[u8] = b"stanch ledger";
const EXPORT: &[u8] = b"stanch sealed tokens";

/// The operating system gave no random numbers.
#[derive(Debug)]
pub(super) struct NoRandomness(pub(super) String);

/// A fresh private key.
pub(super) fn generate() -> Result<Private, NoRandomness> {
    let mut random = SystemRandom::default();
    let (private, _) = X25519HkdfSha256::gen_keypair_with_rng(&mut random);
    random.done()?;
    Ok(private)
}

/// The public half of a private key.
pub(super) fn public_half(private: &Private) -> Public {
    X25519HkdfSha256::sk_to_pk(private)
}

/// The public key of these bytes. None for the few points that no secret can be agreed on with: what is sealed to one of
/// them would be open to everybody (RFC 7748, section 6.1).
pub(super) fn public_from(bytes: &[u8; LEN]) -> Option<Public> {
    let public = Public::from_bytes(bytes).ok()?;
    // Whatever the other half is, with such a point the secret is zero.
    let mut any = SystemRandom::default();
    X25519HkdfSha256::encap_with_rng(&public, None, &mut any).ok()?;
    Some(public)
}

/// The private key of these bytes.
pub(super) fn private_from(bytes: &[u8; LEN]) -> Option<Private> {
    Private::from_bytes(bytes).ok()
}

/// The bytes of a public key.
pub(super) fn public_bytes(public: &Public) -> [u8; LEN] {
    public.to_bytes().into()
}

/// The bytes of a private key.
pub(super) fn private_bytes(private: &Private) -> Zeroizing<[u8; LEN]> {
    let mut bytes = Zeroizing::new([0; LEN]);
    private.write_exact(bytes.as_mut_slice());
    bytes
}

/// What distinguishes a key pair from another.
pub(super) fn key_id(public: &Public) -> KeyId {
    let digest = Sha256::new_with_prefix(b"stanch public key id\0").chain_update(public_bytes(public));
    KeyId::of_digest(&digest.finalize().into())
}

/// A fresh secret that the owner of a key can find again, as the cipher it keys.
pub(super) fn encapsulate(public: &Public) -> Result<(Encapsulated, ChaCha20Poly1305), NoRandomness> {
    let mut random = SystemRandom::default();
    let context = hpke::setup_sender_with_rng::<HpkeAead, HkdfSha256, X25519HkdfSha256>(
        &OpModeS::Base,
        public,
        INFO,
        &mut random,
    );
    random.done()?;
    let (encapsulated, context) = context.map_err(|error| NoRandomness(error.to_string()))?;
    let cipher =
        cipher(|key| context.export(EXPORT, key)).map_err(|error| NoRandomness(error.to_string()))?;
    Ok((encapsulated.to_bytes().into(), cipher))
}

/// The cipher that [`encapsulate`] made.
pub(super) fn decapsulate(private: &Private, encapsulated: &Encapsulated) -> Option<ChaCha20Poly1305> {
    let encapsulated = <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(encapsulated).ok()?;
    let context = hpke::setup_receiver::<HpkeAead, HkdfSha256, X25519HkdfSha256>(
        &OpModeR::Base,
        private,
        &encapsulated,
        INFO,
    );
    let context = context.ok()?;
    cipher(|key| context.export(EXPORT, key)).ok()
}

fn cipher<E>(export: impl FnOnce(&mut [u8]) -> Result<(), E>) -> Result<ChaCha20Poly1305, E> {
    let mut key = Zeroizing::new([0; LEN]);
    export(key.as_mut_slice())?;
    Ok(ChaCha20Poly1305::new(&Key::from(*key)))
}

/// The operating system's random numbers, for a library that takes none that can fail: a failure is remembered, and nothing
/// that was made of it is used.
#[derive(Default)]
struct SystemRandom {
    failure: Option<NoRandomness>,
}

impl SystemRandom {
    fn fill(&mut self, bytes: &mut [u8]) {
        if let Err(error) = getrandom::fill(bytes) {
            self.failure = Some(NoRandomness(error.to_string()));
        }
    }

    /// Whether all that was asked for was given.
    fn done(self) -> Result<(), NoRandomness> {
        self.failure.map_or(Ok(()), Err)
    }
}

impl TryRng for SystemRandom {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.fill(&mut bytes);
        Ok(u32::from_ne_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        Ok(u64::from_ne_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.fill(bytes);
        Ok(())
    }
}

impl TryCryptoRng for SystemRandom {}
