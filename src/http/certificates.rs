//! Certificates to trust besides the system's.

use std::ffi::OsString;
use std::path::Path;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::error::SetupError;

/// The certificates in a file in PEM form; `source` names the setting for the error.
pub(super) fn from_file(
    source: &'static str,
    path: &Path,
) -> Result<Vec<CertificateDer<'static>>, SetupError> {
    let pem = std::fs::read(path).map_err(|error| SetupError::Unreadable {
        what: source,
        path: path.to_owned(),
        source: error,
    })?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(SetupError::NoCertificate { what: source, path: path.to_owned() }),
    }
}

/// Those of `SSL_CERT_FILE`.
///
/// The platform's verifier reads that variable itself on some systems, there in place of the system's roots, and
/// reports nothing of a file it cannot read. Reading it here does, and makes the file count on every system.
pub(super) fn from_environment(file: Option<OsString>) -> Result<Vec<CertificateDer<'static>>, SetupError> {
    match file.filter(|file| !file.is_empty()) {
        Some(file) => from_file("SSL_CERT_FILE", Path::new(&file)),
        None => Ok(Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_that_names_no_file_is_refused_and_an_empty_one_is_unset() {
        let directory = tempfile::tempdir().unwrap();
        assert!(from_environment(Some(directory.path().join("none").into())).is_err());
        assert!(from_environment(Some(OsString::new())).unwrap().is_empty());
    }

    #[test]
    fn a_file_without_a_certificate_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("ca.pem");
        for text in ["", "words", "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n"] {
            std::fs::write(&file, text).unwrap();
            assert!(from_file("--ca-cert", &file).is_err(), "{text}");
        }
    }
}
