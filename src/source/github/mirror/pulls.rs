//! Which pull request a commit belongs to that no branch and no tag has.

use std::collections::{BTreeMap, BTreeSet};

use super::error::GitError;
use super::refs::Workshop;

/// How many commits are asked for in one call: their ids are its arguments.
const AT_ONCE: usize = 500;

/// The heads of pull requests; and what merging them would come to, for what only that has.
const REFS: [&str; 2] = ["refs/pull/*/head", "refs/pull/*/merge"];

/// The number of a pull request for each of the commits that only pull requests have: the one whose head is nearest.
pub(super) fn pulls_of(
    workshop: &Workshop<'_>,
    commits: &BTreeSet<&str>,
) -> Result<BTreeMap<String, u64>, GitError> {
    let without_branch = workshop.not_reachable(commits, &["--branches", "--tags"])?;
    let without_branch: Vec<&str> = without_branch.iter().map(String::as_str).collect();
    let mut pulls = BTreeMap::new();
    for group in without_branch.chunks(AT_ONCE) {
        for refs in REFS {
            let left: Vec<&str> =
                group.iter().copied().filter(|commit| !pulls.contains_key(*commit)).collect();
            add_pulls_of(workshop, &left, refs, &mut pulls)?;
        }
    }
    Ok(pulls)
}

/// Adds the numbers of those that these refs lead to.
fn add_pulls_of(
    workshop: &Workshop<'_>,
    commits: &[&str],
    refs: &str,
    pulls: &mut BTreeMap<String, u64>,
) -> Result<(), GitError> {
    if commits.is_empty() {
        return Ok(());
    }
    let mut command = workshop.command(&["name-rev", &format!("--refs={refs}")])?;
    command.args(commits);
    workshop.lines(command, None, &mut |line| {
        if let Some((commit, name)) = line.split_once(' ')
            && let Some(number) = number_of(name)
        {
            pulls.insert(commit.to_owned(), number);
        }
    })?;
    // git-name-rev(1) stops at what is older by date than the commit, and dates may be wrong.
    for commit in commits {
        if !pulls.contains_key(*commit)
            && let Some(number) = one_of(workshop, commit, refs)?
        {
            pulls.insert((*commit).to_owned(), number);
        }
    }
    Ok(())
}

fn one_of(workshop: &Workshop<'_>, commit: &str, refs: &str) -> Result<Option<u64>, GitError> {
    let contains = format!("--contains={commit}");
    let command = workshop.command(&["for-each-ref", "--count=1", "--format=%(refname)", &contains, refs])?;
    let mut number = None;
    workshop.lines(command, None, &mut |line| number = number_of(line))?;
    Ok(number)
}

/// The number in `refs/pull/5/head`, `pull/5/head~3^2` and `remotes/…`-less forms of it.
fn number_of(name: &str) -> Option<u64> {
    let (_, behind) = name.split_once("pull/")?;
    behind.split('/').next()?.parse().ok()
}
