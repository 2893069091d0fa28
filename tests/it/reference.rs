//! What is written down more than once, held to be the same everywhere: help, the command reference, exit codes and the
//! fields of JSON.
//!
//! `SNAPSHOTS=overwrite cargo test --test it reference` writes `tests/cmd/help/` and `docs/cli.md` anew.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use snapbox::assert::DEFAULT_ACTION_ENV;
use snapbox::data::DataFormat;
use snapbox::{Assert, Data};
use stanch::revocation::State;

use crate::support::cmd::Sandbox;
use crate::support::fixture::Fixture;
use crate::support::mint::Kind;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn help(sandbox: &Sandbox, command: &[String], flag: &str) -> String {
    let mut arguments: Vec<&str> = command.iter().map(String::as_str).collect();
    arguments.push(flag);
    let ran = sandbox.run(&arguments);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{arguments:?}");
    ran.stdout
}

/// The subcommands that a help lists, but for `help` itself.
fn subcommands(help: &str) -> Vec<String> {
    let listed =
        help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names = listed.filter_map(|line| line.strip_prefix("  ").filter(|line| !line.starts_with(' ')));
    names
        .filter_map(|line| line.split(' ').next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

/// Every command with its subcommands below it, the program itself first.
fn commands(sandbox: &Sandbox) -> Vec<Vec<String>> {
    let mut commands = vec![Vec::new()];
    let mut next = 0;
    while next < commands.len() {
        let command = commands[next].clone();
        next += 1;
        let below = subcommands(&help(sandbox, &command, "--help")).into_iter();
        let below: Vec<_> = below.map(|name| [command.as_slice(), &[name]].concat()).collect();
        commands.splice(next..next, below);
    }
    assert!(commands.len() >= 20, "{commands:?}");
    commands
}

fn same(path: &Path, actual: String, wrong: &mut Vec<String>) {
    let expected = Data::read_from(path, Some(DataFormat::Text)).raw();
    let name = path.display().to_string();
    let assert = Assert::new().action_env(DEFAULT_ACTION_ENV);
    wrong.extend(
        assert.try_eq(Some(&name), Data::text(actual), expected).err().map(|error| error.to_string()),
    );
}

#[test]
fn the_short_help_of_every_command() {
    let sandbox = Sandbox::new();
    let directory = root().join("tests/cmd/help");
    let mut wrong = Vec::new();
    let mut known = BTreeSet::new();
    for command in commands(&sandbox) {
        let path =
            directory.join([&["stanch".to_owned()], command.as_slice()].concat().join("-") + ".stdout");
        same(&path, help(&sandbox, &command, "-h"), &mut wrong);
        known.insert(path);
    }
    let there: BTreeSet<PathBuf> =
        fs::read_dir(directory).expect("the help").flatten().map(|entry| entry.path()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(there, known, "a command that is gone has a help");
}

#[test]
fn the_command_reference_is_the_long_help() {
    let sandbox = Sandbox::new();
    let mut page = "\
# Commands

What `--help` prints for each command. A test writes this page: `SNAPSHOTS=overwrite cargo test`.
"
    .to_owned();
    for command in commands(&sandbox) {
        let title = [&["stanch".to_owned()], command.as_slice()].concat().join(" ");
        let text = help(&sandbox, &command, "--help");
        let lines = text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
        writeln!(page, "\n## `{title}`\n\n```text\n{lines}\n```").expect("a string");
    }
    let mut wrong = Vec::new();
    same(&root().join("docs/cli.md"), page, &mut wrong);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn version_is_the_packages() {
    let sandbox = Sandbox::new();
    for flag in ["-V", "--version"] {
        assert_eq!(sandbox.run(&[flag]).stdout, format!("stanch {}\n", env!("CARGO_PKG_VERSION")));
        let ran = sandbox.run(&[flag, "-v"]);
        let lines: Vec<&str> = ran.stdout.lines().collect();
        assert_eq!((ran.code, lines[0]), (0, &*format!("stanch {}", env!("CARGO_PKG_VERSION"))));
        assert!(lines[1].starts_with("commit ") && lines[2].starts_with("target "), "{lines:?}");
        assert!(lines[2].contains(std::env::consts::ARCH), "{lines:?}");
    }
}

/// The rows of a page's table of exit codes: code and meaning.
fn exit_table(page: &str) -> Vec<(u8, String)> {
    let section = page.split("\n## Exit codes\n").nth(1).expect("a section on exit codes");
    let section = section.split("\n## ").next().unwrap_or_default();
    let rows =
        section.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | "));
    rows.filter_map(|(code, means)| Some((code.parse().ok()?, means.to_owned()))).collect()
}

/// The codes that a help lists at its end.
fn exit_lines(help: &str) -> Vec<u8> {
    let lines = help.split("\nExit codes:\n").nth(1).unwrap_or_default().lines();
    lines.map_while(|line| line.split_whitespace().next()?.parse().ok()).collect()
}

/// The codes of the type, as its documentation numbers them.
fn exit_type() -> Vec<u8> {
    let source = read("src/cli/exit.rs");
    let variants =
        source.split("pub enum Exit {").nth(1).and_then(|rest| rest.split("\n}").next()).expect("an enum");
    let number = |line: &str| {
        let digits = line.trim().strip_prefix("/// ")?.split([':', ',']).next()?.to_owned();
        digits.parse().ok()
    };
    variants.lines().filter_map(number).collect()
}

#[test]
fn exit_codes_are_the_same_everywhere() {
    let (readme, guide) = (exit_table(&read("README.md")), exit_table(&read("docs/formats.md")));
    assert_eq!(readme, guide, "the README and the guide");
    let codes: Vec<u8> = readme.iter().map(|(code, _)| *code).collect();
    assert_eq!(codes, exit_type(), "the README and src/cli/exit.rs");

    let sandbox = Sandbox::new();
    let mut documented = 0;
    for command in commands(&sandbox) {
        let listed = exit_lines(&help(&sandbox, &command, "--help"));
        let rows: Vec<u8> = codes.iter().copied().filter(|code| listed.contains(code)).collect();
        assert_eq!(
            listed, rows,
            "{command:?} ends in ways that the README does not know, or in another order"
        );
        documented += usize::from(!listed.is_empty());
        let name = command.join(" ");
        if ["scan", "git"].contains(&name.as_str()) {
            assert_eq!(listed, codes, "{name} can end in each of these ways");
        }
    }
    assert!(documented >= 4, "only {documented} commands say how they end");
}

/// The names of all fields in a document.
fn fields(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                into.insert(name.clone());
                fields(value, into);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| fields(value, into)),
        _ => {}
    }
}

/// The words of a page that are set as code.
fn code_words(page: &str) -> BTreeSet<&str> {
    let mut code: Vec<&str> = Vec::new();
    for (index, block) in page.split("```").enumerate() {
        let spans = block.split('`').skip(1).step_by(2);
        if index % 2 == 1 { code.push(block) } else { code.extend(spans) }
    }
    code.iter().flat_map(|code| code.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')).collect()
}

#[test]
fn the_guide_names_every_field_and_state_of_json() {
    let mut fixture = Fixture::new(7001);
    let mut token = |kind| fixture.mint.token(kind);
    let files = [
        ("one/.env", token(Kind::Pat)),
        ("one/f", token(Kind::FineGrainedPat)),
        ("two/allowed", token(Kind::OAuth) + " # stanch:allow"),
        ("two/.stanchignore", "nothing".to_owned()),
    ];
    for (path, text) in files {
        fixture.sandbox.write(path, text);
    }
    fixture.sandbox.git("", &["init", "-q", "project"]);
    let token = fixture.mint.token(Kind::Pat);
    fixture.sandbox.commit("project", "f", token);
    let mut names = BTreeSet::new();
    let mut lines = 0;
    for arguments in [
        ["scan", "--revoke", "--yes", "-f", "json", "one", "two", "missing"].as_slice(),
        ["scan", "--revoke", "--yes", "-f", "jsonl", "one", "two", "missing"].as_slice(),
        &["git", "-f", "json", "project"],
        &["status", "-f", "json"],
    ] {
        // `git` goes to no host here, and refuses to be given one.
        let ran = if arguments[0] == "git" { fixture.sandbox.run(arguments) } else { fixture.run(arguments) };
        if arguments.contains(&"jsonl") {
            for line in ran.stdout.lines() {
                fields(&serde_json::from_str(line).expect("a line is JSON"), &mut names);
                lines += 1;
            }
        } else {
            fields(&serde_json::from_str(&ran.stdout).expect("a document is JSON"), &mut names);
        }
    }
    assert!(lines > 3, "{lines} lines");
    for optional in ["root", "suppression", "request_id", "commit", "faults", "summary", "next_slot"] {
        assert!(names.contains(optional), "no {optional} among {names:?}");
    }
    let page = read("docs/formats.md");
    let words = code_words(&page);
    names.extend(State::ALL.map(|state| state.as_str().to_owned()));
    let missing: Vec<_> = names.iter().filter(|name| !words.contains(name.as_str())).collect();
    assert!(missing.is_empty(), "docs/formats.md lacks {missing:?}");
}
