//! What a repository says of itself does not hide what has leaked in it.

use super::{Sweep, finding};
use crate::support::mint::Kind;

#[test]
fn files_of_a_repository_that_is_swept_do_not_silence_it() {
    let mut sweep = Sweep::new(18_600);
    let token = sweep.mint.token(Kind::Pat);
    let bare = sweep.github.repository("acme/web", |_| {});
    let config = "exclude = [\"**\"]\n[[allowlists]]\npaths = [\".*\"]\n";
    let files: [(&str, &[u8]); 3] =
        [(".stanchignore", b"**\n"), (".stanch.toml", config.as_bytes()), ("src/.env", token.as_bytes())];
    bare.commit_saying("refs/heads/main", "a change", &files);
    let (code, report) = sweep.json(&["acme"]);
    let found = finding(&report, &token).expect("found");
    assert_eq!((code, &found["suppressed"]), (1, &serde_json::Value::Null));
}

#[test]
fn a_comment_on_the_line_suppresses_and_is_never_sent() {
    let mut sweep = Sweep::new(18_610);
    let token = sweep.mint.token(Kind::Pat);
    sweep.github.repository("acme/web", |_| {}).commit(
        "refs/heads/main",
        "f",
        format!("{token} # stanch:allow\n"),
    );
    let arguments = ["acme", "--revoke", "--yes", "--min-interval", "1ms"];
    let (code, report) = sweep.json(&arguments);
    assert_eq!(
        (code, &finding(&report, &token).expect("listed")["suppressed"]),
        (0, &"allow-comment".into())
    );
    assert!(sweep.github.accepted().is_empty());
    let (code, _) = sweep.json(&[&arguments[..], &["--no-allow-comments"]].concat());
    assert_eq!((code, sweep.github.accepted()), (1, vec![token]));
}
