//! Findings of one source that are kept apart: only once all of it was read is it known where they were.

use super::Findings;
use crate::blob::Sink;

/// A sink that can scan one source apart from all others.
///
/// The objects of a git repository have no names while they are read: which commit had them, and under which path, is
/// searched afterwards, and only for those in which something was found.
pub trait Apart: Sink {
    /// Calls `scan` with a sink of the same kind, then `settle` with what was found there, and takes in what that leaves.
    fn apart(&self, scan: &mut dyn FnMut(&dyn Apart), settle: &mut dyn FnMut(&mut Findings));
}
