//! Certificates to trust besides the system's. Git's `http.sslCAInfo` stands for the system's, and so those are put beside.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Where systems keep the authorities that they trust: Debian, Fedora, openSUSE, Alpine and macOS, FreeBSD.
const SYSTEM: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/usr/local/share/certs/ca-root-nss.crt",
];

/// A file with the named certificates and the system's, in `directory`; none where none is named.
pub(super) fn bundle(named: &[PathBuf], directory: &Path) -> Result<Option<PathBuf>, (PathBuf, io::Error)> {
    let mut all = Vec::new();
    for path in named.iter().filter(|path| !path.as_os_str().is_empty()) {
        all.extend(fs::read(path).map_err(|error| (path.clone(), error))?);
        all.push(b'\n');
    }
    if all.is_empty() {
        return Ok(None);
    }
    if let Some(system) = SYSTEM.iter().find_map(|path| fs::read(path).ok()) {
        all.extend(system);
    }
    let path = directory.join("authorities.pem");
    fs::write(&path, all).map_err(|error| (path.clone(), error))?;
    Ok(Some(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_named_is_trusted_besides_what_the_system_trusts() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(bundle(&[PathBuf::new()], directory.path()).unwrap(), None);
        let own = directory.path().join("own.pem");
        fs::write(&own, "one's own").unwrap();
        let path = bundle(std::slice::from_ref(&own), directory.path()).unwrap().unwrap();
        let all = fs::read(path).unwrap();
        assert!(all.starts_with(b"one's own\n"));
        if let Some(system) = SYSTEM.iter().find_map(|path| fs::read(path).ok()) {
            assert!(all.ends_with(&system));
        }
        let (path, _) = bundle(&[own, directory.path().join("none.pem")], directory.path()).unwrap_err();
        assert!(path.ends_with("none.pem"));
    }
}
