//! Which commit has an object under a path first.
//!
//! Of the paths of one object, a hundred are spelled; the others are counted by adding up, so that trees that are nested in
//! themselves cost no more than their objects.

use std::collections::{HashMap, HashSet};

use gix::ObjectId;

use super::commit_order::Commit;
use super::tree_graph::TreeGraph;
use crate::finding::MAX_LOCATIONS;
use crate::meter::CancelFlag;

/// A path under which an object is in the history, and the first commit that has it there.
#[derive(Clone, Copy)]
pub(super) struct Introduction {
    /// The commit's position in the order of commits.
    pub(super) position: u32,
    /// The number of the path.
    path: u32,
    /// Whether it is a symbolic link there.
    pub(super) link: bool,
}

/// The paths of one object.
#[derive(Clone, Default)]
pub(super) struct Introduced {
    pub(super) introductions: Vec<Introduction>,
    /// How many paths there are beside those.
    pub(super) more: u64,
}

/// Where the wanted objects come from.
#[derive(Default)]
pub(super) struct Introductions {
    by_object: HashMap<ObjectId, Introduced>,
    paths: Paths,
    graph: TreeGraph,
}

impl Introductions {
    /// Under each path of a wanted object, the first of `commits` that has it there.
    pub(super) fn search(graph: TreeGraph, commits: &[Commit], cancel: &CancelFlag) -> Self {
        let mut search = Search::new(&graph);
        for (position, commit) in (0_u32..).zip(commits) {
            if cancel.is_cancelled() {
                break;
            }
            if let Some(tree) = graph.number(&commit.tree) {
                search.walk(position, tree, cancel);
            }
        }
        let Search { paths, found, mut more, .. } = search;
        graph.add_up(&mut more);
        let mut by_object: HashMap<ObjectId, Introduced> = HashMap::new();
        for (number, introductions) in found {
            if let Some(id) = graph.wanted.get(&number) {
                let more = more.get(number as usize).copied().unwrap_or(0);
                by_object.insert(*id, Introduced { introductions, more });
            }
        }
        Introductions { by_object, paths, graph }
    }

    /// The paths of a wanted object; none where no commit leads to it.
    pub(super) fn of(&self, id: &ObjectId) -> Introduced {
        self.by_object.get(id).cloned().unwrap_or_default()
    }

    /// A path from the root; empty for the root tree itself.
    pub(super) fn path(&self, introduction: &Introduction) -> Vec<u8> {
        self.paths.spell(introduction.path, &self.graph)
    }
}

/// The path of the root.
const ROOT: u32 = 0;

/// Paths by number: each is a name in another one.
struct Paths {
    /// The parent of each path, and the number of its name.
    all: Vec<(u32, u32)>,
    numbers: HashMap<(u32, u32), u32>,
}

impl Default for Paths {
    fn default() -> Self {
        Paths { all: vec![(ROOT, 0)], numbers: HashMap::new() }
    }
}

impl Paths {
    fn join(&mut self, parent: u32, name: u32) -> u32 {
        *self.numbers.entry((parent, name)).or_insert_with(|| {
            self.all.push((parent, name));
            u32::try_from(self.all.len() - 1).unwrap_or(u32::MAX)
        })
    }

    fn spell(&self, path: u32, graph: &TreeGraph) -> Vec<u8> {
        let (mut names, mut path) = (Vec::new(), path);
        while path != ROOT
            && let Some((parent, name)) = self.all.get(path as usize)
        {
            names.push(graph.name(*name));
            path = *parent;
        }
        names.reverse();
        names.join(&b'/')
    }
}

/// An object under a path.
#[derive(Clone, Copy)]
struct Visit {
    object: u32,
    path: u32,
    link: bool,
}

struct Search<'a> {
    graph: &'a TreeGraph,
    paths: Paths,
    /// Each object and path that was visited or counted.
    seen: HashSet<(u32, u32)>,
    /// How many paths of each object were walked.
    walked: Vec<u8>,
    /// How many paths of each object were counted only.
    more: Vec<u64>,
    /// By the number of the wanted object.
    found: HashMap<u32, Vec<Introduction>>,
}

impl<'a> Search<'a> {
    fn new(graph: &'a TreeGraph) -> Self {
        Search {
            graph,
            paths: Paths::default(),
            seen: HashSet::new(),
            walked: vec![0; graph.len()],
            more: vec![0; graph.len()],
            found: HashMap::new(),
        }
    }

    /// Walks down from the tree of a commit, as far as earlier commits do not have the same under the same path.
    fn walk(&mut self, position: u32, tree: u32, cancel: &CancelFlag) {
        let mut pending = vec![Visit { object: tree, path: ROOT, link: false }];
        while let Some(Visit { object, path, link }) = pending.pop() {
            let at = object as usize;
            let (Some(walked), Some(more)) = (self.walked.get_mut(at), self.more.get_mut(at)) else {
                continue;
            };
            if cancel.is_cancelled() || !self.seen.insert((object, path)) {
                continue;
            }
            // Whatever is below has a hundred paths by now. What else leads there adds as many as lead here.
            if usize::from(*walked) == MAX_LOCATIONS {
                *more = more.saturating_add(1);
                continue;
            }
            *walked += 1;
            for edge in self.graph.edges(object).iter().rev() {
                let path = self.paths.join(path, edge.name);
                pending.push(Visit { object: edge.child, path, link: edge.link });
            }
            if self.graph.wanted.contains_key(&object) {
                self.found.entry(object).or_default().push(Introduction { position, path, link });
            }
        }
    }
}
