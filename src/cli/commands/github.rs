//! `stanch github`: repositories of organizations and users, by GitHub's API.

mod access;
mod alerts;
mod head;
mod identity;
mod joined;
mod kept_mirrors;
mod mirrored;
mod notebook;
mod outcome;
mod own;
mod patience;
mod sweep;
mod targets;
mod task;
mod wanted;
mod worker;

use std::collections::HashSet;
use std::path::PathBuf;

use anyhow::Context as _;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use self::access::Access;
use self::alerts::LastSteps;
use self::joined::is_only_in;
use self::mirrored::Mirrored;
use self::notebook::Notebook;
use self::sweep::{Sweep, Swept};
use self::task::Task;
use self::worker::GithubWorker;
use crate::cli::args::GithubArgs;
use crate::cli::console::Console;
use crate::cli::error::redact;
use crate::cli::exit::Exit;
use crate::cli::run_end::{Finished, RunEnd};
use crate::cli::session::ScanSession;
use crate::cli::stray_flags::GITHUB;
use crate::coverage::{Coverage, CoverageRow, NotAsked, RepositoryState, Surface};
use crate::finding::Finding;
use crate::report::Roots;
use crate::settings::{ConnectionSettings, Env};
use crate::source::github::{ApiError, Listing, ListingOptions, Target};
use crate::text::counted;

pub(super) fn run(args: &GithubArgs, env: &Env) -> anyhow::Result<Exit> {
    let mut session = ScanSession::prepare(GITHUB, &args.common, Vec::new(), env)?;
    warn_of_idle_flags(args, &session.console);
    session.require_report_directories()?;
    session.limit_threads()?;
    let flags = args.common.revocation.flags().connection;
    let connection = ConnectionSettings::resolve(&flags, env, &session.detection.user.connection)?;
    let targets = targets::read(args, connection.host.label(), &connection.host.api_base())?;
    let access = Access::open(args, connection, &targets, (&session, env))?;
    session.sweep.options.extend(identity::options(args, &targets));
    let notebook = Notebook::open(args, &identity::of(args, &session, &access)?, &session.console)?;
    let (access, journal) = (access.keeping_pages(&notebook.pages_dir(args))?, &notebook.journal);
    let options = listing_options(args, &session)?;
    let mirrored = Mirrored::new(args, (session.context(), &access), journal)?;
    let expand = || Listing::expand(&access.api, &targets, &options);
    let mut listing = match session.console.watch(&session.meter, expand) {
        // There is a report all the same, of nothing.
        Err(ApiError::Interrupted) => Listing::default(),
        listing => listing?,
    };
    if session.interrupted() {
        listing.rows.extend(targets.iter().map(interrupted));
    }
    let worker = GithubWorker {
        session: session.context(),
        access: &access,
        listing: &listing,
        args,
        journal,
        mirrored,
    };
    let sweep = Sweep { session: session.context(), journal, worker: &worker, jobs: args.jobs };
    let tasks = Task::all(&listing, args);
    let mut swept = session.console.watch(&session.meter, || sweep.run(&tasks));
    drop(worker);
    swept.add_rows(std::mem::take(&mut listing.rows));
    swept.add_rows(withheld(&access, &targets));
    let Swept { findings, rows, alerts, rules, excluded, doubtful, .. } = swept;
    warn_of_doubtful(&doubtful, args, &session.console);
    let is_doubtful = |finding: &Finding| is_only_in(finding, &doubtful);
    let excluded = excluded.into_iter().map(|(name, globs)| (PathBuf::from(name), globs));
    session.detection.add_swept(rules, excluded.collect());
    let roots = Roots::of_names(rows.iter().map(|row| row.repository.clone()));
    // What failed may be given the next time, and with another credential: then only that is fetched.
    let is_over = rows.iter().all(|row| row.state != RepositoryState::Failed)
        && access.api.require_credential().is_ok();
    let coverage = Coverage::new(rows, not_asked(&listing, args));
    let last = LastSteps { args, access: &access, alerts, console: session.console };
    last.announce();
    let mut after = |findings: &mut [Finding], coverage: &mut Option<Coverage>| last.run(findings, coverage);
    let end = RunEnd {
        coverage: Some(coverage),
        own: access.own(),
        is_doubtful: Some(&is_doubtful),
        after: Some(&mut after),
        ..RunEnd::of(roots)
    };
    let cancel = session.meter.cancel_flag().clone();
    let Finished { exit, is_written } = session.finish_run(findings, end);
    // What no report has is still in the journal.
    notebook.close(!cancel.is_cancelled() && is_written && is_over);
    Ok(exit)
}

/// A flag that does nothing is to be known as one.
fn warn_of_idle_flags(args: &GithubArgs, console: &Console) {
    let is_dated = [Surface::ActionsLogs, Surface::Artifacts].into_iter().any(|surface| args.asks(surface));
    if args.since.is_some() && !is_dated {
        console.warn("--since leaves nothing out here: it is for logs and artifacts (--include actions-logs,artifacts)");
    }
}

/// A target that was not even listed to its end.
fn interrupted(target: &Target) -> CoverageRow {
    let row = CoverageRow::new(target.to_string(), target.to_string(), RepositoryState::Interrupted);
    CoverageRow { reason: Some("the run was interrupted while it was listed".to_owned()), ..row }
}

/// What a repository calls no leak is not sent, and neither is what it may call so.
fn warn_of_doubtful(doubtful: &HashSet<String>, args: &GithubArgs, console: &Console) {
    if args.common.revoke && !doubtful.is_empty() {
        let what = counted(doubtful.len() as u64, "repository", "repositories");
        console.warn(&format!(
            "{what} could not say what in them is no leak: tokens that are only there are held back (to send them, mend the \
             file, or say --no-project-config)"
        ));
    }
}

/// What single sign-on hid from lists that were answered all the same: nobody knows how much that is.
fn withheld(access: &Access, targets: &[Target]) -> Vec<CoverageRow> {
    let row = |reason: &str| {
        let target = targets.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        let row = CoverageRow::new(target, "(behind single sign-on)", RepositoryState::Unavailable);
        CoverageRow { reason: Some(reason.to_owned()), ..row }
    };
    access.api.withheld().map(row).into_iter().collect()
}

fn listing_options(args: &GithubArgs, session: &ScanSession) -> anyhow::Result<ListingOptions> {
    Ok(ListingOptions {
        exclude: globs(&args.exclude_repo)?,
        forks: args.forks,
        archived: args.archived,
        gists: args.asks(Surface::Gists),
        shard: session.settings.walk.shard,
    })
}

/// The names of repositories know no case.
fn globs(patterns: &[String]) -> anyhow::Result<GlobSet> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        let glob = GlobBuilder::new(&pattern.to_ascii_lowercase()).literal_separator(true).build();
        set.add(glob.with_context(|| format!("--exclude-repo {}", redact(pattern)))?);
    }
    Ok(set.build()?)
}

/// What was seen and not asked for, and the surfaces that were not.
fn not_asked(listing: &Listing, args: &GithubArgs) -> Vec<NotAsked> {
    let surfaces = Surface::ALL.into_iter().filter(|surface| !args.asks(*surface));
    let row = |surface: Surface| {
        let what = surface.as_str().to_owned();
        NotAsked { flag: format!("--include {what}"), what, count: None }
    };
    listing.not_asked().into_iter().chain(surfaces.map(row)).collect()
}
