use serde_json::{Value, json};

use super::*;
use crate::blob::Fault;
use crate::finding::Finding;
use crate::source::github::archive::Spool;
use crate::source::github::logs::tests::zip;
use crate::source::github::testing::{Answer, Server, found, octo, places, token};

fn artifact(id: u64, name: &str) -> Value {
    json!({"id": id, "name": name, "expired": false, "created_at": "2026-03-01T00:00:00Z", "digest": "sha256:00"})
}

fn read(
    artifacts: Vec<Value>,
    since: Option<Timestamp>,
    most_on_disk: u64,
) -> (SurfaceRead, Vec<Finding>, Vec<Fault>) {
    let server = Server::new(move |asked| match asked.path() {
        "/repos/octo/hello/actions/artifacts" => {
            let page: usize = asked.query("page").and_then(|page| page.parse().ok()).expect("a page");
            let given: Vec<&Value> = artifacts.iter().skip((page - 1) * 100).take(100).collect();
            Answer::json(200, &json!({"total_count": artifacts.len(), "artifacts": given}))
        }
        "/kept/gone" => Answer::bytes(410, Vec::new()),
        path if path.starts_with("/kept/") => {
            let id: u32 = path["/kept/".len()..].parse().expect("an id");
            // The first ones are too large for memory.
            let filler = "0123456789abcdef".repeat(if id < 12 { 40_000 } else { 1 });
            Answer::bytes(200, zip(&[("filler", &filler), ("app/.env", &token(id / 10))]))
        }
        path => {
            let id = path.split('/').nth(6).expect("an id");
            let location = format!("http://{}/kept/{id}", asked.host());
            Answer::bytes(302, Vec::new()).with("location", location)
        }
    });
    let (api, repository) = (server.api(), octo());
    let spool = Spool::new(std::env::temp_dir(), most_on_disk);
    let actions = Actions { api: &api, repository: &repository, since, spool, downloads: 2 };
    let mut surface = SurfaceRead::default();
    let (findings, faults) = found(|sink| surface = actions.read_artifacts(sink).surface);
    (surface, findings, faults)
}

#[test]
fn a_name_is_one_part_of_a_path() {
    assert_eq!(clean("coverage report"), "coverage report");
    assert_eq!(clean("../../a!b\\c\u{202e}\n"), ".._.._a_b_c_u{202e}_n");
    assert_eq!(clean(&"é".repeat(500)).chars().count(), LONGEST_NAME);
}

#[test]
fn two_with_the_same_content_are_both_named() {
    let (surface, findings, faults) = read(vec![artifact(10, "build"), artifact(11, "build")], None, 1 << 30);
    assert_eq!(
        places(&findings),
        [
            "octo/hello/actions/artifacts/10/build.zip!app/.env:1:1",
            "octo/hello/actions/artifacts/11/build.zip!app/.env:1:1",
        ]
    );
    assert_eq!(findings.len(), 1);
    assert_eq!((surface.count.read, surface.count.expired, surface.count.failed), (2, 0, 0));
    assert!(faults.is_empty(), "{faults:?}");
}

#[test]
fn expired_and_older_ones_are_not_asked_for() {
    let mut expired = artifact(20, "x");
    expired["expired"] = json!(true);
    let mut older = artifact(30, "y");
    older["created_at"] = json!("2025-01-01T00:00:00Z");
    let mut timeless = artifact(40, "z");
    timeless["created_at"] = Value::Null;
    let since = Some("2026-01-01T00:00:00Z".parse().expect("a time"));
    let (surface, findings, _) = read(vec![expired, older, timeless], since, 1 << 30);
    assert_eq!((surface.count.read, surface.count.expired), (1, 1));
    assert_eq!(places(&findings), ["octo/hello/actions/artifacts/40/z.zip!app/.env:1:1"]);
}

#[test]
fn one_that_has_no_room_on_disk_is_read_as_it_arrives() {
    let (surface, findings, faults) = read(vec![artifact(10, "build")], None, 0);
    assert_eq!(places(&findings), ["octo/hello/actions/artifacts/10/build.zip!app/.env:1:1"]);
    assert_eq!((surface.count.read, faults), (1, Vec::new()));
}

#[test]
fn a_name_may_be_a_token() {
    let (_, findings, _) = read(vec![artifact(10, &token(7))], None, 1 << 30);
    let named = findings.iter().flat_map(|finding| &finding.locations);
    assert!(named.clone().any(|at| at.kind == LocationKind::FileName));
    assert!(named.clone().all(|at| !at.path.contains(&token(7))));
}

#[test]
fn all_pages_are_read() {
    let artifacts: Vec<Value> = (1..=230).map(|n| artifact(n * 10, "x")).collect();
    let (surface, findings, _) = read(artifacts, None, 1 << 30);
    assert_eq!((surface.count.read, findings.len()), (230, 230));
}

#[test]
fn one_that_cannot_be_read_does_not_hide_the_others() {
    let mut torn = artifact(20, "x");
    torn["name"] = json!(["x"]);
    let (surface, findings, faults) = read(vec![torn, artifact(30, "y")], None, 1 << 30);
    assert_eq!(places(&findings), ["octo/hello/actions/artifacts/30/y.zip!app/.env:1:1"]);
    assert_eq!((surface.count.read, surface.count.failed), (1, 1));
    assert_eq!(faults.len(), 1);
    assert!(faults[0].reason.starts_with("id 20: it is listed in no form"), "{faults:?}");
}
