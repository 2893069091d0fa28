//! Several reports made one: counts added up, each token once, and of a sweep that was shared out no share missing.

mod coverage;
mod shards;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::{BadReport, Ending, Root, Roots, RuleText, SavedReport, Summary};
use crate::blob::{Fault, LocationKind, STDIN};
use crate::coverage::Coverage;
use crate::finding::{Claim, Confidence, Finding, Findings, Ground, Location};
use crate::meter::Reading;
use crate::shard::Shard;
use coverage::JoinedCoverage;

/// Reports that make no whole.
#[derive(Debug, thiserror::Error)]
pub enum BadMerge {
    /// A file that is no report.
    #[error("{name}: {error}")]
    Report {
        /// The file.
        name: String,
        /// What is wrong with it.
        error: BadReport,
    },
    /// Some of the shards are not there.
    #[error("the report of shard {missing} is missing: nobody else has looked at its share")]
    Missing {
        /// Which, as in `2/8, 5/8`.
        missing: String,
    },
    /// The same shard in two reports.
    #[error("{first} and {second} are both of shard {shard}: merge each run's reports by themselves first")]
    Twice {
        /// Which.
        shard: Shard,
        /// One report.
        first: String,
        /// The other.
        second: String,
    },
    /// Two runs that were shared out in different ways.
    #[error("{first} is of {count} shards, and {second} of {other}: they are of different runs")]
    Counts {
        /// One report.
        first: String,
        /// Of how many it is.
        count: u32,
        /// The other.
        second: String,
        /// Of how many that is.
        other: u32,
    },
    /// Two shards that were told different things.
    #[error("{first} and {second} are of different sweeps: {difference}")]
    Sweeps {
        /// One report.
        first: String,
        /// The other.
        second: String,
        /// How they differ.
        difference: String,
    },
    /// A repository that two reports tell different things of.
    #[error(
        "{first} and {second} tell different things of {repository}: they are of different sweeps, so merge each sweep's by themselves"
    )]
    Repository {
        /// Which.
        repository: String,
        /// One report.
        first: String,
        /// The other.
        second: String,
    },
    /// Two runs that counted differently.
    #[error(
        "{first} counts what is {least} or surer, and {second} what is {other}: say which, with --min-confidence",
        least = least.as_str(),
        other = other.as_str()
    )]
    Confidence {
        /// One report.
        first: String,
        /// What it counts.
        least: Confidence,
        /// The other.
        second: String,
        /// What that counts.
        other: Confidence,
    },
}

/// Several reports as one.
pub struct Merged {
    /// In the order of reports.
    pub findings: Vec<Finding>,
    /// What could not be read.
    pub faults: Vec<Fault>,
    /// The counts.
    pub summary: Summary,
    /// What was scanned.
    roots: Vec<Root>,
    /// What a sweep of repositories has looked at; none where no report tells it.
    pub coverage: Option<Coverage>,
    /// The configurations' own rules.
    pub rules: Vec<RuleText>,
    /// When the first of the runs started, where one says it.
    pub started: Option<Timestamp>,
    /// How they ended.
    pub ending: Ending,
    /// What is less sure does not count.
    pub min_confidence: Confidence,
}

/// A report and the name of its file.
pub type Named = (String, SavedReport);

impl Merged {
    /// Makes one report of several. What counts is what is at least as sure as was `asked` for; else what counted in the
    /// reports, where they say it, or else as by `default`.
    pub fn of(reports: Vec<Named>, asked: Option<Confidence>, default: Confidence) -> Result<Self, BadMerge> {
        shards::check(&reports)?;
        let min_confidence = match asked {
            Some(least) => least,
            None => counted(&reports)?.unwrap_or(default),
        };
        let mut merged = Merged {
            findings: Vec::new(),
            faults: Vec::new(),
            summary: Summary::default(),
            roots: roots(&reports),
            coverage: None,
            rules: Vec::new(),
            started: None,
            ending: Ending::default(),
            min_confidence,
        };
        let (mut findings, mut faults) = (Findings::keeping_all(), BTreeMap::new());
        let (mut read, mut elapsed) = (Reading::default(), 0);
        let mut coverage = JoinedCoverage::default();
        for ((name, report), n) in reports.into_iter().zip(0..) {
            let of_shard = report.summary.shard.is_some();
            let n = (!of_shard).then_some(n);
            add_counts(&mut read, &report);
            elapsed = elapsed.max(report.summary.elapsed_ms);
            merged.take_run(&report);
            coverage.add((&name, of_shard), report.coverage)?;
            let own_root = report.roots.first().filter(|root| report.roots.len() == 1 && !root.is_file);
            let own_root = own_root.filter(|_| merged.roots.len() > 1).map(|root| root.name.clone());
            add_findings(&findings, report.findings, own_root.as_deref(), n);
            add_faults(&mut faults, report.faults);
        }
        findings.replace_locations(&mut |_, locations| settle_claims(locations));
        for (fault, count) in faults {
            (0..count).for_each(|_| findings.fault(fault.clone()));
        }
        (merged.findings, merged.faults) = findings.finish();
        merged.coverage = coverage.finish();
        let counts = Summary::new(
            &merged.findings,
            &merged.faults,
            min_confidence,
            read,
            Duration::from_millis(elapsed),
        );
        let Summary { shallow, ref audit_head, .. } = merged.summary;
        merged.summary = Summary { shallow, audit_head: audit_head.clone(), ..counts };
        Ok(merged)
    }

    /// What was scanned.
    pub fn roots(&self) -> Roots {
        match self.coverage {
            Some(_) => Roots::of_names(self.roots.iter().map(|root| root.name.clone())),
            None => Roots::new(self.roots.clone()),
        }
    }

    /// Takes over what does not follow from the findings.
    fn take_run(&mut self, report: &SavedReport) {
        self.summary.shallow |= report.summary.shallow;
        let number = |head: &String| head.split(':').next().and_then(|seq| seq.parse::<u64>().ok());
        let ours = self.summary.audit_head.as_ref().and_then(number);
        if report.summary.audit_head.as_ref().and_then(number) > ours {
            self.summary.audit_head.clone_from(&report.summary.audit_head);
        }
        let Some(run) = &report.run else { return };
        self.ending = self.ending.and(run.ending);
        self.started = Some(self.started.map_or(run.started, |started| started.min(run.started)));
        for rule in &run.rules {
            if !self.rules.contains(rule) {
                self.rules.push(rule.clone());
            }
        }
    }
}

/// What counts in those that say so: they have to agree.
fn counted(reports: &[Named]) -> Result<Option<Confidence>, BadMerge> {
    let mut known: Option<(&str, Confidence)> = None;
    for (name, report) in reports {
        let Some(other) = report.run.as_ref().map(|run| run.min_confidence) else { continue };
        match known {
            Some((first, least)) if least != other => {
                let (first, second) = (first.to_owned(), name.clone());
                return Err(BadMerge::Confidence { first, least, second, other });
            }
            _ => known = Some((name, other)),
        }
    }
    Ok(known.map(|(_, least)| least))
}

/// The roots of all, each once: shards of one sweep have the same.
fn roots(reports: &[Named]) -> Vec<Root> {
    let mut known = HashSet::new();
    let all = reports.iter().flat_map(|(_, report)| &report.roots);
    all.filter(|root| known.insert(&root.given)).cloned().collect()
}

fn add_counts(read: &mut Reading, report: &SavedReport) {
    let summary = &report.summary;
    read.files = read.files.saturating_add(summary.files);
    read.objects = read.objects.saturating_add(summary.objects);
    read.commits = read.commits.saturating_add(summary.commits);
    read.bytes = read.bytes.saturating_add(summary.bytes);
}

/// Adds the findings of a report over `root`, which has a name now that there are several. Where it is the `n`-th report of
/// a whole run, its locations are in order.
fn add_findings(into: &Findings, findings: Vec<Finding>, root: Option<&str>, n: Option<u32>) {
    for mut finding in findings {
        for (location, position) in finding.locations.iter_mut().zip(0..) {
            if let Some(source) = n {
                location.details_mut().claim = Some(Claim { source, position, ground: Ground::Always });
            }
            if root.is_some() && location.details().root.is_none() && *location.path != *STDIN {
                location.details_mut().root = root.map(str::to_owned);
            }
        }
        into.add_finding(finding);
    }
}

/// What no shard can read each of them tells; what one of them tells twice is two.
fn add_faults(into: &mut BTreeMap<Fault, u64>, faults: Vec<Fault>) {
    let mut counts: BTreeMap<Fault, u64> = BTreeMap::new();
    for fault in faults {
        *counts.entry(fault).or_default() += 1;
    }
    for (fault, count) in counts {
        let most = into.entry(fault).or_default();
        *most = count.max(*most);
    }
}

/// A file in a history, and what part of it.
type Place = (u32, Option<String>, Arc<str>, LocationKind);

/// Which version of its file a location is in: the commit's position, and the object.
type Version = (u32, Option<String>);

/// Puts the locations of a token in the order of one run. Of the versions of a file, keeps the first, and drops what a reflog
/// repeats and what two reports tell. Returns how many versions were left out.
fn settle_claims(locations: Vec<Location>) -> (Vec<Location>, u64) {
    let mut first: HashMap<Place, Version> = HashMap::new();
    for (place, version) in locations.iter().filter_map(version) {
        let known = first.entry(place).or_insert_with(|| version.clone());
        if version < *known {
            *known = version;
        }
    }
    let is_first = |location: &Location| {
        version(location).is_none_or(|(place, version)| first.get(&place) == Some(&version))
    };
    let claims = locations.iter().filter_map(|location| location.details().claim);
    let elsewhere: BTreeSet<u32> =
        claims.filter(|claim| claim.ground != Ground::Repetition).map(|claim| claim.source).collect();
    let is_repeated = |location: &Location| {
        let claim = location.details().claim.filter(|claim| claim.ground == Ground::Repetition);
        claim.is_some_and(|claim| elsewhere.contains(&claim.source))
    };
    let (mut kept, mut more) = (Vec::with_capacity(locations.len()), 0);
    for location in locations {
        if !is_first(&location) {
            more += 1;
        } else if !is_repeated(&location) {
            kept.push(location);
        }
    }
    // The sort is stable: within a commit, they stay in the order of reports.
    kept.sort_by_key(|location| location.details().claim.map(|claim| (claim.source, claim.position)));
    let mut known = BTreeSet::new();
    for location in &mut kept {
        if location.details().claim.is_some() {
            location.details_mut().claim = None;
        }
    }
    kept.retain(|location| known.insert(location.clone()));
    (kept, more)
}

/// The file that a location is in, and the version of it, where only the first one counts.
fn version(location: &Location) -> Option<(Place, Version)> {
    let details = location.details();
    let claim = details.claim.filter(|claim| claim.ground == Ground::Version)?;
    let place = (claim.source, details.root.clone(), Arc::clone(&location.path), location.kind);
    Some((place, (claim.position, details.object.clone())))
}

#[cfg(test)]
mod tests;
