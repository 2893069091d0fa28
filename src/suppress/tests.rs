use std::sync::Arc;

use super::*;
use crate::blob::{Origin, STDIN};
use crate::finding::{
    Confidence, Findings, Line, Location, Scope, Searched, SetBy, Sighting, SuppressionContext,
    SuppressionKind, Suppressor,
};
use crate::rule::Bounds;
use crate::token::{Fingerprint, Kind};

const TOKEN: &[u8] = b"ghp_placeholder";

fn location(path: &str, root: Option<&str>) -> Location {
    let origin = Origin { root: root.map(str::to_owned), ..Origin::file(path) };
    Location::new(origin, 0, 1, 1, Vec::new())
}

fn project(root: Option<&str>, ignore: &str) -> ProjectSuppressions {
    let ignore = IgnoreFile::parse(ignore, &Bounds::USER).expect("a good file");
    ProjectSuppressions { scope: Scope::of_directory(root), ignore, allowlists: Vec::new() }
}

fn list(toml: &str) -> Vec<Allowlist> {
    let raw: RawAllowlist = toml::from_str(toml).expect("a list");
    Allowlist::compile_all(vec![raw], &str::to_owned, &Bounds::USER).expect("a good list")
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

fn suppression(
    suppressor: &Suppressions,
    line: &str,
    location: &Location,
) -> Option<(SuppressionKind, SetBy)> {
    let (text, searched) = (line.as_bytes(), Searched::default());
    let line = Line::new(text, 0..text.len(), &searched);
    let context = SuppressionContext { token: TOKEN, line, location };
    suppressor.suppression(&context).map(|suppression| (suppression.kind, suppression.set_by))
}

#[test]
fn the_tree_is_named_only_where_the_user_suppresses_nothing() {
    let mut suppressor =
        Suppressions { comments: true, projects: vec![project(None, "a.txt")], ..Suppressions::default() };
    let listed = location("a.txt", None);
    assert_eq!(suppression(&suppressor, "", &listed), Some((SuppressionKind::IgnoreFile, SetBy::Tree)));
    // What names the place goes before a comment, which anybody may write.
    let named = suppression(&suppressor, "stanch:allow", &listed);
    assert_eq!(named, Some((SuppressionKind::IgnoreFile, SetBy::Tree)));
    let elsewhere = location("b.txt", None);
    assert_eq!(suppression(&suppressor, "", &elsewhere), None);
    let comment = Some((SuppressionKind::AllowComment, SetBy::Tree));
    assert_eq!(suppression(&suppressor, "stanch:allow", &elsewhere), comment);
    suppressor.allowlists = list("regexes = ['placeholder']");
    assert_eq!(suppression(&suppressor, "", &listed), Some((SuppressionKind::Allowlist, SetBy::User)));
    let known = format!(r#"{{"findings": [{{"sha256": "{}"}}]}}"#, Fingerprint::of(TOKEN).hex());
    suppressor.baseline.add(known.as_bytes()).expect("a baseline");
    assert_eq!(
        suppression(&suppressor, "stanch:allow", &listed),
        Some((SuppressionKind::Baseline, SetBy::User))
    );
}

#[test]
fn a_tree_suppresses_only_in_itself() {
    let everything = format!("*\nsha256:{}\n", Fingerprint::of(TOKEN).hex());
    let suppressor = Suppressions {
        projects: vec![project(Some("one"), &everything), project(Some("two"), "")],
        ..Suppressions::default()
    };
    assert!(suppression(&suppressor, "", &location("f", Some("one"))).is_some());
    assert!(suppression(&suppressor, "", &location("f", Some("two"))).is_none());
    let single = Suppressions { projects: vec![project(None, &everything)], ..Suppressions::default() };
    assert!(suppression(&single, "", &location(STDIN, None)).is_none());
}

#[test]
fn locations_that_become_known_later_are_checked_again() {
    let rule = Arc::from("github-pat");
    let sighting = sighting(&rule);
    let suppressor =
        Suppressions { projects: vec![project(None, "vendor/\n/name")], ..Suppressions::default() };
    let object = location("name", None).with(|details| details.object = Some("1234".to_owned()));
    assert_eq!(suppression(&suppressor, "", &object), None, "its path is not known yet");
    let found_in = |paths: &[&str]| {
        let mut found = Findings::default();
        for path in paths {
            let mut location = object.clone();
            location.path = (*path).into();
            found.add(sighting, location);
        }
        suppressor.reapply(&mut found);
        found.finish().0.remove(0).suppressed
    };
    assert!(found_in(&["sub/name"]).is_none());
    assert!(found_in(&["vendor/a"]).is_some());
    assert!(found_in(&["vendor/a", "src/a"]).is_none());
}

#[test]
fn a_history_of_many_locations_is_decided_as_a_whole() {
    let rule = Arc::from("github-pat");
    let sighting = sighting(&rule);
    let suppressor = Suppressions { projects: vec![project(None, "vendor/")], ..Suppressions::default() };
    for (last, suppressed) in [("vendor/z", true), ("z", false)] {
        let mut found = Findings::keeping_all();
        for n in 0..150 {
            found.add(sighting, location(&format!("vendor/{n}"), None));
        }
        found.add(sighting, location(last, None));
        found.replace_locations(&mut |_, locations| (locations, 0));
        suppressor.reapply(&mut found);
        assert_eq!(found.finish().0[0].suppressed.is_some(), suppressed, "{last}");
    }
}

#[test]
fn an_allowlist_of_paths_suppresses_for_whoever_set_it() {
    let allowlists = || list("paths = ['^docs/']");
    let (docs, src) = (location("docs/a.md", None), location("src/a.rs", None));
    let user = Suppressions { allowlists: allowlists(), ..Suppressions::default() };
    assert_eq!(suppression(&user, "", &docs), Some((SuppressionKind::Allowlist, SetBy::User)));
    assert_eq!(suppression(&user, "", &src), None);
    let project = ProjectSuppressions { allowlists: allowlists(), ..project(None, "") };
    let tree = Suppressions { projects: vec![project], ..Suppressions::default() };
    assert_eq!(suppression(&tree, "", &docs), Some((SuppressionKind::Allowlist, SetBy::Tree)));
    assert_eq!(suppression(&tree, "", &src), None);
}
