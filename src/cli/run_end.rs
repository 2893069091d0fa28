//! What a run has to tell besides what it found.

use super::exit::Exit;
use crate::coverage::Coverage;
use crate::finding::Finding;
use crate::report::Roots;
use crate::token::Fingerprint;

/// What is done between revoking and reporting: it may write on findings and on the coverage, and returns whether all went
/// well.
pub(super) type After<'a> = dyn FnMut(&mut [Finding], &mut Option<Coverage>) -> bool + 'a;

/// How a run ends.
pub(super) struct RunEnd<'a> {
    /// What was scanned.
    pub(super) roots: Roots,
    /// Whether a history was incomplete.
    pub(super) is_shallow: bool,
    /// What of many repositories was looked at.
    pub(super) coverage: Option<Coverage>,
    /// Credentials that this run was given while it went on, and what each is: they are this machine's own.
    pub(super) own: Vec<(Fingerprint, String)>,
    /// Whether a finding may be suppressed by what could not be read: then it is not sent.
    pub(super) is_doubtful: Option<&'a dyn Fn(&Finding) -> bool>,
    /// What is done between revoking and reporting.
    pub(super) after: Option<&'a mut After<'a>>,
}

impl RunEnd<'_> {
    /// That of a run over these roots, which has nothing more to tell.
    pub(super) fn of(roots: Roots) -> Self {
        RunEnd { roots, is_shallow: false, coverage: None, own: Vec::new(), is_doubtful: None, after: None }
    }
}

/// What a run has come to.
pub(super) struct Finished {
    pub(super) exit: Exit,
    /// Whether all reports were written.
    pub(super) is_written: bool,
}
