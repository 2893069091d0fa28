//! How a run's report and summary reach those who asked.

use std::io::{self, BufWriter, Write as _};

use anyhow::Context as _;

use super::console::{self, Console, Loudness};
use crate::blob::Fault;
use crate::report::{self, Format, Report, Summary, sanitise};

/// How many places that could not be read are named without `-v`.
const NAMED: usize = 10;

/// Prints the report to standard output.
pub(super) fn print(format: Format, report: &Report<'_>, console: &Console) -> anyhow::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    let written = report::render(format, report, &console.palette(), &mut out).and_then(|()| out.flush());
    match written {
        // Whoever reads has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.context("cannot write the report to standard output"),
    }
}

/// The summary on standard error: what was found, what was looked at, what was not.
pub(super) fn tell(console: &Console, faults: &[Fault], summary: &Summary, interrupted: bool) {
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
    console.say(&console::summary_line(summary));
}
