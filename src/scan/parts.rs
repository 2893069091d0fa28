//! A large file in parts, each scanned by whichever thread has nothing else to do.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use super::line_index::{LineIndex, Position, ReadFrom};
use super::windows::{Sizes, Windows};
use crate::blob::{Rest, SharedFile};
use crate::detect::{ByteOrder, MAX_SPAN, Window};

/// Takes one window of any part, as [`super::windows::Visit`] does.
pub(super) type VisitShared<'v> = dyn Fn(&Window<'_>, u64, &mut Position<'_>) -> bool + Sync + 'v;

/// Hands over the windows of all parts of a file, of which `head` is read already. Fails with the error of the first part that
/// has one; behind that, no part is begun.
pub(super) fn visit(
    file: &dyn SharedFile,
    head: &[u8],
    sizes: Sizes,
    visit: &VisitShared<'_>,
) -> io::Result<()> {
    let parts = Parts::new(file, sizes.part);
    let index = LineIndex::new(file, sizes.part);
    let mark = ByteOrder::of_mark(head);
    let failed: Mutex<Option<(u64, io::Error)>> = Mutex::default();
    let scan_next = || {
        let Some((start, end)) = parts.next() else { return false };
        let head = if start == 0 { head } else { &[] };
        let offset = if start > 0 { start - MAX_SPAN as u64 } else { head.len() as u64 };
        let (mut rest, mut position) = (ReadFrom { file, offset }, Position::indexed(&index));
        let windows = Windows::of_blob(&mut rest, mark, sizes);
        let mut goes_on = true;
        let outcome = windows.from(start).until(end).visit(head, &mut position, &mut |window, offset, at| {
            goes_on = visit(window, offset, at);
            goes_on
        });
        position.keep();
        if let Err(error) = outcome {
            let mut first = failed.lock().unwrap_or_else(PoisonError::into_inner);
            if first.as_ref().is_none_or(|(before, _)| start < *before) {
                *first = Some((start, error));
            }
            goes_on = false;
        }
        if !goes_on {
            parts.stop();
        }
        goes_on
    };
    if parts.last == 0 {
        scan_next();
    } else {
        file.work(&scan_next);
    }
    failed.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), |(_, error)| Err(error))
}

impl Rest for ReadFrom<'_> {
    fn skip_hole(&mut self) -> u64 {
        let hole = self.file.hole_at(self.offset);
        self.offset += hole;
        hole
    }
}

/// The parts of a file that are left.
struct Parts<'f> {
    file: &'f dyn SharedFile,
    size: u64,
    /// The number of the last one, which goes on to the end of the file, wherever that is by then: it may grow meanwhile.
    last: u64,
    next: AtomicU64,
}

impl<'f> Parts<'f> {
    fn new(file: &'f dyn SharedFile, size: u64) -> Self {
        // Where the size cannot be told there is one part.
        let last = file.size().unwrap_or_default().saturating_sub(MAX_SPAN as u64) / size;
        Parts { file, size, last, next: AtomicU64::new(0) }
    }

    /// Where the next part starts and ends, unless it is a hole.
    fn next(&self) -> Option<(u64, u64)> {
        loop {
            let part = self.next.fetch_add(1, Relaxed);
            if part >= self.last {
                return (part == self.last).then_some((part * self.size, u64::MAX));
            }
            let (start, end) = (part * self.size, (part + 1) * self.size);
            let context = start.saturating_sub(MAX_SPAN as u64);
            let data = context + self.file.hole_at(context);
            if part == 0 || data < end {
                return Some((start, end));
            }
            self.next.fetch_max((data / self.size).min(self.last), Relaxed);
        }
    }

    /// Leaves out those that were not begun.
    fn stop(&self) {
        self.next.fetch_max(self.last + 1, Relaxed);
    }
}

#[cfg(test)]
mod tests;
