//! From tokens in the clear to entries of the ledger: the edge at which they are sealed.

use crate::finding::Confidence;
use crate::ledger::{Enqueued, Entry, Ledger, LedgerError, Now, Seal, State};
use crate::token::{Kind, Token};

/// The longest place the ledger keeps, in bytes.
const PLACE_MAX: usize = 1024;

/// A token as an entry of the ledger: sealed if it is to be queued.
pub fn entry(
    seal: &Seal,
    token: &Token,
    confidence: Confidence,
    state: State,
    place: &str,
) -> Result<Entry, LedgerError> {
    Ok(Entry {
        fingerprint: token.fingerprint(),
        kind: token.kind(),
        confidence,
        state,
        place: scrub(place, PLACE_MAX),
        sealed: if state == State::Queued { seal.seal(token)? } else { Vec::new() },
    })
}

/// Writes entries down as they come, so that a million of them need no room but the ledger's.
/// The first one that could not be made ends it: what came before is queued.
pub fn enqueue(
    ledger: &mut dyn Ledger,
    host: &str,
    entries: impl IntoIterator<Item = Result<Entry, LedgerError>>,
    now: Now<'_>,
) -> Result<Enqueued, LedgerError> {
    let mut failed = None;
    let mut whole = entries.into_iter().map_while(|entry| entry.map_err(|error| failed = Some(error)).ok());
    let enqueued = ledger.enqueue(host, &mut whole, now)?;
    match failed {
        Some(error) => Err(error),
        None => Ok(enqueued),
    }
}

/// Text from elsewhere, fit to be kept: without tokens, without control characters, and no longer than `longest`.
///
/// Paths and messages should be free of tokens when they come here. A server that echoes what it was sent, or a file
/// named after a token, must not get one into the ledger all the same.
pub(super) fn scrub(text: &str, longest: usize) -> String {
    // Nearly every text is a plain one, and there may be a million of them.
    let plain = |byte: u8| byte.is_ascii() && !byte.is_ascii_control();
    if text.len() <= longest && text.bytes().all(plain) && !text.contains("gh") && !text.contains("git") {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len().min(longest));
    let mut rest = text;
    while let Some(shown) = rest.chars().next() {
        if out.len() >= longest {
            break;
        }
        let prefix = Kind::GITHUB.into_iter().map(Kind::prefix).find(|prefix| rest.starts_with(prefix));
        let taken = if let Some(prefix) = prefix {
            let body = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-' || c == '.';
            let end = rest.find(|c: char| !body(c)).unwrap_or(rest.len());
            out.push_str(prefix);
            // Shorter than any secret part of a token: a word about tokens.
            out.push_str(if end - prefix.len() < 16 { &rest[prefix.len()..end] } else { "…" });
            end
        } else {
            out.push(if shown.is_control() { ' ' } else { shown });
            shown.len_utf8()
        };
        rest = &rest[taken..];
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_token_gets_in_by_a_path_or_a_message() {
        let body = "aB3".repeat(12);
        for kind in Kind::GITHUB {
            let token = [kind.prefix(), &body].concat();
            let said = scrub(&format!("\"{token}\" is bad,\x1b[31m\n{token}"), 1000);
            assert!(!said.contains(&body), "{}", kind.prefix());
            assert_eq!(said, format!("\"{0}…\" is bad, [31m {0}…", kind.prefix()));
        }
        assert_eq!(scrub("a ghp_ token, or github_pat_x", 1000), "a ghp_ token, or github_pat_x");
        assert_eq!(scrub("éééé", 4), "éé");
        assert_eq!(scrub("plain/path.env:17", 1000), "plain/path.env:17");
        // The short cut must know the beginning of every prefix.
        assert!(
            Kind::GITHUB.iter().all(|kind| kind.prefix().contains("gh") || kind.prefix().contains("git"))
        );
    }
}
