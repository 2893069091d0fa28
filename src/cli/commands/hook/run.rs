//! What an installed hook does: it looks at what git is about to do, says in a few lines what is wrong with it, and how
//! to go on. Whatever cannot be looked at does not pass.

use std::io::Read as _;
use std::path::Path;

use anyhow::Context as _;

use super::message::Message;
use super::ref_updates::RefUpdates;
use crate::blob::{Blob, Body, FaultKind, LocationKind, Origin};
use crate::cli::args::{CommonArgs, HookKind, HookRunArgs};
use crate::cli::commands::git::{self, What};
use crate::cli::exit::{Exit, Outcome};
use crate::cli::session::ScanSession;
use crate::finding::Findings;
use crate::source::git::{Range, Repo};

pub(super) fn run(flags: &HookRunArgs) -> anyhow::Result<Exit> {
    let mut common = CommonArgs::none()?;
    if flags.kind == HookKind::Receive {
        // What is pushed has no say in what is refused.
        common.config.no_project_config = true;
        common.silence.no_allow_comments = true;
    }
    let (session, repo) = git::begin(&common, Path::new("."))?;
    session.limit_threads()?;
    let mut findings = if flags.kind == HookKind::Commit {
        git::look(&session, &repo, &What::Staged(Vec::new()))?
    } else {
        let mut lines = Vec::new();
        std::io::stdin().read_to_end(&mut lines).context("cannot read what git tells of the push")?;
        let pushed = RefUpdates::read(flags.kind, &String::from_utf8_lossy(&lines))?;
        if pushed.is_empty() {
            return Ok(Exit::Clean);
        }
        look(&session, &repo, flags, &pushed)?
    };
    findings.retain(&mut |_, location| !git::is_excluded(&session.settings.walk, location));
    Ok(conclude(&session, flags.kind, findings))
}

/// Looks at what a push brings.
fn look(
    session: &ScanSession,
    repo: &Repo,
    flags: &HookRunArgs,
    pushed: &RefUpdates,
) -> anyhow::Result<Findings> {
    let remote = flags.arguments.first().and_then(|remote| remote.to_str()).unwrap_or_default();
    let tracking = format!("refs/remotes/{remote}/");
    // Here is what has all that refs lead to, or the remote, as far as it is known.
    let known = |name: &[u8]| flags.kind == HookKind::Receive || name.starts_with(tracking.as_bytes());
    let range = Range::lacking(repo, &pushed.tips, &pushed.had, &known)?;
    let findings = git::added(session, &range);
    let names = Findings::default();
    session.look(&names, &session.meter, &mut |sink| {
        for name in &pushed.names {
            let origin = || Origin { kind: LocationKind::RefName, ..Origin::file(name.clone()) };
            sink.blob(Blob { body: Body::Whole(name.as_bytes()), origin: &origin });
        }
    });
    findings.merge(names);
    Ok(findings)
}

fn conclude(session: &ScanSession, kind: HookKind, findings: Findings) -> Exit {
    let (findings, mut faults) = session.settle(findings);
    let least = session.settings.output.min_confidence;
    let found = findings.iter().filter(|finding| finding.counts() && finding.confidence >= least).collect();
    faults.retain(|fault| {
        matches!(fault.kind, FaultKind::Unreadable | FaultKind::Damaged | FaultKind::CutShort)
    });
    let told = Message { kind, found, faults: &faults };
    told.lines().iter().for_each(|line| session.console.say(line));
    let outcome = Outcome {
        interrupted: session.interrupted(),
        found: !told.found.is_empty(),
        trouble: !faults.is_empty(),
        ..Outcome::default()
    };
    Exit::of(outcome, 1)
}
