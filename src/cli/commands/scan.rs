//! `stanch scan`: sweep, report, exit.

use std::path::{Path, PathBuf};

use super::history;
use crate::blob::{Sink, Source as _};
use crate::cli::args::ScanArgs;
use crate::cli::detection::{Detection, label};
use crate::cli::exit::Exit;
use crate::cli::session::ScanSession;
use crate::finding::Findings;
use crate::scan::WithRoot;
use crate::settings::Settings;
use crate::source::stdin::Stdin;
use crate::source::tree::{self, Tree};

pub(super) fn run(flags: &ScanArgs) -> anyhow::Result<Exit> {
    let mut session = ScanSession::begin(&flags.common, flags.paths.clone())?;
    session.settings.walk = flags.walk(session.settings.walk);
    let walks = walks(&session.settings, &session.detection)?;
    let findings = Findings::default();
    session.look(&findings, &session.meter, &mut |sink| {
        session.console.watch(&session.meter, || sweep(&session.settings, &walks, sink));
    });
    let shallow = flags.history && history::sweep(&session, &findings)?;
    session.conclude(findings, shallow)
}

/// A walk, and the name that the places it comes upon need.
struct Walk {
    tree: Tree,
    label: Option<String>,
}

/// One walk of all roots where they leave out the same; one for each where some have globs of their own.
fn walks(settings: &Settings, detection: &Detection) -> Result<Vec<Walk>, tree::BadGlob> {
    let roots: Vec<PathBuf> = settings.paths.iter().filter(|path| !is_pipe(path)).cloned().collect();
    if roots.iter().all(|root| detection.left_out(root).is_empty()) {
        return Ok(vec![Walk { tree: Tree::new(roots, settings.walk.clone()), label: None }]);
    }
    let many = roots.len() > 1;
    roots
        .into_iter()
        .map(|root| {
            let globs = settings.exclude.iter().chain(detection.left_out(&root));
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
            Some(label) => tree.drain(&WithRoot::new(sink, label)),
            None => tree.drain(sink),
        }
    }
}
