//! Objects by their ids: what is read is what git-cat-file(1) prints, from any sound copy; and a walk keeps all threads busy.

use std::collections::HashMap;
use std::fs;
use std::sync::{Condvar, Mutex};
use std::time::Duration;

use gix::{ObjectId, oid};
use proptest::prelude::*;

use super::support::Fixture;
use crate::source::git::object::{Kind, compute_id};
use crate::source::git::visitor::ObjectVisitor;

/// Versions of a file that make chains of deltas, in two packs that both hold everything.
fn two_packs() -> Fixture {
    let fixture = Fixture::new();
    let mut lines: Vec<String> = (0..300).map(|line| format!("line {line} is here to stay")).collect();
    for n in 0..12 {
        lines[n * 20] = format!("changed in {n}");
        fixture.commit(&format!("d{}/f", n % 2), lines.join("\n"), &format!("step {n}"));
    }
    fixture.git(&["tag", "-a", "v1", "-m", "a tag"]);
    fixture.repack();
    let all = fixture.git(&["rev-list", "--objects", "--no-object-names", "--all"]);
    fixture.git_with_input(&["pack-objects", "-q", ".git/objects/pack/other"], format!("{all}\n").as_bytes());
    fixture
}

/// Every object as git has it.
fn printed_by_git(fixture: &Fixture) -> HashMap<ObjectId, (String, Vec<u8>)> {
    let listed =
        fixture.git(&["cat-file", "--batch-all-objects", "--batch-check=%(objectname) %(objecttype)"]);
    let read = |line: &str| {
        let (id, kind) = line.split_once(' ').expect("two fields");
        let printed =
            fixture.command(&fixture.path()).args(["cat-file", kind, id]).output().expect("git runs");
        (ObjectId::from_hex(id.as_bytes()).expect("an id"), (kind.to_owned(), printed.stdout))
    };
    listed.lines().map(read).collect()
}

fn name(kind: Kind) -> String {
    format!("{kind:?}").to_lowercase()
}

#[test]
fn an_object_is_what_git_prints() {
    let fixture = two_packs();
    let repo = fixture.repo();
    let objects = printed_by_git(&fixture);
    assert!(objects.len() > 40);
    for (id, (kind, bytes)) in &objects {
        let mut read = Vec::new();
        assert_eq!(name(repo.read(id, &mut read).expect("it is there")), *kind);
        assert_eq!(read, *bytes);
        let (found, size) = repo.store.header(id).expect("it is there");
        assert_eq!((name(found), size), (kind.clone(), bytes.len()));
        let mut streamed = Vec::new();
        let stream = repo.store.stream(id, &mut |inflated| {
            inflated.read_to_end(&mut streamed).expect("it is sound");
        });
        assert_eq!((stream, streamed), (Ok(()), bytes.clone()));
    }
}

#[test]
fn a_repack_while_it_is_open_loses_nothing() {
    let fixture = two_packs();
    let repo = fixture.repo();
    let (head, mut bytes) = (fixture.head(), Vec::new());
    let id = |hex: &str| ObjectId::from_hex(hex.as_bytes()).expect("an id");
    assert!(repo.read(&id(&head), &mut bytes).is_ok());
    let new = fixture.commit("f", "new", "new");
    fixture.repack();
    assert!(repo.read(&id(&new), &mut bytes).is_ok());
    assert!(repo.read(&id(&"1".repeat(40)), &mut bytes).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damage_in_one_pack_changes_nothing(
        flips in prop::collection::vec((any::<prop::sample::Index>(), 1..=255_u8), 1..12),
        other in any::<bool>(),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let fixture = two_packs();
        let objects = printed_by_git(&fixture);
        let entries = fs::read_dir(fixture.path().join(".git/objects/pack")).expect("a directory");
        let paths = entries.map(|entry| entry.expect("one").path());
        let is_it = |name: &str| name.contains(".pack") && name.starts_with("other") == other;
        let pack = paths.into_iter().find(|path| is_it(&path.file_name().expect("a name").to_string_lossy()));
        let pack = pack.expect("there are two");
        let mut bytes = fs::read(&pack).expect("readable");
        for (at, flip) in flips {
            *at.get_mut(&mut bytes[12..]) ^= flip;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()).max(40));
        }
        fs::remove_file(&pack).expect("removed");
        fs::write(&pack, bytes).expect("written");
        let repo = fixture.repo();
        for (id, (kind, bytes)) in &objects {
            let is_sound = |kind: Kind, bytes: &[u8]| compute_id(kind, bytes, repo.hash()).is_some_and(|found| found == *id);
            let (found, read) = repo.store.read_sound(id, &is_sound).expect("the other pack has it");
            prop_assert_eq!((name(found), &*read), (kind.clone(), bytes));
            // However it is read, nothing panics.
            let _ = repo.store.header(id);
            let _ = repo.store.stream(id, &mut |inflated| drop(inflated.read_to_end(&mut Vec::new())));
        }
    }
}

/// Waits with the first large blob until another thread has come with one.
#[derive(Default)]
struct Meeting {
    threads: Mutex<Vec<std::thread::ThreadId>>,
    arrived: Condvar,
}

impl ObjectVisitor for Meeting {
    fn wants(&self, kind: Kind) -> bool {
        kind == Kind::Blob
    }

    fn object(&self, _: &oid, _: Kind, bytes: &[u8]) {
        if bytes.len() < 1 << 20 {
            return;
        }
        let this = std::thread::current().id();
        let mut threads = self.threads.lock().expect("no panic");
        if !threads.contains(&this) {
            threads.push(this);
        }
        self.arrived.notify_all();
        let wait =
            self.arrived.wait_timeout_while(threads, Duration::from_secs(10), |threads| threads.len() < 2);
        drop(wait.expect("no panic"));
    }
}

#[test]
fn few_large_blobs_keep_two_threads_busy() {
    for (pack_each, name) in [(false, "one pack"), (true, "a pack each")] {
        let fixture = Fixture::new();
        for n in 0..4_u32 {
            // No two share enough for a delta, and none is small when it is deflated.
            let mut state = n * 7 + 1;
            let bytes = std::iter::repeat_with(|| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                state.to_be_bytes()[0]
            });
            let bytes: Vec<u8> = bytes.take(3 << 20).collect();
            fixture.commit(&format!("f{n}"), bytes, "large");
            if pack_each {
                fixture.git(&["repack", "-dq"]);
            }
        }
        if !pack_each {
            fixture.repack();
        }
        let meeting = Meeting::default();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().expect("threads");
        let repo = fixture.repo();
        let odb = repo.object_db();
        pool.install(|| odb.visit(&meeting));
        assert_eq!(meeting.threads.lock().expect("no panic").len(), 2, "{name}");
    }
}
