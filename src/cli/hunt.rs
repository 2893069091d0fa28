//! What every verb that looks for tokens does before and after looking.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context as _;
use jiff::Timestamp;

use super::console::Console;
use super::deliver::Results;
use super::exit::{Exit, Outcome};
use super::flags::CommonFlags;
use super::lookout::Lookout;
use crate::blob::Sink;
use crate::finding::Findings;
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
}

impl Hunt {
    /// Gets ready: configuration, rules, counters, signals.
    pub(super) fn begin(common: &CommonFlags, paths: Vec<PathBuf>) -> anyhow::Result<Self> {
        let (start, started) = (Instant::now(), Timestamp::now());
        let console = common.console();
        let mut lookout = Lookout::new(&common.config, &paths)?;
        lookout.silence(&common.silence, &console)?;
        let settings = common.settings(paths, &lookout.user)?;
        lookout.detector = lookout.detector.with_decode_depth(settings.decode_depth);
        let meter = Meter::default();
        stop_on_signal(&meter)?;
        Ok(Hunt { start, started, console, lookout, settings, meter })
    }

    /// Calls `show` with a sink that puts what is found into `findings`.
    pub(super) fn look(&self, findings: &Findings, meter: &Meter, show: &mut dyn FnMut(&dyn Sink)) {
        let net = self.lookout.net(findings, meter);
        show(&Unpack::new(&net, self.settings.limits));
    }

    /// Reports what was found, and says how it ended.
    pub(super) fn conclude(self, findings: Findings, shallow: bool) -> Exit {
        let (mut findings, faults) = findings.finish();
        // A history's paths and commits are known only now.
        self.lookout.suppressor.settle(&mut findings);
        let least = self.settings.output.min_confidence;
        let mut summary = Summary::new(&findings, &faults, least, self.meter.read(), self.start.elapsed());
        summary.shallow = shallow;
        let results = Results {
            lookout: &self.lookout,
            output: &self.settings.output,
            roots: &self.settings.paths,
            findings: &findings,
            faults: &faults,
            summary: &summary,
            started: self.started,
            interrupted: self.meter.stopped(),
        };
        let delivered = results.deliver(&self.console);
        let outcome = Outcome {
            interrupted: self.meter.stopped(),
            remaining: false,
            found: summary.findings > 0,
            trouble: summary.incomplete() || !delivered,
        };
        Exit::of(outcome, self.settings.exit.found)
    }
}

/// The first signal asks the run to end, and it still reports what it has; the second ends it.
fn stop_on_signal(meter: &Meter) -> anyhow::Result<()> {
    let meter = meter.clone();
    ctrlc::set_handler(move || {
        if meter.stopped() {
            std::process::exit(i32::from(Exit::Interrupted.code()));
        }
        meter.stop();
    })
    .context("cannot listen for Ctrl-C")
}
