//! What every verb that looks for tokens does before and after looking.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context as _;
use jiff::Timestamp;

use super::console::Console;
use super::deliver::Results;
use super::exit::{Exit, Outcome};
use super::flags::CommonFlags;
use super::interrupt;
use super::lookout::Lookout;
use super::sender::Sender;
use crate::blob::{Fault, Sink};
use crate::finding::{Finding, Findings};
use crate::pace::Stop;
use crate::report::Summary;
use crate::scan::Meter;
use crate::settings::Settings;
use crate::source::unpack::Unpack;

/// One run, from the flags to the exit code.
pub(super) struct Hunt {
    start: Instant,
    started: Timestamp,
    pub(super) console: Console,
    pub(super) lookout: Lookout,
    pub(super) settings: Settings,
    pub(super) meter: Meter,
    stop: Stop,
    /// What is found goes to GitHub.
    sender: Option<Sender>,
}

impl Hunt {
    /// Gets ready: configuration, rules, counters, signals.
    pub(super) fn begin(common: &CommonFlags, paths: Vec<PathBuf>) -> anyhow::Result<Self> {
        let console = common.console();
        Sender::unwanted(common.revoke, &common.revocation)?;
        let mut lookout = Lookout::new(&common.config, &paths)?;
        lookout.silence(&common.silence, &console)?;
        let settings = common.settings(paths, &lookout.user)?;
        let revocation = common.revocation.clone().or(&lookout.user.revoke);
        let sender = common.revoke.then(|| Sender::prepare(&revocation, &console)).transpose()?;
        Hunt::over(console, lookout, settings, sender)
    }

    /// A run over what was made ready elsewhere.
    pub(super) fn over(
        console: Console,
        mut lookout: Lookout,
        settings: Settings,
        sender: Option<Sender>,
    ) -> anyhow::Result<Self> {
        let (start, started, meter) = (Instant::now(), Timestamp::now(), Meter::default());
        lookout.detector = lookout.detector.with_decode_depth(settings.decode_depth);
        let stop = interrupt::listen(&meter)?;
        Ok(Hunt { start, started, console, lookout, settings, meter, stop, sender })
    }

    /// Calls `show` with a sink that puts what is found into `findings`.
    pub(super) fn look(&self, findings: &Findings, meter: &Meter, show: &mut dyn FnMut(&dyn Sink)) {
        let net = self.lookout.net(findings, meter);
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
        self.lookout.suppressor.settle(&mut findings);
        findings.finish()
    }

    /// Whether somebody asked the run to end.
    pub(super) fn interrupted(&self) -> bool {
        self.stop.asked()
    }

    /// Sends what was found where that was asked for, reports it, and says how it ended.
    pub(super) fn conclude(mut self, findings: Findings, shallow: bool) -> anyhow::Result<Exit> {
        let (mut findings, faults) = self.settle(findings);
        let least = self.settings.output.min_confidence;
        let (elapsed, cut_short) = (self.start.elapsed(), self.stop.asked());
        let sender = self.sender.take().filter(|_| !cut_short);
        let sent = sender.map(|sender| sender.revoke(&mut findings, least, &self.console, &self.stop));
        let mut summary = Summary::new(&findings, &faults, least, self.meter.read(), elapsed);
        summary.shallow = shallow;
        let results = Results {
            lookout: &self.lookout,
            output: &self.settings.output,
            roots: &self.settings.paths,
            findings: &findings,
            faults: &faults,
            summary: &summary,
            started: self.started,
            interrupted: cut_short,
        };
        let delivered = results.deliver(&self.console);
        let after = sent.transpose()?.unwrap_or_default();
        after.tell(&self.console);
        let outcome = Outcome {
            interrupted: self.stop.asked(),
            remaining: after.remaining(),
            found: summary.findings > 0,
            trouble: summary.incomplete() || !delivered || after.error.is_some(),
        };
        Ok(Exit::of(outcome, self.settings.exit.found))
    }
}
