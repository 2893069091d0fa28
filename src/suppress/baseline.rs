//! Baselines: tokens known before, by their hash. A line that moved or a history that was rewritten changes nothing.

use std::borrow::Cow;
use std::collections::HashSet;
use std::io::{self, Write};
use std::sync::Arc;

use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::finding::{Finding, SuppressionKind};
use crate::text::unicode;
use crate::token::Fingerprint;

/// The version of the format of a written baseline.
const VERSION: u32 = 1;

/// How many characters of a `ghr_` token gitleaks reports: its rule for them matches 36 behind the prefix
/// (`github-refresh-token` in <https://github.com/gitleaks/gitleaks/blob/master/config/gitleaks.toml>).
const TRUNCATED_LENGTH: usize = 40;

/// The prefix of the tokens that gitleaks truncates.
const REFRESH: &str = "ghr_";

/// A baseline that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BadBaseline {
    /// Not JSON of a known format. The parser's own message is left out: it may quote a secret.
    #[error("line {0}, column {1}: neither a JSON report of this program nor one of gitleaks")]
    Form(usize, usize),
    /// Not text at all.
    #[error("its bytes are text in none of UTF-8, UTF-16 and UTF-32")]
    Encoding,
    /// An entry, counted from 1, identifies no token.
    #[error("entry {0} has neither `sha256` nor `Secret`")]
    Nameless(usize),
    /// The hash of an entry, counted from 1, is none.
    #[error("entry {0}: `sha256` is not 64 hexadecimal digits")]
    Hash(usize),
}

/// The tokens of one or more baselines.
#[derive(Debug, Default)]
pub struct Baseline {
    known: HashSet<Fingerprint>,
    /// Refresh tokens that gitleaks has truncated.
    truncated: HashSet<Fingerprint>,
    /// Entries whose secret was redacted, and which can match nothing.
    unusable: usize,
}

/// An entry of any of the formats. A secret is hashed as it is read and kept nowhere.
#[derive(Deserialize)]
struct Entry {
    sha256: Option<String>,
    #[serde(rename = "Secret")]
    secret: Option<Hashed>,
    summary: Option<de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Document {
    #[serde(alias = "baseline")]
    findings: Vec<Entry>,
}

/// What is kept of a secret that was read.
enum Hashed {
    Whole(Fingerprint),
    Truncated(Fingerprint),
    Redacted,
}

impl From<serde_json::Error> for BadBaseline {
    fn from(error: serde_json::Error) -> Self {
        BadBaseline::Form(error.line(), error.column())
    }
}

impl<'de> Deserialize<'de> for Hashed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct HashVisitor;
        impl Visitor<'_> for HashVisitor {
            type Value = Hashed;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a secret")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Hashed, E> {
                let fingerprint = Fingerprint::of(text.as_bytes());
                Ok(if text.is_empty() || text == "REDACTED" || text.ends_with("...") {
                    Hashed::Redacted
                } else if text.starts_with(REFRESH) && text.len() == TRUNCATED_LENGTH {
                    Hashed::Truncated(fingerprint)
                } else {
                    Hashed::Whole(fingerprint)
                })
            }
        }
        deserializer.deserialize_str(HashVisitor)
    }
}

impl Baseline {
    /// Adds the tokens of a baseline's text: a JSON or JSONL report of this program, what [`write_baseline`] writes, or
    /// a JSON report of gitleaks; in UTF-8, or in UTF-16 as PowerShell writes it.
    pub fn add(&mut self, bytes: &[u8]) -> Result<(), BadBaseline> {
        match unicode(bytes).ok_or(BadBaseline::Encoding)? {
            Cow::Borrowed(text) => self.add_text(text),
            // A report of gitleaks holds the secrets.
            Cow::Owned(text) => self.add_text(&Zeroizing::new(text)),
        }
    }

    fn add_text(&mut self, text: &str) -> Result<(), BadBaseline> {
        let entries = match text.trim_start().bytes().next() {
            Some(b'[') => serde_json::from_str::<Vec<Entry>>(text)?,
            // What gitleaks writes when it has found nothing.
            Some(b'n') => serde_json::from_str::<Option<Vec<Entry>>>(text)?.unwrap_or_default(),
            _ => match serde_json::from_str::<Document>(text) {
                Ok(document) => document.findings,
                Err(error) => lines(text).ok_or(error)?,
            },
        };
        for (n, entry) in entries.into_iter().enumerate() {
            self.add_entry(n + 1, entry)?;
        }
        Ok(())
    }

    fn add_entry(&mut self, n: usize, entry: Entry) -> Result<(), BadBaseline> {
        match entry {
            Entry { sha256: Some(hex), .. } => {
                self.known.insert(Fingerprint::from_hex(&hex).ok_or(BadBaseline::Hash(n))?);
            }
            Entry { secret: Some(Hashed::Whole(fingerprint)), .. } => {
                self.known.insert(fingerprint);
            }
            Entry { secret: Some(Hashed::Truncated(fingerprint)), .. } => {
                self.truncated.insert(fingerprint);
            }
            Entry { secret: Some(Hashed::Redacted), .. } => self.unusable += 1,
            Entry { summary: Some(_), .. } => {}
            _ => return Err(BadBaseline::Nameless(n)),
        }
        Ok(())
    }

    /// How many entries contain a redacted secret, and so match nothing.
    pub fn unusable(&self) -> usize {
        self.unusable
    }

    /// The first eight bytes of every hash in it.
    pub(super) fn hash_prefixes(&self) -> impl Iterator<Item = u64> + '_ {
        let first_bytes = |token: &Fingerprint| token.0.first_chunk().map(|first| u64::from_be_bytes(*first));
        self.known.iter().filter_map(first_bytes)
    }

    /// Whether it has refresh tokens that gitleaks has truncated.
    pub(super) fn has_truncated(&self) -> bool {
        !self.truncated.is_empty()
    }

    pub(super) fn contains(&self, fingerprint: Fingerprint) -> Option<(SuppressionKind, Arc<str>)> {
        self.known.contains(&fingerprint).then(reason)
    }

    /// Whether the part of a refresh token that gitleaks reports is known.
    pub(super) fn contains_truncated(&self, token: &[u8]) -> Option<(SuppressionKind, Arc<str>)> {
        let head = token.get(..TRUNCATED_LENGTH).filter(|head| head.starts_with(REFRESH.as_bytes()))?;
        (!self.truncated.is_empty() && self.truncated.contains(&Fingerprint::of(head))).then(reason)
    }
}

fn reason() -> (SuppressionKind, Arc<str>) {
    (SuppressionKind::Baseline, Arc::from("known before"))
}

/// A report of one finding a line.
fn lines(text: &str) -> Option<Vec<Entry>> {
    let entries: Result<Vec<Entry>, _> = serde_json::Deserializer::from_str(text).into_iter().collect();
    entries.ok().filter(|entries| !entries.is_empty())
}

#[derive(Serialize)]
struct BaselineFile<'a> {
    version: u32,
    tool: &'static str,
    baseline: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    sha256: String,
    rule: &'a str,
    token: String,
    path: &'a str,
    line: u64,
}

/// Writes a baseline of all findings, without their tokens, but for those that something else than a baseline suppresses.
/// What a baseline already suppresses is written again: the file that was read may be the one that is being written.
pub fn write_baseline<'a>(
    findings: impl Iterator<Item = &'a Finding>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let included = |finding: &&Finding| {
        finding.suppressed.as_ref().is_none_or(|suppression| suppression.kind == SuppressionKind::Baseline)
    };
    let mut baseline: Vec<Row<'_>> = findings
        .filter(included)
        .map(|finding| {
            let location = finding.locations.first();
            Row {
                sha256: finding.token.fingerprint().hex(),
                rule: &finding.rule,
                token: finding.token.redacted(),
                path: location.map_or("", |location| &location.path),
                line: location.map_or(1, |location| location.line),
            }
        })
        .collect();
    baseline.sort_by(|a, b| a.sha256.cmp(&b.sha256));
    let file = BaselineFile { version: VERSION, tool: env!("CARGO_PKG_NAME"), baseline };
    serde_json::to_writer_pretty(&mut *out, &file)?;
    out.write_all(b"\n")
}

#[cfg(test)]
mod tests;
