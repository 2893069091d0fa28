//! A line of a request: what it asks for, and whether that can be queued.

use serde_json::error::Category;
use zeroize::Zeroizing;

use super::item::{Item, Secret};
use crate::detect::{Judged, judge};
use crate::finding::Confidence;
use crate::ledger::wire::{MAX_LINE, TokenLine};
use crate::text::redacted;
use crate::token::{Fingerprint, Kind, Token};

/// The longest name of somebody who decided, in bytes.
const NAME_MAX: usize = 200;

/// What lines are read against.
pub(super) struct Reader<'a> {
    /// The API bases that tokens may be queued for, the first being that of a line without one.
    pub(super) hosts: &'a [String],
    /// Whose bearer token it was.
    pub(super) bearer: &'a str,
    /// Opens and checks what is sealed.
    pub(super) envelopes: &'a dyn Envelopes,
}

/// What is known of a sealed token, as far as that can be known here.
pub(super) trait Envelopes {
    /// Opens a sealed token, or checks its form where there is no key to do so.
    fn open(&self, host: &str, sealed: SealedLine) -> Result<Secret, String>;
}

/// What a line says of a sealed token.
pub(super) struct SealedLine {
    pub(super) kind: Kind,
    pub(super) fingerprint: Fingerprint,
    pub(super) bytes: Vec<u8>,
}

impl Reader<'_> {
    /// Reads a line; an error says why it cannot be queued, and quotes nothing of it.
    pub(super) fn read(&self, line: &[u8]) -> Result<Item, String> {
        if line.len() > MAX_LINE {
            return Err(format!("it is longer than {MAX_LINE} bytes"));
        }
        let line: TokenLine = serde_json::from_slice(line).map_err(|error| problem(&error))?;
        let host = match line.host.as_deref() {
            None => self.hosts.first(),
            Some(named) => self.hosts.iter().find(|host| *host == named),
        };
        let host = host.ok_or("this intake has no queue for its `host`; `GET /v1/key` names those it has")?;
        let asked = match line.confidence.as_deref() {
            None | Some("certain") => Confidence::Certain,
            Some("likely") => Confidence::Likely,
            Some(_) => return Err("its `confidence` is neither `certain` nor `likely`".to_owned()),
        };
        let secret = match (line.token, line.sealed) {
            (Some(text), None) if line.sha256.is_none() && line.kind.is_none() => plain(&text)?,
            (None, Some(sealed)) => {
                let sealed = sealed_line(&sealed, line.sha256.as_deref(), line.kind.as_deref())?;
                self.envelopes.open(host, sealed)?
            }
            _ => return Err("either `token` or `sealed`, `sha256` and `kind` is wanted".to_owned()),
        };
        let confidence = secret.confidence(asked)?;
        let bearer = self.bearer;
        let by = line
            .by
            .map_or_else(|| bearer.to_owned(), |by| format!("{} via {bearer}", redacted(&by, NAME_MAX)));
        Ok(Item { host: host.clone(), by, confidence, place: line.place.unwrap_or_default(), secret })
    }
}

/// What is wrong with a line that cannot be parsed. The parser's own words quote it, and it may hold a token.
fn problem(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        Category::Data => "has a field that is not known, is there twice or has another type",
        Category::Eof => "ends in the middle",
        Category::Syntax | Category::Io => "is no JSON object",
    };
    format!("it {what}, at column {}", error.column())
}

/// A token in the clear, which has to be one.
pub(super) fn plain(text: &Zeroizing<String>) -> Result<Secret, String> {
    match judge(text.as_bytes()) {
        Some(judged) => Ok(Secret::Plain { token: Token::new(judged.kind, text.as_bytes()), judged }),
        None => Err("it is no token of a kind that is known here".to_owned()),
    }
}

fn sealed_line(sealed: &str, sha256: Option<&str>, kind: Option<&str>) -> Result<SealedLine, String> {
    use base64::Engine as _;
    let bytes =
        base64::engine::general_purpose::STANDARD.decode(sealed).map_err(|_| "its `sealed` is not base64")?;
    let fingerprint =
        sha256.and_then(Fingerprint::from_hex).ok_or("its `sha256` is not 64 hexadecimal digits")?;
    let kind = kind.and_then(crate::rule::kind).ok_or("its `kind` is no rule's id")?;
    Ok(SealedLine { kind, fingerprint, bytes })
}

impl Secret {
    /// How sure we are of it, where that is enough for what the line asks.
    fn confidence(&self, asked: Confidence) -> Result<Confidence, String> {
        let kind = self.kind();
        if kind.revoked_by().is_none() {
            return Err(format!("nobody revokes tokens of the kind {}", kind.rule_id()));
        }
        let Secret::Plain { judged: Judged { confidence, reason, .. }, .. } = self else { return Ok(asked) };
        match (confidence, asked) {
            (Confidence::Certain, asked) => Ok(asked),
            (Confidence::Likely, Confidence::Likely) => Ok(Confidence::Likely),
            (Confidence::Likely, _) => Err(format!(
                "it is only likely to be a token: {reason}; with \"confidence\":\"likely\" it is taken"
            )),
            (Confidence::Lookalike, _) => Err(format!("it is no token: {reason}")),
        }
    }
}

#[cfg(test)]
mod tests;
