//! What a run announces is what leaves: the queue counts, and what was suppressed or is one's own by now stays.

use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::support::cmd::Ran;
use crate::support::fixture::{Fixture, finding, state};
use crate::support::github::{Flavour, Misbehaviour, Script};
use crate::support::mint::{Kind, Mint};
use crate::terminal::Session;

const SEND: [&str; 3] = ["scan", "--revoke", "--yes"];

/// Queues tokens at a server that asks for a moment of patience, so that they wait.
fn leave_waiting(fixture: &Fixture, tokens: &[String], env: &[(&str, &str)]) {
    fixture.github.misbehave(Misbehaviour::SecondaryLimit { retry_after: Some(1) });
    fixture.sandbox.write("queue/f", tokens.join("\n"));
    let ran = run(fixture, &["revoke", "--yes", "queue/f"], env);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    thread::sleep(Duration::from_millis(1300));
}

fn run(fixture: &Fixture, arguments: &[&str], env: &[(&str, &str)]) -> Ran {
    let mut command = fixture.command(arguments);
    Ran::from(command.envs(env.iter().copied()).output().expect("it runs"))
}

fn pats(fixture: &mut Fixture, count: usize) -> Vec<String> {
    (0..count).map(|_| fixture.mint.token(Kind::Pat)).collect()
}

fn sha256(token: &str) -> String {
    stanch::token::Fingerprint::of(token.as_bytes()).hex()
}

/// The states of all tokens in the ledger, sorted.
fn states(fixture: &Fixture) -> Vec<String> {
    let database = fixture.database();
    let mut find = database.prepare("SELECT state FROM token ORDER BY state").expect("a query");
    let rows = find.query_map([], |row| row.get(0)).expect("rows");
    rows.map(|row| row.expect("a row")).collect()
}

#[test]
fn what_waits_is_announced_capped_and_summed_up() {
    let mut fixture = Fixture::new(701);
    let tokens = pats(&mut fixture, 877);
    leave_waiting(&fixture, &tokens[1..], &[]);
    fixture.sandbox.write("new/f", &tokens[0]);
    let asked = fixture.github.requests().len();
    let all = "877 tokens for ";
    let ran = fixture.run(&["scan", "--revoke", "--dry-run", "new"]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains(all) && ran.stderr.contains("1 found now, 876 queued by earlier runs"));
    let (code, shown) = Session::start(&mut fixture.command(&["scan", "--revoke", "new"])).answer("n\n");
    assert_eq!(code, Some(3), "{shown}");
    let above: Vec<&str> = shown.lines().take_while(|line| !line.contains("[y/N]")).collect();
    assert!(above.len() == 2 && above[0].contains(all) && above[1].contains("cannot be undone"), "{shown}");
    let ran = fixture.run(&[&SEND[..], &["new", "--max-revoke", "876"]].concat());
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains("877 tokens would be sent (876 of them queued"), "{}", ran.stderr);
    assert_eq!(fixture.github.requests().len(), asked);
    let ran = fixture.run(&[&SEND[..], &["new", "--max-revoke", "877"]].concat());
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(
        ran.stderr.contains("accepted 877 tokens in 1 request: 1 found now, 876 queued by earlier runs"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_run_that_finds_nothing_says_what_waits() {
    let mut fixture = Fixture::new(702);
    let tokens = pats(&mut fixture, 2);
    leave_waiting(&fixture, &tokens, &[]);
    fixture.sandbox.write("clean/f", "nothing");
    let asked = fixture.github.requests().len();
    let ran = fixture.run(&[&SEND[..], &["clean"]].concat());
    assert_eq!((ran.code, fixture.github.requests().len()), (3, asked), "{}", ran.stderr);
    assert!(ran.stderr.contains("2 tokens wait for ") && ran.stderr.contains("stanch resume --api-url"));
}

#[test]
fn more_than_a_thousand_tokens_want_their_number_typed() {
    let mut fixture = Fixture::new(703);
    let tokens = pats(&mut fixture, 1001);
    fixture.sandbox.write("f", tokens.join("\n"));
    for (answer, code) in [("y\n", 3), ("1000\n", 3), ("1001\n", 0)] {
        let (ended, shown) = Session::start(&mut fixture.command(&["revoke", "f"])).answer(answer);
        assert_eq!(ended, Some(code), "{answer}: {shown}");
    }
    assert_eq!(fixture.github.accepted().len(), 1001);
}

#[test]
fn what_the_user_suppressed_since_does_not_leave() {
    for (n, list) in ["sha256 = ['HASH']", "regexes = ['END$']", "paths = ['^queue/']"].iter().enumerate() {
        let mut fixture = Fixture::new(704 + n as u64);
        let tokens = pats(&mut fixture, 2);
        leave_waiting(&fixture, &tokens, &[]);
        let list = list.replace("HASH", &sha256(&tokens[0])[..20]).replace("END", &tokens[0][30..]);
        fixture.sandbox.write("user.toml", format!("[[allowlists]]\n{list}\n"));
        let ran = fixture.run(&["resume", "--config", "user.toml"]);
        assert!(!fixture.github.accepted().contains(&tokens[0]), "{list}");
        let withdrawn = if n == 2 { 2 } else { 1 };
        let (message, code) = (format!("{withdrawn} suppressed token"), 0);
        assert!(
            ran.stderr.contains(&message) && ran.stderr.contains("passed over, not sent"),
            "{}",
            ran.stderr
        );
        assert_eq!(ran.code, code, "{}", ran.stderr);
        assert_eq!(states(&fixture).iter().filter(|state| *state == "withdrawn").count(), withdrawn);
        fixture.assert_forgotten(&tokens);
        fixture.trail();
    }
}

#[test]
fn what_a_scanned_tree_or_a_baseline_names_is_withdrawn_and_can_come_back() {
    let mut fixture = Fixture::new(710);
    let tokens = pats(&mut fixture, 4);
    leave_waiting(&fixture, &tokens[..3], &[]);
    // The first is found and suppressed, the second is named only, the third is in a baseline.
    fixture.sandbox.write("tree/f", format!("{}\n{}\n", tokens[0], tokens[3]));
    let ignored = format!("sha256:{}\nsha256:{}\n", sha256(&tokens[0]), &sha256(&tokens[1])[..16]);
    fixture.sandbox.write("tree/.stanchignore", ignored);
    fixture
        .sandbox
        .write("baseline.json", format!("{{\"baseline\": [{{\"sha256\": \"{}\"}}]}}", sha256(&tokens[2])));
    let (code, report) = fixture.json(&[&SEND[..], &["tree", "-b", "baseline.json"]].concat());
    assert_eq!(code, 1);
    assert_eq!(fixture.github.accepted(), [tokens[3].clone()]);
    assert_eq!(states(&fixture), ["accepted", "withdrawn", "withdrawn", "withdrawn"]);
    let suppressed = finding(&report, &tokens[0]);
    assert_eq!(
        (&suppressed["suppressed"], state(&report, &tokens[0])),
        (&"ignore-file".into(), &"withdrawn".into())
    );
    // Found where nothing suppresses them, they are queued again.
    let ran = fixture.run(&["revoke", "--yes", "queue/f"]);
    assert_eq!((ran.code, fixture.github.accepted().len()), (0, 4), "{}", ran.stderr);
}

#[test]
fn a_finding_decides_for_itself() {
    let mut fixture = Fixture::new(711);
    let tokens = pats(&mut fixture, 1);
    leave_waiting(&fixture, &tokens, &[]);
    // One root names it, and it stands in the other.
    fixture.sandbox.write("one/.stanchignore", format!("sha256:{}\n", sha256(&tokens[0])));
    fixture.sandbox.write("two/f", &tokens[0]);
    let ran = fixture.run(&[&SEND[..], &["one", "two"]].concat());
    assert_eq!((ran.code, fixture.github.accepted().len()), (1, 1), "{}", ran.stderr);
    // Where something suppresses it in one place, the place that is kept is another.
    let token = fixture.mint.token(Kind::Pat);
    fixture.sandbox.write("both/docs/a", &token);
    fixture.sandbox.write("both/src/b", &token);
    fixture.sandbox.write("user.toml", "[[allowlists]]\npaths = ['docs/']\n");
    fixture.github.misbehave(Misbehaviour::SecondaryLimit { retry_after: Some(1) });
    assert_eq!(fixture.run(&[&SEND[..], &["both", "--config", "user.toml"]].concat()).code, 3);
    thread::sleep(Duration::from_millis(1300));
    let ran = fixture.run(&["resume", "--config", "user.toml"]);
    assert_eq!((ran.code, fixture.github.accepted().len()), (0, 2), "{}", ran.stderr);
}

#[test]
fn ones_own_token_leaves_the_queue_only_where_both_decisions_allow_it() {
    let mut fixture = Fixture::new(712);
    let tokens = pats(&mut fixture, 2);
    let own = [("GH_TOKEN", tokens[0].as_str())];
    leave_waiting(&fixture, &tokens, &[]);
    let ran = run(&fixture, &["revoke", "--dry-run", "queue/f"], &own);
    let line = ran.stderr.lines().find(|line| line.contains(&tokens[0][34..])).unwrap_or_default();
    assert!(line.contains("your own"), "{}", ran.stderr);
    let ran = run(&fixture, &["resume", "--allow-own"], &own);
    assert_eq!((ran.code, fixture.github.accepted()), (3, vec![tokens[1].clone()]), "{}", ran.stderr);
    assert!(ran.stderr.contains("1 token not sent: this machine's own"), "{}", ran.stderr);
    assert_eq!(states(&fixture), ["accepted", "own"]);
    // Queued with the permission, and sent with it.
    fixture.github.misbehave(Misbehaviour::SecondaryLimit { retry_after: Some(1) });
    assert_eq!(run(&fixture, &["revoke", "--yes", "--allow-own", "queue/f"], &own).code, 3);
    thread::sleep(Duration::from_millis(1300));
    let ran = run(&fixture, &["resume", "--allow-own"], &own);
    assert_eq!((ran.code, fixture.github.accepted().len()), (0, 2), "{}", ran.stderr);
}

#[test]
fn a_dry_run_tells_of_ones_own_token_in_the_queue() {
    let mut fixture = Fixture::new(713);
    let tokens = pats(&mut fixture, 3);
    leave_waiting(&fixture, &tokens[1..], &[]);
    fixture.sandbox.write("new/f", &tokens[0]);
    let own = [("GH_TOKEN", tokens[1].as_str())];
    let ran = run(&fixture, &["scan", "--revoke", "--dry-run", "new"], &own);
    assert!(ran.stderr.contains("2 tokens for "), "{}", ran.stderr);
    let told = "1 credential waiting since earlier runs would not be sent: this machine's own";
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
}

#[test]
fn what_earlier_runs_have_done_is_told() {
    let mut fixture = Fixture::new(714);
    let tokens = pats(&mut fixture, 2);
    fixture.sandbox.write("f", tokens.join("\n"));
    let told = "2 tokens done by earlier runs: not sent again";
    for again in [false, true] {
        let ran = fixture.run(&["revoke", "--yes", "f"]);
        assert_eq!((ran.code, ran.stderr.contains(told)), (0, again), "{}", ran.stderr);
    }
    assert_eq!(fixture.github.accepted().len(), 2);
    let ran = fixture.run(&["revoke", "--yes", "--confirm", "f"]);
    assert!(
        ran.stderr.contains("2 tokens: accepted by earlier runs, and whether they are dead was not asked")
    );
}

#[test]
fn the_credential_that_signs_the_request_is_not_in_it() {
    let (mine, other) = (Mint::new(713).token(Kind::Pat), Mint::new(714).token(Kind::Pat));
    let script = Script { credential: mine.clone(), ..Script::of(Flavour::Server(Some("3.20"))) };
    let fixture = Fixture::against(715, script);
    leave_waiting(&fixture, std::slice::from_ref(&mine), &[("GH_ENTERPRISE_TOKEN", &other)]);
    let ran = run(&fixture, &["resume"], &[("GH_ENTERPRISE_TOKEN", &mine)]);
    assert_eq!((ran.code, states(&fixture)), (3, vec!["own".to_owned()]), "{}", ran.stderr);
    assert_eq!(fixture.github.accepted().len(), 0);
}

#[test]
fn what_a_dead_run_had_in_flight_is_withdrawn_too() {
    let mut fixture = Fixture::new(716);
    let token = fixture.mint.token(Kind::Pat);
    fixture.sandbox.write("f", &token);
    fixture.github.misbehave(Misbehaviour::Hang);
    let mut command = fixture.command(&["revoke", "--yes", "f"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    while fixture.github.requests().is_empty() {
        thread::sleep(Duration::from_millis(20));
    }
    child.kill().expect("killed");
    child.wait().expect("it ends");
    fixture.sandbox.write("user.toml", format!("[[allowlists]]\nsha256 = ['{}']\n", sha256(&token)));
    let ran = fixture.run(&["resume", "--config", "user.toml"]);
    assert_eq!((ran.code, fixture.github.requests().len()), (0, 1), "{}", ran.stderr);
    assert_eq!(states(&fixture), ["withdrawn"]);
    fixture.trail();
}

/// The program with this fixture's ledger, and no host named.
fn unnamed(fixture: &Fixture, arguments: &[&str]) -> Command {
    let mut command = fixture.sandbox.command(arguments);
    command.arg("--ledger").arg(fixture.ledger());
    command
}

#[test]
fn resume_goes_to_every_host_and_says_where_else_something_waits() {
    let mut fixture = Fixture::new(717);
    let mut other = Fixture::new(718);
    let (here, there) = (pats(&mut fixture, 2), pats(&mut other, 3));
    leave_waiting(&fixture, &here, &[]);
    other.github.misbehave(Misbehaviour::SecondaryLimit { retry_after: Some(1) });
    fixture.sandbox.write("there", there.join("\n"));
    let at_other = ["revoke", "--yes", "there", "--api-url", &other.github.api_url()];
    assert_eq!(unnamed(&fixture, &at_other).output().expect("it runs").status.code(), Some(3));
    thread::sleep(Duration::from_millis(1300));
    // Named: only that one, and what waits elsewhere is exit 3, with the whole command.
    let ran = fixture.run(&["resume"]);
    assert_eq!((ran.code, fixture.github.accepted().len()), (3, 2), "{}", ran.stderr);
    let way = format!("`stanch resume --api-url {} --ledger ", other.github.api_url());
    assert!(ran.stderr.contains("3 tokens wait for ") && ran.stderr.contains(&way), "{}", ran.stderr);
    let ran = fixture.run(&["resume"]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert_eq!(other.github.accepted().len(), 0);
    // Not named: all of them.
    let more = pats(&mut fixture, 1);
    leave_waiting(&fixture, &more, &[]);
    let ran = Ran::from(unnamed(&fixture, &["resume", "--min-interval", "0"]).output().expect("it runs"));
    assert_eq!((ran.code, other.github.accepted().len()), (0, 3), "{}", ran.stderr);
    assert_eq!(states(&fixture), ["accepted"; 6]);
}

#[test]
fn each_run_is_in_the_trail_and_reports_carry_its_head() {
    let mut fixture = Fixture::new(719);
    let tokens = pats(&mut fixture, 2);
    fixture.sandbox.write("tree/f", tokens.join("\n"));
    let reports =
        ["json", "sarif", "junit", "gitlab", "html"].map(|format| format!("{format}=report.{format}"));
    let named = reports.iter().flat_map(|report| ["-r", report.as_str()]);
    let ran = fixture.run(&SEND.into_iter().chain(["tree"]).chain(named).collect::<Vec<_>>());
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    let ledger = fixture.ledger();
    let audit = ["audit", "--verify", "--ledger", ledger.to_str().expect("a path of text")];
    let head = fixture.sandbox.run(&audit).stdout;
    let head = head.split_whitespace().find(|word| word.contains(':') && word.len() > 64).expect("a head");
    assert!(ran.stderr.contains(head), "{head}: {}", ran.stderr);
    for report in ["json", "sarif", "junit", "gitlab", "html"] {
        let path = fixture.sandbox.path().join(format!("report.{report}"));
        let text = std::fs::read_to_string(path).expect("a report");
        assert!(text.contains(head), "{report}: {head}");
    }
    let trail = fixture.trail();
    let (first, last) = (&trail[0], &trail[trail.len() - 1]);
    assert_eq!((&first["event"], &first["roots"]), (&"run-start".into(), &serde_json::json!(["tree"])));
    assert_eq!(
        (&last["event"], &last["ended"], &last["exit"]),
        (&"run-end".into(), &"done".into(), &1.into())
    );
    assert_eq!(first["run"], last["run"]);
    // The decision under which the tokens were queued names the same run.
    assert!(
        trail.iter().any(|record| record["event"] == "enqueue" && record["decision"]["run"] == first["run"])
    );
    // Nothing is written down where nothing is done.
    fixture.run(&[&SEND[..], &["tree"]].concat());
    assert_eq!(fixture.trail().len(), trail.len());
    // What is left queued, and taken up by another run, is the doing of two.
    fixture.sandbox.write("tree/g", fixture.mint.token(Kind::Pat));
    fixture.github.misbehave(Misbehaviour::SecondaryLimit { retry_after: Some(1) });
    assert_eq!(fixture.run(&[&SEND[..], &["tree"]].concat()).code, 3);
    thread::sleep(Duration::from_millis(1300));
    let ran = fixture.run(&["resume"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let starts = fixture.trail().iter().filter(|record| record["event"] == "run-start").count();
    assert_eq!(starts, 3);
}

#[test]
fn what_is_held_is_written_down_once() {
    let mut fixture = Fixture::new(720);
    let tokens = pats(&mut fixture, 1);
    fixture.sandbox.write("own", &tokens[0]);
    let own = [("GH_TOKEN", tokens[0].as_str())];
    let ran = run(&fixture, &["revoke", "--yes", "own"], &own);
    assert_eq!((ran.code, states(&fixture)), (3, vec!["own".to_owned()]), "{}", ran.stderr);
    let trail = fixture.trail().len();
    let ran = run(&fixture, &["revoke", "--yes", "own"], &own);
    assert_eq!((ran.code, fixture.trail().len()), (3, trail), "{}", ran.stderr);
}
