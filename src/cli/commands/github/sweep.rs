//! The work of a sweep: several pieces at once, each written down as soon as it is done.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use jiff::Timestamp;

use super::joined::suppress_alerts;
use super::mirrored::INTERRUPTED;
use super::own::Own;
use super::task::Task;
use crate::blob::{Fault, FaultKind};
use crate::cli::error::redact;
use crate::cli::scan_context::ScanContext;
use crate::coverage::{CoverageRow, RepositoryState};
use crate::finding::{Finding, Findings};
use crate::journal::{Journal, Scanned};
use crate::report::RuleText;
use crate::source::github::AlertRef;

/// Looks at one piece; in its findings and faults every path begins with the piece's name.
pub(super) trait Worker: Sync {
    /// What came of it. Alerts that hold tokens are added to `alerts`. None where there is nothing to tell of.
    fn work(&self, task: &Task<'_>, alerts: &mut Vec<AlertRef>) -> Option<Scanned>;
}

/// What came of a sweep.
#[derive(Default)]
pub(super) struct Swept {
    pub(super) findings: Findings,
    pub(super) rows: Vec<CoverageRow>,
    pub(super) alerts: Vec<AlertRef>,
    /// Rules of repositories that found something.
    pub(super) rules: Vec<RuleText>,
    /// What repositories leave out of themselves, by their names.
    pub(super) excluded: BTreeMap<String, Vec<String>>,
    /// What alerts tell of: the repositories that they are about decide on it, too.
    alerted: Vec<Finding>,
    /// The paths of alerts that do not tell all places.
    untold: HashSet<String>,
    /// Repositories of which it is not known what they call no leak.
    pub(super) doubtful: HashSet<String>,
}

/// A sweep under way.
pub(super) struct Sweep<'a> {
    pub(super) session: ScanContext<'a>,
    pub(super) journal: &'a Journal,
    pub(super) worker: &'a dyn Worker,
    pub(super) jobs: usize,
}

/// What the threads of a sweep share.
#[derive(Default)]
struct Shared {
    next: AtomicUsize,
    swept: Mutex<Swept>,
    /// Whether it was said that the journal cannot be written.
    warned: AtomicBool,
}

impl Swept {
    /// Adds what could not even be listed, and makes one row of what has several.
    pub(super) fn add_rows(&mut self, rows: Vec<CoverageRow>) {
        for mut row in rows {
            for text in [&mut row.target, &mut row.repository] {
                *text = redact(text);
            }
            if !row.state.is_whole() && row.state != RepositoryState::Interrupted {
                self.add_fault(&row);
            }
            self.rows.push(row);
        }
        self.rows = merged(std::mem::take(&mut self.rows));
    }

    fn take_in(&mut self, task: &Task<'_>, scanned: Scanned, own: Option<&Own>) {
        let Scanned { row, findings, faults, is_doubtful, .. } = scanned;
        if is_doubtful {
            self.doubtful.insert(row.repository.clone());
        }
        if let Some(own) = own {
            own.apply_to_alerts(&mut self.alerted);
            self.add_rules(own.rules_of(&findings));
            if !own.globs().is_empty() {
                self.excluded.insert(row.repository.clone(), own.globs().to_vec());
            }
        }
        // What could not be read is named already, or somebody ended the run.
        if !row.state.is_whole() && row.state != RepositoryState::Interrupted && faults.is_empty() {
            self.add_fault(&row);
        }
        if task.is_alerts() {
            self.alerted.extend(findings);
            // Alerts of which it is not told to the end where their tokens are.
            self.untold.extend(faults.iter().map(|fault| fault.path.clone()));
        } else {
            for finding in findings {
                self.findings.take_in_finding(finding);
            }
        }
        for fault in faults {
            self.findings.fault(fault);
        }
        self.rows.push(row);
    }

    /// Several repositories may have a rule of one name. Which of them is told does not depend on threads.
    fn add_rules(&mut self, rules: Vec<RuleText>) {
        for rule in rules {
            match self.rules.iter_mut().find(|known| known.id == rule.id) {
                Some(known) if known.description <= rule.description => {}
                Some(known) => *known = rule,
                None => self.rules.push(rule),
            }
        }
    }

    /// What was not looked at is an error of the run.
    fn add_fault(&self, row: &CoverageRow) {
        let reason = row.reason.clone().unwrap_or_else(|| row.state.as_str().to_owned());
        self.findings.fault(Fault { path: row.repository.clone(), kind: FaultKind::Unreadable, reason });
    }
}

impl Shared {
    fn swept(&self) -> MutexGuard<'_, Swept> {
        self.swept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sweep<'_> {
    /// Does all of it, or as much as there is time for: each piece has its row in any case.
    pub(super) fn run(&self, tasks: &[Task<'_>]) -> Swept {
        let shared = Shared::default();
        for task in tasks {
            self.session.meter.expect_repository(task.size());
        }
        // All alerts before the repositories: what one of those says of itself is not kept until the end.
        let (alerts, others) = tasks.split_at(tasks.partition_point(Task::is_alerts));
        for tasks in [alerts, others] {
            shared.next.store(0, Relaxed);
            std::thread::scope(|scope| {
                for _ in 0..self.jobs.min(tasks.len()) {
                    scope.spawn(|| self.work_off(tasks, &shared));
                }
            });
        }
        let mut swept = shared.swept.into_inner().unwrap_or_else(PoisonError::into_inner);
        suppress_alerts(&mut swept.alerted, &mut swept.findings, &swept.untold);
        for finding in std::mem::take(&mut swept.alerted) {
            swept.findings.take_in_finding(finding);
        }
        swept
    }

    fn work_off(&self, tasks: &[Task<'_>], shared: &Shared) {
        while let Some(task) = tasks.get(shared.next.fetch_add(1, Relaxed)) {
            let mut alerts = Vec::new();
            let scanned = if self.session.interrupted() {
                let row = CoverageRow::new(redact(task.target()), task.name(), RepositoryState::Interrupted);
                let reason = Some("the run ended before it was its turn".to_owned());
                Some(Scanned::nothing(CoverageRow { reason, ..row }))
            } else {
                self.known(task).or_else(|| self.anew(task, &mut alerts, shared))
            };
            self.session.meter.repository(task.size());
            let own = scanned.as_ref().and_then(|scanned| self.own(scanned));
            let mut swept = shared.swept();
            swept.alerts.append(&mut alerts);
            if let Some(scanned) = scanned {
                swept.take_in(task, scanned, own.as_ref());
            }
        }
    }

    /// What a repository says of itself, where it does.
    fn own(&self, scanned: &Scanned) -> Option<Own> {
        scanned.own.texts().next()?;
        Some(Own::known(self.session, &scanned.row.repository, &scanned.own))
    }

    /// What an earlier run that was interrupted has found.
    fn known(&self, task: &Task<'_>) -> Option<Scanned> {
        let scanned = self.journal.read(&task.name(), &task.stamp()?)?;
        self.session.meter.add(&scanned.read);
        Some(scanned)
    }

    fn anew(&self, task: &Task<'_>, alerts: &mut Vec<AlertRef>, shared: &Shared) -> Option<Scanned> {
        let (start, at) = (Instant::now(), Timestamp::now());
        let mut scanned = self.worker.work(task, alerts)?;
        if scanned.row.state != RepositoryState::Interrupted && self.session.interrupted() {
            scanned.row.state = RepositoryState::Interrupted;
            scanned.row.reason = Some(INTERRUPTED.to_owned());
        }
        scanned.row.scanned_at = Some(format!("{at:.0}"));
        scanned.row.elapsed_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
        // What is not whole is looked at again the next time; and no file of this program holds a token.
        let may_be_kept =
            scanned.row.state.is_whole() && scanned.own.texts().all(|text| redact(text) == text);
        if let Some(stamp) = task.stamp().filter(|_| may_be_kept) {
            let (rules, custom) =
                (self.session.detection.detector.rules(), self.session.detection.rule_texts());
            let written = self.journal.write((&task.name(), &stamp), &scanned, (rules, &custom));
            if let Err(error) = written
                && !shared.warned.swap(true, Relaxed)
            {
                let text = format!("{error}; a run that is interrupted now begins anew");
                self.session.console.warn(&text);
            }
        }
        Some(scanned)
    }
}

/// One row for each name: a repository and its alerts are two pieces of work.
fn merged(rows: Vec<CoverageRow>) -> Vec<CoverageRow> {
    let mut by_name: BTreeMap<String, CoverageRow> = BTreeMap::new();
    for row in rows {
        match by_name.get_mut(&row.repository) {
            Some(known) => known.merge(row),
            None => {
                by_name.insert(row.repository.clone(), row);
            }
        }
    }
    by_name.into_values().collect()
}
