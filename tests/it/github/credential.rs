//! The credential is shown to the API, and to `git` by its environment: it is in no argument, no file and no output, and it
//! is not revoked where it has leaked.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tempfile::TempDir;

use super::{Sweep, finding};
use crate::support::cmd::Ran;
use crate::support::github_source::Trouble;

/// Where the installed git is.
fn installed_git() -> PathBuf {
    let path = std::env::var_os("PATH").expect("a path");
    std::env::split_paths(&path)
        .map(|directory| directory.join("git"))
        .find(|git| git.is_file())
        .expect("git")
}

/// A `git` that notes how it was called, and is the installed one then.
fn noting_git(directory: &Path) {
    let (arguments, environment) = (directory.join("arguments"), directory.join("environment"));
    let script = format!(
        "#!/bin/sh\nprintf '%s\\n' \"$*\" >> '{}'\nenv >> '{}'\nexec '{}' \"$@\"\n",
        arguments.display(),
        environment.display(),
        installed_git().display()
    );
    let git = directory.join("git");
    fs::write(&git, script).expect("written");
    fs::set_permissions(&git, fs::Permissions::from_mode(0o755)).expect("executable");
}

/// All forms of a credential that give it away.
fn forms(credential: &str) -> [String; 2] {
    [credential.to_owned(), STANDARD.encode(format!("x-access-token:{credential}"))]
}

/// The arguments of every process that there is.
fn command_lines() -> Vec<String> {
    let processes = fs::read_dir("/proc").expect("listed").flatten();
    let lines = processes.filter_map(|process| fs::read(process.path().join("cmdline")).ok());
    lines.map(|line| String::from_utf8_lossy(&line).into_owned()).collect()
}

#[test]
fn no_process_is_given_the_credential_as_an_argument() {
    let mut sweep = Sweep::new(17_700);
    sweep.plant();
    // Slow, so that each process is there for long enough to be seen.
    sweep.github.trouble_always("/acme/web.git/*", Trouble::Late(Duration::from_millis(200)));
    let notes = TempDir::new().expect("a directory");
    noting_git(notes.path());
    let forms = forms(&sweep.credential);
    let ended = Arc::new(AtomicBool::new(false));
    let (secret, ends) = (forms.clone(), Arc::clone(&ended));
    let watcher = thread::spawn(move || {
        let mut seen = 0;
        while !ends.load(Ordering::SeqCst) {
            for line in command_lines() {
                seen += usize::from(line.contains("git") && line.contains("acme/web"));
                assert!(secret.iter().all(|form| !line.contains(form.as_str())), "an argument gives it away");
            }
        }
        seen
    });
    let mut path = notes.path().as_os_str().to_owned();
    path.push(":");
    path.push(std::env::var_os("PATH").expect("a path"));
    let all = "repos,pulls,deleted,wikis,gists,actions-logs,artifacts,alerts";
    let mut command = sweep.command(&["acme", "mona", "--include", all, "-v"]);
    let ran = sweep.checked(Ran::from(command.env("PATH", path).output().expect("the program starts")));
    ended.store(true, Ordering::SeqCst);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(watcher.join().expect("nothing was given away") > 0, "no process was seen");
    let arguments = fs::read_to_string(notes.path().join("arguments")).expect("git was called");
    let environment = fs::read_to_string(notes.path().join("environment")).expect("git was called");
    assert!(arguments.contains("fetch"), "{arguments}");
    for form in &forms {
        assert!(!arguments.contains(form.as_str()), "an argument of git gives it away");
        assert!(
            ![&ran.stdout, &ran.stderr].iter().any(|text| text.contains(form.as_str())),
            "it was printed"
        );
    }
    assert!(environment.contains(&forms[1]), "git was not given the credential at all");
    assert!(!environment.contains("GH_TOKEN"), "git was given more than it needs");
    sweep.assert_no_traces();
}

#[test]
fn what_the_user_has_configured_for_git_is_not_read() {
    let mut sweep = Sweep::new(17_701);
    let token = sweep.leak("acme/web");
    sweep.github.change(|world| world.repository_mut("acme/web").private = true);
    let touched = sweep.sandbox.home().join("touched");
    let touch = format!("!touch {}", touched.display());
    let config = format!(
        "[url \"http://127.0.0.1:1/\"]\n\tinsteadOf = http://\n[credential]\n\thelper = {touch}\n[core]\n\tfsmonitor = \
         {touch}\n\thooksPath = {0}\n\taskPass = {0}/x\n[http]\n\tproxy = http://127.0.0.1:1\n",
        sweep.sandbox.home().display()
    );
    fs::write(sweep.sandbox.home().join(".gitconfig"), config).expect("written");
    let mut command = sweep.command(&["acme", "-f", "json"]);
    command
        .env("GIT_SSH_COMMAND", format!("touch {}", touched.display()))
        .env("GIT_TRACE", "1")
        .env("GIT_DIR", "/nowhere");
    let ran = sweep.checked(Ran::from(command.output().expect("the program starts")));
    let report = serde_json::from_str(&ran.stdout).expect("JSON");
    assert!(ran.code == 1 && finding(&report, &token).is_some(), "{}", ran.stderr);
    assert!(!touched.exists(), "something was started that the user has configured");
}

#[test]
fn the_credential_is_not_revoked_where_it_has_leaked() {
    let mut sweep = Sweep::new(17_702);
    let token = sweep.leak("acme/web");
    sweep.github.bare("acme/web").commit(
        "refs/heads/main",
        "ci.yml",
        format!("token: {}\n", sweep.credential),
    );
    sweep.github.repository("acme/other", |_| {}).commit("refs/heads/main", "same", &token);
    let (code, report) = sweep.json(&["acme", "--revoke", "--yes", "--min-interval", "1ms"]);
    let state = |token: &str| finding(&report, token).expect("found")["revocation"]["state"].clone();
    assert_eq!((state(&token), state(&sweep.credential)), ("accepted".into(), "own".into()));
    assert_eq!(sweep.github.accepted(), [token], "each once");
    assert!([1, 3].contains(&code), "{code}");
    let (_, again) = sweep.json(&["acme", "--revoke", "--yes", "--min-interval", "1ms"]);
    assert_eq!(sweep.github.accepted().len(), 1, "{:#}", again["findings"]);
    sweep.assert_no_traces();
}

#[test]
fn a_wrong_credential_ends_the_run_at_once() {
    let mut sweep = Sweep::new(17_703);
    sweep.leak("acme/web");
    let other = sweep.mint.token(crate::support::mint::Kind::Pat);
    let mut command = sweep.command(&["acme", "acme/web"]);
    let ran = Ran::from(command.env("GH_TOKEN", &other).output().expect("the program starts"));
    assert_eq!(
        (ran.code, ran.stdout.contains(&other) || ran.stderr.contains(&other)),
        (2, false),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("credential") || ran.stderr.contains("GH_TOKEN"), "{}", ran.stderr);
    assert!(sweep.github.noted().len() < 4, "it was tried again and again");
}
