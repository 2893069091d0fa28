//! A GitHub App in the place of a user's token.

use std::time::Duration;

use super::{Sweep, finding};
use crate::support::cmd::Ran;
use crate::support::github_source::{APP_ID, AppKey, Installation};

/// A sweep whose GitHub has an app with two installations, and the arguments that name it.
fn with_app(seed: u64) -> (Sweep, String) {
    let sweep = Sweep::new(seed);
    let key = sweep.sandbox.home().join("app.pem");
    sweep.github.set_app_key(&AppKey::write(&key));
    sweep.github.organization("octo");
    sweep.github.change(|world| {
        for (id, account) in [(501, "octo"), (502, "acme")] {
            world.installations.push(Installation { id, account: account.to_owned() });
        }
    });
    (sweep, key.to_str().expect("a path of text").to_owned())
}

fn run(sweep: &Sweep, key: &str, more: &[&str]) -> Ran {
    let app = ["acme", "--app-id", APP_ID, "--app-key-file", key, "-f", "json"];
    let mut command = sweep.command(&[&app[..], more].concat());
    sweep.checked(Ran::from(command.env_remove("GH_TOKEN").output().expect("the program starts")))
}

#[test]
fn an_app_finds_its_installation_by_the_owner() {
    let (mut sweep, key) = with_app(18_200);
    let token = sweep.leak("acme/web");
    sweep.github.change(|world| world.repository_mut("acme/web").private = true);
    for more in [&[][..], &["--app-installation", "502"]] {
        let ran = run(&sweep, &key, more);
        let report =
            serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("no report: {}", ran.stderr));
        assert!(ran.code == 1 && finding(&report, &token).is_some(), "{}", ran.stderr);
        let minted = sweep.github.minted();
        assert!(
            !minted
                .iter()
                .any(|token| [&ran.stdout, &ran.stderr].iter().any(|text| text.contains(token.as_str())))
        );
    }
    assert_eq!(sweep.github.count("POST", "/app/installations/502/access_tokens"), 2);
    assert_eq!(sweep.github.count("POST", "/app/installations/501/access_tokens"), 0);
}

#[test]
#[ignore = "takes more than a minute, for that long a new token is not replaced"]
fn an_apps_token_is_made_anew_before_it_ends() {
    let (mut sweep, key) = with_app(18_201);
    for number in 0..6 {
        sweep.leak(&format!("acme/r-{number}"));
    }
    sweep.github.set_token_lifetime(Duration::from_secs(602));
    sweep.github.trouble_always(
        "/repos/acme/*",
        crate::support::github_source::Trouble::Late(Duration::from_secs(13)),
    );
    let ran = run(&sweep, &key, &["--jobs", "1", "--timeout", "60"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    let minted = sweep.github.minted().len();
    assert!((2..6).contains(&minted), "{minted} tokens were made");
}

#[test]
fn a_token_of_the_app_is_its_own_and_not_revoked() {
    let (mut sweep, key) = with_app(18_202);
    let token = sweep.leak("acme/web");
    let ran = run(&sweep, &key, &["--revoke", "--yes", "--min-interval", "1ms"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert_eq!(sweep.github.accepted(), [token]);
}

#[test]
fn an_app_that_is_none_is_exit_2() {
    let (sweep, key) = with_app(18_203);
    let other = sweep.sandbox.home().join("other.pem");
    AppKey::write(&other);
    sweep
        .sandbox
        .write("no-key.pem", "-----BEGIN RSA PRIVATE KEY-----\nnothing\n-----END RSA PRIVATE KEY-----\n");
    let no_key = sweep.sandbox.path().join("no-key.pem");
    for (key, more) in [
        (no_key.to_str().expect("text"), &[][..]),
        ("gone.pem", &[]),
        (key.as_str(), &["--app-installation", "999"]),
    ] {
        let ran = run(&sweep, key, more);
        assert_eq!((ran.code, ran.stderr.contains("BEGIN")), (2, false), "{key} {more:?}: {}", ran.stderr);
        assert!(!ran.stderr.is_empty());
    }
    // Signed by another key: GitHub says so, which is noted there as a violation.
    let mut command =
        sweep.command(&["acme", "--app-id", APP_ID, "--app-key-file", other.to_str().expect("text")]);
    let ran = Ran::from(command.env_remove("GH_TOKEN").output().expect("the program starts"));
    assert_eq!(ran.code, 2, "{}", ran.stderr);
}
