//! What several threads of one run scan with.

use super::console::Console;
use super::detection::{Detection, InForce};
use crate::blob::Sink;
use crate::finding::Findings;
use crate::meter::Meter;
use crate::settings::Settings;

/// The part of a session that threads share.
#[derive(Clone, Copy)]
pub(super) struct ScanContext<'a> {
    pub(super) console: Console,
    pub(super) detection: &'a Detection,
    pub(super) settings: &'a Settings,
    pub(super) meter: &'a Meter,
}

impl ScanContext<'_> {
    /// Calls `drain` with a sink that puts what is found into `findings`.
    pub(super) fn scan(&self, findings: &Findings, meter: &Meter, drain: &mut dyn FnMut(&dyn Sink)) {
        self.detection.scan(self.settings.limits, (findings, meter), drain);
    }

    /// The same where something else is in force.
    pub(super) fn scan_by(
        &self,
        in_force: &InForce<'_>,
        into: (&Findings, &Meter),
        drain: &mut dyn FnMut(&dyn Sink),
    ) {
        self.detection.scan_by(in_force, self.settings.limits, into, drain);
    }

    /// Whether the user asked the run to end.
    pub(super) fn interrupted(&self) -> bool {
        self.meter.cancel_flag().is_cancelled()
    }
}
