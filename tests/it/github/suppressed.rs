//! What a comment allows.

use super::{Sweep, finding};
use crate::support::mint::Kind;

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
