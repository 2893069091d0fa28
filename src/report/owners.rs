//! Whose the tokens are, as CSV: a row for each owner, those with the most tokens first.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use super::csv_table::CsvTable;
use super::labels::Fate;
use super::{Report, labels};
use crate::finding::{Confidence, Finding};
use crate::revocation::State;

const HEADER: [&str; 12] = [
    "owner_id",
    "tokens",
    "certain",
    "likely",
    "accepted",
    "revoked",
    "open",
    "first_path",
    "login",
    "repositories",
    "repository_names",
    "states",
];

/// What is said of a token's state that nobody asked to be revoked.
const NO_STATE: &str = "none";

/// The tokens of one owner.
#[derive(Default)]
pub(super) struct Owner<'a> {
    /// The user id, where the tokens carry it.
    pub(super) id: Option<u32>,
    /// What the owner is called, where that is known.
    pub(super) login: Option<&'a str>,
    pub(super) tokens: Vec<&'a Finding>,
    certain: u64,
    likely: u64,
    /// By what became of them.
    pub(super) accepted: u64,
    pub(super) revoked: u64,
    pub(super) open: u64,
    /// The same by their states.
    states: BTreeMap<Option<State>, u64>,
    /// Where the first of them is.
    pub(super) first_path: String,
    /// The repositories that they are in, where a sweep names them.
    repositories: BTreeSet<&'a str>,
}

impl<'a> Owner<'a> {
    fn add(&mut self, report: &Report<'a>, finding: &'a Finding) {
        let locations = report.locations(finding);
        if self.tokens.is_empty() {
            self.first_path = locations.first().map(|first| report.path(first)).unwrap_or_default();
        }
        self.repositories.extend(locations.into_iter().filter_map(|location| report.repository(location)));
        self.login = self.login.or(finding.owner_login.as_deref());
        self.tokens.push(finding);
        self.certain += u64::from(finding.confidence == Confidence::Certain);
        self.likely += u64::from(finding.confidence == Confidence::Likely);
        match labels::fate(finding) {
            Fate::Accepted => self.accepted += 1,
            Fate::Revoked => self.revoked += 1,
            Fate::Open => self.open += 1,
        }
        let state = finding.revocation.as_ref().map(|revocation| revocation.state);
        *self.states.entry(state).or_default() += 1;
    }

    /// Whether nobody knows whose they are.
    pub(super) fn is_unknown(&self) -> bool {
        self.id.is_none() && self.login.is_none()
    }

    /// `accepted 3, none 1`.
    fn states(&self) -> String {
        let state = |(state, count): (&Option<State>, &u64)| {
            format!("{} {count}", state.map_or(NO_STATE, State::as_str))
        };
        self.states.iter().map(state).collect::<Vec<_>>().join(", ")
    }
}

/// The owners of what counts, those with the most tokens first, and behind them the tokens that name none.
pub(super) fn owners<'a>(report: &Report<'a>) -> Vec<Owner<'a>> {
    let mut owners: BTreeMap<(Option<u32>, Option<&str>), Owner<'a>> = BTreeMap::new();
    for finding in report.counted() {
        // An id is the same owner whether or not the login is known.
        let login = finding.owner_login.as_deref().filter(|_| finding.owner_id.is_none());
        let owner = owners.entry((finding.owner_id, login)).or_default();
        owner.id = finding.owner_id;
        owner.add(report, finding);
    }
    let mut owners: Vec<Owner<'a>> = owners.into_values().collect();
    let most_first = |owner: &Owner<'_>| std::cmp::Reverse(owner.tokens.len());
    owners.sort_by_key(|owner| (owner.is_unknown(), most_first(owner), owner.id, owner.login));
    owners
}

pub(super) fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut table = CsvTable::new(out, &HEADER)?;
    for owner in owners(report) {
        let id = owner.id.map(|id| id.to_string()).unwrap_or_default();
        let Owner { certain, likely, accepted, revoked, open, .. } = owner;
        let counts = [owner.tokens.len() as u64, certain, likely, accepted, revoked, open];
        let repositories: Vec<&str> = owner.repositories.iter().copied().collect();
        let rest = [
            owner.first_path.clone(),
            owner.login.unwrap_or_default().to_owned(),
            repositories.len().to_string(),
            repositories.join(" "),
            owner.states(),
        ];
        table.row([id].iter().chain(&counts.map(|count| count.to_string())).chain(&rest))?;
    }
    table.finish()
}
