//! `stanch revoke`: the tokens in any text.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::bail;

use super::exit::{Exit, Outcome};
use super::flags::RevokeVerb;
use super::sender::Sender;
use super::{deliver, interrupt};
use crate::blob::Source as _;
use crate::detect::Detector;
use crate::finding::{Confidence, Findings};
use crate::report::{Report, Summary, sanitise};
use crate::rule::Rules;
use crate::scan::{Meter, Net};
use crate::source::stdin::Stdin;
use crate::source::tree::{self, Tree};

pub(super) fn run(flags: RevokeVerb) -> anyhow::Result<Exit> {
    let start = Instant::now();
    let console = flags.console.console();
    if let Some(folder) = flags.files.iter().find(|path| path.is_dir()) {
        let folder = sanitise(&folder.display().to_string());
        bail!("{folder} is a folder: `stanch scan --revoke {folder}` sweeps it");
    }
    let sender = Sender::prepare(&flags.revocation, &console)?;
    let meter = Meter::default();
    let stop = interrupt::listen(&meter)?;
    let detector = Detector::new(Rules::built_in()?);
    let findings = Findings::default();
    console.watch(&meter, || read(flags.files, &Net::new(&detector, &findings, &meter)))?;
    let (mut findings, faults) = findings.finish();

    let counted = Confidence::Likely;
    let (elapsed, cut_short) = (start.elapsed(), stop.asked());
    let sent = if cut_short { None } else { Some(sender.revoke(&mut findings, counted, &console, &stop)) };
    let summary = Summary::new(&findings, &faults, counted, meter.read(), elapsed);
    let report = Report {
        findings: &findings,
        faults: &faults,
        summary: &summary,
        rules: detector.rules(),
        show_secrets: false,
        min_confidence: counted,
    };
    let printed = deliver::print(flags.format, &report, &console);
    deliver::tell(&console, &faults, &summary, cut_short);
    let after = sent.transpose()?.unwrap_or_default();
    after.tell(&console);
    printed?;
    let outcome = Outcome {
        interrupted: stop.asked(),
        remaining: after.remaining(),
        // To have found tokens is what this command is for.
        found: false,
        trouble: summary.incomplete() || after.error.is_some(),
    };
    Ok(Exit::of(outcome, 0))
}

fn read(files: Vec<PathBuf>, net: &Net<'_>) -> Result<(), tree::BadGlob> {
    let (pipes, files): (Vec<PathBuf>, Vec<PathBuf>) =
        files.into_iter().partition(|path| path == Path::new("-"));
    if !pipes.is_empty() {
        Stdin.drain(net);
    }
    let options = tree::Options {
        gitignore: false,
        exclude: tree::excludes([])?,
        // A file that is named is meant, wherever it lies.
        follow_symlinks: true,
        max_file_size: None,
        threads: 1,
    };
    Tree::new(files, options).drain(net);
    Ok(())
}
