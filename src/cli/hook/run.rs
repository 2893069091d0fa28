//! What an installed hook does: it looks at what git is about to do, says in a few lines what is wrong with it, and how
//! to go on. Whatever cannot be looked at does not pass.

use std::io::Read as _;
use std::path::Path;

use anyhow::Context as _;

use super::pushed::Pushed;
use super::told::Told;
use crate::blob::{Blob, Body, FaultKind, Origin, PlaceKind};
use crate::cli::exit::{Exit, Outcome};
use crate::cli::flags::{CommonFlags, HookKind, HookRun};
use crate::cli::git::{self, What};
use crate::cli::hunt::Hunt;
use crate::finding::Findings;
use crate::source::git::{Range, Repo};

pub(super) fn run(flags: &HookRun) -> anyhow::Result<Exit> {
    let mut common = CommonFlags::none()?;
    if flags.kind == HookKind::Receive {
        // What is pushed has no say in what is refused.
        common.config.no_project_config = true;
        common.silence.no_allow_comments = true;
    }
    let (hunt, repo) = git::begin(&common, Path::new("."))?;
    hunt.limit_threads()?;
    let mut findings = if flags.kind == HookKind::Commit {
        git::look(&hunt, &repo, &What::Staged(Vec::new()))?
    } else {
        let mut lines = Vec::new();
        std::io::stdin().read_to_end(&mut lines).context("cannot read what git tells of the push")?;
        let pushed = Pushed::read(flags.kind, &String::from_utf8_lossy(&lines))?;
        if pushed.is_empty() {
            return Ok(Exit::Clean);
        }
        look(&hunt, &repo, flags, &pushed)?
    };
    findings.retain(&mut |_, location| !git::is_excluded(&hunt.settings.walk, location));
    Ok(conclude(&hunt, flags.kind, findings))
}

/// Looks at what a push brings.
fn look(hunt: &Hunt, repo: &Repo, flags: &HookRun, pushed: &Pushed) -> anyhow::Result<Findings> {
    let remote = flags.arguments.first().and_then(|remote| remote.to_str()).unwrap_or_default();
    let tracking = format!("refs/remotes/{remote}/");
    // Here is what has all that refs lead to, or the remote, as far as it is known.
    let known = |name: &[u8]| flags.kind == HookKind::Receive || name.starts_with(tracking.as_bytes());
    let range = Range::lacking(repo, &pushed.tips, &pushed.had, &known)?;
    let findings = git::added(hunt, &range);
    let names = Findings::default();
    hunt.look(&names, &hunt.meter, &mut |sink| {
        for name in &pushed.names {
            let origin = || Origin { kind: PlaceKind::RefName, ..Origin::file(name.clone()) };
            sink.blob(Blob { body: Body::Whole(name.as_bytes()), origin: &origin });
        }
    });
    findings.absorb(names);
    Ok(findings)
}

fn conclude(hunt: &Hunt, kind: HookKind, findings: Findings) -> Exit {
    let (findings, mut faults) = hunt.settle(findings);
    let least = hunt.settings.output.min_confidence;
    let found = findings.iter().filter(|finding| finding.counts() && finding.confidence >= least).collect();
    faults.retain(|fault| {
        matches!(fault.kind, FaultKind::Unreadable | FaultKind::Damaged | FaultKind::CutShort)
    });
    let told = Told { kind, found, faults: &faults };
    told.lines().iter().for_each(|line| hunt.console.say(line));
    let outcome = Outcome {
        interrupted: hunt.interrupted(),
        found: !told.found.is_empty(),
        trouble: !faults.is_empty(),
        ..Outcome::default()
    };
    Exit::of(outcome, 1)
}
