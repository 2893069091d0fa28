//! `-f` and `-r`: each report is valid by its published schema or another parser, and is written where it should be.

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _, symlink};

use serde_json::Value;

use crate::support::cmd::Sandbox;
use crate::support::mint::{Kind, Mint};

/// A tree with a token of every kind, one of them twice, a suppressed one, a placeholder and a hostile name.
fn tree() -> (Sandbox, Vec<String>) {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(61));
    let tokens: Vec<String> = Kind::GITHUB.into_iter().map(|kind| mint.token(kind)).collect();
    for (n, token) in tokens.iter().enumerate() {
        sandbox.write(&format!("dir {n}/=f|'\"<b>é%,:.txt"), format!("first\nkey = \"{token}\"\n"));
    }
    sandbox.write("again.txt", &tokens[0]);
    sandbox.write("allowed.txt", format!("{} # stanch:allow", mint.token(Kind::Pat)));
    sandbox.write("docs/placeholder.md", mint.lookalike("ghp_"));
    (sandbox, tokens)
}

fn schema(name: &str) -> jsonschema::Validator {
    let path = format!("{}/tests/schemas/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(path).expect("a schema");
    let schema: Value = serde_json::from_str(&text).expect("a schema is JSON");
    jsonschema::options().should_validate_formats(true).build(&schema).expect("a schema")
}

fn assert_valid(schema: &jsonschema::Validator, text: &str) -> Value {
    let report: Value = serde_json::from_str(text).expect("JSON");
    let errors: Vec<String> = schema.iter_errors(&report).map(|error| error.to_string()).collect();
    assert_eq!(errors, Vec::<String>::new());
    report
}

/// A target for each format.
const TARGETS: [&str; 10] = [
    "pretty=r/p.txt",
    "r/j.json",
    "r/l.jsonl",
    "r/s.sarif",
    "r/c.csv",
    "github=r/annotations",
    "r/gl-secret-detection-report.json",
    "r/x.xml",
    "r/h.html",
    "owners=r/o.csv",
];

#[test]
fn sarif_is_valid_by_the_schema_of_oasis() {
    let (sandbox, _) = tree();
    let schema = schema("sarif-2.1.0.json");
    let log = assert_valid(&schema, &sandbox.run(&["scan", "-f", "sarif"]).stdout);
    let results = log["runs"][0]["results"].as_array().expect("results");
    assert_eq!(results.len(), 7, "six tokens, one of them in two files");
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().expect("an index")).expect("small");
        assert_eq!(log["runs"][0]["tool"]["driver"]["rules"][index]["id"], result["ruleId"]);
    }
    let all = assert_valid(&schema, &sandbox.run(&["scan", "-f", "sarif", "--show-suppressed"]).stdout);
    assert_eq!(
        all["runs"][0]["results"].as_array().map(Vec::len),
        Some(9),
        "one suppressed, one placeholder"
    );
    assert_valid(&schema, &Sandbox::new().run(&["scan", "-f", "sarif"]).stdout);
    assert!(!schema.is_valid(&serde_json::json!({"version": "2.1.0"})), "the schema requires something");
}

#[test]
fn gitlab_is_valid_by_the_schema_of_gitlab() {
    let (sandbox, _) = tree();
    let schema = schema("gitlab-secret-detection.json");
    let report = assert_valid(&schema, &sandbox.run(&["scan", "-f", "gitlab"]).stdout);
    let rows = report["vulnerabilities"].as_array().expect("rows");
    assert_eq!(rows.len(), 7, "one for each unsuppressed location, none for placeholders");
    let ids: std::collections::HashSet<_> = rows.iter().map(|row| row["id"].as_str()).collect();
    assert_eq!(ids.len(), 7);
    let all = assert_valid(&schema, &sandbox.run(&["scan", "-f", "gitlab", "--show-suppressed"]).stdout);
    assert_eq!(all["vulnerabilities"].as_array().map(Vec::len), Some(9));
    assert_valid(&schema, &Sandbox::new().run(&["scan", "-f", "gitlab"]).stdout);
}

#[test]
fn all_reports_of_one_run_are_written_and_hold_no_token() {
    let (sandbox, tokens) = tree();
    fs::create_dir(sandbox.path().join("r")).expect("a directory");
    let mut arguments = vec!["scan", "-q", "--exclude", "r"];
    arguments.extend(TARGETS.iter().flat_map(|target| ["-r", target]));
    let ran = sandbox.run(&arguments);
    assert_eq!((ran.code, &*ran.stderr), (1, ""));
    for target in TARGETS {
        let path = target.split_once('=').map_or(target, |(_, path)| path);
        let text = fs::read_to_string(sandbox.path().join(path)).expect(path);
        assert!(!text.is_empty(), "{path}");
        assert!(tokens.iter().all(|token| !text.contains(token)), "{path} holds a token");
        let mode = fs::metadata(sandbox.path().join(path)).expect(path).permissions().mode();
        assert_eq!(mode & 0o600, 0o600, "{path}");
    }
    let read = |path: &str| fs::read_to_string(sandbox.path().join(path)).expect(path);
    assert!(serde_json::from_str::<Value>(&read("r/j.json")).is_ok());
    assert!(read("r/l.jsonl").lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));
    let mut table = csv::Reader::from_reader(fs::File::open(sandbox.path().join("r/c.csv")).expect("csv"));
    assert_eq!(table.records().flatten().count(), 7);
    let xml = read("r/x.xml");
    let suite = roxmltree::Document::parse(&xml).expect("XML");
    assert_eq!(suite.root_element().attribute("failures"), Some("6"));
    assert!(read("r/annotations").lines().all(|line| line.starts_with("::")));
}

#[test]
fn reports_are_written_when_nothing_is_found() {
    let sandbox = Sandbox::new();
    let mut arguments = vec!["scan", "-q", "none", "--exit-zero"];
    sandbox.write("none/f", "nothing");
    fs::create_dir(sandbox.path().join("r")).expect("a directory");
    arguments.extend(TARGETS.iter().flat_map(|target| ["-r", target]));
    assert_eq!(sandbox.run(&arguments).code, 0);
    assert_eq!(fs::read_dir(sandbox.path().join("r")).expect("a directory").count(), TARGETS.len());
}

#[test]
fn devices_and_streams_are_written_in_place() {
    let (sandbox, _) = tree();
    let ran = sandbox.run(&["scan", "-q", "-f", "csv", "-r", "json=/dev/null", "-r", "json=/dev/stdout"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(fs::metadata("/dev/null").expect("a device").file_type().is_char_device());
    let json = ran.stdout.find('{').expect("JSON behind the CSV");
    assert!(ran.stdout.starts_with("rule,"));
    assert!(serde_json::from_str::<Value>(&ran.stdout[json..]).is_ok());
    // Where standard output is a file, it must stay that file.
    let out = sandbox.path().join("out.txt");
    let file = fs::File::create(&out).expect("a file");
    let mut command = sandbox.command(&["scan", "-q", "-f", "csv", "-r", "json=/dev/stdout", "again.txt"]);
    assert!(command.stdout(file).status().is_ok());
    let text = fs::read_to_string(&out).expect("text");
    assert!(text.starts_with("rule,") && text.contains("\"summary\""));
}

#[test]
fn a_report_replaces_a_file_and_keeps_a_link() {
    let (sandbox, _) = tree();
    sandbox.write("real.json", "old");
    symlink("real.json", sandbox.path().join("link.json")).expect("a link");
    assert_eq!(sandbox.run(&["scan", "-q", "-r", "link.json"]).code, 1);
    assert!(sandbox.path().join("link.json").is_symlink());
    let text = fs::read_to_string(sandbox.path().join("real.json")).expect("text");
    assert!(serde_json::from_str::<Value>(&text).is_ok());
}

#[test]
fn a_report_that_cannot_be_written_is_an_error_after_the_others() {
    let sandbox = Sandbox::new();
    let ran = sandbox.run(&["scan", "-r", "no/such/directory/a.json", "-r", "b.json"]);
    assert_eq!(ran.code, 2);
    assert!(
        ran.stderr.contains("error: cannot write the json report to no/such/directory/a.json"),
        "{}",
        ran.stderr
    );
    assert!(sandbox.path().join("b.json").is_file());
    let (sandbox, _) = tree();
    assert_eq!(sandbox.run(&["scan", "-q", "-r", "json=."]).code, 1, "tokens found go before errors");
}

#[test]
fn a_bad_target_is_a_usage_error() {
    let sandbox = Sandbox::new();
    for (target, expected) in
        [("out.pdf", "FORMAT=out.pdf"), ("srif=x", "did you mean `sarif`?"), ("json=", "no path")]
    {
        let ran = sandbox.run(&["scan", "-r", target]);
        assert_eq!(ran.code, 2);
        assert!(ran.stderr.contains(expected), "{}", ran.stderr);
    }
    let twice = sandbox.run(&["scan", "-r", "a.json", "-r", "sarif=a.json"]);
    assert_eq!(twice.code, 2);
    assert!(!sandbox.path().join("a.json").exists());
}

#[test]
fn paths_start_at_the_working_directory() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(62));
    sandbox.write("sub/deep/f", mint.token(Kind::Pat));
    let whole = sandbox.path().join("sub").display().to_string();
    for root in ["sub", "./sub/", &whole] {
        let log: Value =
            serde_json::from_str(&sandbox.run(&["scan", "-q", "-f", "sarif", root]).stdout).expect("SARIF");
        let location = &log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"];
        assert_eq!(
            (&location["uri"], &location["uriBaseId"]),
            (&"sub/deep/f".into(), &"SRCROOT".into()),
            "{root}"
        );
        for format in ["pretty", "github", "csv", "html", "gitlab", "junit"] {
            let text = sandbox.run(&["scan", "-q", "-f", format, root]).stdout;
            assert!(text.contains("sub/deep/f"), "{format} of {root}");
            assert!(!text.contains("./sub/deep/f") && !text.contains(&whole), "{format} of {root}");
        }
        let (_, report) = sandbox.json(&["scan", "-q", root]);
        let location = &report["findings"][0]["locations"][0];
        assert_eq!((&location["path"], &location["root"]), (&"deep/f".into(), &root.into()));
    }
}

#[test]
fn an_alert_is_the_same_wherever_a_run_is_started() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(64));
    sandbox.init("r", &[]);
    sandbox.write("r/sub/f", mint.token(Kind::Pat));
    sandbox.commit("r", "other/f", mint.token(Kind::OAuth));
    let alerts = |directory: &str, arguments: &[&str], paths: &[&str]| {
        let mut both = Vec::new();
        for format in ["sarif", "gitlab"] {
            let mut command = sandbox.command(&[arguments, &["-q", "-f", format]].concat());
            let ran = command.current_dir(sandbox.path().join(directory)).output().expect("it starts");
            let text = String::from_utf8(ran.stdout).expect("text");
            for path in paths {
                assert!(text.contains(&format!("\"{path}\"")), "{path} in {directory}: {text}");
            }
            let report: Value = serde_json::from_str(&text).expect("JSON");
            let results = report["runs"][0]["results"].as_array().into_iter().flatten();
            both.extend(results.map(|result| result["partialFingerprints"].to_string()));
            let rows = report["vulnerabilities"].as_array().into_iter().flatten();
            both.extend(rows.map(|row| row["id"].to_string()));
        }
        both.sort();
        assert_eq!(both.len(), 4, "{directory}");
        both
    };
    let whole = sandbox.path().join("r").display().to_string();
    let tree = ["scan", ".", "--exclude", ".git"];
    let above = |root| ["scan", root, "--exclude", ".git"];
    let known = alerts("r", &tree, &["sub/f", "other/f"]);
    assert_eq!(known, alerts("", &above("r"), &["r/sub/f", "r/other/f"]));
    assert_eq!(known, alerts("", &above(&whole), &["r/sub/f", "r/other/f"]));
    assert_eq!(known, alerts("r/sub", &above(".."), &["f", "../other/f"]));
    assert_eq!(known, alerts("r/sub", &["scan", "f", "../other/f"], &["f", "../other/f"]));
    let history = alerts("r", &["git"], &["sub/f", "other/f"]);
    assert_eq!(history, alerts("", &["git", "r"], &["r/sub/f", "r/other/f"]));
    assert_eq!(history, alerts("r/sub", &["git"], &["f", "../other/f"]));
}

#[test]
fn every_location_of_json_has_its_root_as_it_was_given() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(65));
    sandbox.write("one/f", mint.token(Kind::Pat));
    sandbox.write("two", mint.token(Kind::OAuth));
    let (_, report) = sandbox.json(&["scan", "./one/", "./two"]);
    let places: Vec<_> = report["findings"]
        .as_array()
        .expect("findings")
        .iter()
        .map(|finding| {
            let location = &finding["locations"][0];
            (location["root"].as_str().unwrap_or("none"), location["path"].as_str().unwrap_or("none"))
        })
        .collect();
    assert_eq!(places, [("./two", "./two"), ("./one/", "f")]);
    let text = sandbox.run(&["scan", "-q", "./one/", "./two"]).stdout;
    assert!(text.contains("  one/f:1:1") && text.contains("  two:1:1"), "{text}");
    let ran = sandbox.run(&["scan", "./one/", "./missing"]);
    assert!(ran.stderr.contains("warning: missing: "), "{}", ran.stderr);
}

#[test]
fn actions_get_a_summary_of_the_job() {
    let (sandbox, tokens) = tree();
    let page = sandbox.path().join("summary.md");
    fs::write(&page, "before\n").expect("a file");
    let run = |format: &str| {
        let mut command = sandbox.command(&["scan", "-q", "-f", format, "again.txt"]);
        command.env("GITHUB_STEP_SUMMARY", &page).output().expect("it runs")
    };
    run("json");
    assert_eq!(fs::read_to_string(&page).expect("text"), "before\n");
    run("github");
    let text = fs::read_to_string(&page).expect("text");
    assert!(text.starts_with("before\n### Leaked GitHub tokens: 1"), "{text}");
    assert!(text.contains("again.txt") && !text.contains(&tokens[0]));
}

#[test]
fn junit_without_findings_is_one_passed_case() {
    let sandbox = Sandbox::new();
    sandbox.write("a.md", Mint::new(63).lookalike("ghp_"));
    let ran = sandbox.run(&["scan", "-q", "-f", "junit"]);
    let expected = "\
<?xml version=\"1.0\" encoding=\"UTF-8\"?>
<testsuites name=\"stanch\" tests=\"1\" failures=\"0\" errors=\"0\" time=\"[..]\">
  <testsuite name=\"stanch\" tests=\"1\" failures=\"0\" errors=\"0\" skipped=\"0\" time=\"[..]\" timestamp=\"[..]\">
    <testcase classname=\"stanch\" name=\"no token found that counts\" time=\"0\"/>
  </testsuite>
</testsuites>
";
    snapbox::assert_data_eq!(ran.stdout, expected);
}
