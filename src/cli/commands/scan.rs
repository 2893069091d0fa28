//! `stanch scan`: sweeps files and directories.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;

use super::history;
use crate::blob::{Sink, Source as _};
use crate::cli::args::ScanArgs;
use crate::cli::exit::Exit;
use crate::cli::session::ScanSession;
use crate::finding::Findings;
use crate::settings::{Env, Input, Settings};
use crate::source::stdin::Stdin;
use crate::source::tree::Tree;

pub(super) fn run(args: &ScanArgs, env: &Env) -> anyhow::Result<Exit> {
    let mut session = ScanSession::prepare("scan", &args.common, args.inputs.clone(), env)?;
    session.settings.walk = args.walk(session.settings.walk);
    session.sweep.options.extend(args.options());
    let findings = Findings::default();
    session.scan(&findings, &session.meter, &mut |sink| {
        let tree = tree(&session.settings);
        let sweep = || sweep(&session.settings, &tree, sink);
        session.console.watch(&session.meter, || counting(&session, &tree, sweep));
    });
    let shallow = args.history && history::sweep(&session, &findings)?;
    Ok(session.finish(findings, shallow))
}

/// The walk of all roots.
fn tree(settings: &Settings) -> Tree {
    Tree::new(Input::paths(&settings.inputs).map(Path::to_owned).collect(), settings.walk.clone())
}

/// Does `work` while another thread counts the files of the tree, where somebody sees how many are left.
fn counting(session: &ScanSession, tree: &Tree, work: impl FnOnce()) {
    if !session.console.shows_progress() {
        return work();
    }
    let (meter, stop) = (&session.meter, AtomicBool::new(false));
    meter.set_counting(true);
    thread::scope(|scope| {
        scope.spawn(|| {
            if tree.count(meter, &stop) {
                meter.set_counting(false);
            }
        });
        work();
        stop.store(true, Relaxed);
    });
    meter.set_counting(false);
}

/// Drains every input into `sink`. Who writes to standard input may keep it waiting, and nothing else is to wait for that.
pub(super) fn sweep(settings: &Settings, tree: &Tree, sink: &dyn Sink) {
    thread::scope(|scope| {
        if settings.inputs.contains(&Input::Stdin) {
            scope.spawn(|| Stdin.drain(sink));
        }
        tree.drain(sink);
    });
}
