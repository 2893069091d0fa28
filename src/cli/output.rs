//! How a run's outcome reaches those who asked: standard output, report files, a baseline, and what is said at the end.

use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::path::{Component, Path, PathBuf};

use anyhow::Context as _;
use jiff::Timestamp;

use super::console::{self, Console, Verbosity};
use super::detection::{Detection, label};
use super::{atomic_write, error};
use crate::blob::Fault;
use crate::finding::{Confidence, Finding};
use crate::report::{self, Format, Report, Summary};
use crate::settings::{Output, Target};
use crate::suppress::write_baseline;
use crate::text::printable;

/// How many places that could not be read are named without `-v`.
const NAMED: usize = 10;

/// Where GitHub Actions takes the page of a job's summary from.
const STEP_SUMMARY: &str = "GITHUB_STEP_SUMMARY";

/// What came out of a run, and how it is to be told.
pub(super) struct RunOutput<'a> {
    pub(super) detection: &'a Detection,
    pub(super) output: &'a Output,
    /// The paths that were looked at, as they were given.
    pub(super) roots: &'a [PathBuf],
    pub(super) findings: &'a [Finding],
    pub(super) faults: &'a [Fault],
    pub(super) summary: &'a Summary,
    pub(super) started: Timestamp,
    pub(super) interrupted: bool,
}

impl RunOutput<'_> {
    /// Prints and writes everything that was asked for, whatever goes wrong on the way; then says what did.
    ///
    /// Whether all of it was written.
    pub(super) fn write(&self, console: &Console) -> bool {
        let base = base_of(self.roots);
        let report = Report {
            findings: self.findings,
            faults: self.faults,
            summary: self.summary,
            rules: self.detection.detector.rules(),
            custom: &self.detection.custom,
            base: &base,
            time: (self.started, Timestamp::now()),
            show_secrets: self.output.show_secrets,
            min_confidence: self.output.min_confidence,
        };
        let mut failures = Vec::new();
        failures.extend(self.print(&report, console).err());
        failures
            .extend(self.output.reports.iter().filter_map(|target| self.write_report(&report, target).err()));
        failures.extend(self.output.write_baseline.as_deref().and_then(|path| self.baseline(path).err()));
        failures.extend(self.step_summary(&report).err());
        self.tell(console);
        for failure in &failures {
            console::error(&error::message(failure));
        }
        failures.is_empty()
    }

    fn print(&self, report: &Report<'_>, console: &Console) -> anyhow::Result<()> {
        let mut out = BufWriter::new(io::stdout().lock());
        let written = report::render(self.output.format, report, &console.palette(), &mut out);
        match written.and_then(|()| out.flush()) {
            // Whoever reads has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => other.context("cannot write the report to standard output"),
        }
    }

    fn write_report(&self, report: &Report<'_>, target: &Target) -> anyhow::Result<()> {
        let mut render =
            |out: &mut dyn Write| report::render(target.format, report, &report::Palette::default(), out);
        atomic_write::write(&target.path, self.output.show_secrets, &mut render).with_context(|| {
            format!("cannot write the {} report to {}", target.format.name(), target.path.display())
        })
    }

    fn baseline(&self, path: &Path) -> anyhow::Result<()> {
        let least = self.output.min_confidence;
        let tokens = || {
            let counts = |level: Confidence| level > Confidence::Lookalike && level >= least;
            self.findings.iter().filter(move |finding| counts(finding.confidence))
        };
        let mut render = |out: &mut dyn Write| write_baseline(tokens(), out);
        atomic_write::write(path, false, &mut render)
            .with_context(|| format!("cannot write the baseline to {}", path.display()))
    }

    /// In Actions, annotations come with a page of their own.
    fn step_summary(&self, report: &Report<'_>) -> anyhow::Result<()> {
        let formats = self.output.reports.iter().map(|target| target.format);
        let asked_for = formats.chain([self.output.format]).any(|format| format == Format::Github);
        let path = std::env::var_os(STEP_SUMMARY).filter(|path| asked_for && !path.is_empty());
        let Some(path) = path.map(PathBuf::from) else { return Ok(()) };
        let append = || {
            let mut file = BufWriter::new(OpenOptions::new().append(true).create(true).open(&path)?);
            report::step_summary(report, &mut file)?;
            file.flush()
        };
        append().with_context(|| format!("cannot write the job's summary to {}", path.display()))
    }

    /// The summary on standard error: what was found, what was looked at, what was not.
    fn tell(&self, console: &Console) {
        let faults = self.faults;
        let all = console.verbosity == Verbosity::Verbose;
        let named = if all { faults.len() } else { NAMED.min(faults.len()) };
        for fault in &faults[..named] {
            console.warn(&format!("{}: {}", printable(&fault.path), printable(&fault.reason)));
        }
        if named < faults.len() {
            console
                .warn(&format!("{} more places could not be read: -v names them all", faults.len() - named));
        }
        if self.interrupted {
            console.warn("interrupted: this is what was found so far");
        }
        self.detection.tell(console);
        console.say(&console::summary_line(self.summary));
    }
}

/// What stands between where the program runs and a place's path, where one folder was looked at: `sub/`, or nothing.
fn base_of(roots: &[PathBuf]) -> String {
    let mut paths = roots.iter().filter(|path| *path != Path::new("-"));
    let (Some(root), None) = (paths.next(), paths.next()) else { return String::new() };
    let here = std::env::current_dir().unwrap_or_default();
    let relative = root.strip_prefix(&here).unwrap_or(root);
    if !root.is_dir() || relative.is_absolute() {
        return String::new();
    }
    let parts = relative.components().filter(|part| !matches!(part, Component::CurDir));
    let mut base = parts.map(|part| label(Path::new(part.as_os_str()))).collect::<Vec<_>>().join("/");
    if !base.is_empty() {
        base.push('/');
    }
    base
}
