//! `stanch allow`: puts hashes of tokens that are meant to be there into `.stanchignore`.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::cli::args::AllowArgs;
use crate::cli::atomic_write;
use crate::cli::console::Console;
use crate::cli::error::redact;
use crate::cli::exit::Exit;
use crate::settings::{BadConfig, Destination, IGNORE, read_project_file, repository_top};
use crate::source::git::Repo;
use crate::suppress::with_hashes;
use crate::text::printable;

pub(super) fn run(args: &AllowArgs) -> anyhow::Result<Exit> {
    let console = Console::plain();
    let reason = args.reason.as_deref().map(redact);
    if reason.as_deref().is_some_and(|reason| reason.contains(['\n', '\r'])) {
        bail!("the reason is a comment, and has to be one line");
    }
    let file = top().join(IGNORE);
    let shown = printable(&file.display().to_string());
    let text = read_project_file(&file)?.unwrap_or_default();
    let (new, added) = with_hashes(&text, &args.hashes, reason.as_deref()).map_err(|error| BadConfig {
        file: file.clone(),
        line: Some(error.line),
        problem: redact(&error.problem),
    })?;
    if !added.is_empty() {
        let mut write = |out: &mut dyn std::io::Write| out.write_all(new.as_bytes());
        atomic_write::write(&Destination::Path(file), false, &mut write)
            .with_context(|| format!("cannot write {shown}"))?;
    }
    for hash in &args.hashes {
        let state = if added.contains(&hash) { "allowed" } else { "was allowed before" };
        console.info(&format!("{state} by {shown}: sha256:{}", hash.digits()));
    }
    if !added.is_empty() {
        console.info(&format!("  commit {IGNORE} as well, so that others allow it, too"));
    }
    Ok(Exit::Clean)
}

/// The directory whose ignore file hooks and scans obey here: the repository's top, or this one where there is none.
fn top() -> PathBuf {
    let of_repository = Repo::discover(Path::new(".")).ok().map(|repo| repo.root().to_owned());
    of_repository.or_else(|| repository_top(Path::new("."))).unwrap_or_default()
}
