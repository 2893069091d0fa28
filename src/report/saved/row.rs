//! The rows of a JSON report, read back: the inverse of what `json` writes.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::BadReport;
use super::word::interned;
use crate::blob::{Fault, FaultKind, LocationKind, Origin, STDIN};
use crate::finding::{Claim, Confidence, Finding, Location, SetBy, Suppression, SuppressionKind};
use crate::report::Root;
use crate::revocation::{Grants, Revocation, State};
use crate::rule;
use crate::token::{Fingerprint, Kind, Token};

/// The kinds of faults that are a word alone.
const FAULT_KINDS: [FaultKind; 7] = [
    FaultKind::Unreadable,
    FaultKind::Damaged,
    FaultKind::CutShort,
    FaultKind::TooLarge,
    FaultKind::PassedOver,
    FaultKind::History,
    FaultKind::Shallow,
];

/// What was recognised and not read, where a report does not say what it was.
const UNNAMED: &str = "unnamed";

#[derive(Deserialize)]
pub(super) struct FaultRow {
    path: String,
    kind: String,
    reason: String,
    #[serde(default)]
    word: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct FindingRow {
    rule: String,
    confidence: Confidence,
    reason: Option<String>,
    token: Zeroizing<String>,
    sha256: String,
    owner_id: Option<u32>,
    #[serde(default)]
    owner_login: Option<Box<str>>,
    #[serde(default)]
    suppressed: Option<SuppressionKind>,
    #[serde(default)]
    suppression: Option<SuppressionRow>,
    revocation: Option<RevocationRow>,
    locations: Vec<LocationRow>,
    more_locations: u64,
}

#[derive(Deserialize)]
struct LocationRow {
    root: String,
    path: String,
    line: u64,
    column: u64,
    offset: u64,
    kind: LocationKind,
    decoded: Vec<String>,
    commit: Option<String>,
    author: Option<String>,
    date: Option<String>,
    object: Option<String>,
    #[serde(default)]
    suppressed: Option<SuppressionKind>,
    #[serde(default)]
    suppression: Option<SuppressionRow>,
    #[serde(default)]
    claim: Option<Claim>,
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    pull_request: Option<String>,
}

#[derive(Clone, Deserialize)]
struct SuppressionRow {
    by: SuppressionKind,
    from: SetBy,
    what: String,
}

#[derive(Deserialize)]
struct RevocationRow {
    state: String,
    at: Timestamp,
    request_id: Option<Box<str>>,
    #[serde(default)]
    scopes: Option<Vec<String>>,
    #[serde(default)]
    expires_at: Option<Timestamp>,
}

/// The roots that the locations of a report name, where it does not tell more of them.
pub(super) fn roots(findings: &[FindingRow]) -> Vec<Root> {
    let (mut roots, mut known) = (Vec::new(), HashSet::new());
    for location in findings.iter().flat_map(|finding| &finding.locations) {
        let given = &location.root;
        if *location.path == *STDIN || !known.insert(given) {
            continue;
        }
        // A root that is a file has its locations under its own name.
        let is_file = location
            .path
            .strip_prefix(&**given)
            .is_some_and(|member| !given.is_empty() && (member.is_empty() || member.starts_with('!')));
        let shown = if given == "." { String::new() } else { given.clone() };
        let (given, name, stable) = (given.clone(), given.clone(), String::new());
        roots.push(Root { given, name, is_file, shown, inside: String::new(), stable });
    }
    roots
}

/// What locations call the roots of a report, by what these were given as.
pub(super) struct RootNames<'a> {
    names: HashMap<&'a str, &'a str>,
    /// Whether a location names its root: where there are several, and it is no file.
    are_told: bool,
    /// Whether the roots are names of repositories, which every location has.
    are_names: bool,
}

impl<'a> RootNames<'a> {
    pub(super) fn new(roots: &'a [Root], are_names: bool) -> Self {
        let directories = roots.iter().rev().filter(|root| !root.is_file);
        let names = directories.map(|root| (&*root.given, &*root.name)).collect();
        RootNames { names, are_told: roots.len() > 1, are_names }
    }

    /// What a location at this path calls the root that was given so.
    fn of(&self, given: &str, path: &str) -> Option<String> {
        if self.are_names {
            return Some(given.to_owned()).filter(|given| !given.is_empty());
        }
        let name = self.names.get(given).filter(|_| self.are_told && path != STDIN)?;
        Some((*name).to_owned())
    }
}

impl FaultRow {
    pub(super) fn fault(self, n: usize) -> Result<Fault, BadReport> {
        let kind = FAULT_KINDS.into_iter().find(|kind| kind.as_str() == self.kind);
        let as_bytes = || {
            let kind = FaultKind::AsBytes(interned(self.word.as_deref().unwrap_or(UNNAMED)));
            Some(kind).filter(|kind| kind.as_str() == self.kind)
        };
        let kind = kind.or_else(as_bytes).ok_or(BadReport::FaultKind(n))?;
        Ok(Fault { path: self.path, kind, reason: self.reason })
    }
}

impl FindingRow {
    /// The finding, the `n`-th of a report over these roots.
    pub(super) fn finding(self, n: usize, roots: &RootNames<'_>) -> Result<Finding, BadReport> {
        let fingerprint = Fingerprint::from_hex(&self.sha256).ok_or(BadReport::Hash(n))?;
        let kind = rule::kind(&self.rule).unwrap_or(Kind::OTHER);
        let token = if Fingerprint::of(self.token.as_bytes()) == fingerprint {
            Token::new(kind, self.token.as_bytes())
        } else {
            Token::reported(kind, fingerprint, &self.token)
        };
        let suppression = self.suppression;
        let locations: Vec<Location> =
            self.locations.into_iter().map(|row| row.location(suppression.as_ref(), roots)).collect();
        let is_hidden = |location: &Location| location.details().suppressed.is_some();
        // It counts, so that it is not suppressed everywhere.
        let more_unsuppressed = self.suppressed.is_none() && locations.iter().all(is_hidden);
        let revocation =
            self.revocation.map(|row| row.revocation().ok_or(BadReport::State(n))).transpose()?;
        Ok(Finding {
            rule: self.rule.into(),
            token,
            confidence: self.confidence,
            reason: interned(self.reason.as_deref().unwrap_or_default()),
            owner_id: self.owner_id,
            owner_login: self.owner_login,
            suppressed: suppression.map(|row| Box::new(Suppression::from(row))),
            revocation,
            locations: locations.into(),
            more_locations: self.more_locations,
            more_unsuppressed,
        })
    }
}

impl LocationRow {
    /// The location; `of_finding` suppresses the whole finding.
    fn location(self, of_finding: Option<&SuppressionRow>, roots: &RootNames<'_>) -> Location {
        let root = roots.of(&self.root, &self.path);
        let suppression = self.suppression.or_else(|| of_finding.cloned());
        let suppressed = self.suppressed.map(|by| match suppression {
            Some(row) if row.by == by => Suppression::from(row),
            _ => Suppression { kind: by, set_by: SetBy::User, detail: Arc::default() },
        });
        let origin = Origin {
            path: self.path,
            root,
            kind: self.kind,
            base: 0,
            object: self.object,
            commit: self.commit,
            author: self.author,
            date: self.date,
            lines_before: 0,
            url: self.url,
        };
        let decoded = self.decoded.iter().map(|word| interned(word)).collect();
        let mut location = Location::new(origin, self.offset, self.line, self.column, decoded);
        let (claim, pull_request) = (self.claim, self.pull_request);
        if suppressed.is_some() || claim.is_some() || pull_request.is_some() {
            let details = location.details_mut();
            (details.suppressed, details.claim, details.pull_request) = (suppressed, claim, pull_request);
        }
        location
    }
}

impl From<SuppressionRow> for Suppression {
    fn from(row: SuppressionRow) -> Self {
        Suppression { kind: row.by, set_by: row.from, detail: row.what.into() }
    }
}

impl RevocationRow {
    fn revocation(self) -> Option<Revocation> {
        let is_told = self.scopes.is_some() || self.expires_at.is_some();
        let grants = is_told.then(|| Box::new(Grants { scopes: self.scopes, expires_at: self.expires_at }));
        let state = State::from_word(&self.state)?;
        Some(Revocation { state, at: self.at, request_id: self.request_id, grants })
    }
}
