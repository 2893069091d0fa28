//! `stanch revoke`: the tokens in any text.

use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};

use anyhow::bail;

use crate::blob::{Sink, Source as _};
use crate::cli::args::{ConfigArgs, RevokeCommandArgs};
use crate::cli::detection::Detection;
use crate::cli::exit::Exit;
use crate::cli::revoke_session::RevokeSession;
use crate::cli::session::ScanSession;
use crate::detect::DECODE_DEPTH;
use crate::finding::{Confidence, Findings};
use crate::report::Format;
use crate::settings::{ExitPolicy, Output, Settings};
use crate::source::stdin::Stdin;
use crate::source::tree::{self, Tree};
use crate::source::unpack::Limits;
use crate::text::printable;

pub(super) fn run(flags: RevokeCommandArgs) -> anyhow::Result<Exit> {
    let console = flags.console.console();
    if let Some(folder) = flags.files.iter().find(|path| path.is_dir()) {
        let folder = printable(&folder.display().to_string());
        bail!("{folder} is a folder: `stanch scan --revoke {folder}` sweeps it");
    }
    // What is given here is given to be revoked: no file beside it, and no comment in it, has a say.
    let config = ConfigArgs { user: flags.user, no_project_config: true };
    let detection = Detection::new(&config, &[])?;
    let sender = RevokeSession::prepare(&flags.revocation.or(&detection.user.revoke), &console)?;
    if flags.files.iter().any(|path| is_pipe(path)) && io::stdin().is_terminal() {
        console.say("reading from the terminal: Ctrl-D on a line of its own ends it");
    }
    let session = ScanSession::over(console, detection, settings(flags.files, flags.format)?, Some(sender))?;
    let findings = Findings::default();
    session.look(&findings, &session.meter, &mut |sink| {
        session.console.watch(&session.meter, || read(&session.settings, sink));
    });
    session.conclude(findings, false)
}

fn settings(paths: Vec<PathBuf>, format: Format) -> Result<Settings, tree::BadGlob> {
    Ok(Settings {
        paths,
        walk: tree::Options {
            gitignore: false,
            exclude: tree::excludes([])?,
            // A file that is named is meant, wherever it lies.
            follow_symlinks: true,
            max_file_size: None,
            threads: 1,
        },
        limits: Limits::default(),
        decode_depth: DECODE_DEPTH,
        exclude: Vec::new(),
        output: Output {
            format,
            min_confidence: Confidence::Likely,
            show_secrets: false,
            reports: Vec::new(),
            write_baseline: None,
        },
        // To have found tokens is what this command is for.
        exit: ExitPolicy { found: 0 },
    })
}

fn is_pipe(path: &Path) -> bool {
    path == Path::new("-")
}

fn read(settings: &Settings, sink: &dyn Sink) {
    let (pipes, files): (Vec<PathBuf>, Vec<PathBuf>) =
        settings.paths.iter().cloned().partition(|path| is_pipe(path));
    if !pipes.is_empty() {
        Stdin.drain(sink);
    }
    Tree::new(files, settings.walk.clone()).drain(sink);
}
