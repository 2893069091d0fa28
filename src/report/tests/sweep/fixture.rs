//! A sweep of a few repositories, as a whole and in shards.

use crate::blob::{Fault, FaultKind};
use crate::coverage::{Coverage, CoverageRow, NotAsked, RepositoryState, SurfaceCount};
use crate::finding::{Confidence, Findings, Location};
use crate::meter::Reading;
use crate::report::tests::{add, location};
use crate::report::{
    BadMerge, Closing, Ending, Format, Merged, Palette, Report, Roots, SavedReport, Summary, render,
};
use crate::revocation::{Revocation, State};
use crate::rule;
use crate::shard::Shard;
use crate::token::Kind;
use jiff::Timestamp;

const FAULTY: &str = "octo/=gone|\"</script>\u{202e}\n";

/// The repositories of the sweep; the last of them has a name that GitHub would not give.
pub(super) const REPOSITORIES: [&str; 7] =
    ["octo/a", "octo/b", "octo/b.wiki", "octo/c", "octo/empty", "gist/aa11", FAULTY];

fn place(root: &str, path: &str, line: u64) -> Location {
    location(path, line).with(|details| {
        details.root = Some(root.to_owned());
        details.commit = Some(format!("{line:040x}"));
        details.date = Some("2024-05-17T10:00:00Z".to_owned());
        let path = crate::text::uri_path(path);
        details.url = Some(format!("https://github.com/{root}/blob/{line:040x}/{path}#L{line}"));
    })
}

/// What stands in one of the repositories.
fn add_those_in(root: &str, findings: &Findings) {
    let pull = || {
        place(root, "src/é.rs", 3).with(|details| {
            details.pull_request = Some(format!("https://github.com/{root}/pull/12"));
        })
    };
    match root {
        "octo/a" => {
            add(findings, Kind::fine_grained_pat(), 7, Confidence::Certain, place(root, "x.env", 1));
            add(findings, Kind::pat(), 1, Confidence::Certain, place(root, "y.env", 2));
            add(findings, Kind::pat(), 5, Confidence::Lookalike, place(root, "docs/x.md", 1));
        }
        "octo/b" => {
            add(findings, Kind::pat(), 1, Confidence::Certain, pull());
            add(findings, Kind::oauth(), 2, Confidence::Likely, place(root, "<b>.md", 9));
        }
        "octo/c" => {
            add(findings, Kind::fine_grained_pat(), 7, Confidence::Certain, place(root, "a", 1));
            for n in 0..120 {
                add(findings, Kind::app_user(), 9, Confidence::Certain, place(root, &format!("f{n:03}"), 1));
            }
        }
        "gist/aa11" => {
            let evil =
                place(root, "k", 1).with(|details| details.url = Some("javascript:alert(1)".to_owned()));
            add(findings, Kind::pat(), 8, Confidence::Certain, evil);
        }
        FAULTY => findings.fault(Fault {
            path: root.to_owned(),
            kind: FaultKind::Unreadable,
            reason: "=it is <gone>".to_owned(),
        }),
        _ => {}
    }
}

fn row(repository: &str) -> CoverageRow {
    let state = match repository {
        FAULTY => RepositoryState::Unavailable,
        "octo/empty" => RepositoryState::Empty,
        _ => RepositoryState::Scanned,
    };
    let mut row = CoverageRow::new("octo", repository, state);
    row.objects = 7;
    row.url = Some(format!("https://github.com/{}", repository.trim_end_matches(".wiki")));
    if repository == "octo/c" {
        row.missing = vec!["00ff".repeat(10), "11ee".repeat(10)];
        let artifacts = SurfaceCount { read: 3, expired: 2, failed: 1, pending: 0 };
        row.surfaces =
            [("artifacts".to_owned(), artifacts), ("pulls".to_owned(), SurfaceCount::default())].into();
    }
    if repository == FAULTY {
        row.reason = Some("=it is <gone>".to_owned());
    }
    row
}

pub(super) fn coverage(repositories: &[&str]) -> Coverage {
    let forks = repositories.len() as u64;
    let not_asked =
        |what: &str, count, flag: &str| NotAsked { what: what.to_owned(), count, flag: flag.to_owned() };
    Coverage::new(
        repositories.iter().map(|name| row(name)).collect(),
        vec![not_asked("forks", Some(forks), "--forks"), not_asked("artifacts", None, "--include artifacts")],
    )
}

/// A sweep of some repositories, as one shard where it is one; the owner's name is known.
pub(super) fn swept<T>(repositories: &[&str], shard: Option<Shard>, act: impl FnOnce(Report<'_>) -> T) -> T {
    let found = Findings::default();
    for root in repositories {
        add_those_in(root, &found);
    }
    let (mut found, faults) = found.finish();
    for finding in found.iter_mut().filter(|finding| finding.owner_id == Some(7)) {
        finding.owner_login = Some("octocat".into());
        let at = "2026-01-01T00:00:00Z".parse().expect("a timestamp");
        let request_id = Some("REQ:1".into());
        finding.revocation = Some(Revocation { state: State::Accepted, at, request_id, grants: None });
    }
    // A classic token names no owner.
    for finding in found.iter_mut().filter(|finding| finding.owner_id != Some(7)) {
        finding.owner_id = None;
    }
    let roots = Roots::of_names(repositories.iter().map(|name| (*name).to_owned()));
    let coverage = coverage(repositories);
    let least = Confidence::Likely;
    let objects = repositories.len() as u64;
    let read = Reading { objects, bytes: 10 * objects, ..Reading::default() };
    let mut summary = Summary::new(&found, &faults, least, read, std::time::Duration::ZERO);
    summary.shard = shard;
    summary.sweep.command = "github".to_owned();
    act(Report {
        findings: &found,
        faults: &faults,
        summary: &summary,
        rules: rule::testing::github_rules(),
        custom: &[],
        roots: &roots,
        time: (Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH),
        ending: Ending::default(),
        coverage: Some(&coverage),
        show_secrets: false,
        min_confidence: least,
        show_suppressed: false,
        closing: Closing::NextSteps,
    })
}

pub(super) fn text(format: Format, report: &Report<'_>) -> String {
    let mut out = Vec::new();
    render(format, report, &Palette::default(), &mut out).expect("a vector takes everything");
    String::from_utf8(out).expect("a report is UTF-8")
}

pub(super) fn whole(format: Format) -> String {
    swept(&REPOSITORIES, None, |report| text(format, &report))
}

/// A report of reports that were read back, in any format.
pub(super) fn merged(shards: &[Vec<&str>], format: Format) -> Result<String, BadMerge> {
    let count = shards.len() as u64;
    let read = |(repositories, index): (&Vec<&str>, u64)| {
        let shard = Shard::new(index, count).ok().filter(|_| count > 1);
        let saved = swept(repositories, shard, |report| text(Format::Json, &report));
        (format!("{index}.json"), SavedReport::read(saved.as_bytes()).expect("a report"))
    };
    let merged = Merged::of(shards.iter().zip(1..).map(read).collect(), None, Confidence::Likely)?;
    Ok(text(
        format,
        &Report {
            findings: &merged.findings,
            faults: &merged.faults,
            summary: &merged.summary,
            rules: rule::testing::github_rules(),
            custom: &merged.rules,
            roots: &merged.roots(),
            time: (Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH),
            ending: merged.ending,
            coverage: merged.coverage.as_ref(),
            show_secrets: false,
            min_confidence: merged.min_confidence,
            show_suppressed: false,
            closing: Closing::NextSteps,
        },
    ))
}
