//! Directories and the paths that lead to them. One tree may be in many places of another, and some levels of that make more
//! paths than could ever be listed: so a directory is here once, with its name under each of its parents, and paths are
//! spelled one by one, or counted by adding up.

/// The root of the work tree.
pub(super) const ROOT: u32 = 0;

/// Directories by number.
#[derive(Clone)]
pub(super) struct PathGraph {
    /// The parents of each directory, and its name in them. The first parent has a smaller number.
    parents: Vec<Vec<(u32, Box<[u8]>)>>,
    has_copies: bool,
}

impl Default for PathGraph {
    fn default() -> Self {
        PathGraph { parents: vec![Vec::new()], has_copies: false }
    }
}

impl PathGraph {
    /// A new directory below `parent`.
    pub(super) fn add(&mut self, parent: u32, name: &[u8]) -> u32 {
        let Ok(dir) = u32::try_from(self.parents.len()) else { return parent };
        self.parents.push(vec![(parent, name.into())]);
        dir
    }

    /// A directory is in another place, too.
    pub(super) fn link(&mut self, dir: u32, parent: u32, name: &[u8]) {
        if let Some(parents) = self.parents.get_mut(dir as usize) {
            parents.push((parent, name.into()));
            self.has_copies = true;
        }
    }

    /// Whether any directory has more than one path.
    pub(super) fn has_copies(&self) -> bool {
        self.has_copies
    }

    /// One path of a name in a directory.
    pub(super) fn first_path(&self, dir: u32, name: &[u8]) -> Vec<u8> {
        let mut parts = vec![name];
        let mut dir = dir;
        while let Some((parent, name)) = self.parents.get(dir as usize).and_then(|parents| parents.first()) {
            parts.push(name);
            dir = *parent;
        }
        spell(parts)
    }

    /// Up to `max` paths of a name in a directory.
    pub(super) fn paths(&self, dir: u32, name: &[u8], max: usize) -> Vec<Vec<u8>> {
        let mut paths = Vec::new();
        // The way up to the root, each directory with the number of the parent to be tried next.
        let mut way: Vec<(u32, usize)> = vec![(dir, 0)];
        while let Some((dir, next)) = way.last_mut() {
            if paths.len() >= max {
                break;
            }
            if *dir == ROOT {
                let names = way.iter().filter_map(|(dir, next)| {
                    let (_, name) = self.parents.get(*dir as usize)?.get(next.checked_sub(1)?)?;
                    Some(&**name)
                });
                paths.push(spell(std::iter::once(name).chain(names).collect()));
                way.pop();
                continue;
            }
            let parent = self.parents.get(*dir as usize).and_then(|parents| parents.get(*next));
            *next += 1;
            match parent {
                // A longer way goes in a circle, which only a damaged repository has.
                Some((parent, _)) if way.len() <= self.parents.len() => way.push((*parent, 0)),
                _ => drop(way.pop()),
            }
        }
        paths
    }

    /// How many paths lead to each directory.
    pub(super) fn counts(&self) -> Vec<u64> {
        let mut counts: Vec<Option<u64>> = vec![None; self.parents.len()];
        if let Some(root) = counts.first_mut() {
            *root = Some(1);
        }
        for dir in 0..self.parents.len() {
            let mut pending = vec![(dir, false)];
            while let Some((dir, after_parents)) = pending.pop() {
                let parents = self.parents.get(dir).map(Vec::as_slice).unwrap_or_default();
                if after_parents {
                    let of_parents =
                        parents.iter().filter_map(|(parent, _)| *counts.get(*parent as usize)?);
                    let sum = of_parents.fold(0, u64::saturating_add);
                    counts[dir] = Some(sum);
                } else if counts.get(dir).is_some_and(Option::is_none) {
                    // Entered now, so that a circle ends.
                    counts[dir] = Some(0);
                    pending.push((dir, true));
                    pending.extend(parents.iter().map(|(parent, _)| (*parent as usize, false)));
                }
            }
        }
        counts.into_iter().map(Option::unwrap_or_default).collect()
    }
}

/// The path of some parts, the last first. An empty one at the end is the directory itself.
fn spell(parts: Vec<&[u8]>) -> Vec<u8> {
    let mut path = Vec::new();
    for part in parts.into_iter().rev().filter(|part| !part.is_empty()) {
        if !path.is_empty() {
            path.push(b'/');
        }
        path.extend_from_slice(part);
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Some levels, on each of which the same directory has ten names.
    fn nested(levels: usize) -> (PathGraph, u32) {
        let (mut graph, mut dir) = (PathGraph::default(), ROOT);
        for _ in 0..levels {
            let below = graph.add(dir, b"n0");
            (1..10).for_each(|n| graph.link(below, dir, format!("n{n}").as_bytes()));
            dir = below;
        }
        (graph, dir)
    }

    #[test]
    fn paths_are_counted_without_being_walked() {
        let (graph, dir) = nested(3);
        assert_eq!(graph.counts()[dir as usize], 1000);
        let paths = graph.paths(dir, b"f", 5000);
        assert_eq!((paths.len(), &paths[0][..]), (1000, &b"n0/n0/n0/f"[..]));
        assert_eq!(paths.iter().collect::<std::collections::HashSet<_>>().len(), 1000);
        let (graph, dir) = nested(30);
        assert_eq!(graph.counts()[dir as usize], u64::MAX, "it saturates");
        assert_eq!(graph.paths(dir, b"f", 100).len(), 100);
        assert_eq!(graph.first_path(dir, b"f"), graph.paths(dir, b"f", 1)[0]);
    }

    #[test]
    fn depth_costs_no_stack_and_a_circle_ends() {
        let (mut graph, mut dir) = (PathGraph::default(), ROOT);
        for _ in 0..50_000 {
            dir = graph.add(dir, b"d");
        }
        assert_eq!(graph.counts()[dir as usize], 1);
        assert_eq!(graph.paths(dir, b"f", 100), [graph.first_path(dir, b"f")]);
        let mut graph = PathGraph::default();
        let one = graph.add(ROOT, b"a");
        let two = graph.add(one, b"b");
        graph.link(one, two, b"back");
        assert_eq!(graph.counts().len(), 3);
        assert_eq!(graph.paths(two, b"", 1), [b"a/b".to_vec()]);
        assert!(!graph.paths(two, b"f", 100).is_empty());
    }
}
