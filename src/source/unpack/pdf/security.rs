//! The standard security handler, for documents that are encrypted and that every reader opens all the same: their user password is
//! empty (ISO 32000-1, 7.6.3; ISO 32000-2, 7.6.4).

use sha2::{Digest as _, Sha256, Sha384, Sha512};

use super::cipher::{BLOCK, decrypt_cbc, encrypt_cbc, md5, rc4};

/// What is put behind a password, and so is an empty one (Algorithm 2, step a).
const PADDING: [u8; 32] = [
    0x28, 0xbf, 0x4e, 0x5e, 0x4e, 0x75, 0x8a, 0x41, 0x64, 0x00, 0x4e, 0x56, 0xff, 0xfa, 0x01, 0x08, 0x2e,
    0x2e, 0x00, 0xb6, 0xd0, 0x68, 0x3e, 0x80, 0x2f, 0x0c, 0xa9, 0xfe, 0x64, 0x53, 0x69, 0x7a,
];

/// What an encryption dictionary says that keys are made of (Table 20, Table 21).
pub(super) struct Secrets {
    /// `R`.
    pub(super) revision: i64,
    /// Bytes of the key, where revisions let one choose.
    pub(super) key_len: usize,
    /// `O`, `U` and `UE`.
    pub(super) owner: Vec<u8>,
    pub(super) user: Vec<u8>,
    pub(super) user_key: Vec<u8>,
    /// `P`.
    pub(super) permissions: u32,
    pub(super) encrypts_metadata: bool,
}

/// The document's key, if the empty user password opens it; `id` is the first half of its `ID`.
pub(super) fn key(secrets: &Secrets, id: &[u8]) -> Option<Vec<u8>> {
    match secrets.revision {
        2..=4 => older_key(secrets, id),
        5 | 6 => newer_key(secrets),
        _ => None,
    }
}

/// Algorithm 2, checked by Algorithm 6.
fn older_key(secrets: &Secrets, id: &[u8]) -> Option<Vec<u8>> {
    let len = if secrets.revision == 2 { 5 } else { secrets.key_len.clamp(5, 16) };
    let owner = secrets.owner.get(..32)?;
    let unencrypted: &[u8] =
        if secrets.revision >= 4 && !secrets.encrypts_metadata { &[0xff; 4] } else { &[] };
    let mut key = md5(&[&PADDING, owner, &secrets.permissions.to_le_bytes(), id, unencrypted]);
    if secrets.revision >= 3 {
        for _ in 0..50 {
            key = md5(&[&key[..len]]);
        }
    }
    let key = key[..len].to_vec();
    let expected = if secrets.revision == 2 {
        let mut user = PADDING.to_vec();
        rc4(&key, &mut user);
        user
    } else {
        let mut user = md5(&[&PADDING, id]).to_vec();
        for round in 0..20 {
            let key: Vec<u8> = key.iter().map(|byte| byte ^ round).collect();
            rc4(&key, &mut user);
        }
        user
    };
    secrets.user.starts_with(&expected).then_some(key)
}

/// Algorithm 2.A: `U` is a hash, a salt to check the password with, and one to make a key of it that `UE` is encrypted with.
fn newer_key(secrets: &Secrets) -> Option<Vec<u8>> {
    let (hash, salts) = secrets.user.get(..48)?.split_at(32);
    let (validation, of_key) = salts.split_at(8);
    let hashed =
        |salt: &[u8]| if secrets.revision == 5 { Sha256::digest(salt).into() } else { hardened(salt) };
    if hashed(validation) != hash {
        return None;
    }
    let mut key = secrets.user_key.get(..32)?.to_vec();
    decrypt_cbc(&hashed(of_key), [0; BLOCK], &mut key);
    Some(key)
}

/// Algorithm 2.B for an empty password.
fn hardened(salt: &[u8]) -> [u8; 32] {
    /// Few are done; a document that asks for more is none.
    const MAX_ROUNDS: u32 = 64 + 256;
    let mut key = Sha256::digest(salt).to_vec();
    for round in 1..=MAX_ROUNDS {
        let mut repeated = key.repeat(64);
        let (Some(first), Some(second)) = (key.first_chunk(), key.get(16..).and_then(<[u8]>::first_chunk))
        else {
            break;
        };
        encrypt_cbc(first, *second, &mut repeated);
        let sum: u32 = repeated.iter().take(16).map(|byte| u32::from(*byte)).sum();
        key = match sum % 3 {
            0 => Sha256::digest(&repeated).to_vec(),
            1 => Sha384::digest(&repeated).to_vec(),
            _ => Sha512::digest(&repeated).to_vec(),
        };
        let last = repeated.last().copied().map_or(0, u32::from);
        if round >= 64 && last <= round - 32 {
            break;
        }
    }
    key.first_chunk().copied().unwrap_or_default()
}
