//! What every command that looks for tokens does before and after the scan.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context as _;
use jiff::Timestamp;

use super::args::CommonArgs;
use super::console::{Console, Terminal};
use super::detection::Detection;
use super::error::redact;
use super::exit::{Exit, RunStatus};
use super::fault_path::FaultFilter;
use super::output::RunOutput;
use super::revoke_session::{RevokeSession, Scanned};
use super::revoke_summary::RevokeSummary;
use super::roots::roots;
use super::run_end::{Finished, RunEnd};
use super::scan_context::ScanContext;
use super::stray_flags::refuse_stray_flags;
use super::{console, error, signal};
use crate::blob::{Fault, Sink};
use crate::finding::{Finding, Findings};
use crate::ledger::Head;
use crate::meter::{CancelFlag, Meter};
use crate::report::{Ending, Summary, Sweep};
use crate::settings::{Destination, Env, Input, Output, Settings, env};

/// One scan, from the flags to the exit code.
pub(super) struct ScanSession {
    start: Instant,
    started: Timestamp,
    pub(super) console: Console,
    pub(super) detection: Detection,
    pub(super) settings: Settings,
    pub(super) meter: Meter,
    cancel: CancelFlag,
    /// What other shards are told, too.
    pub(super) sweep: Sweep,
    /// Revokes what is found, where that was asked for.
    revoke_session: Option<RevokeSession>,
    /// The summary page of an Actions job, where the program runs in one.
    step_summary: Option<PathBuf>,
}

impl ScanSession {
    /// Gets ready for the command of this name: configuration, rules, counters, signals.
    pub(super) fn prepare(
        command: &str,
        common: &CommonArgs,
        inputs: Vec<Input>,
        env: &Env,
    ) -> anyhow::Result<Self> {
        let console = common.console();
        refuse_stray_flags(common, command)?;
        let mut detection = Detection::load(&common.config, &inputs, env)?;
        detection.suppress(&common.suppress, &console)?;
        let mut settings = common.settings(inputs, &detection.user)?;
        detection.exclude(&mut settings.walk.exclude)?;
        settings.walk.shard = common.shard.map(|choice| choice.shard(env)).transpose()?;
        if settings.walk.shard.is_some() && settings.inputs.contains(&Input::Stdin) {
            anyhow::bail!("standard input cannot be shared out: leave out --shard, or `-`");
        }
        let cancel = signal::listen()?;
        let terminal = Terminal { console: &console, cancel: &cancel };
        let prepare =
            || RevokeSession::prepare(&common.revocation, &settings.inputs, env, &detection.user, terminal);
        let revoke_session = common.revoke.then(|| signal::at_once(prepare)).transpose()?;
        let sweep = common.sweep(command, &detection.user, env);
        Ok(ScanSession {
            sweep,
            revoke_session,
            ..ScanSession::new(console, detection, settings, env, cancel)
        })
    }

    /// A session with detection and settings that were made elsewhere.
    pub(super) fn new(
        console: Console,
        mut detection: Detection,
        settings: Settings,
        env: &Env,
        cancel: CancelFlag,
    ) -> Self {
        detection.detector = detection.detector.with_decode_depth(settings.decode_depth);
        ScanSession {
            start: Instant::now(),
            started: Timestamp::now(),
            console,
            detection,
            settings,
            meter: Meter::new(cancel.clone()),
            cancel,
            sweep: Sweep::default(),
            revoke_session: None,
            step_summary: env.path(env::GITHUB_STEP_SUMMARY),
        }
    }

    /// The same, revoking what is found.
    pub(super) fn revoking(self, revoke_session: RevokeSession) -> Self {
        ScanSession { revoke_session: Some(revoke_session), ..self }
    }

    /// Calls `drain` with a sink that puts what is found into `findings`.
    pub(super) fn scan(&self, findings: &Findings, meter: &Meter, drain: &mut dyn FnMut(&dyn Sink)) {
        self.detection.scan(self.settings.limits, (findings, meter), drain);
    }

    /// What several threads scan with.
    pub(super) fn context(&self) -> ScanContext<'_> {
        let ScanSession { console, detection, settings, meter, .. } = self;
        ScanContext { console: *console, detection, settings, meter }
    }

    /// Refuses reports into directories that are not there: nobody wants to learn of that after hours.
    pub(super) fn require_report_directories(&self) -> anyhow::Result<()> {
        let Output { reports, write_baseline, .. } = &self.settings.output;
        let destinations = reports.iter().map(|target| &target.destination).chain(write_baseline);
        for destination in destinations {
            let Destination::Path(path) = destination else { continue };
            let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
            if parent.is_some_and(|parent| !parent.is_dir()) {
                anyhow::bail!("cannot write a report to {}: its directory is not there", path.display());
            }
        }
        Ok(())
    }

    /// Limits the threads of sources that use rayon's global pool to what was asked for.
    pub(super) fn limit_threads(&self) -> anyhow::Result<()> {
        if self.settings.walk.threads > 0 {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(self.settings.walk.threads);
            pool.build_global().context("cannot start threads")?;
        }
        Ok(())
    }

    /// Does `work` in every thread of that pool at the same time. What it starts in the pool itself is done there, too, and by
    /// those that have nothing left to do.
    pub(super) fn in_all_threads(work: impl Fn() + Sync) {
        rayon::broadcast(|_| work());
    }

    /// The findings in the order of reports, and what could not be read.
    pub(super) fn finalize(&self, mut findings: Findings) -> (Vec<Finding>, Vec<Fault>) {
        // Suppressions by path or commit: a history's are known only now.
        self.detection.suppressions.reapply(&mut findings);
        let (mut findings, mut faults) = findings.finish();
        if !faults.is_empty() {
            let filter = FaultFilter::new(&self.detection, &self.settings);
            faults.retain(|fault| filter.keeps(fault));
        }
        // A token may have been committed as the name of the author.
        for location in findings.iter_mut().flat_map(|finding| &mut finding.locations) {
            if let Some(author) = location.details().author.as_deref().map(redact) {
                location.details_mut().author = Some(author);
            }
        }
        (findings, faults)
    }

    /// Whether the user asked the run to end.
    pub(super) fn interrupted(&self) -> bool {
        self.cancel.is_cancelled()
    }

    /// Revokes what was found where that was asked for, reports it, and decides on the exit code.
    pub(super) fn finish(self, findings: Findings, shallow: bool) -> Exit {
        let (roots, is_shallow) = (roots(&self.settings.inputs), shallow);
        self.finish_run(findings, RunEnd { is_shallow, ..RunEnd::of(roots) }).exit
    }

    /// The same of a run that has more to tell.
    pub(super) fn finish_run(mut self, findings: Findings, mut end: RunEnd<'_>) -> Finished {
        let (mut findings, faults) = self.finalize(findings);
        let min_confidence = self.settings.output.min_confidence;
        let (elapsed, scan_interrupted) = (self.start.elapsed(), self.interrupted());
        let mut revoke_session = self.revoke_session.take().filter(|_| !scan_interrupted);
        if let Some(session) = &mut revoke_session {
            session.add_own(&end.own);
            if let Some(is_doubtful) = end.is_doubtful {
                let doubtful = findings.iter().filter(|finding| is_doubtful(finding));
                session.hold_back(doubtful.map(|finding| finding.token.fingerprint()).collect());
            }
        }
        let terminal = Terminal { console: &self.console, cancel: &self.cancel };
        let suppressions = &self.detection.suppressions;
        let revoked = revoke_session.map(|session| {
            let found = self.settings.exit.found;
            let scanned = Scanned { findings: &mut findings, counted: min_confidence, suppressions, found };
            session.revoke(scanned, terminal)
        });
        let is_done = end.after.as_mut().is_none_or(|after| after(&mut findings, &mut end.coverage));
        let mut summary = Summary::new(&findings, &faults, min_confidence, self.meter.read(), elapsed);
        summary.shallow = end.is_shallow;
        summary.shard = self.settings.walk.shard;
        summary.sweep = std::mem::take(&mut self.sweep);
        summary.audit_head = head_of(revoked.as_ref());
        let custom = self.detection.rule_texts();
        let output = RunOutput {
            rules: self.detection.detector.rules(),
            custom: &custom,
            roots: &end.roots,
            output: &self.settings.output,
            findings: &findings,
            faults: &faults,
            summary: &summary,
            started: self.started,
            coverage: end.coverage.as_ref(),
            ending: ending(scan_interrupted, revoked.as_ref(), summary.findings > 0),
            detection: Some(&self.detection),
            step_summary: self.step_summary.as_deref(),
        };
        let written = output.write(&self.console);
        let found = summary.findings > 0;
        // The report is written even where revocation failed.
        let revoked = match revoked {
            None => RunStatus { found, ..RunStatus::default() },
            Some(Ok(revoked)) => {
                revoked.print(&self.console);
                // A run that was refused whole has not done what it was asked for: that goes before what it found.
                RunStatus { found: found && revoked.refused.is_none(), ..revoked.status() }
            }
            Some(Err(error)) => {
                console::error(&error::message(&error));
                RunStatus { remaining: found, trouble: true, ..RunStatus::default() }
            }
        };
        let status = RunStatus {
            interrupted: self.interrupted(),
            trouble: summary.incomplete() || !written || !is_done || revoked.trouble,
            ..revoked
        };
        Finished { exit: Exit::of(status, self.settings.exit.found), is_written: written }
    }
}

/// How a run ended, for whoever merges its report with others.
fn ending(interrupted: bool, revoked: Option<&anyhow::Result<RevokeSummary>>, found: bool) -> Ending {
    match revoked {
        None => Ending { interrupted, ..Ending::default() },
        Some(Ok(summary)) => {
            let RunStatus { remaining, trouble, .. } = summary.status();
            Ending { interrupted, remaining, refused: summary.refused.is_some(), failed: trouble }
        }
        Some(Err(_)) => Ending { interrupted, remaining: found, refused: false, failed: true },
    }
}

/// `SEQ:HASH`, the head of the audit trail after a revoking run that wrote anything down.
fn head_of(revoked: Option<&anyhow::Result<RevokeSummary>>) -> Option<String> {
    revoked?.as_ref().ok()?.head.as_ref().map(Head::to_string)
}
