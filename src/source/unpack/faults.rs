//! What an open container reports of what could not be read.

use std::io::{self, ErrorKind};

use super::bounded_reader::StreamError;
use super::limits::Limit;
use super::open_container::{OpenContainer, Region};
use crate::blob::{Fault, FaultKind};

/// How many faults of one file are reported one by one; the rest is counted in one more.
const MAX_FAULTS: u64 = 100;

impl OpenContainer<'_> {
    /// Reports the limit that ended the share of a member.
    pub(super) fn report_share(&self, region: Region<'_>) {
        if let Some(limit) = self.budget.exceeded() {
            self.report(region, StreamError::LimitReached(limit), None);
        }
    }

    /// Reports that a member, or the container itself, could not be read, or not wholly; `read` is how many bytes were.
    pub(super) fn report(&self, region: Region<'_>, error: StreamError, read: Option<u64>) {
        let kind = match &error {
            StreamError::Cancelled => return,
            StreamError::Damaged(_) if self.carved => return,
            // What is nested in a stream that broke off looks damaged; the break itself is reported once.
            StreamError::Damaged(_)
                if self.budget.broken_streams.get() > 0 || self.budget.exceeded().is_some() =>
            {
                return;
            }
            StreamError::Damaged(_) => FaultKind::Damaged,
            StreamError::Unsupported(what) => return self.report_as_bytes(region, "unsupported", what),
            StreamError::LimitReached(limit)
                if self.budget.exceeded() == Some(*limit) && self.budget.replace_reported() =>
            {
                return;
            }
            StreamError::LimitReached(Limit::Depth) if self.unpack.limits.depth_chosen => {
                FaultKind::PassedOver
            }
            StreamError::LimitReached(_) => FaultKind::CutShort,
        };
        let read = read.map_or_else(
            || {
                let (members, bytes) = self.budget.read();
                format!("what could be read ({members} members, {bytes} unpacked bytes) was")
            },
            |read| format!("its first {read} bytes were"),
        );
        let reason = match error {
            StreamError::LimitReached(Limit::Depth) => {
                let (name, value) = Limit::Depth.name_and_value(&self.unpack.limits);
                format!(
                    "not opened, because of {name} = {value}: scanned as it is; raise the limit to look into it"
                )
            }
            StreamError::LimitReached(limit) => {
                let (name, value) = limit.name_and_value(&self.unpack.limits);
                let of = if self.budget.exceeded() == Some(limit) { self.budget.part() } else { "" };
                format!(
                    "cut short by {of}{name} = {value}: {read} scanned; \
                     raise the limit in your configuration if you trust this file"
                )
            }
            StreamError::Damaged(what) => {
                format!("damaged ({what}): {read} scanned; get a whole copy to have the rest scanned")
            }
            StreamError::Unsupported(_) | StreamError::Cancelled => return,
        };
        self.fault(region, kind, reason);
    }

    /// Reports a member, or the container itself, that was recognised and cannot be read: a word for what it is, and why and
    /// what to do about it.
    pub(super) fn report_as_bytes(&self, region: Region<'_>, word: &'static str, why: &str) {
        self.fault(region, FaultKind::AsBytes(word), format!("seen as bytes only: {why}"));
    }

    /// Reports a member, or the container itself, that is encrypted.
    pub(super) fn report_encrypted(&self, region: Region<'_>) {
        self.report_as_bytes(region, "encrypted", "encrypted: decrypt it and scan what comes out");
    }

    /// Reports a member, or the container itself, that is packed in a way that is not known here: how, and what to do about it.
    pub(super) fn report_unknown_method(&self, region: Region<'_>, why: &str) {
        self.report_as_bytes(region, "unknown method", why);
    }

    /// Reports that the container itself could not be read on: for want of memory, because it needs what is not here, or because it
    /// is damaged.
    pub(super) fn report_read_error(&self, error: &io::Error) {
        let error = match error.kind() {
            ErrorKind::OutOfMemory => StreamError::LimitReached(Limit::Memory),
            ErrorKind::Unsupported => StreamError::Unsupported(error.to_string()),
            _ => StreamError::Damaged(error.to_string()),
        };
        self.report(Region::Raw(0), error, None);
    }

    /// Reports that a member was not scanned.
    pub(super) fn report_unreadable(&self, region: Region<'_>, reason: String) {
        self.fault(region, FaultKind::Unreadable, reason);
    }

    /// Reports what is left to report of a file of the source: the limit that ended it, and how many more faults there
    /// were.
    pub(super) fn finish(&self) {
        if let Some(limit) = self.budget.exceeded() {
            self.report(Region::Raw(0), StreamError::LimitReached(limit), None);
        }
        let more = self.budget.faults.get().saturating_sub(MAX_FAULTS);
        if more > 0 {
            let reason = format!(
                "{more} more parts of it could not be read, or not wholly; only the first {MAX_FAULTS} are listed"
            );
            let path = (self.origin)().display_path();
            self.unpack.inner.fault(Fault { path, kind: FaultKind::Damaged, reason });
        }
    }

    fn fault(&self, region: Region<'_>, kind: FaultKind, reason: String) {
        let faults = self.budget.faults.get() + 1;
        self.budget.faults.set(faults);
        if faults <= MAX_FAULTS {
            let origin = match region {
                // What is wrong with a compressed file is wrong with the file.
                Region::Decompressed(_) => (self.origin)(),
                _ => self.origin_of(region),
            };
            self.unpack.inner.fault(Fault { path: origin.display_path(), kind, reason });
        }
    }
}
