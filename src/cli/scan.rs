//! `stanch scan`: sweep, report, exit.

use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context as _;

use super::console::{Console, Loudness};
use super::exit::{Exit, Outcome};
use super::flags::ScanFlags;
use crate::blob::{Fault, Sink, Source as _};
use crate::detect::Detector;
use crate::finding::{Finding, Findings};
use crate::report::{self, Report, Summary, sanitise};
use crate::rule::Rules;
use crate::scan::{Meter, Net};
use crate::settings::{Output, Settings};
use crate::source::{stdin::Stdin, tree::Tree, unpack::Unpack};

/// How many places that could not be read are named without `-v`.
const NAMED: usize = 10;

pub(super) fn run(flags: ScanFlags) -> anyhow::Result<Exit> {
    let console = flags.common.console();
    let run = Run::begin(console, flags.settings()?)?;
    let findings = Findings::default();
    run.look(&findings, &run.meter, &mut |sink| run.console.watch(&run.meter, || sweep(&run.settings, sink)));
    run.conclude(findings, false)
}

/// What every verb that looks for tokens does before and after looking.
pub(super) struct Run {
    start: Instant,
    pub(super) console: Console,
    pub(super) settings: Settings,
    detector: Detector,
    pub(super) meter: Meter,
}

impl Run {
    /// Gets ready: rules, counters, signals.
    pub(super) fn begin(console: Console, settings: Settings) -> anyhow::Result<Self> {
        let run = Run {
            start: Instant::now(),
            console,
            settings,
            detector: Detector::new(Rules::built_in()?),
            meter: Meter::default(),
        };
        stop_on_signal(&run.meter)?;
        Ok(run)
    }

    /// Calls `show` with a sink that puts what is found into `findings`.
    pub(super) fn look(&self, findings: &Findings, meter: &Meter, show: &mut dyn FnMut(&dyn Sink)) {
        let net = Net::new(&self.detector, findings, meter);
        show(&Unpack::new(&net, self.settings.limits));
    }

    /// Reports what was found, and says how it ended.
    pub(super) fn conclude(self, findings: Findings, shallow: bool) -> anyhow::Result<Exit> {
        let (findings, faults) = findings.finish();
        let least = self.settings.output.min_confidence;
        let mut summary = Summary::new(&findings, &faults, least, self.meter.read(), self.start.elapsed());
        summary.shallow = shallow;
        print(&self.settings.output, &self.detector, &self.console, (&findings, &faults, &summary))?;
        tell(&self.console, &faults, &summary, self.meter.stopped());

        let outcome = Outcome {
            interrupted: self.meter.stopped(),
            remaining: false,
            found: summary.findings > 0,
            trouble: summary.incomplete(),
        };
        Ok(Exit::of(outcome, self.settings.exit.found))
    }
}

/// Looks into everything the settings name.
fn sweep(settings: &Settings, sink: &dyn Sink) {
    let (pipes, roots): (Vec<PathBuf>, Vec<PathBuf>) =
        settings.paths.iter().cloned().partition(|path| path == Path::new("-"));
    if !pipes.is_empty() {
        Stdin.drain(sink);
    }
    Tree::new(roots, settings.walk.clone()).drain(sink);
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

fn print(
    output: &Output,
    detector: &Detector,
    console: &Console,
    (findings, faults, summary): (&[Finding], &[Fault], &Summary),
) -> anyhow::Result<()> {
    let report = Report {
        findings,
        faults,
        summary,
        rules: detector.rules(),
        show_secrets: output.show_secrets,
        min_confidence: output.min_confidence,
    };
    let mut out = BufWriter::new(io::stdout().lock());
    let written =
        report::render(output.format, &report, &console.palette(), &mut out).and_then(|()| out.flush());
    match written {
        // Whoever reads has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.context("cannot write the report to standard output"),
    }
}

/// The summary on standard error: what was found, what was looked at, what was not.
fn tell(console: &Console, faults: &[Fault], summary: &Summary, interrupted: bool) {
    let named = if console.loudness == Loudness::Verbose { faults.len() } else { NAMED.min(faults.len()) };
    for fault in &faults[..named] {
        let path = sanitise(&fault.path);
        console.warn(&format!("{path}: {}", sanitise(&fault.reason)));
    }
    if named < faults.len() {
        console.warn(&format!("{} more places could not be read: -v names them all", faults.len() - named));
    }
    if interrupted {
        console.warn("interrupted: this is what was found so far");
    }
    console.say(&super::console::summary_line(summary));
}
