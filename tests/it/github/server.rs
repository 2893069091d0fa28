//! The same at an Enterprise Server, whose API is below `/api/v3`.

use super::{Sweep, finding, row, state};
use crate::support::cmd::Ran;
use crate::support::github_source::{OwnerKind, SourceGitHub};
use crate::support::mint::{Kind, Mint};

/// A sweep of a server. Its credential has a variable of its own.
fn run(sweep: &Sweep, arguments: &[&str]) -> (i32, serde_json::Value) {
    let mut command = sweep.command(&[arguments, &["--host", "ghes.example", "-f", "json"]].concat());
    command.env_remove("GH_TOKEN").env("GH_ENTERPRISE_TOKEN", &sweep.credential);
    let ran = sweep.checked(Ran::from(command.output().expect("the program starts")));
    (ran.code, serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("no JSON: {}", ran.stderr)))
}

fn server(seed: u64) -> Sweep {
    let sweep = Sweep::new(seed);
    let github = SourceGitHub::server(&sweep.credential);
    github.organization("acme");
    Sweep { github, mint: Mint::new(seed + 1), ..sweep }
}

#[test]
fn every_surface_of_a_server_is_looked_at() {
    let mut sweep = server(18_300);
    let planted = sweep.plant();
    let all = "repos,pulls,deleted,wikis,gists,actions-logs,artifacts,alerts";
    let (code, report) = run(&sweep, &["acme", "mona", "--include", all]);
    assert_eq!((code, state(&report, "acme/web")), (1, "scanned"), "{:#}", row(&report, "acme/web"));
    for planted in &planted {
        let found = finding(&report, &planted.token).unwrap_or_else(|| panic!("{}", planted.surface));
        let locations = found["locations"].as_array().expect("locations");
        let links = locations.iter().filter_map(|location| location["url"].as_str());
        let pages: Vec<Option<String>> = links.map(|link| sweep.github.visit(link)).collect();
        assert!(
            !pages.is_empty() && pages.iter().all(Option::is_some),
            "{}: {locations:#?}",
            planted.surface
        );
    }
}

#[test]
fn an_enterprise_of_a_server_is_listed_and_revoked() {
    let mut sweep = server(18_310);
    sweep.github.change(|world| {
        world.add_owner("mona", OwnerKind::User);
        world.enterprises.insert("corp".to_owned(), (0..101).map(|number| format!("org-{number}")).collect());
    });
    for number in 0..101 {
        sweep.github.organization(&format!("org-{number}"));
    }
    let token = sweep.leak("org-100/last");
    let (code, report) = run(&sweep, &["enterprise/corp", "--revoke", "--yes", "--min-interval", "1ms"]);
    assert_eq!((code, sweep.github.accepted()), (1, vec![token.clone()]));
    assert_eq!(finding(&report, &token).expect("found")["revocation"]["state"], "accepted");
}

#[test]
fn a_token_of_github_com_is_not_shown_to_a_server() {
    let mut sweep = server(18_320);
    sweep.leak("acme/web");
    let other = sweep.mint.token(Kind::Pat);
    let mut command = sweep.command(&["acme", "--host", "ghes.example"]);
    let ran = Ran::from(command.env("GH_TOKEN", &other).output().expect("the program starts"));
    assert!(ran.code == 2 && ran.stderr.contains("GH_ENTERPRISE_TOKEN"), "{}", ran.stderr);
    assert!(sweep.github.noted().is_empty());
}
