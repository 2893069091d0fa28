//! `deploy/` and `docs/fleet.md`, held to the program: what is in them parses, and so does every command line.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;
use saphyr::{LoadableYamlNode as _, Yaml};
use serde_json::Value;

use crate::support::cmd::Sandbox;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files below `deploy/` with one of these endings, and what is in them.
fn files(endings: &[&str]) -> Vec<(String, String)> {
    let mut pending = vec![root().join("deploy")];
    let mut found: Vec<PathBuf> = Vec::new();
    while let Some(directory) = pending.pop() {
        for entry in fs::read_dir(directory).expect("listed").flatten() {
            let path = entry.path();
            if path.is_dir() {
                pending.push(path);
            } else if path.extension().is_some_and(|ending| endings.iter().any(|one| ending == *one)) {
                found.push(path);
            }
        }
    }
    found.sort();
    let name = |path: &Path| path.strip_prefix(root()).expect("below").display().to_string();
    found.iter().map(|path| (name(path), fs::read_to_string(path).expect("a file of text"))).collect()
}

fn yaml<'t>(name: &str, text: &'t str) -> Vec<Yaml<'t>> {
    Yaml::load_from_str(text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Calls `visit` with each mapping in a document.
fn mappings<'y, 't>(node: &'y Yaml<'t>, visit: &mut dyn FnMut(&'y Yaml<'t>)) {
    if let Some(all) = node.as_mapping() {
        visit(node);
        all.iter().for_each(|(_, below)| mappings(below, visit));
    }
    for below in node.as_sequence().into_iter().flatten() {
        mappings(below, visit);
    }
}

/// The texts of a list.
fn texts(node: Option<&Yaml<'_>>) -> Vec<String> {
    let all = node.and_then(|node| node.as_sequence()).into_iter().flatten();
    all.filter_map(|text| text.as_str().map(str::to_owned)).collect()
}

/// The arguments that manifests start the program with: those of a container are behind what it wraps them in.
fn started_by_manifests() -> Vec<(String, Vec<String>)> {
    let mut commands = Vec::new();
    for (name, text) in files(&["yaml"]) {
        for document in &yaml(&name, &text) {
            mappings(document, &mut |mapping| {
                for key in ["args", "command"] {
                    let arguments = texts(mapping.as_mapping_get(key));
                    let subcommands = ["scan", "serve", "ledger", "merge"];
                    if arguments.first().is_some_and(|first| subcommands.contains(&first.as_str())) {
                        commands.push((name.clone(), arguments));
                    }
                }
            });
        }
    }
    commands
}

/// A line of a shell taken apart, up to what the shell does with the output.
fn words(line: &str) -> Vec<String> {
    let words = line.split_whitespace().take_while(|word| !word.starts_with(['#', '>', '<', '|', '&', ';']));
    words.map(|word| word.trim_matches(['\'', '"']).to_owned()).collect()
}

/// The command lines in a text: of a unit's `ExecStart=`, of a comment, of a block in the guide. A backslash at the end of a
/// line goes on with the next.
fn typed(text: &str) -> Vec<Vec<String>> {
    let joined = Regex::new(r"\\\n\s*#?\s*").expect("an expression").replace_all(text, " ").into_owned();
    let starts = ["stanch ", "ExecStart=/usr/bin/stanch ", "sudo -u postgres stanch "];
    let lines = joined.lines().map(|line| line.trim_start_matches(['#', ' ']).trim());
    let lines = lines.flat_map(|line| line.split("&& ").map(str::trim).collect::<Vec<_>>());
    lines.filter_map(|line| starts.iter().find_map(|start| line.strip_prefix(start))).map(words).collect()
}

/// What is in the blocks of a page that are lines of a shell.
fn shell_blocks(page: &str) -> String {
    let mut lines = Vec::new();
    let mut open: Option<&str> = None;
    for line in page.lines() {
        let line = line.trim_start();
        match (line.strip_prefix("```"), open) {
            (Some(info), None) => open = Some(info),
            (Some(_), Some(_)) => open = None,
            (None, Some("sh")) => lines.push(line),
            _ => {}
        }
    }
    lines.join("\n")
}

#[test]
fn every_command_line_is_one_of_the_program() {
    let sandbox = Sandbox::new();
    let mut commands = started_by_manifests();
    assert!(commands.len() >= 4, "{commands:?}");
    for (name, text) in files(&["service", "timer", "yaml", "toml"]) {
        commands.extend(typed(&text).into_iter().map(|command| (name.clone(), command)));
    }
    let page = fs::read_to_string(root().join("docs/fleet.md")).expect("a page");
    let shown = typed(&shell_blocks(&page));
    assert!(shown.len() >= 12, "{shown:?}");
    commands.extend(shown.into_iter().map(|command| ("docs/fleet.md".to_owned(), command)));
    for (name, command) in commands {
        let mut arguments: Vec<&str> = command.iter().map(String::as_str).collect();
        // Whatever stands before it is parsed first.
        arguments.push("--help");
        let ran = sandbox.run(&arguments);
        assert_eq!(ran.code, 0, "{name}: stanch {}\n{}", command.join(" "), ran.stderr);
    }
}

#[test]
fn what_others_read_parses() {
    let manifests = files(&["yaml"]);
    assert!(manifests.len() >= 7, "{}", manifests.len());
    for (name, text) in manifests {
        assert!(!yaml(&name, &text).is_empty(), "{name} is empty");
    }
    for (name, text) in files(&["json"]) {
        serde_json::from_str::<Value>(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

/// The settings of services are read by the program itself, which refuses keys that it does not know.
#[test]
fn settings_are_read() {
    let sandbox = Sandbox::new();
    let settings = files(&["toml"]);
    assert!(settings.len() >= 4, "{}", settings.len());
    for (name, text) in settings {
        sandbox.write("settings.toml", text);
        let ran = sandbox.run(&["scan", "--config", "settings.toml", "--quiet"]);
        assert_eq!(ran.code, 0, "{name}: {}", ran.stderr);
    }
}

#[test]
fn a_job_says_how_many_shards_it_has() {
    let path = root().join("deploy/kubernetes/sweep.yaml");
    let text = fs::read_to_string(path).expect("a manifest");
    let (mut counts, mut said) = (BTreeSet::new(), BTreeSet::new());
    for document in &yaml("sweep.yaml", &text) {
        mappings(document, &mut |mapping| {
            for key in ["completions", "parallelism"] {
                counts.extend(mapping.as_mapping_get(key).and_then(Yaml::as_integer));
            }
            if mapping.as_mapping_get("name").and_then(|name| name.as_str()) == Some("JOB_COMPLETIONS") {
                let value = mapping.as_mapping_get("value").and_then(|value| value.as_str());
                said.extend(value.and_then(|value| value.parse::<i64>().ok()));
            }
        });
    }
    assert_eq!(counts.len(), 1, "{counts:?}");
    assert_eq!(
        said, counts,
        "JOB_COMPLETIONS is not `completions`: some shares would be looked at by nobody"
    );
}

/// The grants in a text, each in one line.
fn grants(text: &str) -> BTreeSet<String> {
    let grant = Regex::new(r"(?ms)^\s*(GRANT .*?;)").expect("an expression");
    let one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    grant.captures_iter(text).map(|grant| one_line(&grant[1])).collect()
}

#[test]
fn the_guide_grants_what_the_program_does() {
    let read = |path: &str| fs::read_to_string(root().join(path)).expect("a file");
    let (guide, program) = (grants(&read("docs/fleet.md")), grants(&read("src/ledger/postgres/schema.sql")));
    assert!(program.len() >= 5, "{program:?}");
    assert_eq!(guide, program);
}

/// A rule over a metric that there is not never fires.
#[test]
fn every_metric_is_one_that_the_server_has() {
    let source = fs::read_to_string(root().join("src/serve/metrics.rs")).expect("the server's metrics");
    let name = Regex::new(r"\bstanch_([a-z_]+)\b").expect("an expression");
    let mut checked = BTreeSet::new();
    for (file, text) in files(&["json", "yaml"]) {
        if !file.contains("prometheus") && !file.contains("grafana") {
            continue;
        }
        for metric in name.captures_iter(&text) {
            let metric = metric[1].trim_end_matches("_total").to_owned();
            assert!(
                source.contains(&format!("\"{metric}\"")),
                "{file} names stanch_{metric}, which there is not"
            );
            checked.insert(metric);
        }
    }
    assert!(checked.len() >= 10, "{checked:?}");
}
