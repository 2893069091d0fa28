//! What every command that reports findings takes.

use clap::Args;

use crate::finding::Confidence;
use crate::report::Format;
use crate::settings::{BadReportTarget, ExitPolicy, Output, ReportTarget, UserConfig};

/// The exit code where tokens are found.
const EXIT_CODE: u8 = 1;

// What is reported, and what becomes the exit code.
#[derive(Args, Debug, Default)]
pub(crate) struct OutputArgs {
    /// The format of the report on standard output [default: pretty]
    #[arg(short, long, value_enum, help_heading = "What is reported")]
    format: Option<Format>,

    /// Write a report to a file, too; the format follows from its extension where it is left out; may be repeated
    #[arg(short, long = "report", value_name = "[FORMAT=]PATH", help_heading = "What is reported")]
    reports: Vec<ReportTarget>,

    /// Findings below this do not count [default: likely]
    #[arg(long, value_enum, value_name = "LEVEL", help_heading = "What is reported")]
    pub(crate) min_confidence: Option<Confidence>,

    /// List what does not count, too: what is suppressed, and lookalikes
    #[arg(long, help_heading = "What is reported")]
    show_suppressed: bool,

    /// Exit with N instead of 1 when tokens are found
    #[arg(long, value_name = "N", default_value_t = EXIT_CODE, help_heading = "What is reported")]
    exit_code: u8,

    /// Exit with 0 although tokens are found
    #[arg(long, conflicts_with = "exit_code", help_heading = "What is reported")]
    exit_zero: bool,
}

impl OutputArgs {
    /// None of these flags given.
    pub(crate) fn none() -> Self {
        OutputArgs { exit_code: EXIT_CODE, ..OutputArgs::default() }
    }

    /// What is reported: flags over the user's file over defaults. No token is printed whole.
    pub(crate) fn output(&self, user: &UserConfig) -> Result<Output, BadReportTarget> {
        ReportTarget::distinct(&self.reports)?;
        Ok(Output {
            format: self.format.or(user.format).unwrap_or_default(),
            min_confidence: self.min_confidence.or(user.min_confidence).unwrap_or(Confidence::Likely),
            show_suppressed: self.show_suppressed,
            show_secrets: false,
            reports: self.reports.clone(),
            write_baseline: None,
        })
    }

    /// The exit code when tokens are found.
    pub(crate) fn exit(&self) -> ExitPolicy {
        ExitPolicy { found: if self.exit_zero { 0 } else { self.exit_code } }
    }
}
