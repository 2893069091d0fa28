//! Reports of a sweep of repositories: links, whose the tokens are, what was looked at, and shards made one.

mod fixture;

use super::*;
use crate::blob::{Fault, FaultKind};
use crate::coverage::{Coverage, CoverageRow, NotAsked, RepositoryState, SurfaceCount};
use crate::shard::Shard;
use fixture::{REPOSITORIES, coverage, merged, swept, text, whole};

#[test]
fn shards_of_a_sweep_make_the_report_of_one_run_in_every_format() {
    let shards: Vec<Vec<&str>> =
        (0..3).map(|n| REPOSITORIES.into_iter().skip(n).step_by(3).collect()).collect();
    for format in Format::ALL {
        let name = format.name();
        assert_eq!(merged(&shards, format).expect("they make a whole"), whole(format), "{name}");
        assert_eq!(
            merged(&[REPOSITORIES.to_vec()], format).expect("a whole"),
            whole(format),
            "{name} read back"
        );
    }
}

#[test]
fn one_repository_is_in_one_shard() {
    let twice = |one: Vec<&str>, other: Vec<&str>| merged(&[one, other], Format::Coverage);
    let same = twice(vec!["octo/a", "octo/b"], vec!["octo/b", "octo/c"]).expect("they tell the same");
    assert_eq!(same.lines().count(), 4);
    let read = |tip: &str| {
        let saved = swept(&["octo/a"], None, |report| text(Format::Json, &report));
        let saved = saved.replace(r#""tip": null"#, &format!(r#""tip": "{tip}""#));
        (format!("{tip}.json"), SavedReport::read(saved.as_bytes()).expect("a report"))
    };
    let error = Merged::of(vec![read("0"), read("1")], None, Confidence::Likely).err().expect("they differ");
    let error = error.to_string();
    assert!(error.starts_with("0.json and 1.json tell different things of octo/a"), "{error}");
}

/// Each shard asks for an organization's alerts, and takes those of its own repositories.
#[test]
fn what_every_shard_asks_for_is_added_up() {
    let shard = |index: u64, alerts: &str| {
        let saved = swept(&["octo/empty"], Shard::new(index, 2).ok(), |report| text(Format::Json, &report));
        let mut saved = json(&saved);
        saved["coverage"][0]["repository"] = "octo".into();
        saved["coverage"][0]["objects"] = 0.into();
        saved["coverage"][0]["surfaces"] = json(alerts);
        (format!("{index}.json"), SavedReport::read(saved.to_string().as_bytes()).expect("a report"))
    };
    let shards =
        vec![shard(1, r#"{"alerts": {"read": 2}}"#), shard(2, r#"{"alerts": {"read": 2, "failed": 1}}"#)];
    let merged = Merged::of(shards, None, Confidence::Likely).expect("a whole");
    let rows = merged.coverage.expect("what was looked at").rows;
    let count = rows[0].surfaces["alerts"];
    assert_eq!((rows.len(), count.read, count.failed), (1, 4, 1));
    let same = vec![shard(1, r#"{"alerts": {"read": 2}}"#), shard(2, r#"{"alerts": {"read": 2}}"#)];
    let merged = Merged::of(same, None, Confidence::Likely).expect("a whole");
    assert_eq!(merged.coverage.expect("what was looked at").rows[0].surfaces["alerts"].read, 4);
}

#[test]
fn json_has_the_rows_and_their_totals() {
    let report = json(&whole(Format::Json));
    let rows = report["coverage"].as_array().expect("rows");
    let row = rows.iter().find(|row| row["repository"] == "octo/c").expect("a row");
    assert_eq!((&row["state"], &row["missing"][0]), (&"scanned".into(), &"00ff".repeat(10).into()));
    assert_eq!(row["surfaces"]["artifacts"]["expired"], 2);
    let totals = serde_json::json!({"scanned": 5, "empty": 1, "unavailable": 1, "not_asked": [
        {"what": "artifacts", "count": null, "flag": "--include artifacts"},
        {"what": "forks", "count": 7, "flag": "--forks"}]});
    assert_eq!(report["coverage_totals"], totals);
    let finding = report["findings"].as_array().expect("findings").iter().find(|one| one["owner_id"] == 7);
    let finding = finding.expect("the one that names its owner");
    assert_eq!(finding["owner_login"], "octocat");
    let location = &finding["locations"][1];
    assert_eq!((&location["root"], &location["path"]), (&"octo/a".into(), &"x.env".into()));
    assert!(location["url"].as_str().is_some_and(|url| url.ends_with("/x.env#L1")), "{location}");
    let lines = whole(Format::Jsonl);
    assert_eq!(lines.lines().filter(|line| line.starts_with(r#"{"coverage":{"target":"octo""#)).count(), 7);
    let last: serde_json::Value = json(lines.lines().last().expect("a line"));
    assert!(last["summary"].is_object());
}

#[test]
fn other_runs_say_nothing_of_coverage() {
    for format in [Format::Json, Format::Jsonl, Format::Pretty, Format::Html] {
        let text = sample(format);
        for word in ["coverage", "\"url\"", "pull_request", "owner_login", "What was looked at"] {
            assert!(!text.contains(word), "{}: {word}", format.name());
        }
    }
    assert_eq!(sample(Format::Coverage).lines().count(), 1, "the names of the columns");
}

#[test]
fn people_are_told_what_was_not_looked_at() {
    let text = whole(Format::Pretty);
    let line = "5 repositories, 1 wiki and 1 gist: 5 scanned, 1 empty, 1 unavailable; 2 deleted commits the server no longer \
                gives; not asked for: artifacts (--include artifacts), 7 forks (--forks)";
    assert!(text.contains(line), "{text}");
    assert!(text.contains("unavailable: =it is <gone>\n"), "{text}");
    assert!(!text.contains("octo/empty"), "it is whole: {text}");
    assert!(text.contains("    https://github.com/octo/a/blob/"), "{text}");
    assert!(text.contains("    in the pull request https://github.com/octo/b/pull/12\n"), "{text}");
    assert!(!text.contains("javascript:"), "{text}");
    let many: Vec<String> = (0..30).map(|n| format!("octo/r{n:02}")).collect();
    let mut coverage = coverage(&many.iter().map(String::as_str).collect::<Vec<_>>());
    coverage.rows.iter_mut().for_each(|row| row.state = RepositoryState::Failed);
    let text = with_report(&[], |report| {
        self::text(Format::Pretty, &Report { coverage: Some(&coverage), ..report })
    });
    assert_eq!(text.lines().filter(|line| line.ends_with("  failed")).count(), 20);
    assert!(text.contains("… and 10 more: -r coverage=FILE names them all"), "{text}");
}

#[test]
fn one_is_told_as_one() {
    let line = |names: &[&str], forks| {
        let not_asked = [("archived repositories", "--archived"), ("forks", "--forks")];
        let row = |(what, flag): (&str, &str)| NotAsked {
            what: what.into(),
            count: Some(forks),
            flag: flag.into(),
        };
        let rows = names.iter().map(|name| CoverageRow { missing: vec!["0".into()], ..row_of(name) });
        coverage_totals(&Coverage::new(rows.collect(), not_asked.into_iter().map(row).collect()))
    };
    assert_eq!(
        line(&["octo"], 1),
        "1 owner: 1 scanned; 1 deleted commit the server no longer gives; not asked for: 1 archived repository \
         (--archived), 1 fork (--forks)"
    );
    let all = ["octo", "enterprise/corp", "octo/a", "octo/a.wiki", "octo/b.wiki", "gist/aa"];
    assert!(
        line(&all, 1100)
            .starts_with("1 repository, 2 wikis, 1 gist and 2 owners: 6 scanned; 6 deleted commits")
    );
    assert!(line(&all, 1100).ends_with("1,100 archived repositories (--archived), 1,100 forks (--forks)"));
    assert!(line(&[], 0).starts_with("0 repositories; not asked for: 0 archived repositories"));
}

fn row_of(name: &str) -> CoverageRow {
    CoverageRow::new("octo", name, RepositoryState::Scanned)
}

#[test]
fn who_wants_only_what_counts_is_told_what_was_not_looked_at_and_no_totals() {
    let quiet = |names: &[&str]| {
        let coverage = coverage(names);
        with_report(&[], |report| {
            text(Format::Pretty, &Report { coverage: Some(&coverage), closing: Closing::Nothing, ..report })
        })
    };
    assert_eq!(quiet(&["octo/a", "octo/empty"]), "");
    let told = quiet(&REPOSITORIES);
    assert!(told.contains("unavailable: =it is <gone>\n") && !told.contains("scanned"), "{told}");
}

#[test]
fn what_the_report_tells_need_not_be_said_beside_it() {
    let mut coverage = coverage(&["octo/a", "octo/b"]);
    coverage.rows[0].state = RepositoryState::Partial;
    coverage.rows[0].reason = Some("alerts: it is secret; it hangs".to_owned());
    coverage.rows[1].reason = Some("it hangs".to_owned());
    let told = |path: &str, reason: &str| {
        let (path, reason) = (path.to_owned(), reason.to_owned());
        coverage_tells(&coverage, &Fault { path, kind: FaultKind::Unreadable, reason })
    };
    assert!(told("octo/a", "it hangs") && told("octo/a/secret-scanning/alerts", "it is secret"));
    assert!(!told("octo/a", "it is damaged"), "it is not told");
    assert!(!told("octo/ab", "it hangs") && !told("octo/b", "it hangs"), "of another one, or not listed");
}

#[test]
fn no_format_calls_a_sweep_whole_that_is_not() {
    let status = |names: &[&str]| {
        let report = swept(names, None, |report| text(Format::Gitlab, &report));
        json(&report)["scan"]["status"].as_str().expect("a status").to_owned()
    };
    assert_eq!(status(&REPOSITORIES), "failure");
    assert_eq!(status(&["octo/a", "octo/empty"]), "success");
}

#[test]
fn the_table_of_coverage_is_safe_to_open() {
    let text = whole(Format::Coverage);
    let mut reader = ::csv::Reader::from_reader(text.as_bytes());
    let rows: Vec<::csv::StringRecord> = reader.records().map(|row| row.expect("a row")).collect();
    assert_eq!(rows.len(), 7);
    for cell in rows.iter().flatten() {
        assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell}");
    }
    let row = rows.iter().find(|row| &row[1] == "octo/c").expect("a row");
    assert_eq!(&row[8], format!("{} {}", "00ff".repeat(10), "11ee".repeat(10)));
    assert_eq!(&row[10], "artifacts 3 (2 expired, 1 failed), pulls 0");
}

#[test]
fn the_page_links_to_the_web_only_and_lists_what_is_not_whole_first() {
    let text = whole(Format::Html);
    assert_eq!(text.matches("<script").count(), 1, "a name has become a script");
    for needle in ["\u{202e}", "javascript:", "<b>.md", " style="] {
        assert!(!text.contains(needle), "{needle:?}");
    }
    let links = text.matches("<a href=\"https://github.com/").count();
    assert_eq!(text.matches("rel=\"noopener noreferrer\"").count(), links);
    let section = text.split("<h2>What was looked at</h2>").nth(1).expect("a section");
    assert!(section.contains("<li>7 forks (--forks)</li>"));
    let (gone, first) = (section.find("octo/=gone").expect("a row"), section.find("octo/a").expect("a row"));
    assert!(gone < first);
    assert!(text.contains("7 (octocat)"));
}

#[test]
fn other_tools_get_the_links() {
    let log = json(&whole(Format::Sarif));
    let results = log["runs"][0]["results"].as_array().expect("results");
    let uris: Vec<&str> = results.iter().filter_map(|result| result["hostedViewerUri"].as_str()).collect();
    assert_eq!(uris.len(), results.len() - 1, "all but the one that is no address of the web");
    let pull = results.iter().find(|result| result["properties"]["pullRequest"].is_string()).expect("one");
    assert_eq!(pull["properties"]["pullRequest"], "https://github.com/octo/b/pull/12");
    let place = &pull["locations"][0];
    assert_eq!(place["physicalLocation"]["artifactLocation"]["uri"], "octo/b/src/%C3%A9.rs");
    assert_eq!(place["properties"]["url"], pull["hostedViewerUri"]);
    let gitlab = json(&whole(Format::Gitlab));
    let rows = gitlab["vulnerabilities"].as_array().expect("rows");
    assert_eq!(rows.iter().filter(|row| row["links"][0]["url"].is_string()).count(), rows.len() - 1);
    let faults = |text: String| text.matches("it is &lt;gone&gt;").count();
    assert_eq!(faults(whole(Format::Junit)), 1, "once, as a fault");
}

#[test]
fn the_table_of_owners_names_repositories_and_states() {
    let text = whole(Format::Owners);
    let row = text.lines().nth(1).expect("the owner");
    assert_eq!(row, "7,1,1,0,1,0,0,octo/c/a,octocat,2,octo/a octo/c,accepted 1");
    let row = text.lines().nth(2).expect("those without");
    assert!(row.ends_with(",4,gist/aa11 octo/a octo/b octo/c,none 4"), "{row}");
}

#[test]
fn an_owner_gets_one_letter_and_a_repository_one_for_the_rest() {
    let text = whole(Format::Notices);
    let letters: Vec<&str> = text.split("\n----").collect();
    let to: Vec<&str> =
        letters.iter().filter_map(|letter| letter.lines().find(|line| line.starts_with("To: "))).collect();
    assert_eq!(
        to,
        [
            "To: octocat (GitHub user id 7)",
            "To: those who look after gist/aa11",
            "To: those who look after octo/a",
            "To: those who look after octo/b",
            "To: those who look after octo/c",
        ]
    );
    assert!(letters[0].contains("Subject: 1 token of yours was found where others can read it\n"));
    assert!(letters[0].contains(
        "   octo/a/x.env:1, commit 0000000000 of 2024-05-17\n     https://github.com/octo/a/blob/"
    ));
    assert!(letters[0].contains("GitHub took it to be revoked at 2026-01-01T00:00:00Z (request REQ:1)."));
    assert!(letters[2].contains("octo/a/y.env:2") && !letters[2].contains("octo/b"), "{}", letters[2]);
    assert!(letters[3].contains("Subject: 2 tokens were found in octo/b\n"), "{}", letters[3]);
    assert!(letters[4].contains("and in 100 more"), "{}", letters[4]);
    assert!(!text.contains(&token(Kind::pat(), 1)) && !text.contains("docs/x.md"));
    let (mut findings, faults) = findings();
    findings[0].owner_id = None;
    let here = Roots::new(vec![Root { given: ".".to_owned(), ..Root::default() }]);
    let text = below(&here, Format::Notices, (&findings[..1], &faults), |report| report);
    assert!(text.starts_with("To: those who look after what was scanned\n"), "{text}");
}

#[test]
fn a_run_that_has_not_ended_is_told_wherever_coverage_is() {
    let mut coverage = coverage(&["octo/a", "octo/b"]);
    let count = SurfaceCount { read: 2, pending: 1, ..SurfaceCount::default() };
    for row in &mut coverage.rows {
        row.surfaces = [("actions-logs".to_owned(), count)].into();
    }
    let text = |format| {
        with_report(&[], |report| self::text(format, &Report { coverage: Some(&coverage), ..report }))
    };
    let report = json(&text(Format::Json));
    assert_eq!(report["coverage"][0]["surfaces"]["actions-logs"]["pending"], 1);
    assert_eq!(report["coverage_totals"]["pending"], 2);
    assert!(text(Format::Coverage).contains("actions-logs 2 (1 pending)"));
    assert!(text(Format::Pretty).contains("; 2 pending: runs that have not ended; not asked for"));
    assert!(text(Format::Html).contains("<b class=\"likely\">2</b><span>pending: runs"));
}
