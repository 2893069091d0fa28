//! The private key of an App, which never leaves this file.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use zeroize::{Zeroize as _, Zeroizing};

use super::error::AppError;

/// No RSA key in PEM form is longer.
const LONGEST: u16 = 32 * 1024;

/// An RSA key that signs.
pub(super) struct Key(RsaKeyPair);

impl Key {
    /// The key in a file, in the form in which GitHub hands it out (PKCS#1) or in the usual one (PKCS#8).
    pub(super) fn read(path: &Path) -> Result<Key, AppError> {
        let unreadable = |source| AppError::Unreadable { path: path.to_owned(), source };
        let mut pem = Zeroizing::new(Vec::with_capacity(usize::from(LONGEST)));
        File::open(path)
            .and_then(|file| file.take(LONGEST.into()).read_to_end(&mut pem))
            .map_err(unreadable)?;
        if pem.windows(9).any(|window| window == b"ENCRYPTED") {
            return Err(AppError::Encrypted(path.to_owned()));
        }
        let mut der = PrivateKeyDer::from_pem_slice(&pem).map_err(|_| AppError::NoKey(path.to_owned()))?;
        let pair = match &der {
            PrivateKeyDer::Pkcs1(key) => RsaKeyPair::from_der(key.secret_pkcs1_der()),
            PrivateKeyDer::Pkcs8(key) => RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()),
            _ => return Err(AppError::NoKey(path.to_owned())),
        };
        der.zeroize();
        pair.map(Key).map_err(|error| AppError::BadKey { path: path.to_owned(), why: error.to_string() })
    }

    /// The signature of a text, by RSASSA-PKCS1-v1_5 with SHA-256: `RS256` (RFC 7518, section 3.3).
    pub(super) fn sign(&self, text: &[u8]) -> Option<Vec<u8>> {
        let mut signature = vec![0; self.0.public().modulus_len()];
        self.0.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text, &mut signature).ok()?;
        Some(signature)
    }

    #[cfg(test)]
    pub(super) fn verifies(&self, text: &[u8], signature: &[u8]) -> bool {
        let public = ring::signature::UnparsedPublicKey::new(
            &ring::signature::RSA_PKCS1_2048_8192_SHA256,
            self.0.public(),
        );
        public.verify(text, signature).is_ok()
    }
}

/// What to say of a key that others on this machine can read.
pub(super) fn warning(path: &Path) -> Option<String> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(path).ok()?.permissions().mode();
        if mode & 0o077 != 0 {
            let path = path.display();
            return Some(format!("others can read the App's key, {path}: `chmod 600` keeps it to its owner"));
        }
    }
    let _ = path;
    None
}
