use std::sync::Arc;

use super::*;
use crate::blob::Origin;
use crate::finding::{Confidence, Findings, Sighting};
use crate::token::Kind;

const TOKEN: &[u8] = b"ghp_placeholder";

fn place(path: &str, root: Option<&str>) -> Location {
    let origin = Origin { root: root.map(str::to_owned), ..Origin::file(path) };
    Location::new(origin, 0, 1, 1, Vec::new())
}

fn tree(root: Option<&str>, ignore: &str) -> ProjectSuppressions {
    let ignore = IgnoreFile::parse(ignore).expect("a good file");
    ProjectSuppressions { root: root.map(str::to_owned), ignore, allowlists: Vec::new() }
}

fn list(toml: &str) -> Vec<Allowlist> {
    let raw: RawAllowlist = toml::from_str(toml).expect("a list");
    Allowlist::compile_all(vec![raw], &str::to_owned).expect("a good list")
}

fn sighting(rule: &Arc<str>) -> Sighting<'_> {
    Sighting {
        text: TOKEN,
        rule,
        kind: Kind::pat(),
        confidence: Confidence::Certain,
        reason: "",
        owner_id: None,
    }
}

fn ask(suppressor: &Suppressions, line: &str, place: &Location) -> Option<(SuppressionKind, SetBy)> {
    let scene = SuppressionContext { token: TOKEN, line: line.as_bytes(), place };
    suppressor.silence(&scene).map(|silence| (silence.by, silence.from))
}

#[test]
fn a_tree_is_named_only_where_nothing_of_ones_own_would_do() {
    let mut suppressor =
        Suppressions { comments: true, trees: vec![tree(None, "a.txt")], ..Suppressions::default() };
    let at = place("a.txt", None);
    assert_eq!(ask(&suppressor, "", &at), Some((SuppressionKind::IgnoreFile, SetBy::Tree)));
    let elsewhere = place("b.txt", None);
    assert_eq!(ask(&suppressor, "", &elsewhere), None);
    let comment = Some((SuppressionKind::AllowComment, SetBy::Tree));
    assert_eq!(ask(&suppressor, "stanch:allow", &elsewhere), comment);
    suppressor.allowlists = list("regexes = ['placeholder']");
    assert_eq!(ask(&suppressor, "", &at), Some((SuppressionKind::Allowlist, SetBy::User)));
    let known = format!(r#"{{"findings": [{{"sha256": "{}"}}]}}"#, Fingerprint::of(TOKEN).hex());
    suppressor.baseline.add(known.as_bytes()).expect("a baseline");
    assert_eq!(ask(&suppressor, "stanch:allow", &at), Some((SuppressionKind::Baseline, SetBy::User)));
}

#[test]
fn a_tree_speaks_for_itself_only() {
    let everything = format!("*\nsha256:{}\n", Fingerprint::of(TOKEN).hex());
    let suppressor = Suppressions {
        trees: vec![tree(Some("one"), &everything), tree(Some("two"), "")],
        ..Suppressions::default()
    };
    assert!(ask(&suppressor, "", &place("f", Some("one"))).is_some());
    assert!(ask(&suppressor, "", &place("f", Some("two"))).is_none());
    let alone = Suppressions { trees: vec![tree(None, &everything)], ..Suppressions::default() };
    assert!(ask(&alone, "", &place(stdin::NAME, None)).is_none());
}

#[test]
fn places_that_become_known_later_are_asked_about_again() {
    let rule = Arc::from("github-pat");
    let seen = sighting(&rule);
    let suppressor = Suppressions { trees: vec![tree(None, "vendor/\n/name")], ..Suppressions::default() };
    let object = Location { object: Some("1234".to_owned()), ..place("name", None) };
    assert_eq!(ask(&suppressor, "", &object), None, "its path is not known yet");
    let found_in = |places: &[&str]| {
        let mut found = Findings::default();
        for path in places {
            found.add(seen, Location { path: (*path).to_owned(), ..object.clone() });
        }
        suppressor.settle(&mut found);
        found.finish().0.remove(0).suppressed
    };
    assert!(found_in(&["sub/name"]).is_none());
    assert!(found_in(&["vendor/a"]).is_some());
    assert!(found_in(&["vendor/a", "src/a"]).is_none());
}

#[test]
fn a_history_of_many_places_is_judged_whole() {
    let rule = Arc::from("github-pat");
    let seen = sighting(&rule);
    let suppressor = Suppressions { trees: vec![tree(None, "vendor/")], ..Suppressions::default() };
    for (last, suppressed) in [("vendor/z", true), ("z", false)] {
        let mut found = Findings::keeping_all();
        for n in 0..150 {
            found.add(seen, place(&format!("vendor/{n}"), None));
        }
        found.add(seen, place(last, None));
        found.relocate(&mut |places| (places, 0));
        suppressor.settle(&mut found);
        assert_eq!(found.finish().0[0].suppressed.is_some(), suppressed, "{last}");
    }
}
