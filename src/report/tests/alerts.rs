//! What becomes an alert, and that it stays the same one.

use std::sync::Arc;

use crate::finding::{Confidence, Findings, SetBy, Suppression, SuppressionKind};
use crate::report::tests::{add, all, below, changed, findings, is_table, json, location, rendered};
use crate::report::{Closing, Format, Report, Root, Roots};
use crate::token::Kind;

/// Code scanning and others take the severity of an alert from its rule, and do not all read `suppressions`.
#[test]
fn what_does_not_count_is_under_no_rule_of_high_severity() {
    let log = json(&all(Format::Sarif));
    let driver = &log["runs"][0]["tool"]["driver"]["rules"];
    let severity = |result: &serde_json::Value| {
        let index = usize::try_from(result["ruleIndex"].as_u64().expect("an index")).expect("small");
        assert_eq!(driver[index]["id"], result["ruleId"]);
        let text = driver[index]["properties"]["security-severity"].as_str().expect("a severity");
        text.parse::<f64>().expect("a number")
    };
    let results = log["runs"][0]["results"].as_array().expect("results");
    assert_eq!(results.len(), 7);
    let low: Vec<_> = results.iter().filter(|result| severity(result) < 7.0).collect();
    let rules: Vec<_> = low.iter().map(|result| result["ruleId"].as_str().unwrap_or_default()).collect();
    assert_eq!(rules, ["stanch/not-counted", "stanch/lookalike"]);
    assert_eq!(low[0]["suppressions"][0]["kind"], "inSource");
    assert!(
        low.iter().all(|result| result["level"] == "note" && result["properties"]["rule"] == "github-pat")
    );
    let gitlab = json(&all(Format::Gitlab));
    let rows = gitlab["vulnerabilities"].as_array().expect("rows");
    assert_eq!(rows.iter().filter(|row| row["severity"] == "Info").count(), 2);
    assert_eq!(all(Format::Github).matches("::notice ").count(), 2);
}

/// A token that is allowed in one file and not in another counts, for the other.
#[test]
fn a_place_that_is_suppressed_is_no_alert() {
    let found = Findings::default();
    let detail = Arc::from("stanch:allow");
    let suppression = Suppression { kind: SuppressionKind::AllowComment, set_by: SetBy::Tree, detail };
    let allowed = location("allowed", 1).with(|details| details.suppressed = Some(suppression));
    add(&found, Kind::pat(), 1, Confidence::Certain, allowed);
    add(&found, Kind::pat(), 1, Confidence::Certain, location("leak", 1));
    let (mut found, faults) = found.finish();
    for format in Format::ALL.into_iter().filter(|format| !is_table(*format)) {
        let text = rendered(format, &found, &faults, false);
        let complete = matches!(format, Format::Json | Format::Jsonl);
        assert_eq!(text.contains("allowed"), complete, "{}: {text}", format.name());
        assert!(text.contains("leak"), "{}", format.name());
        let text = changed(format, &found, &faults, |report| Report { show_suppressed: true, ..report });
        assert!(text.contains("allowed"), "{}: {text}", format.name());
    }
    // It may count for a place that is not kept.
    found[0].locations.remove(1);
    found[0].more_unsuppressed = true;
    let log = json(&rendered(Format::Sarif, &found, &faults, false));
    let result = &log["runs"][0]["results"][0];
    assert_eq!(
        (&result["ruleId"], &result["suppressions"]),
        (&"github-pat".into(), &serde_json::Value::Null)
    );
}

#[test]
fn only_json_lists_what_does_not_count_unasked() {
    let (findings, faults) = findings();
    for format in Format::ALL {
        let text = rendered(format, &findings, &faults, false);
        let complete = matches!(format, Format::Json | Format::Jsonl);
        for path in ["docs/x.md", "s.txt"] {
            assert_eq!(text.contains(path), complete, "{}: {path}", format.name());
        }
        // A letter is about what counts.
        if is_table(format) || format == Format::Notices {
            continue;
        }
        let text = all(format);
        assert!(text.contains("docs/x.md") && text.contains("s.txt"), "{}: {text}", format.name());
    }
}

#[test]
fn a_file_for_people_says_how_much_does_not_count() {
    let (findings, faults) = findings();
    let with = |closing| changed(Format::Pretty, &findings, &faults, |report| Report { closing, ..report });
    assert!(with(Closing::NextStepsAndCounts).ends_with(
        "not counted: 1 suppressed by the scanned tree itself, 1 lookalike (see --show-suppressed)\n"
    ));
    assert!(
        with(Closing::NextSteps).contains("What to do:") && !with(Closing::NextSteps).contains("not counted")
    );
    assert!(!with(Closing::Nothing).contains("What to do:"));
}

#[test]
fn gitlab_has_a_vulnerability_for_each_token_and_line() {
    let found = Findings::default();
    // Twice in a line, and in another commit: GitLab would take them for one.
    for (offset, commit) in [(1, None), (90, None), (1, Some("c0ffee"))] {
        let mut location = location("a", 1).with(|details| details.commit = commit.map(str::to_owned));
        location.offset = offset;
        add(&found, Kind::pat(), 1, Confidence::Certain, location);
    }
    add(&found, Kind::pat(), 1, Confidence::Certain, location("a", 2));
    // Another token in the same line: GitLab would take that for the same, if it had the same first identifier.
    add(&found, Kind::pat(), 2, Confidence::Certain, location("a", 1));
    let (found, faults) = found.finish();
    let report = json(&rendered(Format::Gitlab, &found, &faults, false));
    let rows = report["vulnerabilities"].as_array().expect("rows");
    assert_eq!(rows.len(), 3);
    let known_by = |row: &serde_json::Value| {
        let place = (&row["location"]["file"], &row["location"]["start_line"]);
        format!("{} {place:?}", row["identifiers"][0])
    };
    let distinct: std::collections::HashSet<_> = rows.iter().map(known_by).collect();
    assert_eq!(distinct.len(), 3);
}

/// Wherever a run is started, and however its root is written.
#[test]
fn an_alert_is_the_same_from_everywhere() {
    let ids = |shown: &str, inside: &str| {
        let (findings, faults) = findings();
        let root = Root { shown: shown.to_owned(), inside: inside.to_owned(), ..Root::default() };
        let roots = Roots::new(vec![root]);
        let with = |format| json(&below(&roots, format, (&findings, &faults), |report| report));
        let (log, gitlab) = (with(Format::Sarif), with(Format::Gitlab));
        let results = log["runs"][0]["results"].as_array().expect("results").clone();
        let rows = gitlab["vulnerabilities"].as_array().expect("rows").clone();
        let prints = results.into_iter().map(|result| result["partialFingerprints"].to_string());
        prints.chain(rows.into_iter().map(|row| row["id"].to_string())).collect::<Vec<_>>()
    };
    assert_eq!(ids("", ""), ids("../elsewhere", ""));
    assert_eq!(ids("", ""), ids("..", "src/"));
}
