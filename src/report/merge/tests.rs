//! Reports that make one: their findings, their faults, their counts.

use serde_json::{Value, json};

use super::*;
use crate::token::Fingerprint;

/// A location in a version of a file; without a position, in a tree.
fn location(path: &str, offset: u64, claim: &Value, suppressed: Option<&str>) -> Value {
    let by = suppressed.map(|what| json!({"by": "allow-comment", "from": "tree", "what": what}));
    json!({
        "root": ".", "path": path, "line": 1, "column": offset + 1, "offset": offset, "kind": "content",
        "decoded": [], "commit": null, "author": null, "date": null, "object": null,
        "suppressed": suppressed.map(|_| "allow-comment"), "suppression": by, "claim": claim,
    })
}

/// A finding of the token with this name, which no test has to know.
fn finding(name: &str, locations: &[Value], more: u64) -> Value {
    let hidden = locations.iter().all(|location| !location["suppressed"].is_null());
    json!({
        "rule": "github-pat", "confidence": "certain", "reason": null, "token": "ghp_…abcdef",
        "sha256": Fingerprint::of(name.as_bytes()).hex(), "owner_id": null, "revocation": null,
        "suppressed": hidden.then_some("allow-comment"),
        "suppression": hidden.then(|| locations[0]["suppression"].clone()),
        "locations": locations, "more_locations": more,
    })
}

fn report(findings: &[Value], faults: &[&str], shard: Option<(u32, u32)>) -> SavedReport {
    let faults = faults.iter().map(|path| json!({"path": path, "kind": "unreadable", "reason": "why"}));
    let run = shard.map(|_| {
        json!({"started": "2026-01-01T00:00:00Z", "min_confidence": "likely", "rules": [],
            "sweep": {"command": "scan", "options": []}, "roots": [
                {"given": ".", "name": ".", "is_file": false, "shown": "", "inside": "", "stable": ""}],
            "ending": {"interrupted": false, "remaining": false, "refused": false, "failed": false}})
    });
    let shard = shard.map(|(index, count)| json!({"index": index, "count": count}));
    let text = json!({
        "version": 1, "tool": {"name": "stanch", "version": "0"}, "findings": findings,
        "faults": faults.collect::<Vec<_>>(), "run": run,
        "summary": {"files": 2, "objects": 3, "commits": 1, "bytes": 5, "shallow": false, "elapsed_ms": 7, "shard": shard},
    });
    SavedReport::read(text.to_string().as_bytes()).expect("a report")
}

fn named(reports: Vec<SavedReport>) -> Vec<Named> {
    reports.into_iter().zip(1..).map(|(report, n)| (format!("{n}.json"), report)).collect()
}

fn merged(reports: Vec<SavedReport>) -> Merged {
    Merged::of(named(reports), None, Confidence::Likely).unwrap_or_else(|error| panic!("{error}"))
}

fn paths(finding: &Finding) -> Vec<String> {
    finding.locations.iter().map(|location| format!("{}:{}", location.path, location.offset)).collect()
}

#[test]
fn the_first_version_of_a_file_is_kept_and_the_others_counted() {
    let version = |path: &str, offset: u64, position: u32| {
        let claim = json!({"source": 0, "position": position, "ground": "version"});
        finding("t", &[location(path, offset, &claim, None)], 1)
    };
    let reports = [version("b", 1, 7), version("b", 2, 3), version("a", 3, 9)];
    let of_shard = |(one, n)| report(std::slice::from_ref(one), &[], Some((n, 3)));
    let merged = merged(reports.iter().zip(1..).map(of_shard).collect());
    assert_eq!(paths(&merged.findings[0]), ["b:2", "a:3"], "in the order in which they were introduced");
    assert_eq!(merged.findings[0].more_locations, 4, "three that were left out before, and one now");
    assert!(merged.findings[0].locations.iter().all(|location| location.details().claim.is_none()));
}

#[test]
fn a_reflog_counts_where_a_token_is_nowhere_else() {
    let claim = |source: u32, ground: &str| json!({"source": source, "position": 0, "ground": ground});
    let in_reflog =
        |name, source| finding(name, &[location(".git/logs/HEAD", 0, &claim(source, "repetition"), None)], 0);
    let elsewhere = finding("t", &[location("a", 0, &claim(1, "version"), None)], 0);
    let merged = merged(vec![
        report(&[in_reflog("t", 1), in_reflog("u", 1)], &[], Some((1, 2))),
        report(&[elsewhere, in_reflog("u", 2)], &[], Some((2, 2))),
    ]);
    let all: Vec<_> = merged.findings.iter().flat_map(paths).collect();
    assert_eq!(all, [".git/logs/HEAD:0", "a:0"], "another history's is no other place");
    assert_eq!(merged.findings.iter().map(|finding| finding.more_locations).sum::<u64>(), 0);
}

#[test]
fn a_token_is_suppressed_where_it_is_so_in_every_report() {
    let hidden = |path: &str| location(path, 0, &Value::Null, Some("stanch:allow"));
    let open = |path: &str| location(path, 0, &Value::Null, None);
    let both = merged(vec![
        report(&[finding("t", &[hidden("a")], 0)], &[], None),
        report(&[finding("t", &[hidden("b")], 0)], &[], None),
    ]);
    assert_eq!((both.summary.findings, both.summary.suppressed_by_tree), (0, 1));
    let one = merged(vec![
        report(&[finding("t", &[hidden("a")], 0)], &[], None),
        report(&[finding("t", &[open("b")], 0)], &[], None),
    ]);
    assert_eq!((one.summary.findings, one.summary.suppressed), (1, 0));
    // It counts for a location that the report does not list.
    let mut unlisted = finding("t", &[hidden("a")], 1);
    (unlisted["suppressed"], unlisted["suppression"]) = (Value::Null, Value::Null);
    assert_eq!(merged(vec![report(&[unlisted], &[], None)]).summary.findings, 1);
}

#[test]
fn what_two_reports_tell_is_one() {
    let one = || report(&[finding("t", &[location("b", 0, &Value::Null, None)], 0)], &[], None);
    let two = [location("c", 0, &Value::Null, None), location("a", 0, &Value::Null, None)];
    let merged = merged(vec![one(), report(&[finding("t", &two, 0)], &[], None), one()]);
    assert_eq!(paths(&merged.findings[0]), ["b:0", "c:0", "a:0"], "in the order of the reports");
    assert_eq!(merged.findings[0].more_locations, 0);
}

#[test]
fn a_hundred_locations_are_kept_and_the_rest_counted() {
    let of = |letter: char| {
        let locations: Vec<Value> =
            (0..100).map(|n| location(&format!("{letter}{n:03}"), 0, &Value::Null, None)).collect();
        report(&[finding("t", &locations, 10)], &[], None)
    };
    let merged = merged(vec![of('b'), of('a')]);
    let kept = paths(&merged.findings[0]);
    assert_eq!((kept.len(), &*kept[0], &*kept[99]), (100, "b000:0", "b099:0"));
    assert_eq!(merged.findings[0].more_locations, 120);
}

#[test]
fn counts_are_added_up_and_a_fault_that_all_tell_of_is_one() {
    let one = report(&[], &["gone", "a", "twice", "twice"], Some((1, 2)));
    let merged = merged(vec![one, report(&[], &["gone", "b"], Some((2, 2)))]);
    let faults: Vec<&str> = merged.faults.iter().map(|fault| fault.path.as_str()).collect();
    assert_eq!(faults, ["a", "b", "gone", "twice", "twice"]);
    let summary = &merged.summary;
    assert_eq!((summary.files, summary.objects, summary.commits, summary.bytes), (4, 6, 2, 10));
    assert_eq!((summary.unreadable, summary.elapsed_ms, summary.shard), (5, 7, None));
}

#[test]
fn shards_have_to_be_complete() {
    let refused = |shards: &[(u32, u32)]| {
        let reports = shards.iter().map(|shard| report(&[], &[], Some(*shard))).collect();
        Merged::of(named(reports), None, Confidence::Likely).err().map(|error| error.to_string())
    };
    assert_eq!(refused(&[(2, 2), (1, 2)]), None);
    let missing = refused(&[(2, 4), (1, 4)]).expect("refused");
    assert!(missing.contains("shard 3/4, 4/4 is missing"), "{missing}");
    let twice = refused(&[(1, 2), (2, 2), (1, 2)]).expect("refused");
    assert!(twice.contains("1.json and 3.json are both of shard 1/2"), "{twice}");
    let other = refused(&[(1, 2), (3, 3)]).expect("refused");
    assert!(other.contains("of 2 shards, and 2.json of 3"), "{other}");
    let many = refused(&[(1, u32::MAX)]).expect("refused");
    assert!(many.len() < 400, "{many}");
}
