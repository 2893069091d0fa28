//! `.stanchignore` with more hashes in it.

use super::ignore_file::{BadIgnoreFile, IgnoreFile};
use crate::rule::Bounds;
use crate::token::HashPrefix;

/// The text of an ignore file with these hashes allowed, and those of them that it did not have yet. `reason` is a comment
/// behind each, of one line.
pub fn with_hashes<'h>(
    text: &str,
    hashes: &'h [HashPrefix],
    reason: Option<&str>,
) -> Result<(String, Vec<&'h HashPrefix>), BadIgnoreFile> {
    // A file that cannot be read would keep every scan from starting: it is not added to.
    IgnoreFile::parse(text, &Bounds::TREE)?;
    let mut known: Vec<HashPrefix> =
        text.trim_start_matches('\u{feff}').lines().filter_map(hash_in).collect();
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut text = text.to_owned();
    let mut added = Vec::new();
    for hash in hashes {
        if known.iter().any(|known| is_same(known, hash)) {
            continue;
        }
        if !text.is_empty() && !text.ends_with('\n') {
            text.push_str(end);
        }
        text.push_str("sha256:");
        text.push_str(hash.digits());
        if let Some(reason) = reason.map(str::trim).filter(|reason| !reason.is_empty()) {
            text.push_str(" # ");
            text.push_str(reason);
        }
        text.push_str(end);
        known.push(hash.clone());
        added.push(hash);
    }
    Ok((text, added))
}

/// The hash on a line, if there is one.
fn hash_in(line: &str) -> Option<HashPrefix> {
    let text = line.split('#').next()?.trim();
    text.starts_with("sha256:").then(|| text.parse().ok())?
}

/// Whether two beginnings of hashes are of the same token: no two tokens share as many digits as the shortest has.
fn is_same(one: &HashPrefix, other: &HashPrefix) -> bool {
    one.digits().starts_with(other.digits()) || other.digits().starts_with(one.digits())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::Fingerprint;

    fn hash(of: &str, digits: usize) -> HashPrefix {
        Fingerprint::of(of.as_bytes()).hex()[..digits].parse().expect("a hash")
    }

    #[test]
    fn a_hash_is_added_once_and_the_rest_stays() {
        let (one, other) = (hash("one", 16), hash("other", 64));
        let before = "# why\nfixtures/";
        let hashes = [one.clone(), other.clone(), one.clone()];
        let (text, added) = with_hashes(before, &hashes, Some(" an example ")).expect("a good file");
        assert_eq!(added.len(), 2);
        let lines = format!(
            "# why\nfixtures/\nsha256:{} # an example\nsha256:{} # an example\n",
            one.digits(),
            other.digits()
        );
        assert_eq!(text, lines);
        let same = [hash("one", 64), hash("other", 16)];
        let (again, added) = with_hashes(&text, &same, None).expect("a good file");
        assert!(again == text && added.is_empty(), "{again}");
        let (windows, _) = with_hashes("a\r\n", std::slice::from_ref(&one), None).expect("a good file");
        assert_eq!(windows, format!("a\r\nsha256:{}\r\n", one.digits()));
        let (new, _) = with_hashes("", &[one], None).expect("a good file");
        assert!(IgnoreFile::parse(&new, &Bounds::TREE).expect("a good file").names(Fingerprint::of(b"one")));
        assert!(with_hashes("sha256:short\n", &[other], None).is_err());
    }
}
