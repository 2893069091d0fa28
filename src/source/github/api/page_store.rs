//! Pages of lists, kept from one run to the next, so that what has not changed costs no quota.
//!
//! <https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#use-conditional-requests-if-appropriate>

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::link::PageLinks;
use crate::token::Fingerprint;

/// No page is longer than this: what is was not written here.
const LONGEST: u64 = 64 * 1024 * 1024;

/// The fields of a listed thing that let somebody in, for a while: a clone with them needs no credential.
const SECRET_FIELDS: &[&str] = &["temp_clone_token"];

/// A directory of pages that nobody else may read.
#[derive(Debug)]
pub struct PageStore {
    directory: PathBuf,
}

/// A page as it was answered last.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Kept {
    url: String,
    pub(super) etag: String,
    pub(super) links: PageLinks,
    pub(super) items: Value,
}

impl PageStore {
    /// The store in a directory, which is made where it is not there.
    ///
    /// # Errors
    /// Where it cannot be made, is no directory or cannot be kept from others.
    pub fn open(directory: &Path) -> io::Result<PageStore> {
        fs::create_dir_all(directory)?;
        if !fs::symlink_metadata(directory)?.is_dir() {
            return Err(io::Error::new(io::ErrorKind::NotADirectory, "it is a link"));
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            fs::set_permissions(directory, fs::Permissions::from_mode(0o700))?;
        }
        Ok(PageStore { directory: directory.to_owned() })
    }

    /// What was kept of a URL; nothing where that is damaged.
    pub(super) fn get(&self, url: &str) -> Option<Kept> {
        let path = self.path(url);
        let metadata = fs::symlink_metadata(&path).ok()?;
        if !metadata.is_file() || metadata.len() > LONGEST {
            return None;
        }
        let kept: Kept = serde_json::from_slice(&fs::read(&path).ok()?).ok()?;
        (kept.url == url && is_etag(&kept.etag)).then_some(kept)
    }

    /// Keeps a page. Where that fails, the page is asked for again next time.
    pub(super) fn put(&self, url: &str, etag: &str, links: &PageLinks, items: &Value) {
        if !is_etag(etag) {
            return;
        }
        let kept = Kept {
            url: url.to_owned(),
            etag: etag.to_owned(),
            links: links.clone(),
            items: without_secrets(items),
        };
        let write = || -> io::Result<()> {
            // Readable for its owner only, and there as a whole or not at all.
            let mut file = tempfile::NamedTempFile::new_in(&self.directory)?;
            file.write_all(&serde_json::to_vec(&kept)?)?;
            file.persist(self.path(url)).map_err(|error| error.error)?;
            Ok(())
        };
        drop(write());
    }

    fn path(&self, url: &str) -> PathBuf {
        self.directory.join(format!("{}.json", Fingerprint::of(url.as_bytes()).hex()))
    }
}

/// Whether a text can be sent back as `If-None-Match` (RFC 9110, section 8.8.3).
fn is_etag(text: &str) -> bool {
    (1..=256).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn without_secrets(items: &Value) -> Value {
    match items {
        Value::Array(items) => items.iter().map(without_secrets).collect(),
        Value::Object(fields) => {
            let plain = fields.iter().filter(|(name, _)| !SECRET_FIELDS.contains(&name.as_str()));
            plain.map(|(name, value)| (name.clone(), without_secrets(value))).collect()
        }
        plain => plain.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://h/x";

    fn store() -> (tempfile::TempDir, PageStore) {
        let directory = tempfile::tempdir().unwrap();
        let store = PageStore::open(&directory.path().join("a/pages")).unwrap();
        (directory, store)
    }

    #[test]
    fn a_page_comes_back_without_what_lets_somebody_in() {
        let (_directory, store) = store();
        assert!(store.get(URL).is_none());
        let items = serde_json::json!([{"id": 1, "temp_clone_token": "secret", "owner": {"login": "octo"}}]);
        store.put(URL, "W/\"1\"", &PageLinks { next: Some("/x?page=2".to_owned()), last: None }, &items);
        let kept = store.get(URL).unwrap();
        assert_eq!((kept.etag.as_str(), kept.links.next.as_deref()), ("W/\"1\"", Some("/x?page=2")));
        assert_eq!(kept.items, serde_json::json!([{"id": 1, "owner": {"login": "octo"}}]));
        assert!(store.get("https://h/y").is_none());
        store.put(URL, "no etag\n", &PageLinks::default(), &items);
        assert_eq!(store.get(URL).unwrap().etag, "W/\"1\"");
    }

    #[test]
    fn what_is_damaged_or_anothers_is_ignored() {
        let (_directory, store) = store();
        store.put(URL, "\"1\"", &PageLinks::default(), &Value::Null);
        let path = store.path(URL);
        let whole = fs::read(&path).unwrap();
        fs::copy(&path, store.path("https://h/y")).unwrap();
        assert!(store.get("https://h/y").is_none());
        for damaged in [&b""[..], &whole[..whole.len() - 1], b"{}", b"\0"] {
            fs::write(&path, damaged).unwrap();
            assert!(store.get(URL).is_none());
        }
        store.put(URL, "\"2\"", &PageLinks::default(), &Value::Null);
        assert_eq!(store.get(URL).unwrap().etag, "\"2\"");
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_reads_it() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let (directory, store) = store();
        store.put(URL, "\"1\"", &PageLinks::default(), &Value::Null);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&store.directory), mode(&store.path(URL))), (0o700, 0o600));
        let link = directory.path().join("link");
        symlink(&store.directory, &link).unwrap();
        assert!(PageStore::open(&link).is_err());
    }
}
