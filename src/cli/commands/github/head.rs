//! A server that shows its `HEAD` and no ref.

use std::collections::BTreeSet;

use super::outcome::Outcome;
use crate::coverage::RepositoryState;
use crate::source::github::{Limits, Mirror, Remote};

/// Fetches what `HEAD` points to, where no ref does. How many objects that were.
pub(super) fn fetch_head(
    id: &str,
    mirror: &Mirror<'_>,
    (remote, limits): (&Remote<'_>, &Limits<'_>),
    outcome: &mut Outcome,
) -> u64 {
    let reason = match mirror.fetch_objects(remote, &BTreeSet::from([id.to_owned()]), limits) {
        Ok(missing) if missing.is_empty() => return 1,
        Ok(_) => "the server shows its HEAD, and gives neither that nor any ref".to_owned(),
        Err(error) => format!("the server shows its HEAD and no ref: {error}"),
    };
    outcome.problem(RepositoryState::Failed, reason);
    0
}
