//! `stanch scan`: sweeps files and directories.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;

use super::history;
use crate::blob::{Sink, Source as _};
use crate::cli::args::ScanArgs;
use crate::cli::detection::{Detection, label};
use crate::cli::exit::Exit;
use crate::cli::session::ScanSession;
use crate::finding::Findings;
use crate::scan::WithRoot;
use crate::settings::{Env, Input, Settings};
use crate::source::stdin::Stdin;
use crate::source::tree::{self, Tree};

pub(super) fn run(args: &ScanArgs, env: &Env) -> anyhow::Result<Exit> {
    let mut session = ScanSession::prepare(&args.common, args.inputs.clone(), env)?;
    session.settings.walk = args.walk(session.settings.walk);
    let walks = walks(&session.settings, &session.detection)?;
    let findings = Findings::default();
    session.scan(&findings, &session.meter, &mut |sink| {
        let sweep = || sweep(&session.settings, &walks, sink);
        session.console.watch(&session.meter, || counting(&session, &walks, sweep));
    });
    let shallow = args.history && history::sweep(&session, &findings)?;
    Ok(session.finish(findings, shallow))
}

/// A walk, and the name of its root in locations where the walk itself does not know it.
struct Walk {
    tree: Tree,
    label: Option<String>,
}

/// One walk of all roots where they exclude the same; one for each where some have globs of their own.
fn walks(settings: &Settings, detection: &Detection) -> Result<Vec<Walk>, tree::BadGlob> {
    let roots: Vec<&Path> = Input::paths(&settings.inputs).collect();
    if roots.iter().all(|root| detection.excluded(root).is_empty()) {
        let roots = roots.into_iter().map(Path::to_owned).collect();
        return Ok(vec![Walk { tree: Tree::new(roots, settings.walk.clone()), label: None }]);
    }
    let many = roots.len() > 1;
    roots
        .into_iter()
        .map(|root| {
            let globs = settings.exclude.iter().chain(detection.excluded(root));
            let exclude = tree::excludes(globs.map(String::as_str))?;
            let label = (many && root.is_dir()).then(|| label(root));
            let options = tree::Options { exclude, ..settings.walk.clone() };
            Ok(Walk { tree: Tree::new(vec![root.to_owned()], options), label })
        })
        .collect()
}

/// Does `work` while another thread counts the files of all walks, where somebody sees how many are left.
fn counting(session: &ScanSession, walks: &[Walk], work: impl FnOnce()) {
    if !session.console.shows_progress() {
        return work();
    }
    let (meter, stop) = (&session.meter, AtomicBool::new(false));
    meter.set_counting(true);
    thread::scope(|scope| {
        scope.spawn(|| {
            if walks.iter().all(|walk| walk.tree.count(meter, &stop)) {
                meter.set_counting(false);
            }
        });
        work();
        stop.store(true, Relaxed);
    });
    meter.set_counting(false);
}

/// Drains every input into `sink`.
fn sweep(settings: &Settings, walks: &[Walk], sink: &dyn Sink) {
    if settings.inputs.contains(&Input::Stdin) {
        Stdin.drain(sink);
    }
    for Walk { tree, label } in walks {
        match label {
            Some(label) => tree.drain(&WithRoot::new(sink, label)),
            None => tree.drain(sink),
        }
    }
}
