//! `scan --revoke`, `revoke`, `resume`, `status`: what is sent, what is not, and how the run ends.

use serde_json::Value;

use crate::support::fixture::{Fixture, exists, finding, state};
use crate::support::mint::Kind;

const SEND: [&str; 3] = ["scan", "--revoke", "--yes"];

/// The kinds that a batch takes at github.com.
const BATCHABLE: [Kind; 5] = [Kind::Pat, Kind::FineGrainedPat, Kind::OAuth, Kind::AppUser, Kind::Refresh];

#[test]
fn what_is_found_is_sent_once_and_reported() {
    let mut fixture = Fixture::new(1);
    let tokens: Vec<String> = BATCHABLE.into_iter().map(|kind| fixture.mint.token(kind)).collect();
    fixture.sandbox.write("a/.env", tokens.join("\n"));
    fixture.sandbox.write("b.txt", format!("{} again, and {}", tokens[0], fixture.mint.lookalike("ghp_")));
    let (code, report) = fixture.json(&SEND);
    assert_eq!(code, 1);
    let seen = fixture.github.requests();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].header("authorization"), None);
    let mut accepted = fixture.github.accepted();
    for token in &tokens {
        let revocation = &finding(&report, token)["revocation"];
        assert_eq!((&revocation["state"], &revocation["request_id"]), (&"accepted".into(), &"C0DE:1".into()));
        let at = revocation["at"].as_str().expect("a time");
        assert!(at.parse::<jiff::Timestamp>().is_ok() && at.ends_with('Z'), "{at}");
    }
    let lookalike = report["findings"].as_array().expect("a list").last().expect("the lookalike");
    assert_eq!((&lookalike["confidence"], &lookalike["revocation"]), (&"lookalike".into(), &Value::Null));
    accepted.sort();
    let mut sorted = tokens.clone();
    sorted.sort();
    assert_eq!(accepted, sorted);
    fixture.assert_forgotten(&tokens);

    // The most certain and most powerful first.
    let sent: Vec<Kind> = seen[0].tokens().iter().map(|token| Kind::of(token)).collect();
    assert_eq!(sent, [Kind::Pat, Kind::OAuth, Kind::Refresh, Kind::AppUser, Kind::FineGrainedPat]);

    // Again: nothing is sent, and the report tells the same.
    let (again, second) = fixture.json(&SEND);
    assert_eq!((again, fixture.github.requests().len()), (1, 1));
    for token in &tokens {
        assert_eq!(finding(&second, token)["revocation"], finding(&report, token)["revocation"]);
    }
    let status = fixture.status();
    assert_eq!(status["accepted"], 5);
    assert_eq!(
        (&status["queued"], &status["sent"], &status["requests_last_hour"]),
        (&0.into(), &0.into(), &1.into())
    );
    assert_eq!((&status["limit"], &status["next_slot"]), (&60.into(), &Value::Null));
}

#[test]
fn a_202_is_called_accepted_and_never_revoked() {
    let mut fixture = Fixture::new(2);
    fixture.sandbox.write("f", fixture.mint.token(Kind::Pat));
    let ran = fixture.run(&SEND);
    assert!(ran.stdout.contains("revocation: accepted at "), "{}", ran.stdout);
    assert!(ran.stderr.contains("accepted 1 token in 1 request"), "{}", ran.stderr);
    assert!(
        !ran.stdout.contains("revoked") && !ran.stderr.contains("revoked"),
        "{}{}",
        ran.stdout,
        ran.stderr
    );
    assert!(ran.stderr.contains(fixture.ledger().to_str().expect("text")), "{}", ran.stderr);
    assert!(ran.stdout.lines().chain(ran.stderr.lines()).all(|line| line.len() < 300));
}

#[test]
fn nothing_found_sends_nothing_and_makes_no_ledger() {
    let fixture = Fixture::new(3);
    fixture.sandbox.write("f", "nothing here");
    let ran = fixture.run(&SEND);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(!exists(&fixture.ledger()));
    let (code, status) = fixture.json(&["status"]);
    assert_eq!(code, 0);
    for count in ["queued", "sent", "accepted", "confirmed", "refused", "requests_last_hour"] {
        assert_eq!(status[count], 0, "{count}");
    }
    assert_eq!((&status["limit"], &status["next_slot"]), (&60.into(), &Value::Null));
    assert_eq!(fixture.run(&["resume"]).code, 0);
    assert!(!exists(&fixture.ledger()));
    assert_eq!(fixture.github.requests().len(), 0);
}

#[test]
fn without_a_terminal_and_without_yes_nothing_happens() {
    let mut fixture = Fixture::new(4);
    fixture.sandbox.write("f", fixture.mint.token(Kind::Pat));
    for arguments in [&["scan", "--revoke"][..], &["revoke", "f"], &["revoke"]] {
        let ran = fixture.run(arguments);
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        assert!(ran.stderr.contains("--yes") && ran.stderr.contains("--dry-run"), "{}", ran.stderr);
    }
    assert!(!exists(&fixture.ledger()));
    assert_eq!(fixture.github.requests().len(), 0);
}

#[test]
fn a_dry_run_says_what_it_would_do_and_does_nothing() {
    let mut fixture = Fixture::new(5);
    let [certain, refresh, own] = [Kind::Pat, Kind::Refresh, Kind::Pat].map(|kind| fixture.mint.token(kind));
    let likely = fixture.mint.stateless();
    fixture.sandbox.write("f", [&certain, &refresh, &own, &likely].map(String::as_str).join("\n"));
    for flavour in ["json", "pretty"] {
        let mut command = fixture.command(&["scan", "--revoke", "--dry-run", "-f", flavour]);
        let output = command.env("GH_TOKEN", &own).output().expect("it runs");
        let (stdout, stderr) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(3), "{stderr}");
        let tail = |token: &str| token[token.len() - 6..].to_owned();
        for (token, word) in
            [(&certain, "to be sent"), (&refresh, "to be sent"), (&own, "your own"), (&likely, "held")]
        {
            let line = stderr.lines().find(|line| line.contains(&tail(token))).unwrap_or_default();
            assert!(line.contains(word) && line.contains("f:"), "{stderr}");
            assert!(!stderr.contains(token.as_str()) && !stdout.contains(token.as_str()));
        }
        assert!(stderr.contains("2 tokens for ") && stderr.contains("1 ghp_, 1 ghr_"), "{stderr}");
        assert!(stderr.contains("GH_TOKEN") && stderr.contains("cannot be undone"), "{stderr}");
    }
    let ran = fixture.feed(&["revoke", "--dry-run"], &certain);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(!exists(&fixture.ledger()));
    assert_eq!(fixture.github.requests().len(), 0);

    // A dry run on top of a real one: it knows what was done, and changes not a byte.
    fixture.run(&["revoke", "--yes", "f"]);
    let before = std::fs::read(fixture.ledger()).expect("a ledger");
    let (code, report) = fixture.json(&["scan", "--revoke", "--dry-run"]);
    assert_eq!((code, state(&report, &certain)), (3, &"accepted".into()));
    assert_eq!(std::fs::read(fixture.ledger()).expect("a ledger"), before);
}

#[test]
fn more_tokens_than_max_revoke_are_a_refusal_of_the_whole_run() {
    let mut fixture = Fixture::new(6);
    let tokens: Vec<String> = (0..4).map(|_| fixture.mint.token(Kind::Pat)).collect();
    fixture.sandbox.write("f", tokens.join("\n"));
    let (code, report) = fixture.json(&["scan", "--revoke", "--yes", "--max-revoke", "3"]);
    assert_eq!(code, 2);
    // What was found is reported all the same.
    assert_eq!(report["summary"]["findings"], 4);
    assert!(!exists(&fixture.ledger()));
    let ran = fixture.feed(&["revoke", "--yes", "--max-revoke", "3"], &tokens.join(" "));
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("--max-revoke allows 3"), "{}", ran.stderr);
    assert_eq!(fixture.github.requests().len(), 0);
    assert_eq!(fixture.run(&["scan", "--revoke", "--yes", "--max-revoke", "4"]).code, 1);
}

#[test]
fn confidence_decides_what_is_held_back() {
    let mut fixture = Fixture::new(7);
    let (certain, likely) = (fixture.mint.token(Kind::Pat), fixture.mint.stateless());
    fixture.sandbox.write("f", format!("{certain}\n{likely}\n"));
    let (code, report) = fixture.json(&SEND);
    assert_eq!(code, 3);
    assert_eq!((state(&report, &certain), state(&report, &likely)), (&"accepted".into(), &"held".into()));
    // What does not count is neither sent nor held.
    let (code, report) = fixture.json(&["scan", "--revoke", "--yes", "--min-confidence", "certain"]);
    assert_eq!((code, report["summary"]["findings"].as_u64()), (1, Some(1)));
    // Held is not for ever.
    let (code, report) = fixture.json(&["scan", "--revoke", "--yes", "--revoke-confidence", "likely"]);
    assert_eq!((code, state(&report, &likely)), (1, &"accepted".into()));
    let last = fixture.github.requests().pop().expect("a request");
    assert_eq!((last.method.as_str(), last.bearer()), ("DELETE", Some(likely.as_str())));
}

#[test]
fn installation_tokens_revoke_themselves_and_take_no_slot() {
    let mut fixture = Fixture::new(8);
    let tokens: Vec<String> = (0..3).map(|_| fixture.mint.token(Kind::AppInstallation)).collect();
    let pat = fixture.mint.token(Kind::Pat);
    fixture.github.mark_dead(&tokens[2]);
    fixture.sandbox.write("f", format!("{}\n{pat}", tokens.join("\n")));
    let (code, report) = fixture.json(&SEND);
    assert_eq!(code, 1);
    assert_eq!(state(&report, &tokens[0]), "accepted");
    assert_eq!(state(&report, &tokens[2]), "dead");
    let seen = fixture.github.requests();
    let batches: Vec<_> = seen.iter().filter(|seen| seen.method == "POST").collect();
    assert_eq!((batches.len(), batches[0].tokens()), (1, vec![pat]));
    assert_eq!(seen.iter().filter(|seen| seen.method == "DELETE").count(), 3);
    assert_eq!(fixture.status()["requests_last_hour"], 1);
    fixture.assert_forgotten(&tokens);
}

#[test]
fn this_machines_own_credentials_are_not_sent() {
    let mut fixture = Fixture::new(9);
    let [mine, filed, other] = [(); 3].map(|()| fixture.mint.token(Kind::Pat));
    fixture.sandbox.write("f", [&mine, &filed, &other].map(String::as_str).join(" "));
    fixture.sandbox.write("credential", &filed);
    let run = |more: &[&str]| {
        let arguments =
            [&["scan", "--revoke", "--yes", "-f", "json", "--auth-token-file", "credential"], more];
        let mut command = fixture.command(&arguments.concat());
        let output = command.env("GITHUB_TOKEN", &mine).output().expect("it runs");
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        (output.status.code(), report, stderr)
    };
    let (code, report, stderr) = run(&[]);
    assert_eq!(code, Some(3), "{stderr}");
    assert_eq!((state(&report, &mine), state(&report, &filed)), (&"own".into(), &"own".into()));
    assert_eq!(state(&report, &other), "accepted");
    assert!(stderr.contains("--allow-own"), "{stderr}");
    assert_eq!(fixture.github.accepted(), [other]);
    let (code, report, _) = run(&["--allow-own"]);
    assert_eq!((code, state(&report, &mine)), (Some(1), &"accepted".into()));
    // And even then no credential is sent along: github.com would refuse it.
    assert!(fixture.github.requests().iter().all(|seen| seen.header("authorization").is_none()));
}

#[test]
fn revoke_takes_any_text() {
    let mut fixture = Fixture::new(10);
    let [one, two, three] = [Kind::Pat, Kind::OAuth, Kind::Pat].map(|kind| fixture.mint.token(kind));
    let ran = fixture.feed(&["revoke", "--yes"], &format!("x{one}y, {two};\n"));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains("accepted"), "{}", ran.stdout);
    fixture.sandbox.write("list", &three);
    let (code, report) = fixture.json(&["revoke", "--yes", "list"]);
    assert_eq!((code, state(&report, &three)), (0, &"accepted".into()));
    assert_eq!(fixture.github.accepted().len(), 3);
    let ran = fixture.feed(&["revoke", "--yes"], "no tokens at all");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let ran = fixture.run(&["revoke", "--yes", "missing"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    let ran = fixture.run(&["revoke", "--yes", "."]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("scan --revoke"), "{}", ran.stderr);
}

#[test]
fn flags_of_revocation_need_revoke() {
    let mut fixture = Fixture::new(11);
    fixture.sandbox.write("f", fixture.mint.token(Kind::Pat));
    let ran = fixture.run(&["scan", "--yes"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("--yes is for runs with --revoke"), "{}", ran.stderr);
    for bad in [["--timeout", "0"], ["--min-interval", "soon"], ["--revoke-confidence", "lookalike"]] {
        assert_eq!(fixture.run(&[&SEND[..], &bad].concat()).code, 2, "{bad:?}");
    }
    assert_eq!(fixture.github.requests().len(), 0);
}

#[test]
fn dead_tokens_are_not_sent_and_dying_ones_are_confirmed() {
    let mut fixture = Fixture::new(13);
    let [dead, alive] = [(); 2].map(|()| fixture.mint.token(Kind::Pat));
    let refresh = fixture.mint.token(Kind::Refresh);
    fixture.github.mark_dead(&dead);
    fixture.sandbox.write("f", [&dead, &alive, &refresh].map(String::as_str).join(" "));
    let (code, report) = fixture.json(&["scan", "--revoke", "--yes", "--verify", "--confirm"]);
    assert_eq!(code, 1);
    assert_eq!(state(&report, &dead), "dead");
    assert_eq!(state(&report, &alive), "confirmed");
    assert_eq!(state(&report, &refresh), "accepted");
    let mut accepted = fixture.github.accepted();
    accepted.sort();
    let mut sent = vec![alive.clone(), refresh.clone()];
    sent.sort();
    assert_eq!(accepted, sent);
    // A refresh token is shown to nobody: asking would spend it.
    assert!(fixture.github.requests().iter().all(|seen| seen.bearer() != Some(refresh.as_str())));
    assert_eq!((&fixture.status()["confirmed"], &fixture.status()["accepted"]), (&1.into(), &1.into()));
}

/// Nobody can ask a token once it is revoked: the ledger and every report keep what it told.
#[test]
fn what_verify_learned_is_kept_and_in_every_report() {
    let mut fixture = Fixture::new(14);
    let token = fixture.mint.token(Kind::Pat);
    fixture.sandbox.write("f", &token);
    let formats = ["json", "jsonl", "sarif", "csv", "junit", "gitlab", "github", "html"];
    let files: Vec<String> = formats.iter().map(|format| format!("{format}=report.{format}")).collect();
    let mut arguments = vec!["scan", "f", "--revoke", "--yes", "--verify"];
    for file in &files {
        arguments.extend(["-r", file]);
    }
    let ran = fixture.run(&arguments);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    let read =
        |format: &str| std::fs::read_to_string(fixture.sandbox.path().join(format!("report.{format}")));
    let reports = formats.iter().map(|format| (*format, read(format).expect("a report")));
    for (format, text) in reports.chain([("pretty", ran.stdout.clone())]) {
        assert!(text.contains("repo") && text.contains("admin:org"), "{format}: {text}");
        assert!(text.contains("2027-01-31T12:00:00Z"), "{format}: {text}");
        assert!(!text.contains(&token), "{format} holds the token");
    }
    let ledger = fixture.ledger();
    let of_ledger = |arguments: &[&str]| {
        fixture.sandbox.run(&[arguments, &["--ledger", ledger.to_str().expect("text")]].concat())
    };
    let listed = of_ledger(&["queue", "list", "-f", "json"]);
    let listed: Value = serde_json::from_str(&listed.stdout).expect("JSON");
    assert_eq!(listed[0]["scopes"], serde_json::json!(["repo", "admin:org"]));
    assert_eq!(listed[0]["expires_at"], "2027-01-31T12:00:00Z");
    let alive = fixture.trail().into_iter().find(|record| record["event"] == "alive").expect("a record");
    assert_eq!(alive["told"].as_object().map(serde_json::Map::len), Some(1));
    for table in [&["queue", "list", "-f", "csv"][..], &["audit", "-f", "csv"]] {
        let table = of_ledger(table).stdout;
        assert!(table.contains("\"repo, admin:org\",2027-01-31T12:00:00Z"), "{table}");
    }
    // Asked again by a run that found it again, the answer is still there.
    let (_, report) = fixture.json(&["scan", "--revoke", "--yes"]);
    assert_eq!(finding(&report, &token)["revocation"]["scopes"][0], "repo");
}

#[test]
fn suppressed_tokens_are_passed_over_and_counted() {
    let mut fixture = Fixture::new(21);
    let [known, allowed, hidden, open] = [(); 4].map(|()| fixture.mint.token(Kind::Pat));
    fixture.sandbox.write("old/f", &known);
    assert_eq!(fixture.sandbox.run(&["scan", "old", "--write-baseline", "baseline.json"]).code, 1);
    fixture.sandbox.write("new/a", format!("{known}\n{allowed} # stanch:allow\n{open}\n"));
    fixture.sandbox.write("new/docs/b", &hidden);
    fixture.sandbox.write("new/.stanchignore", "docs/\n");
    let arguments = [&SEND[..], &["new", "-b", "baseline.json"]].concat();
    let (code, report) = fixture.json(&arguments);
    assert_eq!(code, 1);
    assert_eq!(state(&report, &open), "accepted");
    assert_eq!(fixture.github.accepted(), [open]);
    for (token, by) in [(&known, "baseline"), (&allowed, "allow-comment"), (&hidden, "ignore-file")] {
        let finding = finding(&report, token);
        assert_eq!((&finding["suppressed"], &finding["revocation"]), (&by.into(), &Value::Null));
    }
    let ran = fixture.run(&arguments);
    assert!(ran.stderr.contains("3 suppressed tokens passed over, not sent"), "{}", ran.stderr);
    let trail = fixture.trail();
    let policy = trail.iter().find(|record| record["event"] == "policy").expect("a decision");
    assert_eq!(policy["counts"]["suppressed"], 3);
    // Nothing but suppressed ones: reported all the same, and no ledger is opened.
    fixture.sandbox.write("new/a", &known);
    let ran = fixture.run(&arguments);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("2 suppressed tokens passed over"), "{}", ran.stderr);
}

#[test]
fn a_rule_of_ones_own_finds_and_never_sends() {
    let mut fixture = Fixture::new(22);
    let token = fixture.mint.token(Kind::Pat);
    fixture.sandbox.write("f", format!("{token}\nkey_0123456789abcdef"));
    let rule = "[[rules]]\nid = 'mine'\nregex = 'key_[0-9a-f]{16}'\nkeywords = ['key_']\n\
        positive = ['key_00112233445566ff']\n";
    fixture.sandbox.write(".stanch.toml", rule);
    let (code, report) = fixture.json(&SEND);
    // All that is revocable was accepted; the other counts as found.
    assert_eq!(code, 1);
    let mine =
        report["findings"].as_array().expect("a list").iter().find(|f| f["rule"] == "mine").expect("found");
    assert_eq!((&mine["revocable"], &mine["revocation"]), (&false.into(), &Value::Null));
    assert_eq!(fixture.github.accepted(), [token]);
}

#[test]
fn git_sends_what_its_history_holds() {
    let mut fixture = Fixture::new(23);
    let token = fixture.mint.token(Kind::Pat);
    let git = |arguments: &[&str]| {
        let mut command = std::process::Command::new("git");
        command.args(["-c", "user.name=n", "-c", "user.email=e@example.com"]).args(arguments);
        let done = command
            .current_dir(fixture.sandbox.path())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .output()
            .expect("git");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    git(&["init", "-q"]);
    for content in [token.as_str(), "gone"] {
        fixture.sandbox.write("f", content);
        git(&["add", "f"]);
        git(&["commit", "-qm", "x"]);
    }
    let (code, report) = fixture.json(&["git", "--revoke", "--yes"]);
    assert_eq!((code, state(&report, &token)), (1, &"accepted".into()));
    assert_eq!(fixture.github.accepted(), [token]);
    let location =
        fixture.database().query_row("SELECT location FROM token", [], |row| row.get::<_, String>(0));
    assert!(location.expect("a row").starts_with("f:1"), "where it was found");
}
