//! `stanch scan`: sweep, report, exit.

use std::path::{Path, PathBuf};
use std::time::Instant;

use super::exit::{Exit, Outcome};
use super::flags::ScanFlags;
use super::sender::Sender;
use super::{deliver, interrupt};
use crate::blob::Source as _;
use crate::detect::Detector;
use crate::finding::Findings;
use crate::report::{Report, Summary};
use crate::rule::Rules;
use crate::scan::{Meter, Net};
use crate::settings::Settings;
use crate::source::{stdin::Stdin, tree::Tree};

pub(super) fn run(flags: ScanFlags) -> anyhow::Result<Exit> {
    let start = Instant::now();
    let console = flags.common.console();
    let sender = Sender::wanted(flags.common.revoke, &flags.common.revocation, &console)?;
    let settings = flags.settings()?;
    let detector = Detector::new(Rules::built_in()?);
    let meter = Meter::default();
    let stop = interrupt::listen(&meter)?;

    let findings = Findings::default();
    console.watch(&meter, || sweep(&settings, &Net::new(&detector, &findings, &meter)));
    let (mut findings, faults) = findings.finish();

    let least = settings.output.min_confidence;
    let (elapsed, cut_short) = (start.elapsed(), stop.asked());
    let sender: Option<Sender> = sender.filter(|_| !cut_short);
    let sent = sender.map(|sender| sender.revoke(&mut findings, least, &console, &stop));
    let summary = Summary::new(&findings, &faults, least, meter.read(), elapsed);
    let report = Report {
        findings: &findings,
        faults: &faults,
        summary: &summary,
        rules: detector.rules(),
        show_secrets: settings.output.show_secrets,
        min_confidence: settings.output.min_confidence,
    };
    let printed = deliver::print(settings.output.format, &report, &console);
    deliver::tell(&console, &faults, &summary, cut_short);
    let after = sent.transpose()?.unwrap_or_default();
    after.tell(&console);
    printed?;

    let outcome = Outcome {
        interrupted: stop.asked(),
        remaining: after.remaining(),
        found: summary.findings > 0,
        trouble: summary.incomplete() || after.error.is_some(),
    };
    Ok(Exit::of(outcome, settings.exit.found))
}

/// Looks into everything the settings name.
fn sweep(settings: &Settings, net: &Net<'_>) {
    let (pipes, roots): (Vec<PathBuf>, Vec<PathBuf>) =
        settings.paths.iter().cloned().partition(|path| path == Path::new("-"));
    if !pipes.is_empty() {
        Stdin.drain(net);
    }
    Tree::new(roots, settings.walk.clone()).drain(net);
}
