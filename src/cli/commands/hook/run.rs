//! What an installed hook does: it scans what git is about to commit, push or receive, and explains in a few lines why it
//! is refused, and how to go on. What cannot be scanned is refused.

use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, bail};

use super::message::Message;
use super::ref_updates::RefUpdates;
use crate::blob::{Blob, Body, FaultKind, LocationKind, Origin};
use crate::cli::args::{CommonArgs, HookKind, HookRunArgs};
use crate::cli::commands::git;
use crate::cli::exit::{Exit, RunStatus};
use crate::cli::session::ScanSession;
use crate::cli::signal;
use crate::finding::Findings;
use crate::settings::Env;
use crate::source::git::{Range, Repo, Staged};

pub(super) fn run(args: &HookRunArgs, env: &Env) -> anyhow::Result<Exit> {
    let mut common = CommonArgs::none();
    if args.kind == HookKind::Receive {
        // Those who push must not decide what is refused.
        common.config.no_project_config = true;
        common.suppress.no_allow_comments = true;
    }
    let (session, repo) = git::prepare(&common, Path::new("."), env)?;
    session.limit_threads()?;
    let mut findings = match args.kind {
        HookKind::Commit => git::scan_staged(&session, &Staged::new(&repo, &[])?),
        HookKind::Merge => git::scan_staged(&session, &Staged::of_automatic_merge(&repo)?),
        HookKind::Push | HookKind::Receive => {
            let mut lines = Vec::new();
            signal::at_once(|| std::io::stdin().read_to_end(&mut lines))
                .context("cannot read the ref updates from git")?;
            let updates = RefUpdates::read(args.kind, &String::from_utf8_lossy(&lines))?;
            if lines.trim_ascii().is_empty() && !may_have_no_lines(args) {
                bail!(not_called_as_a_hook(args.kind));
            }
            if updates.is_empty() {
                return Ok(Exit::Clean);
            }
            scan_push(&session, &repo, args, &updates)?
        }
    };
    findings.retain(&mut |_, location| !git::is_excluded(&session.settings.walk.exclude, location));
    Ok(finish(&session, args.kind, findings))
}

/// Whether git itself may have nothing to say of refs: it names the remote of a push that has nothing to do, and asks a server
/// only about refs that change (githooks(5)).
fn may_have_no_lines(args: &HookRunArgs) -> bool {
    args.kind == HookKind::Push && args.arguments.iter().any(|argument| !argument.is_empty())
}

/// What to do where something else has called the hook, and has kept for itself what git says: nobody knows what is pushed.
fn not_called_as_a_hook(kind: HookKind) -> String {
    let name = kind.name();
    if kind == HookKind::Receive {
        return format!(
            "nothing is taken, because git's lines for the {name} hook did not come here: whatever calls it has to pass on its \
             standard input"
        );
    }
    format!(
        "nothing is pushed, because nobody said what is: this was not called as git calls a {name} hook, with arguments and \
         lines on standard input. In lefthook.yml: `run: stanch hook run --type {name} -- {{1}} {{2}}` and `use_stdin: true`; \
         in .husky/{name}, or another script: `stanch hook run --type {name} -- \"$@\"`"
    )
}

/// Scans what a push adds.
fn scan_push(
    session: &ScanSession,
    repo: &Repo,
    args: &HookRunArgs,
    updates: &RefUpdates,
) -> anyhow::Result<Findings> {
    let argument = |n: usize| args.arguments.get(n).and_then(|text| text.to_str()).unwrap_or_default();
    // A server has what its refs reach; a remote has, as far as is known here, what its tracking refs reach.
    let tracking = repo.remote_refs(argument(0), argument(1), &updates.new_names);
    let known = |name: &[u8]| args.kind == HookKind::Receive || tracking.contains(name);
    let range = signal::at_once(|| Range::for_push(repo, &updates.tips, &updates.old_tips, &known))?;
    range.require_complete()?;
    let findings = git::scan_range(session, &range);
    let names = Findings::default();
    session.scan(&names, &session.meter, &mut |sink| {
        for name in &updates.names {
            let origin = || Origin { kind: LocationKind::RefName, ..Origin::file(name.clone()) };
            sink.blob(Blob { body: Body::Whole(name.as_bytes()), origin: &origin });
        }
    });
    findings.merge(names);
    Ok(findings)
}

fn finish(session: &ScanSession, kind: HookKind, findings: Findings) -> Exit {
    let (findings, mut faults) = session.finalize(findings);
    let min_confidence = session.settings.output.min_confidence;
    let found = findings.iter().filter(|finding| finding.counts(min_confidence)).collect();
    faults.retain(|fault| {
        matches!(
            fault.kind,
            FaultKind::Unreadable | FaultKind::Damaged | FaultKind::CutShort | FaultKind::AsBytes(_)
        )
    });
    let message = Message { kind, found, faults: &faults };
    message.lines().iter().for_each(|line| session.console.info(line));
    let status = RunStatus {
        interrupted: session.interrupted(),
        found: !message.found.is_empty(),
        trouble: !faults.is_empty(),
        ..RunStatus::default()
    };
    Exit::of(status, 1)
}
