//! Servers that hang, lie or send too much; runs that are killed; disks that are full.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;

use super::*;

/// Bytes that nothing compresses.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0]
    };
    (0..len).map(|_| next()).collect()
}

fn hello_of(scene: &Scene, content: &[u8]) -> String {
    let (upstream, first) = scene.hello();
    let commit = upstream.commit(content, &[&first]);
    upstream.set("refs/heads/main", &commit);
    commit
}

fn is_gone(scene: &Scene) -> bool {
    !scene.place().path().exists()
}

#[test]
fn a_refusal_is_told_apart_and_leaves_nothing() {
    let scene = Scene::new();
    assert!(matches!(scene.fetch("none").unwrap_err(), GitError::NotFound(_)));
    for (status, expected) in [
        (401, "refuses it with 401"),
        (403, "refuses it with 403"),
        (404, "no such repository"),
        (451, "refuses it with 451"),
        (301, "another address"),
        (429, "run again later"),
        (503, "run again later"),
    ] {
        scene.server.behave(Manner::Status(status));
        let error = scene.fetch("hello").unwrap_err().to_string();
        assert!(error.contains(expected), "{status}: {error}");
        assert!(is_gone(&scene));
    }
}

#[test]
fn a_server_that_hangs_is_given_up() {
    let scene = Scene::new();
    hello_of(&scene, &noise(1 << 20));
    for manner in [Manner::Hangs, Manner::StopsAfter(200_000)] {
        scene.server.behave(manner);
        let limits = Limits { stall: Duration::from_millis(700), ..limits(&scene.cancel) };
        let error = scene.fetch_within("hello", &limits).unwrap_err();
        assert!(matches!(error, GitError::Hung(_)), "{error:?}");
        assert!(is_gone(&scene));
    }
}

/// Git says nothing while it looks whether all is connected.
#[cfg(target_os = "linux")]
#[test]
fn who_works_in_silence_is_not_given_up() {
    let scene = Scene::new();
    let limits = Limits { stall: Duration::from_millis(400), ..limits(&scene.cancel) };
    let run = |script: &str| {
        let mut command = std::process::Command::new("sh");
        command.args(["-c", script]);
        child::run(command, child::Input::Nothing, watch::Watch::new(&limits, None), &mut |_| {})
    };
    // Until it has computed for two seconds, in a child of its own.
    let works = "sh -c 'ulimit -t 2; while :; do :; done'; exit 0";
    assert!(run(works).unwrap().status.success());
    assert!(matches!(run("sleep 60"), Err(GitError::Hung(_))));
}

#[test]
fn what_takes_too_much_room_is_given_up() {
    let scene = Scene::new();
    hello_of(&scene, &noise(4 << 20));
    let most = AtomicU64::new(0);
    let may_hold = |bytes| most.fetch_max(bytes, SeqCst).max(bytes) <= 1 << 20;
    let error =
        scene.fetch_within("hello", &Limits { may_hold: &may_hold, ..limits(&scene.cancel) }).unwrap_err();
    assert!(matches!(error, GitError::TooLarge(_)), "{error:?}");
    assert!(most.load(SeqCst) > 1 << 20);
    assert!(is_gone(&scene));
}

#[test]
fn garbage_is_the_servers_fault() {
    let scene = Scene::new();
    hello_of(&scene, &noise(1 << 20));
    for manner in [Manner::Garbage, Manner::BreaksAfter(300_000)] {
        scene.server.behave(manner.clone());
        let error = scene.fetch("hello").unwrap_err();
        assert!(matches!(error, GitError::Server(_)), "{manner:?}: {error:?}");
        assert!(is_gone(&scene));
    }
    // What was here before stays.
    scene.server.behave(Manner::Well);
    let (mirror, upstream) = (scene.fetch("hello").unwrap(), Upstream { path: scene.server.path("hello") });
    let tip = mirror.tip().unwrap().to_owned();
    drop(mirror);
    upstream.set("refs/heads/new", &upstream.commit(&noise(2 << 20), &[]));
    for manner in [Manner::Garbage, Manner::BreaksAfter(300_000)] {
        scene.server.behave(manner);
        assert!(matches!(scene.fetch("hello").unwrap_err(), GitError::Server(_)));
        assert!(is_kept(&scene.place().path(), &tip));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn cancelling_ends_git_and_all_that_it_started() {
    let scene = Scene::new();
    hello_of(&scene, &noise(1 << 20));
    scene.server.behave(Manner::StopsAfter(200_000));
    thread::scope(|scope| {
        let fetching = scope.spawn(|| scene.fetch("hello").map(drop));
        let home = scene.git.home().to_owned();
        while children_in(&home) < 3 {
            assert!(!fetching.is_finished());
            thread::sleep(Duration::from_millis(5));
        }
        scene.cancel.cancel();
        assert_eq!(fetching.join().unwrap(), Err(GitError::Cancelled));
        assert_eq!(children_in(&home), 0);
    });
    assert!(is_gone(&scene));
}

#[cfg(target_os = "linux")]
/// How many processes live that were started with this directory as their home.
fn children_in(home: &Path) -> usize {
    let wanted = format!("HOME={}", home.display()).into_bytes();
    let environment =
        |entry: std::fs::DirEntry| std::fs::read(entry.path().join("environ")).unwrap_or_default();
    let all = std::fs::read_dir("/proc").unwrap().flatten().map(environment);
    all.filter(|environment| environment.split(|byte| *byte == 0).any(|variable| variable == wanted)).count()
}

#[test]
fn an_interrupted_mirror_is_completed() {
    let scene = Scene::new();
    let commit = hello_of(&scene, &noise(1 << 16));
    let mirror = scene.fetch("hello").unwrap();
    let path = mirror.path().to_owned();
    drop(mirror);
    // As a kill leaves it at each moment: without refs, with locks and beginnings of packs, without a configuration …
    let cut: [&dyn Fn(); 6] = [
        &|| std::fs::write(path.join("packed-refs.lock"), "").unwrap(),
        &|| std::fs::remove_file(path.join("refs/heads/main")).unwrap(),
        &|| std::fs::write(path.join("objects/pack/tmp_pack_x"), "PACK").unwrap(),
        &|| std::fs::remove_file(path.join("HEAD")).unwrap(),
        &|| std::fs::write(path.join("config.lock"), "").unwrap(),
        &|| {
            std::fs::remove_dir_all(path.join("objects")).unwrap();
            std::fs::remove_dir_all(path.join("refs")).unwrap();
            for name in ["HEAD", "config"] {
                std::fs::remove_file(path.join(name)).unwrap();
            }
        },
    ];
    for cut in cut {
        cut();
        let mirror = scene.fetch("hello").unwrap();
        assert_eq!(mirror.tip(), Some(commit.as_str()));
        assert!(is_kept(&path, &commit) && mirror.set_aside().is_none());
        assert!(!path.join("objects/pack/tmp_pack_x").exists());
        assert_eq!(in_mirror(&path, &["config", "gc.pruneExpire"]), "never");
    }
}

#[test]
fn a_damaged_mirror_is_set_aside_and_made_anew() {
    let scene = Scene::new();
    let commit = hello_of(&scene, &noise(1 << 16));
    drop(scene.fetch("hello").unwrap());
    let path = scene.place().path();
    for entry in std::fs::read_dir(path.join("objects/pack")).unwrap().flatten() {
        std::fs::remove_file(entry.path()).unwrap();
    }
    let mirror = scene.fetch("hello").unwrap();
    let aside = mirror.set_aside().unwrap().to_owned();
    assert!(aside.exists() && is_kept(&path, &commit));
    drop(mirror);
    assert!(scene.fetch("hello").unwrap().set_aside().is_none());
}

#[test]
fn what_an_earlier_run_has_kept_is_read_without_its_server() {
    let scene = Scene::new();
    let url = scene.server.url("hello");
    let limits = limits(&scene.cancel);
    let kept = || Mirror::kept(&scene.git, &scene.place(), &url, &limits);
    assert!(kept().unwrap().is_none());
    let (upstream, main) = scene.hello();
    upstream.set("refs/pull/3/head", &main);
    let path = scene.fetch("hello").unwrap().path().to_owned();
    scene.server.behave(Manner::Status(500));
    assert!(scene.fetch("hello").is_err());
    scene.server.seen();
    std::fs::write(path.join("config.lock"), "").unwrap();
    let mirror = kept().unwrap().unwrap();
    assert_eq!((mirror.tip(), mirror.ref_count(), mirror.pull_count()), (Some(main.as_str()), 2, 1));
    assert_eq!(scene.server.seen(), []);
    drop(mirror);
    // Its HEAD may stand for a branch that there is not, and what is kept may be no ref of the server.
    std::fs::write(path.join("HEAD"), "ref: refs/heads/none\n").unwrap();
    assert_eq!(kept().unwrap().unwrap().tip(), None);
    for (name, refs) in [("refs/heads/main", 1), ("refs/pull/3/head", 0)] {
        in_mirror(&path, &["update-ref", &format!("refs/stanch-kept/{main}"), &main]);
        in_mirror(&path, &["update-ref", "-d", name]);
        assert_eq!(kept().unwrap().unwrap().ref_count(), refs);
    }
    in_mirror(&path, &["update-ref", "-d", &format!("refs/stanch-kept/{main}")]);
    assert!(kept().unwrap().is_none(), "there is nothing in it");
    std::fs::remove_dir_all(path.join("objects")).unwrap();
    assert!(kept().unwrap().is_none());
}

#[test]
fn nothing_else_is_taken_for_a_mirror() {
    let scene = Scene::new();
    scene.hello();
    let path = scene.place().path();
    std::fs::create_dir_all(&path).unwrap();
    std::fs::write(path.join("mine"), "x").unwrap();
    assert!(matches!(scene.fetch("hello").unwrap_err(), GitError::Place { .. }));
    assert!(path.join("mine").exists());
    std::fs::remove_file(path.join("mine")).unwrap();
    drop(scene.fetch("hello").unwrap());
    let error = scene.fetch("other").unwrap_err().to_string();
    assert!(error.contains("hello.git is there, and not one of"), "{error}");
}

#[test]
fn one_run_at_a_time_works_on_a_mirror() {
    let scene = Scene::new();
    scene.hello();
    let held = scene.fetch("hello").unwrap();
    let limits = Limits { stall: Duration::from_millis(200), ..limits(&scene.cancel) };
    assert!(matches!(scene.fetch_within("hello", &limits).unwrap_err(), GitError::Busy(_)));
    thread::scope(|scope| {
        let waiting = scope.spawn(|| scene.fetch("hello").map(|mirror| mirror.path().exists()));
        thread::sleep(Duration::from_millis(100));
        assert!(!waiting.is_finished());
        // The lock goes with the mirror, and who has waited for it makes both anew.
        held.remove().unwrap();
        assert_eq!(waiting.join().unwrap(), Ok(true));
    });
    scene.fetch("hello").unwrap().remove().unwrap();
    assert_eq!(std::fs::read_dir(scene.place().path().parent().unwrap()).unwrap().count(), 0);
}

/// As by a git that has outlived a run that was killed.
#[test]
fn a_mirror_is_locked_as_long_as_a_child_of_another_run_lives() {
    let scene = Scene::new();
    scene.hello();
    let Mirror { lock, .. } = scene.fetch("hello").unwrap();
    let mut child = std::process::Command::new("sleep").arg("60").stdin(lock).spawn().unwrap();
    let limits = Limits { stall: Duration::from_millis(200), ..limits(&scene.cancel) };
    let while_it_lives = scene.fetch_within("hello", &limits).map(drop);
    child.kill().and_then(|()| child.wait()).unwrap();
    assert!(matches!(while_it_lives, Err(GitError::Busy(_))));
    assert!(scene.fetch("hello").is_ok());
}

/// Where file systems may be mounted: objects that do not fit, and refs that do not.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told() {
    let scene = Scene::new();
    hello_of(&scene, &noise(4 << 20));
    is_full_with(&scene);
    let scene = Scene::new();
    let (upstream, main) = scene.hello();
    let refs: Vec<String> = (0..800).map(|n| format!("create refs/pull/{n}/head {main}\n")).collect();
    let refs = refs.concat();
    upstream.git_with_input(&["update-ref", "--stdin"], refs.as_bytes());
    is_full_with(&scene);
}

#[cfg(target_os = "linux")]
fn is_full_with(scene: &Scene) {
    let mount = |arguments: &[&str]| {
        let run =
            std::process::Command::new(arguments[0]).args(&arguments[1..]).arg(scene.cache.path()).output();
        run.is_ok_and(|output| output.status.success())
    };
    if !mount(&["mount", "-t", "tmpfs", "-o", "size=2m,mode=700", "tmpfs"]) {
        return;
    }
    let error = scene.fetch("hello").map(drop);
    let is_gone = is_gone(scene);
    // A child of another test may have inherited a file there.
    assert!(mount(&["umount", "-l"]));
    assert!(matches!(error, Err(GitError::DiskFull(_))), "{error:?}");
    assert!(is_gone);
}
