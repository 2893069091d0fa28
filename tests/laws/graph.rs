//! Which file names which, and the circles among them.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{File, Named, declared, paths};

/// A graph of names: from each, those it names.
pub(crate) type Graph = BTreeMap<String, BTreeSet<String>>;

struct Module {
    name: String,
    room: String,
    children: Vec<String>,
    named: Vec<Named>,
    /// What each `use` calls the path it brings in.
    uses: BTreeMap<String, Vec<String>>,
}

/// The files of a crate, by module.
pub(crate) struct Crate {
    modules: BTreeMap<Vec<String>, Module>,
}

impl Crate {
    pub(crate) fn new(files: &[File]) -> Crate {
        let modules = files.iter().filter(|file| file.name != "main.rs").map(|file| {
            let named = paths(&file.code);
            let alias = |named: &Named| Some((named.alias.clone()?, named.path.clone()));
            let module = Module {
                name: file.name.clone(),
                room: file.room().to_owned(),
                children: declared(&file.code),
                uses: named.iter().filter_map(alias).collect(),
                named,
            };
            (file.module.clone(), module)
        });
        Crate { modules: modules.collect() }
    }

    /// A path from the root of this crate, if it is one of this crate.
    fn absolute(&self, from: &[String], path: &[String]) -> Option<Vec<String>> {
        let first = path.first()?.as_str();
        let below = |base: &[String], rest: &[String]| Some([base, rest].concat());
        match first {
            "crate" => below(&[], &path[1..]),
            "self" => below(from, &path[1..]),
            "super" => {
                let ups = path.iter().take_while(|part| *part == "super").count();
                below(&from[..from.len().checked_sub(ups)?], &path[ups..])
            }
            _ if self.modules[from].children.iter().any(|child| child == first) => below(from, path),
            _ => {
                let target = self.modules[from].uses.get(first).filter(|target| target[0] != first)?;
                below(&self.absolute(from, target)?, &path[1..])
            }
        }
    }

    /// The modules in which a path is looked up, the last of which holds what it names: one for each re-export on the way.
    fn resolve(&self, path: &[String], depth: usize) -> Vec<Vec<String>> {
        let mut at = Vec::new();
        for (index, part) in path.iter().enumerate() {
            let below = [at.as_slice(), std::slice::from_ref(part)].concat();
            if self.modules.contains_key(&below) {
                at = below;
                continue;
            }
            let Some(module) = self.modules.get(&at) else { return Vec::new() };
            let again = module.uses.get(part).and_then(|path| self.absolute(&at, path));
            let mut found = vec![at.clone()];
            if let Some(target) = again.filter(|_| depth < 8) {
                found.extend(self.resolve(&[target.as_slice(), &path[index + 1..]].concat(), depth + 1));
            }
            return found;
        }
        vec![at]
    }

    /// Which room names which.
    pub(crate) fn rooms(&self) -> Graph {
        self.edges(|from, named| {
            let to = named.first().and_then(|module| self.modules.get(module));
            to.map(|to| (from.room.clone(), to.room.clone())).into_iter().collect()
        })
    }

    /// Which file names which: the file that a path is looked up in, be it a hub that only hands the name on.
    pub(crate) fn files(&self) -> Graph {
        self.edges(|from, named| {
            let to = named.first().map(|module| self.modules[module].name.clone());
            to.map(|to| (from.name.clone(), to)).into_iter().collect()
        })
    }

    /// Which file needs which: the file that holds what is named. What a hub declares may name the hub.
    pub(crate) fn definitions(&self) -> Graph {
        let hub_of =
            |from: &Module, to: &str| from.name.starts_with(&format!("{}/", to.trim_end_matches(".rs")));
        self.edges(|from, named| {
            let to = named.last().map(|module| self.modules[module].name.clone());
            to.filter(|to| !hub_of(from, to)).map(|to| (from.name.clone(), to)).into_iter().collect()
        })
    }

    fn edges(&self, edge: impl Fn(&Module, &[Vec<String>]) -> Vec<(String, String)>) -> Graph {
        let mut graph = Graph::new();
        for (path, module) in &self.modules {
            for named in &module.named {
                let Some(absolute) = self.absolute(path, &named.path) else { continue };
                for (from, to) in edge(module, &self.resolve(&absolute, 0)) {
                    if from != to && !from.is_empty() && !to.is_empty() && to != "lib.rs" {
                        graph.entry(from).or_default().insert(to);
                    }
                }
            }
        }
        graph
    }
}

/// The groups of names that reach each other, each in order.
pub(crate) fn circles(graph: &Graph) -> Vec<Vec<String>> {
    let reach: BTreeMap<&str, BTreeSet<&str>> =
        graph.keys().map(|name| (name.as_str(), reach(graph, name))).collect();
    let mut circles = BTreeSet::new();
    for (name, reached) in &reach {
        let back = |other: &&&str| reach.get(**other).is_some_and(|reached| reached.contains(name));
        let circle: Vec<String> = reached.iter().filter(back).map(|other| (*other).to_owned()).collect();
        if !circle.is_empty() {
            circles.insert(circle);
        }
    }
    circles.into_iter().collect()
}

fn reach<'g>(graph: &'g Graph, from: &str) -> BTreeSet<&'g str> {
    let mut reached = BTreeSet::new();
    let mut next: Vec<&str> = graph.get(from).into_iter().flatten().map(String::as_str).collect();
    while let Some(name) = next.pop() {
        if reached.insert(name) {
            next.extend(graph.get(name).into_iter().flatten().map(String::as_str));
        }
    }
    reached
}

/// The hub of a circle: the file of it that declares, at whatever depth, all others.
pub(crate) fn hub(circle: &[String]) -> Option<&str> {
    let hub = circle.iter().min_by_key(|name| name.len())?;
    let below = format!("{}/", hub.trim_end_matches(".rs"));
    circle.iter().all(|name| name == hub || name.starts_with(&below)).then_some(hub)
}
