//! Links to every kind of place.

use super::*;
use crate::blob::Origin;

const SHA: &str = "00112233445566778899aabbccddeeff00112233";

fn links() -> Links {
    let mut links = Links::new("https://api.github.com");
    links.add_gist("aa11", "octocat");
    links.add_artifact(7, 70);
    links
}

fn location(root: &str, kind: LocationKind, path: &str, commit: Option<&str>) -> Location {
    let commit = commit.map(str::to_owned);
    let origin = Origin { root: Some(root.to_owned()), kind, commit, ..Origin::file(path) };
    Location::new(origin, 0, 3, 1, Vec::new())
}

fn link(root: &str, kind: LocationKind, path: &str, commit: Option<&str>) -> Option<String> {
    links().location(&location(root, kind, path, commit))
}

#[track_caller]
fn assert_link(kind: LocationKind, path: &str, commit: Option<&str>, expected: &str) {
    let expected = (!expected.is_empty()).then(|| format!("https://github.com/octo/a/{expected}"));
    assert_eq!(link("octo/a", kind, path, commit), expected, "{path}");
}

#[test]
fn a_file_is_linked_to_at_its_commit_and_line() {
    for (path, expected) in [
        ("src/a.rs", "src/a.rs#L3"),
        ("a b/é#?%.txt", "a%20b/%C3%A9%23%3F%25.txt#L3"),
        ("README.md", "README.md?plain=1#L3"),
        ("x/Notes.IPYNB", "x/Notes.IPYNB?plain=1#L3"),
        ("lib/a.zip!x/y.env", "lib/a.zip"),
        ("b.tar.gz!b.tar!c", "b.tar.gz"),
        ("md", "md#L3"),
    ] {
        assert_link(LocationKind::Content, path, Some(SHA), &format!("blob/{SHA}/{expected}"));
    }
    assert_link(LocationKind::SymlinkTarget, "a", Some(SHA), &format!("blob/{SHA}/a"));
}

#[test]
fn where_the_path_is_not_known_for_sure_the_commit_is_linked_to() {
    let commit = format!("commit/{SHA}");
    for path in ["wow!.txt", "a/ghp_…abc/x", "a\\xFF", "../x", "a//b", "", "logs/./x"] {
        assert_link(LocationKind::Content, path, Some(SHA), &commit);
    }
    for kind in
        [LocationKind::CommitMessage, LocationKind::CommitAuthor, LocationKind::Note, LocationKind::FileName]
    {
        assert_link(kind, &format!("commit/{SHA}"), Some(SHA), &commit);
    }
}

#[test]
fn without_a_commit_there_is_none() {
    let mut object = location("octo/a", LocationKind::Content, "blob/0011", None);
    object.details_mut().object = Some("0011".to_owned());
    assert_eq!(links().location(&object), None);
    // A file of the repository that is called like a log.
    let mut file = location("octo/a", LocationKind::Content, "actions/runs/1/attempts/1/logs.zip", None);
    file.details_mut().object = Some("0011".to_owned());
    assert_eq!(links().location(&file), None);
    assert_link(LocationKind::Content, "a", Some("../../evil"), "");
    assert_eq!(link("../evil", LocationKind::Content, "a", Some(SHA)), None);
    assert_eq!(links().location(&Location::new(Origin::file("a"), 0, 1, 1, Vec::new())), None);
}

#[test]
fn tags_refs_and_pull_requests_have_pages() {
    assert_link(LocationKind::TagMessage, "refs/tags/v1/é", Some(SHA), "releases/tag/v1/%C3%A9");
    assert_link(LocationKind::TagMessage, "refs/tags/", Some(SHA), &format!("commit/{SHA}"));
    assert_link(LocationKind::CommitAuthor, "refs/tags/v1", Some(SHA), "releases/tag/v1");
    assert_link(LocationKind::RefName, "refs/heads/a/b#", None, "tree/a/b%23");
    assert_link(LocationKind::RefName, "refs/tags/v1", None, "tree/v1");
    assert_link(LocationKind::RefName, "refs/heads/ghp_…abcdef", None, "branches/all");
    assert_link(LocationKind::RefName, "refs/tags/ghp_…abcdef", None, "tags");
    assert_link(LocationKind::RefName, "refs/pull/12/head", None, "pull/12");
    assert_eq!(links().pull_request("octo/a", 5).as_deref(), Some("https://github.com/octo/a/pull/5"));
    assert_eq!(links().pull_request("gist/aa11/x", 5), None);
}

#[test]
fn logs_artifacts_and_alerts_have_pages() {
    for (path, expected) in [
        ("actions/runs/5/attempts/2/logs.zip!1_build.txt", "actions/runs/5/attempts/2"),
        ("actions/artifacts/7/out.zip!a", "actions/runs/70/artifacts/7"),
        ("actions/artifacts/8/out.zip", "actions"),
        ("secret-scanning/alerts/9", "security/secret-scanning/9"),
        ("secret-scanning/alerts/x", ""),
        ("actions/runs/5", ""),
        ("elsewhere", ""),
    ] {
        assert_link(LocationKind::Content, path, None, expected);
    }
}

#[test]
fn wikis_and_gists_have_theirs() {
    let wiki = |path: &str| link("octo/a.wiki", LocationKind::Content, path, Some(SHA));
    let page = |rest: &str| Some(format!("https://github.com/octo/a/wiki{rest}"));
    assert_eq!(wiki("How-To: é.md"), page(&format!("/How-To%3A%20%C3%A9/{SHA}")));
    assert_eq!(wiki("sub/Page.rst"), page(&format!("/Page/{SHA}")));
    assert_eq!(wiki("keys.env"), page(""));
    let gist = |path: &str, commit| link("gist/aa11", LocationKind::Content, path, commit);
    let at = |rest: &str| Some(format!("https://gist.github.com/octocat/aa11/{SHA}{rest}"));
    assert_eq!(gist("key.sh", Some(SHA)), at("#file-key-sh-L3"));
    assert_eq!(gist("Readme.md", Some(SHA)), at("#file-readme-md"));
    assert_eq!(gist("é", Some(SHA)), at(""));
    assert_eq!(gist("key.sh", None), None);
    let server = Links::new("https://git.example/api/v3");
    assert_eq!(server.root("gist/b2").as_deref(), Some("https://git.example/gist/anonymous/b2"));
    assert_eq!(server.root("octo/a.wiki").as_deref(), Some("https://git.example/octo/a/wiki"));
    assert_eq!(server.root("octo/a").as_deref(), Some("https://git.example/octo/a"));
}

#[test]
fn an_owner_and_an_enterprise_have_pages_of_their_own() {
    let root = |root: &str| links().root(root);
    assert_eq!(root("octo").as_deref(), Some("https://github.com/octo"));
    assert_eq!(root("enterprise/octo-corp").as_deref(), Some("https://github.com/enterprises/octo-corp"));
    let server = Links::new("https://ghes.test/api/v3");
    assert_eq!(server.root("enterprise/a").as_deref(), Some("https://ghes.test/enterprises/a"));
    for none in ["(behind single sign-on)", "enterprise/..", "enterprise/a/b", "octo/(id 4)", "", "a b"] {
        assert_eq!(root(none), None, "{none}");
    }
}
