//! Configuration files and the environment: what may be set where, and the order of precedence.

use stanch::settings::env::VARIABLES;

use crate::support::cmd::{Ran, Sandbox};
use crate::support::mint::{Kind, Mint};

const RULE: &str = "[[rules]]\nid = 'acme-key'\ndescription = 'Acme key'\nregex = 'acme_([a-z0-9]{12,})'\n\
                    keywords = ['acme_']\nentropy = 2.5\npositive = ['acme_~q1w2e3r4t5y6']\n\
                    negative = ['acme_aaaaaaaaaaaa']\n";

fn run_with(sandbox: &Sandbox, arguments: &[&str], variables: &[(&str, &str)]) -> Ran {
    let mut command = sandbox.command(arguments);
    Ran::from(command.envs(variables.iter().copied()).output().expect("it runs"))
}

#[test]
fn mistakes_are_reported_with_file_line_and_nearest_name() {
    let sandbox = Sandbox::new();
    for (file, text, expected) in [
        (".stanch.toml", "\nexclud = []", "./.stanch.toml:2: unknown key `exclud`: did you mean `exclude`?"),
        (
            ".stanch.toml",
            "[[rules]]\nregx = ''",
            "./.stanch.toml:2: unknown key `regx`: did you mean `regex`?",
        ),
        (".stanch.toml", "exclude = [", "./.stanch.toml:1: "),
        (".stanch.toml", "exclude = 'a'", "./.stanch.toml:1: invalid type"),
    ] {
        sandbox.write(file, text);
        let ran = sandbox.run(&["scan"]);
        assert_eq!(ran.code, 2);
        assert!(ran.stderr.contains(expected), "{}", ran.stderr);
    }
    assert_eq!(sandbox.run(&["scan", "--no-project-config"]).code, 0);
}

#[test]
fn a_tree_cannot_aim_or_switch_off_the_revoker() {
    let sandbox = Sandbox::new();
    for line in [
        "host = 'evil.example'",
        "api_url = 'http://evil.example'",
        "ledger = '/dev/null'",
        "auth_token_file = 'x'",
        "max_revoke = 0",
        "revoke_confidence = 'certain'",
        "min_confidence = 'certain'",
        "max_file_size = 1",
    ] {
        sandbox.write(".stanch.toml", line);
        let ran = sandbox.run(&["scan"]);
        let key = line.split(' ').next().unwrap_or_default();
        assert_eq!(ran.code, 2, "{line}");
        assert!(ran.stderr.contains(&format!("`{key}` cannot be set by a scanned tree")), "{}", ran.stderr);
        assert!(ran.stderr.contains("stanch/config.toml"), "{}", ran.stderr);
    }
}

#[test]
fn an_error_repeats_no_token() {
    let (sandbox, token) = (Sandbox::new(), Mint::new(81).token(Kind::Pat));
    for text in [format!("exclude = '{token}'"), format!("{token} = 1"), token.clone()] {
        sandbox.write(".stanch.toml", text);
        let ran = sandbox.run(&["scan"]);
        assert_eq!(ran.code, 2);
        assert!(!ran.stderr.contains(&token), "{}", ran.stderr.replace(&token, "WHOLE TOKEN"));
    }
}

#[test]
fn the_nearer_to_the_command_line_the_stronger() {
    let sandbox = Sandbox::new();
    let home = sandbox.path().join("xdg").display().to_string();
    sandbox.write("xdg/stanch/config.toml", "format = 'csv'");
    sandbox.write("named.toml", "format = 'jsonl'");
    sandbox.write("t/f", "nothing");
    let xdg = [("XDG_CONFIG_HOME", home.as_str())];
    let both = [xdg[0], ("STANCH_CONFIG", "named.toml")];
    let empty = [xdg[0], ("STANCH_CONFIG", "")];
    let begins = |ran: Ran, with: &str| assert!(ran.stdout.starts_with(with), "{}{}", ran.stdout, ran.stderr);
    begins(run_with(&sandbox, &["scan", "t"], &xdg), "rule,");
    begins(run_with(&sandbox, &["scan", "t"], &empty), "rule,");
    begins(run_with(&sandbox, &["scan", "t"], &both), "{\"summary\"");
    sandbox.write("flag.toml", "format = 'junit'");
    begins(run_with(&sandbox, &["scan", "t", "-c", "flag.toml"], &both), "<?xml");
    begins(run_with(&sandbox, &["scan", "t", "-c", "flag.toml", "-f", "json"], &both), "{\n");
    assert_eq!(run_with(&sandbox, &["scan", "t"], &[("STANCH_CONFIG", "missing.toml")]).code, 2);
}

#[test]
fn the_users_file_sets_what_flags_would() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(82));
    sandbox.write("t/a/f", mint.token(Kind::Pat));
    sandbox.write("t/b/f", mint.stateless());
    sandbox.write("t/.stanch.toml", "");
    sandbox.write("c.toml", "exclude = ['a']\nmin_confidence = 'certain'\n");
    let (code, report) = sandbox.json(&["scan", "t", "-c", "c.toml"]);
    assert_eq!((code, &report["summary"]["findings"]), (0, &0.into()), "JSON lists what does not count, too");
    assert_eq!(report["findings"].as_array().map(Vec::len), Some(1));
    let (code, _) = sandbox.json(&["scan", "t", "-c", "c.toml", "--min-confidence", "likely"]);
    assert_eq!(code, 1);
    sandbox.write("c.toml", "max_file_size = 3\n");
    let (_, report) = sandbox.json(&["scan", "t", "-c", "c.toml"]);
    assert_eq!(report["summary"]["too_large"], 2);
}

#[test]
fn rules_of_ones_own_are_found_reported_and_never_revocable() {
    let sandbox = Sandbox::new();
    sandbox.write("t/.stanch.toml", RULE);
    sandbox.write("t/f", "x\nkey: acme_z9y8x7w6v5u4 acme_bbbbbbbbbbbb\n");
    sandbox.write("t/acme_m1n2b3v4c5x6q7w8/g", "");
    let (code, report) = sandbox.json(&["scan", "t"]);
    assert_eq!(code, 1);
    let findings = report["findings"].as_array().expect("findings");
    assert_eq!(findings.len(), 2);
    for finding in findings {
        assert_eq!((&finding["rule"], &finding["confidence"]), (&"acme-key".into(), &"likely".into()));
        assert_eq!(finding["revocable"], false);
    }
    let text = report.to_string();
    assert!(!text.contains("z9y8x7w6v5u4") && !text.contains("m1n2b3v4c5x6q7w8"), "{text}");
    for format in ["sarif", "html", "csv", "junit", "gitlab", "github", "pretty"] {
        let ran = sandbox.run(&["scan", "t", "-q", "-f", format]);
        assert!(!ran.stdout.contains("z9y8x7w6v5u4") && !ran.stdout.contains("m1n2b3v4c5x6q7w8"), "{format}");
        assert!(ran.stdout.contains("Acme key") || ran.stdout.contains("acme-key"), "{format}");
    }
}

#[test]
fn a_rule_of_the_tree_cannot_take_a_token_from_the_revoker() {
    let (sandbox, token) = (Sandbox::new(), Mint::new(83).token(Kind::Pat));
    sandbox.write(
        "t/.stanch.toml",
        "[[rules]]\nid = 'mine'\nregex = 'ghp_[A-Za-z0-9]{36}'\nkeywords = ['ghp_']\npositive = ['ghp_~aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa']\n",
    );
    for n in 0..20 {
        sandbox.write(&format!("t/{n}"), &token);
    }
    let (_, report) = sandbox.json(&["scan", "t"]);
    let finding = &report["findings"][0];
    assert_eq!((&finding["rule"], &finding["confidence"]), (&"github-pat".into(), &"certain".into()));
    assert_eq!(finding["revocable"], true);
}

#[test]
fn rules_are_tried_on_their_examples() {
    let sandbox = Sandbox::new();
    sandbox.write(".stanch.toml", RULE);
    let ran = sandbox.run(&["rules", "test"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains("ok    acme-key  2 examples"), "{}", ran.stdout);
    assert!(sandbox.run(&["rules", "list"]).stdout.contains("acme-key\n  finds      Acme key"));
    sandbox.write(".stanch.toml", RULE.replace("aaaaaaaaaaaa", "k1l2m3n4o5p6"));
    let ran = sandbox.run(&["rules", "test"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stdout.contains("FAIL  acme-key  finds something in negative example 1"), "{}", ran.stdout);
    let ran = sandbox.run(&["scan"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("rule `acme-key` finds something in negative example 1"), "{}", ran.stderr);
    assert_eq!(sandbox.run(&["rules", "test", "--no-project-config"]).code, 0);
    sandbox.write("c.toml", RULE);
    assert!(
        sandbox.run(&["rules", "list", "--no-project-config", "-c", "c.toml"]).stdout.contains("acme-key")
    );
}

#[test]
fn a_pipe_in_place_of_a_configuration_does_not_hang() {
    let sandbox = Sandbox::new();
    let made = std::process::Command::new("mkfifo").arg(sandbox.path().join(".stanch.toml")).status();
    assert!(made.is_ok_and(|status| status.success()), "a pipe");
    let ran = sandbox.run(&["scan"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("not a regular file"), "{}", ran.stderr);
}

#[test]
fn the_guide_names_every_variable() {
    let page = include_str!("../../docs/configuration.md");
    for variable in VARIABLES {
        assert!(page.contains(&format!("`{}`", variable.name)), "{}", variable.name);
    }
}

#[test]
fn a_tree_cannot_bring_more_than_it_may() {
    let sandbox = Sandbox::new();
    let rule = |n: usize, regex: &str| {
        format!("[[rules]]\nid = 'r{n}'\nregex = '{regex}'\nkeywords = ['aa']\npositive = ['aa Q QQ']\n")
    };
    let many = (0..1001).map(|n| rule(n, "Q")).collect::<Vec<_>>().concat();
    let large = (0..400).map(|n| rule(n, "Q|(?:[ab]{30}){30}")).collect::<Vec<_>>().concat();
    let list = |entry: &str| format!("[[allowlists]]\npaths = ['{entry}']\n");
    for (file, text, expected) in [
        (".stanch.toml", many, "1001 rules are more than a scanned tree may bring"),
        (".stanch.toml", large, "size"),
        (".stanch.toml", rule(0, "(?:a{1000}){1000}"), "size"),
        (".stanch.toml", rule(0, &"Q".repeat(5000)), "5000 bytes"),
        (".stanch.toml", list(&"Q".repeat(5000)), "5000 bytes"),
        (".stanch.toml", list("(?:a{1000}){1000}"), "size"),
        (".stanch.toml", list("x").repeat(1001), "1001 allowlists"),
        (".stanch.toml", format!("exclude = ['{}']", "Q".repeat(5000)), "5000 bytes"),
        (".stanchignore", "Q".repeat(1 << 20), "a pattern may have 4096 bytes"),
        (".stanchignore", "*a*b*c*d\n".repeat(100_000), "all together 262144"),
    ] {
        sandbox.write(file, &text);
        let ran = sandbox.run(&["scan"]);
        assert_eq!(ran.code, 2, "{expected}: {}", ran.stderr);
        assert!(ran.stderr.contains(expected), "{expected}: {}", ran.stderr);
        std::fs::remove_file(sandbox.path().join(file)).expect("it is there");
    }
}

#[test]
fn many_rules_that_share_a_keyword_are_tried_everywhere() {
    let sandbox = Sandbox::new();
    let rule = |n| {
        format!("[[rules]]\nid = 'r{n}'\nregex = 'Q{n}QQ'\nkeywords = ['aa']\npositive = ['aa Q{n}QQ']\n")
    };
    let rules: Vec<String> = (0..200).map(rule).collect();
    let rules = rules.concat();
    sandbox.write(".stanch.toml", rules);
    let filler = "a".repeat(100_000);
    sandbox.write("file", format!("{filler} Q7QQ {filler} Q150QQ {filler}"));
    let (code, report) = sandbox.json(&["scan"]);
    assert_eq!(code, 1);
    // The examples in the configuration are found as well.
    let in_file = |finding: &&serde_json::Value| {
        finding["locations"]
            .as_array()
            .is_some_and(|places| places.iter().any(|place| place["path"] == "file"))
    };
    let findings = report["findings"].as_array().expect("a list");
    assert_eq!(findings.iter().filter(in_file).count(), 2);
}
