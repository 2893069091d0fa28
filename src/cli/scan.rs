//! `stanch scan`: sweep, report, exit.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context as _;
use jiff::Timestamp;

use super::deliver::Results;
use super::exit::{Exit, Outcome};
use super::flags::ScanFlags;
use super::lookout::{Lookout, label};
use crate::blob::Source as _;
use crate::finding::Findings;
use crate::report::Summary;
use crate::scan::{Labelled, Meter, Net};
use crate::settings::Settings;
use crate::source::stdin::Stdin;
use crate::source::tree::{self, Tree};

pub(super) fn run(flags: &ScanFlags) -> anyhow::Result<Exit> {
    let (start, started) = (Instant::now(), Timestamp::now());
    let console = flags.common.console();
    let mut lookout = Lookout::new(&flags.common.config, flags.paths())?;
    lookout.silence(&flags.common.silence, &console)?;
    let settings = flags.settings(&lookout.user)?;
    let walks = walks(&settings, &lookout)?;
    let meter = Meter::default();
    stop_on_signal(&meter)?;

    let findings = Findings::default();
    console.watch(&meter, || sweep(&settings, walks, &lookout.net(&findings, &meter)));
    let (findings, faults) = findings.finish();

    let least = settings.output.min_confidence;
    let summary = Summary::new(&findings, &faults, least, meter.read(), start.elapsed());
    let results = Results {
        lookout: &lookout,
        output: &settings.output,
        roots: &settings.paths,
        findings: &findings,
        faults: &faults,
        summary: &summary,
        started,
        interrupted: meter.stopped(),
    };
    let delivered = results.deliver(&console);

    let outcome = Outcome {
        interrupted: meter.stopped(),
        remaining: false,
        found: summary.findings > 0,
        trouble: summary.incomplete() || !delivered,
    };
    Ok(Exit::of(outcome, settings.exit.found))
}

/// A walk, and the name that the places it comes upon need.
struct Walk {
    tree: Tree,
    label: Option<String>,
}

/// One walk of all roots where they leave out the same; one for each where some have globs of their own.
fn walks(settings: &Settings, lookout: &Lookout) -> Result<Vec<Walk>, tree::BadGlob> {
    let roots: Vec<PathBuf> = settings.paths.iter().filter(|path| !is_pipe(path)).cloned().collect();
    if roots.iter().all(|root| lookout.left_out(root).is_empty()) {
        return Ok(vec![Walk { tree: Tree::new(roots, settings.walk.clone()), label: None }]);
    }
    let many = roots.len() > 1;
    roots
        .into_iter()
        .map(|root| {
            let globs = settings.exclude.iter().chain(lookout.left_out(&root));
            let exclude = tree::excludes(globs.map(String::as_str))?;
            let label = (many && root.is_dir()).then(|| label(&root));
            let options = tree::Options { exclude, ..settings.walk.clone() };
            Ok(Walk { tree: Tree::new(vec![root], options), label })
        })
        .collect()
}

fn is_pipe(path: &Path) -> bool {
    path == Path::new("-")
}

/// Looks into everything the settings name.
fn sweep(settings: &Settings, walks: Vec<Walk>, net: &Net<'_>) {
    if settings.paths.iter().any(|path| is_pipe(path)) {
        Stdin.drain(net);
    }
    for Walk { tree, label } in walks {
        match label {
            Some(label) => tree.drain(&Labelled::new(net, &label)),
            None => tree.drain(net),
        }
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
