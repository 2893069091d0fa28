//! Git's own files: packs and bundles that are written here, and git directories in archives.

use proptest::prelude::*;

use super::git_writers::{
    BLOB, REF_DELTA, blob, delta, entry, git_dir, history, id, loose, pack, pack_of, raw_id, tar_below, tree,
    zlib,
};
use super::pack::{gzip, tar};
use super::support::{FORMS, Found, LINE, OFFSET, Outcome, text, token, unpack, unpack_as};
use crate::blob::{FaultKind, LocationKind};
use crate::source::unpack::Limits;

fn content(path: &str) -> Found {
    Found::content(path, OFFSET, LINE)
}

#[test]
fn a_pack_tells_commit_and_path() {
    let (file, root, commit) = history(&text(1), &format!("leak {}", token(2)));
    let bytes = pack(&[&commit, &root, &file]);
    let commit = id(&commit);
    for form in FORMS {
        let outcome = unpack_as(form, "x.pack", &bytes, Limits::default()).faultless();
        assert_eq!(outcome.found.len(), 2, "{form:?}: {outcome:?}");
        assert!(outcome.found.contains(&content(&format!("x.pack!{commit}:f.env"))), "{form:?}");
        let message = outcome.found.iter().find(|found| found.kind == LocationKind::CommitMessage);
        assert_eq!(message.expect("its message").path, format!("x.pack!commit/{commit}"));
    }
    let outcome = unpack("a.tar.gz", &gzip(&tar(&[("d/x.pack", &bytes)]))).faultless();
    assert!(outcome.found.contains(&content(&format!("a.tar.gz!d/x.pack!{commit}:f.env"))), "{outcome:?}");
}

#[test]
fn what_no_commit_leads_to_has_its_id() {
    let file = blob(&gzip(&text(1)));
    let bytes = pack(&[&file]);
    let outcome = unpack("x.pack", &bytes).faultless();
    assert_eq!(outcome.found, [content(&format!("x.pack!blob/{}!content", id(&file)))]);
}

#[test]
fn deltas_are_built_and_thin_ones_tell_what_they_add() {
    let base = blob(&[b"a line that stands there\n".as_slice(); 40].concat());
    let added = format!("first\nsecond\ntoken={}\n", token(1)).into_bytes();
    let delta = delta(base.2.len(), 900, &added);
    let thin = entry(REF_DELTA, delta.len(), &raw_id(&id(&base)), &delta);
    let whole = pack_of(&[entry(BLOB, base.2.len(), b"", &base.2), thin.clone()]);
    let built = blob(&[&base.2[..900], &added].concat());
    let outcome = unpack("x.pack", &whole).faultless();
    assert_eq!(outcome.found, [Found::content(&format!("x.pack!blob/{}", id(&built)), 900 + 19, 39)]);
    let outcome = unpack("x.pack", &pack_of(&[thin]));
    assert_eq!(outcome.found, [Found::content("x.pack!delta/12", 19, 3)]);
    let [(path, FaultKind::Unreadable, reason)] = &outcome.faults[..] else { panic!("{outcome:?}") };
    assert!(path == "x.pack" && reason.starts_with("1 of its 1 objects are deltas"), "{reason}");
}

#[test]
fn a_bundle_has_refs_and_prerequisites() {
    let (file, root, commit) = history(&text(1), "leak");
    let bytes = pack(&[&commit, &root, &file]);
    let tip = id(&commit);
    let branch = format!("refs/heads/{}", token(3));
    for head in [
        format!("# v2 git bundle\n-{} before\n{tip} {branch}\n\n", "1".repeat(40)),
        format!("# v3 git bundle\n@object-format=sha1\n{tip} {branch}\n\n"),
    ] {
        let bundle = [head.as_bytes(), &bytes].concat();
        for form in FORMS {
            let outcome = unpack_as(form, "all.bundle", &bundle, Limits::default()).faultless();
            let branch_at = head.find("ghp_").expect("the branch") as u64;
            assert_eq!(outcome.found.len(), 2, "{form:?}: {outcome:?}");
            assert!(outcome.found.contains(&content(&format!("all.bundle!{tip}:f.env"))), "{form:?}");
            assert!(
                outcome.found.iter().any(|found| found.path == "all.bundle" && found.offset == branch_at)
            );
        }
    }
    // A ref to what is not here.
    let head = format!("# v2 git bundle\n{} refs/heads/main\n\n", "2".repeat(40));
    let outcome = unpack("all.bundle", &[head.as_bytes(), &bytes].concat());
    assert_eq!(outcome.found, [content(&format!("all.bundle!{tip}:f.env"))]);
    assert_eq!(outcome.faults.len(), 1, "{outcome:?}");
}

#[test]
fn a_loose_object_is_read_wherever_it_is() {
    let file = blob(&text(1));
    let id_of = id(&file);
    let bytes = loose("blob", &file.2);
    for form in FORMS {
        for name in ["x".to_owned(), format!("objects/{}/{}", &id_of[..2], &id_of[2..])] {
            let outcome = unpack_as(form, &name, &bytes, Limits::default()).faultless();
            assert_eq!(outcome.found, [content(&format!("{name}!blob/{id_of}"))], "{form:?}");
        }
    }
    let packed = blob(&gzip(&text(2)));
    let outcome = unpack("x", &loose("blob", &packed.2)).faultless();
    assert_eq!(outcome.found, [content(&format!("x!blob/{}!content", id(&packed)))]);
    let (_, _, commit) = history(b"", &format!("leak {}", token(4)));
    let outcome = unpack("x", &loose("commit", &commit.2)).faultless();
    assert_eq!(outcome.found.len(), 1, "{outcome:?}");
    assert_eq!(outcome.found[0].path, format!("x!commit/{}", id(&commit)));
    assert_eq!(outcome.found[0].kind, LocationKind::CommitMessage);
    let root = tree(&[(&format!("{}.txt", token(5)), &file)]);
    let outcome = unpack("x", &loose("tree", &root.2)).faultless();
    assert_eq!((outcome.found[0].kind, outcome.found[0].offset), (LocationKind::FileName, 2));
    // Something stands behind it, and one that is cut.
    let outcome = unpack("x", &[&bytes[..], &text(6)].concat());
    assert_eq!(outcome.found.len(), 2, "{outcome:?}");
    let large = blob(&[super::support::noise(5000), text(1)].concat());
    let bytes = loose("blob", &large.2);
    assert_eq!(unpack("x", &bytes[..4000]).faults.len(), 1);
}

#[test]
fn a_git_directory_in_an_archive_is_a_repository() {
    let (mut files, tip) = git_dir(&text(1));
    for reversed in [false, true] {
        if reversed {
            files.reverse();
        }
        for form in FORMS {
            for (dir, place) in [
                ("app/.git/", "!app/.git"),
                ("x.git/", "!x.git"),
                ("", ""),
                ("r/.git/modules/m/", "!r/.git/modules/m"),
            ] {
                let bytes = tar_below(dir, &files);
                let outcome = unpack_as(form, "layer.tar", &bytes, Limits::default()).faultless();
                assert_eq!(
                    outcome.found,
                    [content(&format!("layer.tar{place}!{tip}:f.env"))],
                    "{form:?} {dir}"
                );
            }
        }
    }
    let inner = tar_below("r/.git/", &files);
    let outcome = unpack("a.tar", &tar(&[("b.tar.gz", &gzip(&inner)), ("t", &text(2))])).faultless();
    let expected = [content("a.tar!t"), content(&format!("a.tar!b.tar.gz!r/.git!{tip}:f.env"))];
    assert!(expected.iter().all(|found| outcome.found.contains(found)), "{outcome:?}");
    // Objects alone, without a `HEAD`.
    files.retain(|(name, _)| name.starts_with("objects"));
    let outcome = unpack("a.tar", &tar_below("d/", &files)).faultless();
    assert_eq!(outcome.found, [content(&format!("a.tar!d/objects!{tip}:f.env"))]);
}

#[test]
fn an_archive_in_a_repository_in_an_archive_is_opened() {
    let (inner, _) = git_dir(&text(1));
    let inner = tar(&[("z.tar", &tar_below("in/.git/", &inner))]);
    let (outer, tip) = git_dir(&inner);
    let outcome = unpack("a.tar", &tar_below("r/.git/", &outer)).faultless();
    assert_eq!(outcome.found.len(), 1, "{outcome:?}");
    let path = &outcome.found[0].path;
    assert!(path.starts_with(&format!("a.tar!r/.git!{tip}:f.env!z.tar!in/.git!")), "{path}");
    // A repository is a container, too.
    for depth in 1..6 {
        let limits = Limits { max_archive_depth: depth, ..Limits::default() };
        let outcome = unpack_as(FORMS[0], "a.tar", &tar_below("r/.git/", &outer), limits);
        assert_eq!(
            (outcome.found.len(), outcome.faults.is_empty()),
            (usize::from(depth > 4), depth > 4),
            "{depth}"
        );
    }
}

#[test]
fn nothing_leads_out_of_the_archive() {
    let (mut files, tip) = git_dir(&text(1));
    files.push(("objects/info/alternates".to_owned(), b"/etc\n".to_vec()));
    files.push((
        "config".to_owned(),
        b"[include]\n\tpath = /etc/passwd\n[core]\n\tfsmonitor = touch /tmp/x\n\tworktree = /\n".to_vec(),
    ));
    files.push(("commondir".to_owned(), b"/\n".to_vec()));
    files.push(("objects/pack/../../../../x.pack".to_owned(), b"PACK\0\0\0\x02\0\0\0\x01".to_vec()));
    files.push(("refs/heads/../../../../x".to_owned(), format!("{tip}\n").into_bytes()));
    let outcome = unpack("a.tar", &tar_below("r/.git/", &files));
    assert_eq!(outcome.found, [content(&format!("a.tar!r/.git!{tip}:f.env"))]);
    let alternates =
        outcome.faults.iter().filter(|(path, ..)| path.ends_with("!r/.git/objects/info/alternates"));
    assert_eq!(alternates.count(), 1, "{outcome:?}");
}

#[test]
fn neighbours_are_none() {
    for bytes in [
        b"PACKAGE \x00 list".to_vec(),
        [b"PACK\0\0\0\x02\0\0\0\x02".as_slice(), &text(1)].concat(),
        [b"PACK\0\0\x10\0\x40\0\0\0".as_slice(), &text(1)].concat(),
        [b"# v2 git bundles\n".as_slice(), &text(1)].concat(),
        [b"# v2 git bundle\n".as_slice(), &text(1)].concat(),
        [&zlib(b"not an object, but text")[..], &text(1)].concat(),
        [b"x = 1\n".as_slice(), &text(1)].concat(),
    ] {
        let plain = bytes.windows(4).any(|four| four == b"ghp_");
        for form in FORMS {
            let outcome = unpack_as(form, "f", &bytes, Limits::default());
            assert_eq!(outcome.paths(), if plain { vec!["f"] } else { vec![] }, "{form:?}");
        }
    }
    // A file by such a name that is none.
    let name = format!("r/.git/objects/ab/{}", "c".repeat(38));
    let files = [(&*name, &text(1)[..]), ("r/.git/objects/pack/a.pack", &text(2)), ("r/.git/HEAD", &text(3))];
    assert_eq!(unpack("a.tar", &tar(&files)).faultless().found.len(), 3);
}

fn all_kinds() -> Vec<Vec<u8>> {
    let (file, root, commit) = history(&text(1), "leak");
    let packed = pack(&[&commit, &root, &file]);
    let head = format!("# v2 git bundle\n{} refs/heads/main\n\n", id(&commit));
    let (files, _) = git_dir(&text(1));
    vec![
        packed.clone(),
        [head.as_bytes(), &packed].concat(),
        loose("blob", &text(1)),
        tar_below("r/.git/", &files),
    ]
}

#[test]
fn every_cut_ends_and_is_told() {
    for bytes in all_kinds() {
        let step = (bytes.len() / 200).max(1);
        for cut in (0..bytes.len()).step_by(step) {
            let outcome = unpack("f", &bytes[..cut]);
            assert!(outcome.found.len() <= 1);
        }
    }
    // What stands behind damage is found, too.
    let (file, root, commit) = history(&text(1), "leak");
    let mut bytes = pack(&[&blob(&super::support::noise(300)), &commit, &root, &file]);
    bytes[100..120].fill(0);
    let outcome = unpack("f", &bytes);
    assert_eq!(
        (outcome.paths(), outcome.faults.len()),
        (vec![&*format!("f!{}:f.env", id(&commit))], 1),
        "{outcome:?}"
    );
    // The objects in front of a cut are found.
    let (file, root, commit) = history(&text(1), "leak");
    let bytes = pack(&[&commit, &root, &file, &blob(&super::support::noise(300))]);
    let outcome = unpack("f", &bytes[..bytes.len() - 200]);
    assert_eq!((outcome.found.len(), outcome.faults.len()), (1, 1), "{outcome:?}");
}

#[test]
fn a_bomb_is_cut() {
    let limits =
        Limits { max_memory: 24 << 20, max_expansion: 64 << 20, max_seconds: 5, ..Limits::default() };
    let zeros = vec![0; 40 << 20];
    let bomb = entry(BLOB, zeros.len(), b"", &zeros);
    let base = id(&blob(&zeros));
    let delta = delta(zeros.len(), 5000, b"more");
    let behind = blob(&text(1));
    let behind = entry(BLOB, behind.2.len(), b"", &behind.2);
    let bytes = pack_of(&[behind, bomb.clone(), bomb, entry(REF_DELTA, delta.len(), &raw_id(&base), &delta)]);
    let outcome = unpack_as(FORMS[0], "x.pack", &bytes, limits);
    assert_eq!(outcome.found.len(), 1, "{outcome:?}");
    assert!(!outcome.faults.is_empty(), "{outcome:?}");
    let bytes = loose("tree", &zeros);
    assert!(unpack_as(FORMS[0], "x", &bytes, Limits { ratio_after: 1 << 20, ..limits }).faults.len() == 1);
    // Too many objects.
    let few = Limits { max_entries: 2, ..Limits::default() };
    let (file, root, commit) = history(&text(1), "leak");
    let outcome = unpack_as(FORMS[0], "x.pack", &pack(&[&file, &root, &commit]), few);
    assert_eq!(outcome.found.len(), 1);
    assert!(
        matches!(&outcome.faults[..], [(_, FaultKind::CutShort, reason)] if reason.contains("max_entries"))
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn flips_and_cuts_end(kind in 0..4_usize, at in any::<prop::sample::Index>(), cut in any::<prop::sample::Index>(), byte: u8) {
        let mut bytes = all_kinds().swap_remove(kind);
        let index = at.index(bytes.len());
        bytes[index] = byte;
        bytes.truncate(bytes.len() - cut.index(bytes.len()) / 8);
        let outcome: Outcome = unpack("f", &bytes);
        prop_assert!(outcome.found.len() <= 3, "{:?}", outcome.found);
    }
}
