//! `stanch merge`: the reports of shards as one, in any format.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use jiff::Timestamp;

use crate::cli::args::MergeArgs;
use crate::cli::error::{detector, redact};
use crate::cli::exit::{Exit, RunStatus};
use crate::cli::output::RunOutput;
use crate::report::{BadMerge, Merged, Named, SavedReport};
use crate::revocation::State;
use crate::settings::{Env, env};
use crate::text::path_text;

pub(super) fn run(args: &MergeArgs, env: &Env) -> anyhow::Result<Exit> {
    let console = args.console.console();
    let user = args.user.load(env, &redact)?;
    let mut output = args.output.output(&user)?;
    let reports = args.inputs.iter().map(|path| read(path)).collect::<anyhow::Result<Vec<Named>>>()?;
    let merged = Merged::of(reports, args.output.min_confidence, output.min_confidence)?;
    output.min_confidence = merged.min_confidence;
    let (roots, step_summary) = (merged.roots(), env.path(env::GITHUB_STEP_SUMMARY));
    let written = RunOutput {
        rules: detector().rules(),
        custom: &merged.rules,
        roots: &roots,
        output: &output,
        findings: &merged.findings,
        faults: &merged.faults,
        summary: &merged.summary,
        started: merged.started.unwrap_or_else(Timestamp::now),
        ending: merged.ending,
        coverage: merged.coverage.as_ref(),
        detection: None,
        step_summary: step_summary.as_deref(),
    };
    let written = written.write(&console);
    Ok(Exit::of(status(&merged, written), args.output.exit().found))
}

/// Reads a report.
fn read(path: &Path) -> anyhow::Result<Named> {
    let name = redact(&path_text(path.as_os_str().as_encoded_bytes()));
    let bytes = fs::read(path).with_context(|| format!("cannot read the report {name}"))?;
    let report = SavedReport::read(&bytes).map_err(|error| BadMerge::Report { name: name.clone(), error })?;
    Ok((name, report))
}

/// How one run over all would have ended.
fn status(merged: &Merged, written: bool) -> RunStatus {
    let ending = merged.ending;
    let is_open = |state: State| state.pending() || state == State::Refused;
    let waits = merged.findings.iter().filter_map(|finding| finding.revocation.as_ref());
    let waits = waits.map(|revocation| revocation.state).any(is_open);
    RunStatus {
        interrupted: ending.interrupted,
        remaining: ending.remaining || waits,
        found: merged.summary.findings > 0 && !ending.refused,
        trouble: merged.summary.incomplete() || ending.failed || !written,
    }
}
