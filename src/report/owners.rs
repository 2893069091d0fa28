//! Whose the tokens are, as CSV: a row for each owner, those with the most tokens first.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::csv_table::CsvTable;
use super::labels::Fate;
use super::{Report, labels};
use crate::finding::{Confidence, Finding};

const HEADER: [&str; 8] =
    ["owner_id", "tokens", "certain", "likely", "accepted", "revoked", "open", "first_path"];

/// The tokens of one owner.
#[derive(Default)]
pub(super) struct Owner {
    /// The user id, where the tokens carry it.
    pub(super) id: Option<u32>,
    pub(super) tokens: u64,
    certain: u64,
    likely: u64,
    /// By what became of them.
    pub(super) accepted: u64,
    pub(super) revoked: u64,
    pub(super) open: u64,
    /// Where the first of them is.
    pub(super) first_path: String,
}

impl Owner {
    fn add(&mut self, finding: &Finding) {
        self.tokens += 1;
        self.certain += u64::from(finding.confidence == Confidence::Certain);
        self.likely += u64::from(finding.confidence == Confidence::Likely);
        match labels::fate(finding) {
            Fate::Accepted => self.accepted += 1,
            Fate::Revoked => self.revoked += 1,
            Fate::Open => self.open += 1,
        }
    }
}

/// The owners of what counts, those with the most tokens first, and behind them the tokens that name none.
pub(super) fn owners(report: &Report<'_>) -> Vec<Owner> {
    let mut owners: BTreeMap<Option<u32>, Owner> = BTreeMap::new();
    for finding in report.counted() {
        let owner = owners.entry(finding.owner_id).or_insert_with(|| Owner {
            id: finding.owner_id,
            first_path: report.locations(finding).first().map(|first| report.path(first)).unwrap_or_default(),
            ..Owner::default()
        });
        owner.add(finding);
    }
    let mut owners: Vec<Owner> = owners.into_values().collect();
    owners.sort_by_key(|owner| (owner.id.is_none(), std::cmp::Reverse(owner.tokens), owner.id));
    owners
}

pub(super) fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut table = CsvTable::new(out, &HEADER)?;
    for owner in owners(report) {
        let Owner { id, tokens, certain, likely, accepted, revoked, open, first_path } = owner;
        let id = id.map(|id| id.to_string()).unwrap_or_default();
        let counts = [tokens, certain, likely, accepted, revoked, open].map(|count| count.to_string());
        table.row([id].iter().chain(&counts).chain([&first_path]))?;
    }
    table.finish()
}
