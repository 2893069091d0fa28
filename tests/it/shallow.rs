//! Ranges in a shallow clone: refused, or taken as they are, which every report tells.

use std::fs;

use crate::support::cmd::Sandbox;
use crate::support::mint::{Kind, Mint};

#[test]
fn a_range_that_is_cut_off_is_never_green_unless_that_is_accepted() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(510));
    sandbox.init("r", &[]);
    let first = sandbox.commit("r", "old", mint.token(Kind::Pat));
    sandbox.commit("r", "f", "1");
    sandbox.commit("r", "f", "2");
    sandbox.shallow_clone("r", "clone");
    for range in ["HEAD", "HEAD~1..HEAD", "HEAD^!", &format!("{first}..HEAD")] {
        let ran = sandbox.run(&["git", "clone", "--range", range]);
        assert_eq!(ran.code, 2, "{range}: {}", ran.stderr);
        assert!(ran.stderr.contains("git fetch --unshallow origin"), "{range}: {}", ran.stderr);
    }
    assert!(sandbox.run(&["git", "clone", "--range", "HEAD"]).stderr.contains("--allow-shallow"));
    // What is committed on top of it is whole.
    sandbox.commit("clone", "g", "clean");
    let (code, report) = sandbox.json(&["git", "clone", "--range", "HEAD~1..HEAD"]);
    assert_eq!((code, &report["summary"]["shallow"]), (0, &false.into()));
    // Accepted: what the last commit of the clone adds is not known, and its files are not blamed on it.
    let (code, report) = sandbox.json(&["git", "clone", "--range", "HEAD", "--allow-shallow"]);
    assert_eq!((code, &report["summary"]["shallow"]), (0, &true.into()));
    assert_eq!(report["summary"]["commits"], 2);
    assert_eq!(report["faults"][0]["kind"], "shallow");
    let token = mint.token(Kind::Pat);
    sandbox.commit("clone", "g", token);
    let (code, report) = sandbox.json(&["git", "clone", "--range", "HEAD", "--allow-shallow"]);
    assert_eq!((code, &report["summary"]["findings"]), (1, &1.into()));
    for usage in [
        &["git", "clone", "--allow-shallow"][..],
        &["git", "clone", "--range", "HEAD", "--allow-shallow", "--require-full-history"],
    ] {
        assert_eq!(sandbox.run(usage).code, 2);
    }
}

#[test]
fn every_report_tells_of_a_shallow_clone_and_none_calls_it_a_failure() {
    let sandbox = Sandbox::new();
    sandbox.init("r", &[]);
    sandbox.commit("r", "f", "1");
    sandbox.commit("r", "f", "2");
    sandbox.shallow_clone("r", "clone");
    let formats = ["json", "jsonl", "sarif", "gitlab", "junit", "html", "github"];
    let reports: Vec<String> =
        formats.iter().map(|format| format!("--report={format}=report.{format}")).collect();
    let mut arguments = vec!["git", "clone", "--range", "HEAD", "--allow-shallow"];
    arguments.extend(reports.iter().map(String::as_str));
    let ran = sandbox.run(&arguments);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    for format in formats {
        let text = fs::read_to_string(sandbox.path().join(format!("report.{format}"))).expect("a report");
        assert!(text.contains("shallow"), "{format}: {text}");
    }
    let junit = fs::read_to_string(sandbox.path().join("report.junit")).expect("a report");
    assert!(junit.contains("errors=\"0\"") && junit.contains("<skipped"), "{junit}");
}
