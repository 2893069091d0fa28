//! What is printed for people never has a token in it, whatever was typed, and wherever the token stands.

use crate::support::cmd::{Ran, Sandbox};
use crate::support::mint::{Kind, Mint};

/// A run that prints something, and the token nowhere.
#[track_caller]
fn hidden(sandbox: &Sandbox, token: &str, arguments: &[&str]) -> Ran {
    let ran = sandbox.run(arguments);
    let printed = format!("{}{}", ran.stdout, ran.stderr);
    let shown: Vec<String> = arguments.iter().map(|argument| argument.replace(token, "TOKEN")).collect();
    assert!(!printed.contains(&token[6..]), "{shown:?} prints the token");
    assert!(!printed.is_empty(), "{shown:?} prints nothing");
    ran
}

#[test]
fn a_wrong_command_line_is_quoted_without_its_token() {
    let sandbox = Sandbox::new();
    let mut mint = Mint::new(41);
    for kind in [Kind::Pat, Kind::FineGrainedPat, Kind::Refresh] {
        let token = mint.token(kind);
        let hidden = |arguments: &[&str]| hidden(&sandbox, &token, arguments);
        let ran = hidden(&[&token]);
        assert_eq!(ran.code, 2);
        assert!(
            ran.stderr.contains("in the shell's history") && ran.stderr.contains("`stanch revoke`"),
            "{}",
            ran.stderr
        );
        hidden(&["scan", &format!("--{token}")]);
        hidden(&["scan", &token]);
        for flag in [
            "-f",
            "-r",
            "-j",
            "--color",
            "--exit-code",
            "--min-confidence",
            "--max-file-size",
            "-b",
            "-c",
            "--exclude",
        ] {
            hidden(&["scan", flag, &token, "nothing"]);
        }
        hidden(&["git", "--range", &token]);
        hidden(&["git", &token]);
        hidden(&["resume", "--api-url", "http://127.0.0.1:9", &format!("--wait={token}")]);
        hidden(&["resume", "--host", &format!("{token}/x")]);
        hidden(&["hook", "install", "--type", &token]);
        hidden(&["revoke", "--yes", "--api-url", "http://127.0.0.1:9", &token]);
        hidden(&["revoke", "--yes", "--auth-token-file", &token, "nothing"]);
        hidden(&["enterprise", &token]);
        let ran = hidden(&["org", "revoke-user", "acme", &token, "--dry-run"]);
        assert!(ran.code == 2 && ran.stderr.contains("it holds a token"), "{}", ran.stderr);
        hidden(&["completions", &token]);
        for format in ["pretty", "json"] {
            hidden(&["status", "-f", format, "--ledger", &format!("{token}.db")]);
            hidden(&["status", "-f", format, "--ledger", &format!("{token}/x")]);
        }
    }
}

#[test]
fn no_report_prints_a_token_that_names_a_root() {
    let sandbox = Sandbox::new();
    let mut mint = Mint::new(42);
    let (token, leaked) = (mint.token(Kind::Pat), mint.token(Kind::OAuth));
    let root = format!("root-{token}");
    sandbox.write(&format!("{root}/.env"), &leaked);
    sandbox.write(
        &format!("{root}/.stanch.toml"),
        format!("exclude = ['{token}']\n[[allowlists]]\npaths = ['none']\n"),
    );
    sandbox.write("other/.env", mint.token(Kind::AppUser));
    for format in ["pretty", "json", "jsonl", "sarif", "csv", "github", "gitlab", "junit", "html"] {
        hidden(&sandbox, &token, &["scan", "-f", format, &root]);
        hidden(&sandbox, &token, &["scan", "-f", format, &root, "other"]);
        hidden(&sandbox, &token, &["scan", "-f", format, &root, "missing"]);
    }
    // What a root suppresses in itself is found by the root's name still.
    sandbox.write(&format!("{root}/.stanchignore"), ".env\n");
    let (_, report) = sandbox.json(&["scan", &root, "other"]);
    let suppressed = |finding: &serde_json::Value| !finding["suppressed"].is_null();
    assert_eq!(report["findings"].as_array().expect("findings").iter().filter(|f| suppressed(f)).count(), 1);
}

#[test]
fn nor_one_that_names_an_author() {
    let sandbox = Sandbox::new();
    let token = Mint::new(43).token(Kind::Pat);
    sandbox.init("r", &[]);
    sandbox.write("r/f", "x");
    sandbox.git("r", &["add", "f"]);
    sandbox.git("r", &["commit", "-q", "-m", "x", "--author", &format!("{token} <a@example.com>")]);
    for format in ["pretty", "json", "jsonl", "sarif", "csv", "gitlab", "html"] {
        hidden(&sandbox, &token, &["git", "-f", format, "r"]);
    }
}
