//! The output of a run: the report on standard output, report files, a baseline, and a summary on standard error.

use std::fs::OpenOptions;
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::path::Path;

use anyhow::Context as _;
use jiff::Timestamp;

use super::console::{self, Console, Verbosity};
use super::detection::Detection;
use super::{atomic_write, error};
use crate::blob::{Fault, FaultKind};
use crate::coverage::Coverage;
use crate::finding::Finding;
use crate::report::{self, Closing, Ending, Format, Report, Roots, RuleText, Summary};
use crate::rule::Rules;
use crate::settings::{Destination, Output, ReportTarget};
use crate::suppress::write_baseline;
use crate::text::{counted, printable};

/// How many paths that could not be read are listed without `-v`.
const MAX_LISTED: usize = 10;

/// What came out of a run, and how it is reported.
pub(super) struct RunOutput<'a> {
    pub(super) rules: &'a Rules,
    pub(super) custom: &'a [RuleText],
    /// What was scanned.
    pub(super) roots: &'a Roots,
    pub(super) output: &'a Output,
    pub(super) findings: &'a [Finding],
    pub(super) faults: &'a [Fault],
    pub(super) summary: &'a Summary,
    pub(super) started: Timestamp,
    pub(super) ending: Ending,
    /// What a sweep of repositories has looked at; none of any other run.
    pub(super) coverage: Option<&'a Coverage>,
    /// What the scanned projects leave out of themselves, where they were scanned just now.
    pub(super) detection: Option<&'a Detection>,
    /// The file of the summary page of an Actions job.
    pub(super) step_summary: Option<&'a Path>,
}

impl RunOutput<'_> {
    /// Prints and writes everything that was asked for. An error does not keep the rest from being written: all errors
    /// are printed at the end.
    ///
    /// Returns whether all of it was written.
    pub(super) fn write(&self, console: &Console) -> bool {
        let report = Report {
            findings: self.findings,
            faults: self.faults,
            summary: self.summary,
            rules: self.rules,
            custom: self.custom,
            roots: self.roots,
            time: (self.started, Timestamp::now()),
            ending: self.ending,
            coverage: self.coverage,
            show_secrets: self.output.show_secrets,
            min_confidence: self.output.min_confidence,
            show_suppressed: self.output.show_suppressed,
            closing: if console.verbosity == Verbosity::Quiet {
                Closing::Nothing
            } else {
                Closing::NextSteps
            },
        };
        let mut failures = Vec::new();
        failures.extend(self.print(&report, console).err());
        failures
            .extend(self.output.reports.iter().filter_map(|target| self.write_report(report, target).err()));
        failures.extend(self.output.write_baseline.as_ref().and_then(|to| self.write_baseline(to).err()));
        failures.extend(self.write_step_summary(&report).err());
        self.print_summary(&report, console);
        for failure in &failures {
            console::error(&error::message(failure));
        }
        failures.is_empty()
    }

    fn print(&self, report: &Report<'_>, console: &Console) -> anyhow::Result<()> {
        let mut out = BufWriter::new(io::stdout().lock());
        let written = report::render(self.output.format, report, &console.palette(), &mut out);
        match written.and_then(|()| out.flush()) {
            // The reader has closed the pipe, as `head` does.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => other.context("cannot write the report to standard output"),
        }
    }

    fn write_report(&self, report: Report<'_>, target: &ReportTarget) -> anyhow::Result<()> {
        let report = Report { closing: Closing::NextStepsAndCounts, ..report };
        let mut render =
            |out: &mut dyn Write| report::render(target.format, &report, &report::Palette::default(), out);
        atomic_write::write(&target.destination, self.output.show_secrets, &mut render).with_context(|| {
            format!("cannot write the {} report to {}", target.format.name(), target.destination)
        })
    }

    fn write_baseline(&self, destination: &Destination) -> anyhow::Result<()> {
        let min_confidence = self.output.min_confidence;
        let tokens = || self.findings.iter().filter(move |finding| finding.confidence >= min_confidence);
        let mut render = |out: &mut dyn Write| write_baseline(tokens(), out);
        atomic_write::write(destination, false, &mut render)
            .with_context(|| format!("cannot write the baseline to {destination}"))
    }

    /// In Actions, annotations are accompanied by a Markdown summary of the job
    /// (<https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#adding-a-job-summary>).
    fn write_step_summary(&self, report: &Report<'_>) -> anyhow::Result<()> {
        let formats = self.output.reports.iter().map(|target| target.format);
        let annotates = formats.chain([self.output.format]).any(|format| format == Format::Github);
        let Some(path) = self.step_summary.filter(|_| annotates) else { return Ok(()) };
        let append = || {
            let mut file = BufWriter::new(OpenOptions::new().append(true).create(true).open(path)?);
            report::step_summary(report, &mut file)?;
            file.flush()
        };
        append().with_context(|| format!("cannot write the job's summary to {}", path.display()))
    }

    /// Whether the report has said it on the same terminal.
    fn is_shown(&self, fault: &Fault, console: &Console) -> bool {
        self.output.format == Format::Pretty
            && console.at_terminal()
            && io::stdout().is_terminal()
            && self.coverage.is_some_and(|coverage| report::coverage_tells(coverage, fault))
    }

    /// The summary on standard error: what was found, what was scanned, what was not.
    fn print_summary(&self, report: &Report<'_>, console: &Console) {
        let all = console.verbosity == Verbosity::Verbose;
        // A count says enough of histories that nobody asked for, and of what cannot be read here; what a clone does not have is
        // said before it is scanned.
        let is_listed = |fault: &&Fault| match fault.kind {
            FaultKind::Shallow => false,
            FaultKind::History | FaultKind::AsBytes(_) => all,
            _ => !self.is_shown(fault, console),
        };
        let faults: Vec<&Fault> = self.faults.iter().filter(is_listed).collect();
        let listed = if all { faults.len() } else { MAX_LISTED.min(faults.len()) };
        for fault in &faults[..listed] {
            console.warn(&format!(
                "{}: {}",
                printable(&report.roots.fault_path(fault)),
                printable(&fault.reason)
            ));
        }
        if listed < faults.len() {
            let more = counted((faults.len() - listed) as u64, "more path", "more paths");
            console.warn(&format!("{more} could not be read: -v names them all"));
        }
        if self.ending.interrupted {
            console.warn("interrupted: this is what was found so far");
        }
        if let Some(detection) = self.detection {
            detection.print_excluded(console);
        }
        if console.at_terminal() {
            let table = report::overview(report);
            // Behind the report, which ends with a paragraph.
            for line in table.first().map(|_| String::new()).iter().chain(&table) {
                console.info(line);
            }
        }
        // The report for people has said it.
        if let Some(coverage) = self.coverage.filter(|_| self.output.format != Format::Pretty) {
            console.info(&printable(&report::coverage_totals(coverage)));
        }
        for line in
            console::summary_lines(self.summary, self.output.min_confidence, self.output.show_suppressed)
        {
            console.info(&line);
        }
    }
}
