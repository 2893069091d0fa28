//! A token in each place where one can hide.

use super::support::{Fixture, Scan, lookalike, token};
use crate::blob::LocationKind;
use crate::finding::Confidence;

/// A hiding place: which token, and where it must be said to be.
struct Hidden {
    token: String,
    commit: Option<String>,
    kind: LocationKind,
    path: String,
}

#[expect(clippy::too_many_lines, reason = "one place after the other")]
fn hide(fixture: &Fixture) -> Vec<Hidden> {
    let mut all: Vec<Hidden> = Vec::new();
    let mut hide = |n: u32, commit: Option<String>, kind: LocationKind, path: &str| {
        all.push(Hidden { token: token(n), commit, kind, path: path.to_owned() });
    };
    let base = "a line of a file that git will tell as a delta\n".repeat(200);
    fixture.commit("src/main.c", &base, "first");

    let leak = fixture.commit("src/main.c", format!("{base}key = {}\n", token(1)), "leak");
    fixture.commit("src/main.c", format!("{base}// an unrelated edit\nkey = {}\n", token(1)), "edit");
    fixture.commit("src/main.c", &base, "remove it");
    hide(1, Some(leak), LocationKind::Content, "src/main.c");

    let message = fixture.commit("a", "1", &format!("a message\n\nwith {}", token(2)));
    hide(2, Some(message.clone()), LocationKind::CommitMessage, &format!("commit/{message}"));

    fixture.git(&["tag", "-a", "v1", "-m", &format!("release {}", token(3))]);
    hide(3, Some(message), LocationKind::TagMessage, "refs/tags/v1");

    fixture.git(&["notes", "add", "-m", &format!("note {}", token(4))]);
    let note = fixture.git(&["rev-parse", "refs/notes/commits"]);
    let path = fixture.git(&["ls-tree", "-r", "--name-only", "refs/notes/commits"]);
    hide(4, Some(note), LocationKind::Note, &path);

    let author = format!("{} <a@example.com>", token(5));
    fixture.git(&["commit", "-q", "--allow-empty", "-m", "by", "--author", &author]);
    hide(5, Some(fixture.head()), LocationKind::CommitAuthor, &format!("commit/{}", fixture.head()));

    fixture.git(&["branch", &format!("wip/{}", token(6))]);
    let redacted = |n: u32| format!("ghp_…{}", &token(n)[34..]);
    hide(6, None, LocationKind::RefName, &format!("refs/heads/wip/{}", redacted(6)));

    let named = fixture.commit(&format!("conf/{}.txt", token(7)), "x", "a name");
    fixture.commit("conf/other.txt", "y", "the folder changes, the name stays");
    hide(7, Some(named), LocationKind::FileName, &format!("conf/{}.txt", redacted(7)));

    fixture.write("a", format!("stashed {}", token(8)));
    fixture.git(&["stash", "-q"]);
    hide(8, Some(fixture.git(&["rev-parse", "stash"])), LocationKind::Content, "a");

    fixture.git(&["checkout", "-q", "-b", "side"]);
    let side = fixture.commit("side.txt", token(9), "on the side");
    fixture.commit("both.txt", "theirs\n", "theirs");
    hide(9, Some(side), LocationKind::Content, "side.txt");

    fixture.git(&["checkout", "-q", "main"]);
    fixture.commit("both.txt", "ours\n", "ours");
    let _ = fixture.command(&fixture.path()).args(["merge", "-q", "side"]).output();
    fixture.write("both.txt", format!("resolved {}\n", token(10)));
    fixture.git(&["add", "-A"]);
    fixture.git(&["commit", "-q", "-m", "merge"]);
    hide(10, Some(fixture.head()), LocationKind::Content, "both.txt");

    let binary = [&[0, 159, 146, 150, 0, 1][..], token(11).as_bytes(), &[0, 255]].concat();
    let binary = fixture.commit("lib/a.bin", binary, "binary");
    hide(11, Some(binary), LocationKind::Content, "lib/a.bin");

    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(format!("/tmp/{}", token(12)), fixture.path().join("link"))
            .expect("a link");
        let link = fixture.commit("c", "c", "a link");
        hide(12, Some(link), LocationKind::SymlinkTarget, "link");
    }

    let blob = fixture.git_fed(&["hash-object", "-w", "--stdin"], token(13).as_bytes());
    hide(13, None, LocationKind::Content, &format!("blob/{blob}"));

    let tree = fixture.git(&["rev-parse", "HEAD^{tree}"]);
    let dangling = fixture.git(&["commit-tree", &tree, "-m", &format!("dangling {}", token(14))]);
    hide(14, Some(dangling.clone()), LocationKind::CommitMessage, &format!("commit/{dangling}"));

    let blob = fixture.git_fed(&["hash-object", "-w", "--stdin"], token(15).as_bytes());
    let line = format!("100644 blob {blob}\tlost.txt\n");
    let tree = fixture.git_fed(&["mktree"], line.as_bytes());
    let lost = fixture.git(&["commit-tree", &tree, "-m", "lost"]);
    hide(15, Some(lost), LocationKind::Content, "lost.txt");

    fixture.commit("fake.txt", lookalike(), "a placeholder");
    all
}

fn check(scan: &Scan, hidden: &[Hidden]) {
    assert!(scan.faults.is_empty(), "{:?}", scan.faults);
    for (n, hidden) in (1..).zip(hidden) {
        let place = scan.first(&hidden.token);
        assert_eq!(place.kind, hidden.kind, "hiding place {n}");
        assert_eq!(place.path, hidden.path, "hiding place {n}");
        assert_eq!(place.commit, hidden.commit, "hiding place {n}");
        assert_eq!(place.object.is_some(), place.kind != LocationKind::RefName, "hiding place {n}");
        assert_eq!(place.date.is_some(), place.commit.is_some(), "hiding place {n}");
    }
    assert_eq!(scan.found().len(), hidden.len());
    let fake = scan.of(&lookalike());
    assert_eq!(fake.confidence, Confidence::Lookalike);
    assert_eq!(fake.locations.len(), 1);
}

#[test]
fn every_hiding_place_is_found_loose_and_packed() {
    let fixture = Fixture::new();
    let hidden = hide(&fixture);
    let loose = fixture.scan();
    check(&loose, &hidden);

    fixture.repack();
    let packs = std::fs::read_dir(fixture.path().join(".git/objects/pack")).expect("packed");
    assert!(packs.count() > 0);
    let packed = fixture.scan();
    check(&packed, &hidden);
    assert_eq!(loose.reading.objects, packed.reading.objects);
    assert_eq!(loose.reading.commits, packed.reading.commits);
    assert_eq!(loose.reading.bytes, packed.reading.bytes);
    for finding in &loose.findings {
        let again = packed.findings.iter().find(|f| f.token.fingerprint() == finding.token.fingerprint());
        assert_eq!(
            again.map(|f| (&f.locations, f.more_locations)),
            Some((&finding.locations, finding.more_locations))
        );
    }
}

#[test]
fn a_place_tells_line_author_and_date() {
    let fixture = Fixture::new();
    let id = fixture.commit("d/f", format!("one\ntwo {}\n", token(1)), "leak");
    let scan = fixture.scan();
    let place = scan.first(&token(1));
    assert_eq!((place.line, place.column, place.offset), (2, 5, 8));
    assert_eq!(place.commit.as_deref(), Some(id.as_str()));
    assert_eq!(place.author.as_deref(), Some("A U Thor <author@example.com>"));
    assert_eq!(place.date.as_deref(), Some("2023-11-14T23:16:20+01:00"));
}

#[test]
fn a_copy_is_another_place_and_an_edit_is_not() {
    let fixture = Fixture::new();
    let first = fixture.commit("one", token(1), "leak");
    for n in 0..5 {
        fixture.commit("one", format!("{}\n{n}", token(1)), "edit");
    }
    let second = fixture.commit("two/deep", token(1), "copy");
    let scan = fixture.scan();
    let finding = scan.of(&token(1));
    let places: Vec<_> =
        finding.locations.iter().map(|place| (place.path.as_str(), place.commit.as_deref())).collect();
    assert_eq!(places, [("one", Some(first.as_str())), ("two/deep", Some(second.as_str()))]);
}

#[test]
fn objects_held_twice_are_looked_at_once() {
    let fixture = Fixture::new();
    fixture.commit("one", token(1), "leak");
    fixture.git(&["repack", "-q"]);
    let all = fixture.git(&["rev-list", "--objects", "--all", "--no-object-names"]);
    fixture.git_fed(&["pack-objects", "-q", ".git/objects/pack/pack"], format!("{all}\n").as_bytes());
    fixture.commit("two", token(2), "another");
    let alternate = fixture.beside("alternate");
    fixture.git(&["clone", "-q", "--shared", ".", alternate.to_str().expect("a path")]);
    let scan = fixture.scan();
    assert_eq!(scan.reading.objects, 6);
    let repo = crate::source::git::Repo::open(&alternate).expect("it opens");
    let history = crate::source::git::History::new(&repo);
    let (findings, reading) = super::support::drain(&history, crate::finding::Findings::keeping_all());
    assert_eq!((reading.objects, findings.finish().0.len()), (6, 2));
}
