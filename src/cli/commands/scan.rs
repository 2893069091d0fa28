//! `stanch scan`: sweeps files and directories.

use std::path::Path;

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
    let mut session = ScanSession::prepare(&args.common, args.inputs.clone(), env)?;
    session.settings.walk = args.walk(session.settings.walk);
    let findings = Findings::default();
    session.scan(&findings, &session.meter, &mut |sink| {
        session.console.watch(&session.meter, || sweep(&session.settings, sink));
    });
    let shallow = args.history && history::sweep(&session, &findings)?;
    Ok(session.finish(findings, shallow))
}

/// Drains every input into `sink`.
fn sweep(settings: &Settings, sink: &dyn Sink) {
    if settings.inputs.contains(&Input::Stdin) {
        Stdin.drain(sink);
    }
    let roots = Input::paths(&settings.inputs).map(Path::to_owned).collect();
    Tree::new(roots, settings.walk.clone()).drain(sink);
}
