//! Whether reports are the shards of one sweep: none missing, none twice, none of another sweep.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::{BadMerge, Named};
use crate::report::{Root, Run};
use crate::shard::Shard;

/// How many missing shards are named.
const MAX_LISTED: usize = 20;

/// How far apart the shards of a sweep without a name may have started: what a nightly one left behind the day before is of
/// another.
const LONGEST: SignedDuration = SignedDuration::from_hours(12);

/// Refuses a sweep of which a share is missing, or there twice, or of another sweep.
pub(super) fn check(reports: &[Named]) -> Result<(), BadMerge> {
    let mut seen: BTreeMap<Shard, &str> = BTreeMap::new();
    for (name, report) in reports {
        let Some(shard) = report.summary.shard else { continue };
        if let Some((first, known)) = seen.first_key_value()
            && first.count() != shard.count()
        {
            return Err(BadMerge::Counts {
                first: (*known).to_owned(),
                count: first.count(),
                second: name.clone(),
                other: shard.count(),
            });
        }
        if let Some(first) = seen.insert(shard, name) {
            return Err(BadMerge::Twice { shard, first: first.to_owned(), second: name.clone() });
        }
    }
    check_sweep(reports)?;
    let Some(count) = seen.keys().next().map(|shard| shard.count()) else { return Ok(()) };
    let all = (1..=count).filter_map(|index| Shard::new(index.into(), count.into()).ok());
    let missing = all.filter(|shard| !seen.contains_key(shard));
    // A wrong count must not make a message of millions.
    let listed: Vec<String> = missing.take(MAX_LISTED).map(|shard| shard.to_string()).collect();
    if listed.is_empty() { Ok(()) } else { Err(BadMerge::Missing { missing: listed.join(", ") }) }
}

/// Refuses shards that were told different things: the share of one sweep says nothing of that of another.
fn check_sweep(reports: &[Named]) -> Result<(), BadMerge> {
    let of_shard = |(name, report): &'_ Named| {
        report.summary.shard.and(report.run.clone()).map(|run| (name.clone(), run))
    };
    let mut runs = reports.iter().filter_map(of_shard);
    let Some((first, one)) = runs.next() else { return Ok(()) };
    // A sweep of repositories shares out the roots themselves.
    let share_roots = reports.iter().all(|(_, report)| report.coverage.is_none());
    for (second, other) in runs {
        if let Some(difference) = difference(&one, &other, share_roots) {
            return Err(BadMerge::Sweeps { first, second, difference });
        }
    }
    Ok(())
}

fn difference(one: &Run, other: &Run, share_roots: bool) -> Option<String> {
    if let Some(difference) = one.sweep.difference(&other.sweep) {
        return Some(difference);
    }
    if share_roots && given(&one.roots) != given(&other.roots) {
        let list = |run: &Run| given(&run.roots).join(" ");
        return Some(format!("the first looked at {}, and the other at {}", list(one), list(other)));
    }
    let apart = other.started.duration_since(one.started).abs();
    let is_late = one.sweep.name.is_none() && apart > LONGEST;
    is_late.then(|| {
        format!(
            "one started {} hours after the other, and none says which sweep it is of; --sweep NAME does",
            apart.as_hours()
        )
    })
}

/// The roots as they were given.
fn given(roots: &[Root]) -> Vec<&str> {
    roots.iter().map(|root| root.given.as_str()).collect()
}
