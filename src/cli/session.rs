//! What every verb that looks for tokens does before and after looking.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context as _;
use jiff::Timestamp;

use super::args::CommonArgs;
use super::console::Console;
use super::detection::Detection;
use super::exit::{Exit, Outcome};
use super::output::RunOutput;
use super::revoke_session::RevokeSession;
use super::signal;
use crate::blob::{Fault, Sink};
use crate::finding::{Finding, Findings};
use crate::meter::CancelFlag;
use crate::meter::Meter;
use crate::report::Summary;
use crate::settings::Settings;
use crate::source::unpack::Unpack;

/// One run, from the flags to the exit code.
pub(super) struct ScanSession {
    start: Instant,
    started: Timestamp,
    pub(super) console: Console,
    pub(super) detection: Detection,
    pub(super) settings: Settings,
    pub(super) meter: Meter,
    cancel: CancelFlag,
    /// What is found goes to GitHub.
    sender: Option<RevokeSession>,
}

impl ScanSession {
    /// Gets ready: configuration, rules, counters, signals.
    pub(super) fn begin(common: &CommonArgs, paths: Vec<PathBuf>) -> anyhow::Result<Self> {
        let console = common.console();
        RevokeSession::unwanted(common.revoke, &common.revocation)?;
        let mut detection = Detection::new(&common.config, &paths)?;
        detection.silence(&common.silence, &console)?;
        let settings = common.settings(paths, &detection.user)?;
        let revocation = common.revocation.clone().or(&detection.user.revoke);
        let sender = common.revoke.then(|| RevokeSession::prepare(&revocation, &console)).transpose()?;
        ScanSession::over(console, detection, settings, sender)
    }

    /// A run over what was made ready elsewhere.
    pub(super) fn over(
        console: Console,
        mut detection: Detection,
        settings: Settings,
        sender: Option<RevokeSession>,
    ) -> anyhow::Result<Self> {
        let (start, started) = (Instant::now(), Timestamp::now());
        detection.detector = detection.detector.with_decode_depth(settings.decode_depth);
        let cancel = signal::listen()?;
        let meter = Meter::new(cancel.clone());
        Ok(ScanSession { start, started, console, detection, settings, meter, cancel, sender })
    }

    /// Calls `show` with a sink that puts what is found into `findings`.
    pub(super) fn look(&self, findings: &Findings, meter: &Meter, show: &mut dyn FnMut(&dyn Sink)) {
        let net = self.detection.net(findings, meter);
        show(&Unpack::new(&net, self.settings.limits));
    }

    /// As many threads as were asked for, for sources that share rayon's own.
    pub(super) fn limit_threads(&self) -> anyhow::Result<()> {
        if self.settings.walk.threads > 0 {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(self.settings.walk.threads);
            pool.build_global().context("cannot start threads")?;
        }
        Ok(())
    }

    /// What was found, in the order in which it is told, and what could not be read.
    pub(super) fn settle(&self, mut findings: Findings) -> (Vec<Finding>, Vec<Fault>) {
        // A history's paths and commits are known only now.
        self.detection.suppressor.reapply(&mut findings);
        findings.finish()
    }

    /// Whether somebody asked the run to end.
    pub(super) fn interrupted(&self) -> bool {
        self.cancel.is_cancelled()
    }

    /// Sends what was found where that was asked for, reports it, and says how it ended.
    pub(super) fn conclude(mut self, findings: Findings, shallow: bool) -> anyhow::Result<Exit> {
        let (mut findings, faults) = self.settle(findings);
        let least = self.settings.output.min_confidence;
        let (elapsed, cut_short) = (self.start.elapsed(), self.cancel.is_cancelled());
        let sender = self.sender.take().filter(|_| !cut_short);
        let sent = sender.map(|sender| sender.revoke(&mut findings, least, &self.console, &self.cancel));
        let mut summary = Summary::new(&findings, &faults, least, self.meter.read(), elapsed);
        summary.shallow = shallow;
        let output = RunOutput {
            detection: &self.detection,
            output: &self.settings.output,
            roots: &self.settings.paths,
            findings: &findings,
            faults: &faults,
            summary: &summary,
            started: self.started,
            interrupted: cut_short,
        };
        let written = output.write(&self.console);
        let after = sent.transpose()?.unwrap_or_default();
        after.tell(&self.console);
        let outcome = Outcome {
            interrupted: self.cancel.is_cancelled(),
            remaining: after.remaining(),
            found: summary.findings > 0,
            trouble: summary.incomplete() || !written || after.error.is_some(),
        };
        Ok(Exit::of(outcome, self.settings.exit.found))
    }
}
