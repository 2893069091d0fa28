//! `stanch scan`: sweep, report, exit.

use std::path::{Path, PathBuf};

use super::exit::Exit;
use super::flags::ScanFlags;
use super::history;
use super::hunt::Hunt;
use super::lookout::{Lookout, label};
use crate::blob::{Sink, Source as _};
use crate::finding::Findings;
use crate::scan::Labelled;
use crate::settings::Settings;
use crate::source::stdin::Stdin;
use crate::source::tree::{self, Tree};

pub(super) fn run(flags: &ScanFlags) -> anyhow::Result<Exit> {
    let mut hunt = Hunt::begin(&flags.common, flags.paths.clone())?;
    hunt.settings.walk = flags.walk(hunt.settings.walk);
    let walks = walks(&hunt.settings, &hunt.lookout)?;
    let findings = Findings::default();
    hunt.look(&findings, &hunt.meter, &mut |sink| {
        hunt.console.watch(&hunt.meter, || sweep(&hunt.settings, &walks, sink));
    });
    let shallow = flags.history && history::sweep(&hunt, &findings)?;
    hunt.conclude(findings, shallow)
}

/// A walk, and the name that the places it comes upon need.
struct Walk {
    tree: Tree,
    label: Option<String>,
}

/// One walk of all roots where they leave out the same; one for each where some have globs of their own.
fn walks(settings: &Settings, lookout: &Lookout) -> Result<Vec<Walk>, tree::BadGlob> {
    let roots: Vec<PathBuf> = settings.paths.iter().filter(|path| !is_pipe(path)).cloned().collect();
    if roots.iter().all(|root| lookout.left_out(root).is_empty()) {
        return Ok(vec![Walk { tree: Tree::new(roots, settings.walk.clone()), label: None }]);
    }
    let many = roots.len() > 1;
    roots
        .into_iter()
        .map(|root| {
            let globs = settings.exclude.iter().chain(lookout.left_out(&root));
            let exclude = tree::excludes(globs.map(String::as_str))?;
            let label = (many && root.is_dir()).then(|| label(&root));
            let options = tree::Options { exclude, ..settings.walk.clone() };
            Ok(Walk { tree: Tree::new(vec![root], options), label })
        })
        .collect()
}

pub(super) fn is_pipe(path: &Path) -> bool {
    path == Path::new("-")
}

/// Looks into everything the settings name.
fn sweep(settings: &Settings, walks: &[Walk], sink: &dyn Sink) {
    if settings.paths.iter().any(|path| is_pipe(path)) {
        Stdin.drain(sink);
    }
    for Walk { tree, label } in walks {
        match label {
            Some(label) => tree.drain(&Labelled::new(sink, label)),
            None => tree.drain(sink),
        }
    }
}
