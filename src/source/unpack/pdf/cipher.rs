//! The ciphers and digests that PDFs are encrypted with: RC4, AES in CBC mode, MD5 and SHA-2.

use aes::cipher::consts::U16;
use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit as _};
use aes::{Aes128Dec, Aes128Enc, Aes256Dec, Block};
use md5::{Digest as _, Md5};

/// Bytes of a block of AES.
pub(super) const BLOCK: usize = 16;

/// The MD5 of some bytes in a row.
pub(super) fn md5(parts: &[&[u8]]) -> [u8; 16] {
    let mut hasher = Md5::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// RC4, which encrypts and decrypts alike.
pub(super) fn rc4(key: &[u8], bytes: &mut [u8]) {
    let mut state: [u8; 256] = std::array::from_fn(|at| at.to_le_bytes()[0]);
    if key.is_empty() {
        return;
    }
    let mut other = 0_u8;
    for at in 0..256 {
        other = other.wrapping_add(state[at]).wrapping_add(key[at % key.len()]);
        state.swap(at, usize::from(other));
    }
    let (mut at, mut other) = (0_u8, 0_u8);
    for byte in bytes {
        at = at.wrapping_add(1);
        other = other.wrapping_add(state[usize::from(at)]);
        state.swap(usize::from(at), usize::from(other));
        let sum = state[usize::from(at)].wrapping_add(state[usize::from(other)]);
        *byte ^= state[usize::from(sum)];
    }
}

/// Decrypts whole blocks with a key of 16 or 32 bytes; those behind the last one are left as they are.
pub(super) fn decrypt_cbc(key: &[u8], before: [u8; BLOCK], bytes: &mut [u8]) {
    if let Ok(cipher) = Aes128Dec::new_from_slice(key) {
        decrypt(&cipher, before, bytes);
    } else if let Ok(cipher) = Aes256Dec::new_from_slice(key) {
        decrypt(&cipher, before, bytes);
    }
}

fn decrypt(cipher: &impl BlockCipherDecrypt<BlockSize = U16>, mut before: [u8; BLOCK], bytes: &mut [u8]) {
    for block in bytes.as_chunks_mut::<BLOCK>().0 {
        let mut plain = Block::from(*block);
        cipher.decrypt_block(&mut plain);
        let plain: [u8; BLOCK] = std::array::from_fn(|at| plain[at] ^ before[at]);
        before = std::mem::replace(block, plain);
    }
}

/// Encrypts whole blocks with a key of 16 bytes.
pub(super) fn encrypt_cbc(key: &[u8; 16], before: [u8; BLOCK], bytes: &mut [u8]) {
    encrypt(&Aes128Enc::new(&(*key).into()), before, bytes);
}

/// The same with a key of 32 bytes.
#[cfg(test)]
pub(super) fn encrypt_cbc_256(key: &[u8; 32], before: [u8; BLOCK], bytes: &mut [u8]) {
    encrypt(&aes::Aes256Enc::new(&(*key).into()), before, bytes);
}

fn encrypt(cipher: &impl BlockCipherEncrypt<BlockSize = U16>, mut before: [u8; BLOCK], bytes: &mut [u8]) {
    for block in bytes.as_chunks_mut::<BLOCK>().0 {
        let mut packed = Block::from(std::array::from_fn(|at| block[at] ^ before[at]));
        cipher.encrypt_block(&mut packed);
        *block = packed.into();
        before = *block;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_those_of_their_standards() {
        // RFC 1321, A.5.
        assert_eq!(md5(&[b"a", b"bc"])[..4], [0x90, 0x01, 0x50, 0x98]);
        // RFC 6229, 2: a key of 40 bits.
        let mut stream = [0; 4];
        rc4(&[1, 2, 3, 4, 5], &mut stream);
        assert_eq!(stream, [0xb2, 0x39, 0x63, 0x05]);
        // NIST SP 800-38A, F.2.1.
        let key =
            [0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6, 0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c];
        let plain =
            [0x6b, 0xc1, 0xbe, 0xe2, 0x2e, 0x40, 0x9f, 0x96, 0xe9, 0x3d, 0x7e, 0x11, 0x73, 0x93, 0x17, 0x2a];
        let first: [u8; 16] = std::array::from_fn(|at| at.to_le_bytes()[0]);
        let mut bytes = [plain, plain].concat();
        encrypt_cbc(&key, first, &mut bytes);
        assert_eq!(bytes[..4], [0x76, 0x49, 0xab, 0xac]);
        decrypt_cbc(&key, first, &mut bytes);
        assert_eq!(bytes, [plain, plain].concat());
    }
}
