//! Objects by their ids: what was pushed over or deleted, and is not at the end of any ref.

use std::collections::BTreeSet;

use super::error::GitError;
use super::fetching::Remote;
use super::refs::{KEPT, Workshop, lines_of};

/// How many objects are asked for in one call: their ids are its arguments.
const AT_ONCE: usize = 500;

/// Fetches objects by their full ids, and keeps them; those that the server does not have any more. Ids of another form
/// than the mirror's are none that it could have.
///
/// A server that lacks one of them answers with an error that names that one, and gives none. So it is left out, and the
/// rest asked for in two halves: of few that are missing among many, each costs few calls.
pub(super) fn fetch(
    workshop: &Workshop<'_>,
    remote: &Remote<'_>,
    ids: &BTreeSet<String>,
) -> Result<BTreeSet<String>, GitError> {
    let (here, elsewhere) = present(workshop, ids)?;
    workshop.keep(&here)?;
    let mut missing = BTreeSet::new();
    let wanted: Vec<String> = elsewhere.into_iter().collect();
    let mut groups: Vec<Vec<String>> = wanted.chunks(AT_ONCE).map(<[String]>::to_vec).collect();
    while let Some(group) = groups.pop() {
        let specs: Vec<String> = group.iter().map(|id| format!("{id}:{KEPT}{id}")).collect();
        let refused = match remote.fetch(workshop, &specs) {
            Ok(_) => continue,
            Err((GitError::NoSuchObject(_), refused)) => refused,
            Err((error, _)) => return Err(error),
        };
        let (gone, mut rest): (Vec<String>, Vec<String>) =
            group.into_iter().partition(|id| refused.contains(id));
        if gone.is_empty() && rest.len() == 1 {
            missing.extend(rest);
            continue;
        }
        missing.extend(gone);
        let half = rest.split_off(rest.len() / 2);
        groups.extend([half, rest].into_iter().filter(|group| !group.is_empty()));
    }
    Ok(missing)
}

/// Which of the ids are those of objects that are here, and which are not.
fn present(
    workshop: &Workshop<'_>,
    ids: &BTreeSet<String>,
) -> Result<(BTreeSet<String>, BTreeSet<String>), GitError> {
    if ids.is_empty() {
        return Ok((BTreeSet::new(), BTreeSet::new()));
    }
    let command = workshop.command(&["cat-file", "--batch-check=%(objectname)", "--buffer"])?;
    let mut here = BTreeSet::new();
    workshop.lines(command, Some(lines_of(ids.iter()).as_bytes()), &mut |line| {
        if ids.contains(line) {
            here.insert(line.to_owned());
        }
    })?;
    let elsewhere = ids.difference(&here).cloned().collect();
    Ok((here, elsewhere))
}
