//! Where objects come from: under which paths they are in the history, and which commit had them there first.
//!
//! A second pass, and only over what leads to a finding or a fault: without either it costs nothing.

use std::collections::HashSet;

use gix::ObjectId;

use super::commit_order::{Commit, SeenCommits};
use super::id_set::IdSet;
use super::introductions::Introductions;
use super::odb::ObjectDb;
use super::refs;
use super::repo::Repo;
use super::tree_graph::TreeGraph;
use crate::meter::CancelFlag;

/// Where the wanted objects come from.
#[derive(Default)]
pub(super) struct Origins {
    /// In the order in which they can have introduced something.
    pub(super) commits: Vec<Commit>,
    pub(super) introductions: Introductions,
}

impl Origins {
    /// Searches for the `wanted` objects in the `commits`, which are all that `odb` has.
    pub(super) fn search(
        repo: &Repo,
        (odb, commits): (&ObjectDb, SeenCommits),
        wanted: HashSet<ObjectId>,
        cancel: &CancelFlag,
    ) -> Self {
        if wanted.is_empty() {
            return Origins::default();
        }
        let commits = commits.in_order(repo, &refs::tips(repo));
        let graph = TreeGraph::read(odb, repo.hash(), IdSet::new(wanted), cancel);
        let introductions = Introductions::search(graph, &commits, cancel);
        Origins { commits, introductions }
    }
}
