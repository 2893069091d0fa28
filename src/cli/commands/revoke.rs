//! `stanch revoke`: sends the tokens in any text.

use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};

use anyhow::bail;

use super::scan;
use crate::blob::Sink;
use crate::cli::args::{ConfigArgs, RevokeArgs};
use crate::cli::console::Terminal;
use crate::cli::detection::Detection;
use crate::cli::exit::Exit;
use crate::cli::revoke_session::RevokeSession;
use crate::cli::session::ScanSession;
use crate::cli::signal;
use crate::detect::DECODE_DEPTH;
use crate::finding::{Confidence, Findings};
use crate::report::Format;
use crate::settings::{Env, ExitPolicy, Input, Output, Settings};
use crate::source::tree::{self, Tree};
use crate::source::unpack::Limits;
use crate::text::printable;

pub(super) fn run(args: RevokeArgs, env: &Env) -> anyhow::Result<Exit> {
    let console = args.console.console();
    if let Some(directory) = Input::paths(&args.inputs).find(|path| path.is_dir()) {
        let directory = printable(&directory.display().to_string());
        bail!("{directory} is a directory: `stanch scan --revoke {directory}` sweeps it");
    }
    // What is named here is meant to be revoked: no file beside it, and no comment in it, suppresses a finding.
    let config = ConfigArgs { user: args.user, no_project_config: true };
    let detection = Detection::load(&config, &[], env)?;
    let cancel = signal::listen()?;
    let terminal = Terminal { console: &console, cancel: &cancel };
    let prepare = || RevokeSession::prepare(&args.revocation, &args.inputs, env, &detection.user, terminal);
    let revoke_session = signal::at_once(prepare)?;
    if args.inputs.contains(&Input::Stdin) && io::stdin().is_terminal() {
        console.info("reading from the terminal: Ctrl-D on a line of its own ends it");
    }
    let settings = settings(args.inputs, args.format)?;
    let session = ScanSession::new(console, detection, settings, env, cancel).revoking(revoke_session);
    let findings = Findings::default();
    session.scan(&findings, &session.meter, &mut |sink| {
        session.console.watch(&session.meter, || drain(&session.settings, sink));
    });
    Ok(session.finish(findings, false))
}

fn settings(inputs: Vec<Input>, format: Format) -> Result<Settings, tree::BadGlob> {
    Ok(Settings {
        inputs,
        walk: tree::Options {
            gitignore: false,
            exclude: tree::Exclude::new([])?,
            // A file that is named is meant, even where it is a link.
            follow_symlinks: true,
            as_committed: false,
            history: false,
            shard: None,
            max_file_size: None,
            threads: 1,
        },
        limits: Limits::default(),
        decode_depth: DECODE_DEPTH,
        output: Output {
            format,
            min_confidence: Confidence::Likely,
            show_secrets: false,
            show_suppressed: false,
            reports: Vec::new(),
            write_baseline: None,
        },
        // To find tokens is what this command is for.
        exit: ExitPolicy { found: 0 },
    })
}

/// Drains every input into `sink`.
fn drain(settings: &Settings, sink: &dyn Sink) {
    let files: Vec<PathBuf> = Input::paths(&settings.inputs).map(Path::to_owned).collect();
    scan::sweep(settings, &Tree::new(files, settings.walk.clone()), sink);
}
