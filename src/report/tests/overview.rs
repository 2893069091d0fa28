//! Whose the tokens are, and what a terminal is shown at a glance.

use super::*;

#[test]
fn owners_are_counted_with_what_became_of_their_tokens() {
    let text = sample(Format::Owners);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[0],
        "owner_id,tokens,certain,likely,accepted,revoked,open,first_path,login,repositories,repository_names,states"
    );
    assert!(lines.contains(&"4,1,1,0,1,0,0,,,0,,accepted 1"), "{text}");
    assert!(lines.contains(&"2,1,1,0,0,0,1,sub/src/a.rs,,0,,none 1"), "{text}");
}

#[test]
fn a_terminal_gets_a_small_table() {
    let found = Findings::default();
    for (n, path) in ["a/b/c/x", "a/b/c/y", "a/b/d/x", "a/b/x"].into_iter().enumerate() {
        let (n, kind) = (u32::try_from(n).expect("small"), if n == 0 { Kind::oauth() } else { Kind::pat() });
        add(&found, kind, n, Confidence::Certain, location(path, 1));
    }
    let long = format!("{}/z", "long/".repeat(40));
    let (found, _) = found.finish();
    let lines = with_report(&found, |report| overview(&report));
    assert_eq!(
        lines,
        [
            "by type             3  GitHub personal access token (classic)",
            "                    1  GitHub OAuth app access token",
            "by folder           2  sub/a/b/c/",
            "                    1  sub/a/b/",
            "                    1  sub/a/b/d/",
            "by owner id         1  0",
            "                    1  1",
            "                    1  2",
            "                    1  3",
        ]
    );
    let found = Findings::default();
    add(&found, Kind::pat(), 1, Confidence::Certain, location(&long, 1));
    add(&found, Kind::pat(), 2, Confidence::Certain, location("other", 1));
    let (found, _) = found.finish();
    let lines = with_report(&found, |report| overview(&report));
    assert!(lines.iter().all(|line| line.chars().count() <= 80), "{lines:#?}");
    assert!(with_report(&found[..1], |report| overview(&report)).is_empty());
}
