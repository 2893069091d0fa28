//! What makes two runs the same sweep: then the second goes on where the first was interrupted.

use std::fs;

use anyhow::Context as _;

use super::access::Access;
use crate::cli::args::GithubArgs;
use crate::cli::error::redact;
use crate::cli::session::ScanSession;
use crate::coverage::Surface;
use crate::source::github::Target;
use crate::token::Fingerprint;

/// What all shards of a sweep are told, too: as flags.
pub(super) fn options(args: &GithubArgs, targets: &[Target]) -> Vec<String> {
    let include: Vec<&str> = args.surfaces().map(Surface::as_str).collect();
    let mut options: Vec<String> = targets.iter().map(ToString::to_string).collect();
    options.push(format!("--include={}", include.join(",")));
    options.extend(args.exclude_repo.iter().map(|glob| format!("--exclude-repo={glob}")));
    options.extend(args.forks.then(|| "--forks".to_owned()));
    options.extend(args.archived.then(|| "--archived".to_owned()));
    options.extend(args.since.as_ref().map(|since| format!("--since={}", since.text)));
    options.iter().map(|option| redact(option)).collect()
}

/// A text that is the same where the same is looked at, in the same way, with the same credential.
pub(super) fn of(args: &GithubArgs, session: &ScanSession, access: &Access) -> anyhow::Result<String> {
    let mut parts =
        vec![env!("CARGO_PKG_VERSION").to_owned(), access.host.api_base(), access.identity().to_owned()];
    parts.extend(session.sweep.options.iter().cloned());
    parts.extend(session.settings.walk.shard.map(|shard| shard.to_string()));
    // What is found, and what is suppressed, depends on these files.
    for path in args.common.files_that_decide() {
        let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        parts.push(Fingerprint::of(&bytes).hex());
    }
    Ok(parts.join("\0"))
}
