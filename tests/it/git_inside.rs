//! Git's own files in other things: the same tokens as `stanch git` finds in the repository that they were made of.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use crate::support::cmd::Sandbox;
use crate::support::mint::{Kind, Mint};

/// The hashes of the tokens in a report.
fn hashes(report: &Value) -> BTreeSet<String> {
    let findings = report["findings"].as_array().expect("findings");
    findings.iter().map(|finding| finding["sha256"].as_str().expect("a hash").to_owned()).collect()
}

/// The paths of all locations.
fn paths(report: &Value) -> Vec<String> {
    let findings = report["findings"].as_array().expect("findings");
    let locations = findings.iter().flat_map(|finding| finding["locations"].as_array().expect("locations"));
    locations.map(|location| location["path"].as_str().expect("a path").to_owned()).collect()
}

fn faults(report: &Value) -> u64 {
    report["summary"]["unreadable"].as_u64().expect("a number")
        + report["summary"]["histories"].as_u64().expect("a number")
}

/// So many lines.
fn numbered(count: usize) -> String {
    (0..count).map(|n| format!("line {n}\n")).collect::<Vec<_>>().concat()
}

/// A repository in `r` with tokens in deleted files, in a large file that became deltas, in messages, tags, notes, a stash, a
/// branch and in objects that nothing leads to.
fn repository(sandbox: &Sandbox, mint: &mut Mint, format: &str) {
    let mut token = || mint.token(Kind::Pat);
    let lines = |token: &str| numbered(3000) + &format!("token={token}\n");
    sandbox.init("r", &["--object-format", format]);
    sandbox.commit("r", "large", lines("none"));
    sandbox.commit("r", "large", lines(&token()));
    sandbox.commit("r", "large", lines("none") + "more\n");
    sandbox.commit("r", "d/gone.env", format!("a={}\n", token()));
    sandbox.git("r", &["rm", "-q", "d/gone.env"]);
    sandbox.git("r", &["commit", "-q", "-m", &format!("message {}", token())]);
    sandbox.git("r", &["tag", "-a", "v1", "-m", &format!("tag {}", token())]);
    sandbox.git("r", &["notes", "add", "-m", &format!("note {}", token())]);
    sandbox.git("r", &["checkout", "-q", "-b", "side"]);
    sandbox.commit("r", "side", token());
    sandbox.git("r", &["checkout", "-q", "main"]);
    sandbox.write("r/large", lines(&token()));
    sandbox.git("r", &["stash", "-q"]);
    sandbox.write("r/dangling", token());
    sandbox.git("r", &["hash-object", "-w", "dangling"]);
    fs::remove_file(sandbox.path().join("r/dangling")).expect("removed");
    sandbox.commit("r", "amended", token());
    sandbox.write("r/amended", "clean");
    sandbox.git("r", &["commit", "-q", "-a", "--amend", "-m", "amended"]);
}

#[test]
fn a_repository_in_an_archive_holds_what_it_holds() {
    for format in ["sha1", "sha256"] {
        let (sandbox, mut mint) = (Sandbox::new(), Mint::new(700));
        repository(&sandbox, &mut mint, format);
        for pack in [
            "true",
            "git -C r gc -q --prune=never",
            "git -C r repack -adfkq --depth=1 && git -C r repack -q",
            "git -C r multi-pack-index write && git -C r commit-graph write --reachable",
        ] {
            sandbox.shell(pack);
            let (_, whole) = sandbox.json(&["git", "r"]);
            assert_eq!(hashes(&whole).len(), 9, "{format}: {pack}");
            sandbox.shell(
                "rm -rf out && mkdir -p out && tar cf out/a.tar r/.git && tar czf out/a.tgz -C r .git && \
                 git clone -q --mirror r out/m.git && cd out && tar cf m.tar m.git && rm -rf m.git",
            );
            for archive in ["out/a.tar", "out/a.tgz"] {
                let (code, report) = sandbox.json(&["scan", archive]);
                assert_eq!((code, faults(&report)), (1, 0), "{format}: {pack}: {report}");
                assert_eq!(hashes(&report), hashes(&whole), "{format}: {archive}: {pack}");
                let commits = &whole["summary"]["commits"];
                assert_eq!(&report["summary"]["commits"], commits);
            }
            let (_, report) = sandbox.json(&["scan", "out/m.tar"]);
            assert_eq!(faults(&report), 0, "{format}: {report}");
            assert!(hashes(&report).len() >= 6 && hashes(&report).is_subset(&hashes(&whole)), "{format}");
        }
        let leak = sandbox.git("r", &["log", "--format=%H", "--diff-filter=A", "--", "d/gone.env"]);
        let (_, report) = sandbox.json(&["scan", "out"]);
        for place in [format!("a.tar!r/.git!{leak}:d/gone.env"), format!("m.tar!m.git!{leak}:d/gone.env")] {
            assert!(paths(&report).contains(&place), "{format}: {place}: {:?}", paths(&report));
        }
    }
}

#[test]
fn packs_bundles_and_objects_are_read_by_themselves() {
    for format in ["sha1", "sha256"] {
        let (sandbox, mut mint) = (Sandbox::new(), Mint::new(701));
        repository(&sandbox, &mut mint, format);
        sandbox.shell(
            "mkdir out && git -C r bundle create -q ../out/all.bundle --all && cp -r r/.git/objects loose",
        );
        let (_, whole) = sandbox.json(&["git", "r"]);
        let (_, report) = sandbox.json(&["scan", "loose"]);
        assert_eq!((hashes(&report), faults(&report)), (hashes(&whole), 0), "{format}: loose");
        sandbox.shell(
            "git -C r -c repack.useDeltaBaseOffset=false repack -adfkq && cp -r r/.git/objects out/packed",
        );
        let (_, report) = sandbox.json(&["scan", "out/packed"]);
        assert_eq!((hashes(&report), faults(&report)), (hashes(&whole), 0), "{format}: packed");
        let (_, report) = sandbox.json(&["scan", "out/all.bundle"]);
        assert_eq!(faults(&report), 0, "{format}: {report}");
        let leak = sandbox.git("r", &["log", "--format=%H", "--diff-filter=A", "--", "d/gone.env"]);
        let place = format!("out/all.bundle!{leak}:d/gone.env");
        let locations = report["findings"]
            .as_array()
            .expect("findings")
            .iter()
            .flat_map(|finding| finding["locations"].as_array().expect("locations").iter());
        let location = locations.clone().find(|location| location["path"] == place.as_str());
        let location = location.unwrap_or_else(|| panic!("{place} in {:?}", paths(&report)));
        assert_eq!(location["commit"], leak.as_str());
        assert_eq!(location["author"], "A U Thor <author@example.com>");
        assert!(location["date"].as_str().is_some_and(|date| date.starts_with("2023-11-14")));
        assert_eq!(
            location["object"],
            sandbox.git("r", &["rev-parse", &format!("{leak}:d/gone.env")]).as_str()
        );
    }
}

#[test]
fn a_bundle_of_a_range_tells_what_is_new_and_what_is_missing() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(702));
    let (old, new) = (mint.token(Kind::Pat), mint.token(Kind::Pat));
    let lines = |token: &str| numbered(500) + token + "\n";
    sandbox.init("r", &[]);
    sandbox.commit("r", "f", lines(&old));
    sandbox.commit("r", "f", lines(&old) + "token=" + &new + "\n");
    sandbox.shell("git -C r bundle create -q ../new.bundle main~1..main");
    let (code, report) = sandbox.json(&["scan", "new.bundle"]);
    assert_eq!((code, hashes(&report).len(), faults(&report)), (1, 1, 1), "{report}");
    let (code, report) = sandbox.json(&["scan", "--max-archive-depth", "0", "new.bundle"]);
    assert_eq!((code, faults(&report)), (0, 1), "it is not looked into, and that is said: {report}");
}

#[test]
fn a_repository_in_a_repository_in_an_archive_is_told_by_all_of_them() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(703));
    sandbox.init("in", &[]);
    sandbox.commit("in", "f", mint.token(Kind::Pat));
    sandbox.commit("in", "f", "gone");
    sandbox.init("r", &[]);
    sandbox.shell("tar cf r/in.tar in");
    let outer = sandbox.commit("r", "g", "x");
    sandbox.shell("rm -rf in && tar cf r.tar r/.git && mkdir all && mv r.tar all && rm -rf r/in.tar");
    let (code, report) = sandbox.json(&["scan", "all"]);
    assert_eq!((code, faults(&report)), (1, 0), "{report}");
    let [path] = &paths(&report)[..] else { panic!("{report}") };
    assert!(
        path.starts_with(&format!("r.tar!r/.git!{outer}:in.tar!in/.git!")) && path.ends_with(":f"),
        "{path}"
    );
    // In the history itself, it is an archive like any other.
    let (_, report) = sandbox.json(&["git", "r"]);
    let [path] = &paths(&report)[..] else { panic!("{report}") };
    assert!(path.starts_with("in.tar!in/.git!") && path.ends_with(":f"), "{path}");
    let location = &report["findings"][0]["locations"][0];
    assert_eq!(location["commit"], outer.as_str());
}

#[test]
fn a_hostile_git_directory_leads_nowhere_and_starts_nothing() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(704));
    let (own, other) = (mint.token(Kind::Pat), mint.token(Kind::Pat));
    sandbox.init("other", &[]);
    sandbox.commit("other", "f", &other);
    sandbox.commit("other", "f", "gone");
    sandbox.init("r", &[]);
    sandbox.commit("r", "f", &own);
    sandbox.commit("r", "f", "gone");
    sandbox.write("secret", format!("[user]\n\tname = {other}\n"));
    sandbox.shell(
        "here=$PWD && printf '#!/bin/sh\\ntouch %s/started\\n' \"$here\" > run && chmod +x run && cp run r/.git/hooks/post-checkout && \
         git -C r config core.fsmonitor \"$here/run\" && git -C r config include.path \"$here/secret\" && \
         git -C r config core.worktree \"$here/other\" && \
         echo \"$here/other/.git/objects\" > r/.git/objects/info/alternates && \
         git -C other rev-parse main~1 > r/.git/refs/heads/elsewhere && \
         ln -s \"$here/other/.git/refs\" r/.git/refs/outside && \
         mkdir all && tar cf all/r.tar r/.git",
    );
    let (code, report) = sandbox.json(&["scan", "all"]);
    assert_eq!((code, hashes(&report).len()), (1, 1), "{report}");
    assert_eq!(faults(&report), 1, "what it names elsewhere is not here: {report}");
    assert!(!sandbox.path().join("started").exists());
}

#[test]
fn what_was_put_together_is_gone_afterwards() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(705));
    sandbox.init("r", &[]);
    sandbox.commit("r", "f", mint.token(Kind::Pat));
    sandbox.shell(
        "mkdir all temporary && tar cf all/r.tar r/.git && git -C r bundle create -q ../all/r.bundle --all",
    );
    let ran = sandbox.command(&["scan", "all"]).env("TMPDIR", sandbox.path().join("temporary")).output();
    assert_eq!(ran.expect("it runs").status.code(), Some(1));
    assert_eq!(fs::read_dir(sandbox.path().join("temporary")).expect("it is there").count(), 0);
}

#[test]
fn where_there_is_no_room_objects_are_read_one_by_one() {
    for format in ["sha1", "sha256"] {
        let (sandbox, mut mint) = (Sandbox::new(), Mint::new(706));
        repository(&sandbox, &mut mint, format);
        sandbox.shell(
            "mkdir all && tar cf all/loose.tar r/.git && git -C r repack -q -a -d --keep-unreachable && \
             tar cf all/packed.tar r/.git && cp r/.git/objects/pack/*.pack all/r.pack && gzip -k all/packed.tar && \
             git -C r bundle create -q ../all/r.bundle --all",
        );
        for file in ["loose.tar", "packed.tar", "packed.tar.gz", "r.pack", "r.bundle"] {
            let (_, known) = sandbox.json(&["scan", &format!("all/{file}")]);
            assert!(hashes(&known).len() > 4 && faults(&known) == 0, "{file}: {known}");
            // There is no such directory; or no file in it may have more than a thousand bytes.
            for room in ["export TMPDIR=$PWD/gone", "trap '' XFSZ; ulimit -f 2"] {
                sandbox.shell(&format!("({room}; stanch scan all/{file} -f json) | cat > report.json"));
                let report = fs::read(sandbox.path().join("report.json")).expect("a report");
                let report: Value = serde_json::from_slice(&report).expect("JSON");
                assert_eq!(hashes(&report), hashes(&known), "{file} with {room}: {report}");
                assert_eq!(faults(&report), 1, "{file} with {room}: {report}");
                assert!(paths(&report).iter().any(|path| path.contains("!blob/")), "{report}");
            }
        }
    }
}
