//! A token in every kind of location, and what is reported of it.

use super::support::{Fixture, Scan, lookalike, token};
use crate::blob::LocationKind;
use crate::finding::Confidence;

/// A token, and the location that must be reported for it.
struct Planted {
    token: String,
    commit: Option<String>,
    kind: LocationKind,
    path: String,
}

#[expect(clippy::too_many_lines, reason = "a list, one location after another")]
fn plant(fixture: &Fixture) -> Vec<Planted> {
    let mut all: Vec<Planted> = Vec::new();
    let mut plant = |n: u32, commit: Option<String>, kind: LocationKind, path: &str| {
        all.push(Planted { token: token(n), commit, kind, path: path.to_owned() });
    };
    let base = "a line of a file that git will store as a delta\n".repeat(200);
    fixture.commit("src/main.c", &base, "first");

    let leak = fixture.commit("src/main.c", format!("{base}key = {}\n", token(1)), "leak");
    fixture.commit("src/main.c", format!("{base}// an unrelated edit\nkey = {}\n", token(1)), "edit");
    fixture.commit("src/main.c", &base, "remove it");
    plant(1, Some(leak), LocationKind::Content, "src/main.c");

    let message = fixture.commit("a", "1", &format!("a message\n\nwith {}", token(2)));
    plant(2, Some(message.clone()), LocationKind::CommitMessage, &format!("commit/{message}"));

    fixture.git(&["tag", "-a", "v1", "-m", &format!("release {}", token(3))]);
    plant(3, Some(message), LocationKind::TagMessage, "refs/tags/v1");

    fixture.git(&["notes", "add", "-m", &format!("note {}", token(4))]);
    let note = fixture.git(&["rev-parse", "refs/notes/commits"]);
    let path = fixture.git(&["ls-tree", "-r", "--name-only", "refs/notes/commits"]);
    plant(4, Some(note), LocationKind::Note, &path);

    let author = format!("{} <a@example.com>", token(5));
    fixture.git(&["commit", "-q", "--allow-empty", "-m", "by", "--author", &author]);
    plant(5, Some(fixture.head()), LocationKind::CommitAuthor, &format!("commit/{}", fixture.head()));

    fixture.git(&["branch", &format!("wip/{}", token(6))]);
    let redacted = |n: u32| format!("ghp_…{}", &token(n)[34..]);
    plant(6, None, LocationKind::RefName, &format!("refs/heads/wip/{}", redacted(6)));

    let named = fixture.commit(&format!("conf/{}.txt", token(7)), "x", "a name");
    fixture.commit("conf/other.txt", "y", "the directory changes, the name stays");
    plant(7, Some(named), LocationKind::FileName, &format!("conf/{}.txt", redacted(7)));

    fixture.write("a", format!("stashed {}", token(8)));
    fixture.git(&["stash", "-q"]);
    plant(8, Some(fixture.git(&["rev-parse", "stash"])), LocationKind::Content, "a");

    fixture.git(&["checkout", "-q", "-b", "side"]);
    let side = fixture.commit("side.txt", token(9), "on the side");
    fixture.commit("both.txt", "theirs\n", "theirs");
    plant(9, Some(side), LocationKind::Content, "side.txt");

    fixture.git(&["checkout", "-q", "main"]);
    fixture.commit("both.txt", "ours\n", "ours");
    let _ = fixture.command(&fixture.path()).args(["merge", "-q", "side"]).output();
    fixture.write("both.txt", format!("resolved {}\n", token(10)));
    fixture.git(&["add", "-A"]);
    fixture.git(&["commit", "-q", "-m", "merge"]);
    plant(10, Some(fixture.head()), LocationKind::Content, "both.txt");

    let binary = [&[0, 159, 146, 150, 0, 1][..], token(11).as_bytes(), &[0, 255]].concat();
    let binary = fixture.commit("lib/a.bin", binary, "binary");
    plant(11, Some(binary), LocationKind::Content, "lib/a.bin");

    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(format!("/tmp/{}", token(12)), fixture.path().join("link"))
            .expect("a link");
        let link = fixture.commit("c", "c", "a link");
        plant(12, Some(link), LocationKind::SymlinkTarget, "link");
    }

    let blob = fixture.git_with_input(&["hash-object", "-w", "--stdin"], token(13).as_bytes());
    plant(13, None, LocationKind::Content, &format!("blob/{blob}"));

    let tree = fixture.git(&["rev-parse", "HEAD^{tree}"]);
    let dangling = fixture.git(&["commit-tree", &tree, "-m", &format!("dangling {}", token(14))]);
    plant(14, Some(dangling.clone()), LocationKind::CommitMessage, &format!("commit/{dangling}"));

    let blob = fixture.git_with_input(&["hash-object", "-w", "--stdin"], token(15).as_bytes());
    let line = format!("100644 blob {blob}\tlost.txt\n");
    let tree = fixture.git_with_input(&["mktree"], line.as_bytes());
    let lost = fixture.git(&["commit-tree", &tree, "-m", "lost"]);
    plant(15, Some(lost), LocationKind::Content, "lost.txt");

    fixture.commit("fake.txt", lookalike(), "a placeholder");
    all
}

fn check(scan: &Scan, planted: &[Planted]) {
    assert!(scan.faults.is_empty(), "{:?}", scan.faults);
    for (n, planted) in (1..).zip(planted) {
        let location = scan.first(&planted.token);
        assert_eq!(location.kind, planted.kind, "location {n}");
        assert_eq!(*location.path, *planted.path, "location {n}");
        assert_eq!(location.details().commit, planted.commit, "location {n}");
        assert_eq!(
            location.details().object.is_some(),
            location.kind != LocationKind::RefName,
            "location {n}"
        );
        assert_eq!(location.details().date.is_some(), location.details().commit.is_some(), "location {n}");
    }
    assert_eq!(scan.found().len(), planted.len());
    let fake = scan.of(&lookalike());
    assert_eq!(fake.confidence, Confidence::Lookalike);
    assert_eq!(fake.locations.len(), 1);
}

#[test]
fn every_location_is_found_loose_and_packed() {
    let fixture = Fixture::new();
    let planted = plant(&fixture);
    let loose = fixture.scan();
    check(&loose, &planted);

    fixture.repack();
    let packs = std::fs::read_dir(fixture.path().join(".git/objects/pack")).expect("packed");
    assert!(packs.count() > 0);
    let packed = fixture.scan();
    check(&packed, &planted);
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
fn a_location_has_line_author_and_date() {
    let fixture = Fixture::new();
    let id = fixture.commit("d/f", format!("one\ntwo {}\n", token(1)), "leak");
    let scan = fixture.scan();
    let location = scan.first(&token(1));
    assert_eq!((location.line, location.column, location.offset), (2, 5, 8));
    assert_eq!(location.details().commit.as_deref(), Some(id.as_str()));
    assert_eq!(location.details().author.as_deref(), Some("A U Thor <author@example.com>"));
    assert_eq!(location.details().date.as_deref(), Some("2023-11-14T23:16:20+01:00"));
}

#[test]
fn a_copy_is_another_location_and_an_edit_is_not() {
    let fixture = Fixture::new();
    let first = fixture.commit("one", token(1), "leak");
    for n in 0..5 {
        fixture.commit("one", format!("{}\n{n}", token(1)), "edit");
    }
    let second = fixture.commit("two/deep", token(1), "copy");
    let scan = fixture.scan();
    let finding = scan.of(&token(1));
    let locations: Vec<_> = finding
        .locations
        .iter()
        .map(|location| (&*location.path, location.details().commit.as_deref()))
        .collect();
    assert_eq!(locations, [("one", Some(first.as_str())), ("two/deep", Some(second.as_str()))]);
}

#[test]
fn an_object_in_two_packs_is_scanned_once() {
    let fixture = Fixture::new();
    fixture.commit("one", token(1), "leak");
    fixture.git(&["repack", "-q"]);
    let all = fixture.git(&["rev-list", "--objects", "--all", "--no-object-names"]);
    fixture.git_with_input(&["pack-objects", "-q", ".git/objects/pack/pack"], format!("{all}\n").as_bytes());
    fixture.commit("two", token(2), "another");
    let alternate = fixture.beside("alternate");
    fixture.git(&["clone", "-q", "--shared", ".", alternate.to_str().expect("a path")]);
    let scan = fixture.scan();
    assert_eq!((scan.reading.objects, scan.reading.expected), (6, 6));
    let repo = crate::source::git::Repo::open(&alternate).expect("it opens");
    let history = crate::source::git::History::new(&repo);
    let (findings, reading) = super::support::drain(&history, crate::finding::Findings::keeping_all());
    assert_eq!((reading.objects, findings.finish().0.len()), (6, 2));
}

#[test]
fn a_path_with_a_token_in_it_is_printed_without() {
    let fixture = Fixture::new();
    let secret = token(2);
    fixture.write(&format!("{secret}/one"), token(1));
    fixture.commit(&format!("{secret}/two"), token(1), "copies below a name");
    let repo = fixture.repo();
    let range = crate::source::git::Range::new(&repo, "HEAD").expect("a range");
    let added = super::support::changes(&range, |range, findings, rescan| {
        range.retain_added(findings, rescan, &|| false);
    });
    for scan in [fixture.scan(), added] {
        let finding = scan.of(&token(1));
        assert_eq!(finding.locations.len(), 2);
        let names: Vec<_> =
            finding.locations.iter().map(|location| location.path.rsplit('/').next()).collect();
        assert_eq!(names, [Some("one"), Some("two")]);
        let all = scan.findings.iter().flat_map(|finding| &finding.locations);
        assert!(all.into_iter().all(|location| !location.path.contains(&secret)), "a token was printed");
    }
}
