//! That the GitHub of the tests is one: `git` clones from it, what it answers has the form that is described, and it keeps
//! its limits.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::support::github_source::{
    Activity, Alert, Artifact, Description, FoundIn, OwnerKind, Run, SourceGitHub, Trouble,
};
use crate::support::mint::{Kind, Mint};

/// A GitHub with one of everything, and its credential.
fn github() -> (SourceGitHub, String) {
    let mut mint = Mint::new(17_000);
    let credential = mint.token(Kind::Pat);
    let github = SourceGitHub::new(&credential);
    github.organization("acme");
    github.change(|world| world.add_owner("mona", OwnerKind::User));
    let zeros = "0".repeat(40);
    let activity = Activity {
        kind: "branch_deletion",
        reference: "refs/heads/gone".to_owned(),
        before: "1".repeat(40),
        after: zeros.clone(),
        at: "2026-02-03T04:05:06Z".to_owned(),
    };
    let at = "2026-03-04T05:06:07Z".to_owned();
    let run = Run {
        id: 7,
        created_at: at.clone(),
        status: "completed",
        attempts: vec![None, Some(b"PK".to_vec())],
    };
    let artifact =
        Artifact { id: 8, run: 7, name: "dist".to_owned(), created_at: at, zip: Some(b"PK".to_vec()) };
    github.repository("acme/web", |repository| {
        repository.private = true;
        repository.activity.push(activity);
        repository.runs.push(run);
        repository.artifacts.push(artifact);
    });
    github.repository("mona/dots", |_| {});
    let secret = mint.token(Kind::Pat);
    let found = FoundIn::Commit { path: "a".to_owned(), line: 1, commit: zeros };
    github.change(|world| {
        world.add_gist("mona", "abc123");
        world.enterprises.insert("corp".to_owned(), vec!["acme".to_owned()]);
        let repository = "acme/web".to_owned();
        let secret_type = "github_personal_access_token";
        for (number, found) in (1..).zip([found, FoundIn::IssueBody(3)]) {
            let (repository, secret) = (repository.clone(), secret.clone());
            world.alerts.push(Alert { number, repository, secret, secret_type, found, resolution: None });
        }
    });
    (github, credential)
}

/// What is asked for, to see that it is answered as described.
const PATHS: [&str; 21] = [
    "/users/acme",
    "/users/mona",
    "/orgs/acme",
    "/orgs/acme/repos",
    "/users/mona/repos",
    "/users/mona/gists",
    "/repos/acme/web",
    "/repos/acme/nothing",
    "/repos/acme/web/activity",
    "/repos/acme/web/actions/runs",
    "/repos/acme/web/actions/runs/7/logs",
    "/repos/acme/web/actions/runs/7/attempts/2/logs",
    "/repos/acme/web/actions/artifacts",
    "/repos/acme/web/actions/artifacts/8/zip",
    "/repos/acme/web/secret-scanning/alerts",
    "/repos/acme/web/secret-scanning/alerts/1",
    "/repos/acme/web/secret-scanning/alerts/2/locations",
    "/orgs/acme/secret-scanning/alerts",
    "/enterprises/corp/secret-scanning/alerts",
    "/rate_limit",
    "/installation/repositories",
];

/// The status, the headers and the body of one answer.
fn ask(github: &SourceGitHub, request: &str, headers: &[(&str, &str)]) -> (u16, String, String) {
    ask_at(github.url().trim_start_matches("http://"), request, headers)
}

fn ask_at(address: &str, request: &str, headers: &[(&str, &str)]) -> (u16, String, String) {
    let mut stream = TcpStream::connect(address).expect("it listens");
    let headers: Vec<String> = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let headers = headers.concat();
    let head = format!(
        "{request} HTTP/1.1\r\nHost: {address}\r\nUser-Agent: tests\r\nConnection: close\r\n{headers}\r\n"
    );
    stream.write_all(head.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    (status, head.to_owned(), body.to_owned())
}

#[test]
fn it_answers_as_it_is_described() {
    let (github, credential) = github();
    let bearer = format!("Bearer {credential}");
    let description = Description::read();
    let mona = github.change(|world| world.owner("mona").expect("an owner").id);
    for path in PATHS.into_iter().chain([format!("/user/{mona}").as_str()]) {
        let (status, _, body) = ask(&github, &format!("GET {path}"), &[("Authorization", &bearer)]);
        assert_eq!(description.answer_objection(("GET", path), status, &body), None, "{status} {path}");
        assert_eq!(status == 404, path.ends_with("nothing"), "{path}");
    }
    for noted in github.noted() {
        assert_eq!(description.objection(&noted), None);
    }
    github.assert_well_behaved();
}

/// The same against the whole of GitHub's description, by Prism (<https://github.com/stoplightio/prism>).
#[test]
#[ignore = "needs STANCH_PRISM, the program, and STANCH_OPENAPI, the description of api.github.com"]
fn prism_has_nothing_against_its_answers() {
    let [prism, description] = ["STANCH_PRISM", "STANCH_OPENAPI"]
        .map(|name| std::env::var_os(name).unwrap_or_else(|| panic!("{name}")));
    let (github, credential) = github();
    let bearer = format!("Bearer {credential}");
    let port = std::net::TcpListener::bind(("127.0.0.1", 0))
        .and_then(|listener| listener.local_addr())
        .expect("a port");
    let mut proxy = Command::new(prism);
    proxy.arg("proxy").arg(description).args([github.url(), "--errors", "-h", "127.0.0.1", "-p"]);
    let mut proxy = proxy.arg(port.port().to_string()).stdout(Stdio::null()).spawn().expect("prism starts");
    let patience = std::time::Instant::now() + Duration::from_mins(1);
    while TcpStream::connect(port).is_err() {
        assert!(std::time::Instant::now() < patience, "prism does not listen");
        std::thread::sleep(Duration::from_millis(100));
    }
    let mut objections = Vec::new();
    // It follows redirects by itself, and enterprises have a description of their own.
    let is_left_out = |path: &&str| {
        ["/logs", "/zip"].iter().any(|end| path.ends_with(end)) || path.starts_with("/enterprises/")
    };
    for path in PATHS.into_iter().filter(|path| !is_left_out(path)) {
        let direct = ask(&github, &format!("GET {path}"), &[("Authorization", &bearer)]);
        let proxied = ask_at(&port.to_string(), &format!("GET {path}"), &[("Authorization", &bearer)]);
        if direct.0 != proxied.0 || proxied.1.to_ascii_lowercase().contains("sl-violations") {
            objections.push(format!("{path}: {} {}", proxied.0, proxied.2));
        }
    }
    let _ = proxy.kill();
    let _ = proxy.wait();
    assert_eq!(objections, Vec::<String>::new());
}

#[test]
fn the_description_can_object() {
    let (github, credential) = github();
    let bearer = format!("Bearer {credential}");
    let description = Description::read();
    for request in ["GET /orgs/acme/repos?affiliation=owner", "GET /orgs/acme/teams", "PUT /repos/acme/web"] {
        ask(&github, request, &[("Authorization", &bearer)]);
    }
    assert!(github.noted().iter().all(|noted| description.objection(noted).is_some()));
    let which = ("GET", "/repos/acme/web");
    assert!(description.answer_objection(which, 200, r#"{"id": 1}"#).is_some());
    assert!(description.answer_objection(which, 418, "{}").is_some());
}

#[test]
fn it_keeps_its_limits() {
    let (github, credential) = github();
    let bearer = format!("Bearer {credential}");
    let get = |headers: &[(&str, &str)]| {
        ask(&github, "GET /orgs/acme/repos", &[&[("Authorization", bearer.as_str())], headers].concat())
    };
    github.limit("core", 2, Duration::from_mins(1), 5000);
    let (status, head, _) = get(&[]);
    assert!(status == 200 && head.contains("X-RateLimit-Remaining: 1\r\n"), "{head}");
    let tag = head.lines().find_map(|line| line.strip_prefix("ETag: ")).expect("a tag").to_owned();
    let (status, head, _) = get(&[("If-None-Match", &tag)]);
    assert!(status == 304 && head.contains("X-RateLimit-Remaining: 1\r\n"), "{status} {head}");
    assert_eq!(get(&[]).0, 200);
    github.assert_well_behaved();
    let (status, head, _) = get(&[]);
    assert!(status == 403 && head.contains("X-RateLimit-Remaining: 0\r\n"), "{head}");
    let anyone = ask(&github, "GET /orgs/acme/repos", &[]);
    assert_eq!(anyone.0, 401);
    assert!(std::panic::catch_unwind(|| github.assert_well_behaved()).is_err(), "nothing was noted");
}

#[test]
fn it_is_cloned_from() {
    let (github, credential) = github();
    let bare = github.bare("acme/web");
    let first = bare.commit("refs/heads/main", "a", "one");
    let second = bare.commit("refs/heads/main", "a", "two");
    bare.set_ref("refs/heads/main", &first);
    bare.tag("v1", "a tag", &first);
    let directory = tempfile::TempDir::new().expect("a directory");
    let url = format!("{}/acme/web.git", github.url());
    let git = |arguments: &[&str], password: Option<&str>| {
        let mut command = Command::new("git");
        command.args(arguments).current_dir(&directory).env("GIT_TERMINAL_PROMPT", "0");
        if let Some(password) = password {
            let header =
                format!("Authorization: Basic {}", STANDARD.encode(format!("x-access-token:{password}")));
            command.env("GIT_CONFIG_COUNT", "1").env("GIT_CONFIG_KEY_0", "http.extraHeader");
            command.env("GIT_CONFIG_VALUE_0", header);
        }
        command.output().expect("git runs").status.success()
    };
    let clone = ["clone", "-q", "--mirror", &url, "clone"];
    assert!(!git(&clone, None) && !git(&clone, Some("wrong")));
    for trouble in [Trouble::Garbage, Trouble::Torn, Trouble::Blocked] {
        github.trouble("/acme/web.git/git-upload-pack", 1, 1, trouble);
        assert!(!git(&clone, Some(&credential)));
        github.recover();
    }
    assert!(git(&clone, Some(&credential)));
    // What no ref leads to is given to who knows its id; what is not there is not.
    let fetch = |id: &str| git(&["-C", "clone", "fetch", "-q", &url, id], Some(&credential));
    assert!(fetch(&second) && !fetch(&"1".repeat(40)));
}
