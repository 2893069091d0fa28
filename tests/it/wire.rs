//! Every answer that GitHub, a proxy or nobody can give: what it means, what it does to the tokens and to the quota, and
//! that it is told. One table, which the binary meets row by row, and the other requests as well.

mod table;

use rusqlite::Connection;
use stanch::provider::github::GitHub;
use stanch::provider::github::host::{Host, HostChoice};
use stanch::provider::github::kill_switch::{Call, KillSwitch, Name, Scope};
use stanch::provider::{self, Liveness, Outcome, Revoker as _};
use tempfile::TempDir;

use crate::support::cmd::Sandbox;
use crate::support::mint::{Kind, Mint};
use crate::support::raw::{Answer, RawServer};
use table::{
    Effect, JSON, Row, all, client_errors, informational, no_http, redirects, server_errors, successes, whole,
};

/// The beginning of an answer, for the message of a test that failed.
fn shown((name, answer, ..): &Row) -> String {
    let (Answer::Bytes(bytes) | Answer::Endless(bytes, _) | Answer::Reset(bytes)) = answer;
    format!("{name}: {:?}", String::from_utf8_lossy(&bytes[..bytes.len().min(80)]))
}

/// Runs the binary against an answer, and the next one good.
fn meet(row: &Row, seed: u64) {
    let (sandbox, home, token) =
        (Sandbox::new(), TempDir::new().expect("a directory"), Mint::new(seed).token(Kind::Pat));
    sandbox.write("f", &token);
    let server = RawServer::start(row.1.clone(), whole(202, JSON, "null"));
    let ledger = home.path().join("l/ledger.db");
    let url = server.api_url();
    let arguments = [
        "scan",
        "--revoke",
        "--yes",
        "--min-interval",
        "0",
        "--timeout",
        "20",
        "-f",
        "json",
        "--api-url",
        &url,
    ];
    let output = sandbox.command(&arguments).arg("--ledger").arg(&ledger).output().expect("it runs");
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let case = format!("{}\n{stderr}", shown(row));
    let report: serde_json::Value =
        serde_json::from_str(&stdout).unwrap_or_else(|_| panic!("no report: {case}"));
    let state = report["findings"][0]["revocation"]["state"].as_str().unwrap_or_default().to_owned();
    let (code, state_wanted, requests) = match row.3 {
        Effect::Accepted => (1, "accepted", 1),
        Effect::TriedAgain => (1, "accepted", 2),
        Effect::Kept => (3, "queued", 1),
        Effect::Refused => (3, "refused", 1),
    };
    assert_eq!((output.status.code(), state.as_str()), (Some(code), state_wanted), "{case}");
    assert_eq!(server.connections(), requests, "{case}");
    assert!(!stdout.contains(&token) && !stderr.contains(&token), "a token was printed: {}", row.0);
    let db = Connection::open(&ledger).expect("a database");
    let number = |sql: &str| db.query_row(sql, [], |row| row.get::<_, usize>(0)).expect("a number");
    assert_eq!(
        number("SELECT count(*) FROM batch WHERE charged"),
        requests,
        "each request keeps its slot: {case}"
    );
    let mut lines = db.prepare("SELECT line FROM audit ORDER BY seq").expect("a trail");
    let lines: Vec<String> = lines.query_map([], |row| row.get(0)).expect("rows").flatten().collect();
    assert!(lines.iter().all(|line| !line.contains(&token)), "a token is in the trail: {}", row.0);
    let records = lines.iter().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
    let answer = records.into_iter().find(|record| record["event"] == "answer").expect("an answer");
    assert_eq!(answer["verdict"], row.2, "{case}");
    assert!(
        answer["message"].as_str().is_some_and(|message| !message.is_empty()),
        "nothing is said: {answer}"
    );
    if code == 3 {
        let said = answer["message"].as_str().unwrap_or_default();
        let told = row.2 == "invalid" || stderr.contains(&said[..said.len().min(20)]);
        assert!(told, "the user is not told {said:?}: {case}");
    }
}

/// Four rows at a time: most of their time they wait for each other's disk.
fn meet_all(rows: &[Row], seed: u64) {
    let rows: Vec<(usize, &Row)> = rows.iter().enumerate().collect();
    std::thread::scope(|scope| {
        for part in 0..4 {
            let rows = &rows;
            scope.spawn(move || {
                for (n, row) in rows.iter().skip(part).step_by(4) {
                    meet(row, seed + *n as u64);
                }
            });
        }
    });
}

#[test]
fn every_informational_answer_and_success_has_its_meaning() {
    meet_all(&[informational(), successes()].concat(), 9000);
}

#[test]
fn every_redirect_has_its_meaning() {
    // All statuses, and all addresses once: the statuses are alike.
    let rows: Vec<Row> = redirects()
        .into_iter()
        .enumerate()
        .filter(|(n, _)| n % 6 == 0 || *n < 6)
        .map(|(_, row)| row)
        .collect();
    meet_all(&rows, 9100);
}

#[test]
fn every_client_error_has_its_meaning() {
    meet_all(&client_errors(), 9200);
}

#[test]
fn every_server_error_has_its_meaning() {
    meet_all(&server_errors(), 9300);
}

#[test]
fn what_is_no_http_has_its_meaning() {
    meet_all(&no_http(), 9400);
}

/// The same answers to the other requests: nothing is proved by what is not GitHub's word, and nobody's message is empty.
#[test]
fn no_answer_proves_what_it_does_not_say() {
    let mut mint = Mint::new(9500);
    let (pat, ghs) = (mint.token(Kind::Pat), mint.token(Kind::AppInstallation));
    for row in all() {
        let connection = |server: &RawServer, credential| {
            let choice = HostChoice { api_url: Some(server.api_url()), ..HostChoice::default() };
            let host = Host::choose(&choice).expect("an address");
            provider::Connection { credential, ..provider::Connection::new(host) }
        };
        let server = RawServer::start(row.1.clone(), row.1.clone());
        let client = GitHub::new(connection(&server, None)).expect("a client");
        let case = shown(&row);
        let liveness = client.liveness(&Kind::Pat.secret(&pat));
        match row.0 {
            "another success" if case.contains(" 200 ") => {
                assert!(matches!(liveness, Liveness::Alive(_)), "{case}");
            }
            "401 of GitHub" => assert_eq!(liveness, Liveness::Dead, "{case}"),
            _ => assert_eq!(liveness, Liveness::Unknown, "{case}"),
        }
        let ended = client.revoke_self(&Kind::AppInstallation.secret(&ghs));
        let taken = ["204", "401 of GitHub"].contains(&row.0);
        assert_eq!(ended.outcome == Outcome::Accepted, taken, "{case}");
        assert!(!ended.message.is_empty() && !ended.message.contains(&ghs), "{case}");
        let switch = KillSwitch::new(connection(&server, Some(Kind::Pat.secret(&pat)))).expect("a switch");
        let scope = Scope::Org(Name::new("an organization", "acme").expect("a name"));
        let call = switch.call(&Call::new(scope, None, None, false).expect("a call"));
        assert_eq!(call.accepted(), row.3 == Effect::Accepted, "{case}");
        assert!(!call.message.is_empty() || call.accepted(), "nothing is said: {case}");
        assert!(!call.message.contains(&pat), "{}", row.0);
    }
}

/// What surely never left gives its slot back: a server that speaks no TLS saw no request.
#[test]
fn a_handshake_that_fails_sends_nothing() {
    for answer in
        [Answer::of("HTTP/1.1 202 X\r\n\r\n"), Answer::of(b"\x15\x03\x03\x00\x02\x02\x28"), Answer::of("")]
    {
        let server = RawServer::start(answer.clone(), answer.clone());
        let url = server.api_url().replace("http://", "https://");
        let choice = HostChoice { api_url: Some(url), ..HostChoice::default() };
        let host = Host::choose(&choice).expect("an address");
        let client = GitHub::new(provider::Connection::new(host)).expect("a client");
        let tokens = [Kind::Pat.secret(&Mint::new(9600).token(Kind::Pat))];
        let batch = stanch::revocation::Batch::new(&tokens).expect("a batch");
        let response = client.revoke(&batch);
        assert!(!response.outcome.left() && !response.message.is_empty(), "{answer:?}: {response:?}");
    }
}
