//! This machine's own credentials, on a machine made for the purpose.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use stanch::local_credentials::{Environment, LocalCredentials};
use stanch::settings::Env;
use stanch::token::Fingerprint;

use crate::support::cmd::Sandbox;
use crate::support::mint::{Kind, Mint};

/// A machine: its files lie in a directory, its environment is a map.
struct Machine {
    disk: Sandbox,
    environment: Environment,
    mint: Mint,
}

impl Machine {
    fn new() -> Self {
        let disk = Sandbox::new();
        let home = disk.path().join("home");
        let environment =
            Environment { home: Some(home), cwd: Some(disk.path().join("work")), env: HashMap::new() };
        let machine = Machine { disk, environment, mint: Mint::new(77) };
        machine.set("GIT_CONFIG_NOSYSTEM", "1")
    }

    fn set(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.environment.env.insert(name.into(), value.into());
        self
    }

    /// A token, and the fingerprint to look for.
    fn token(&mut self) -> (String, Fingerprint) {
        let token = self.mint.token(Kind::Pat);
        let fingerprint = Fingerprint::of(token.as_bytes());
        (token, fingerprint)
    }

    fn credentials(&self) -> LocalCredentials {
        LocalCredentials::find(&self.environment)
    }

    fn path(&self, part: &str) -> String {
        self.disk.path().join(part).display().to_string()
    }

    /// Writes a file with `text` around a new token, `TOKEN` in it replaced, and looks whether it is found there.
    #[track_caller]
    fn finds(&mut self, path: &str, text: &str) {
        let (token, fingerprint) = self.token();
        let basic = STANDARD.encode(format!("x-access-token:{token}"));
        self.disk.write(path, text.replace("BASIC", &basic).replace("TOKEN", &token));
        let credentials = self.credentials();
        let location = self.disk.path().join(path).canonicalize().unwrap();
        let found =
            credentials.location_of(fingerprint).map(|found| Path::new(found).canonicalize().unwrap());
        assert_eq!(found, Some(location), "{path}");
        assert_eq!(credentials.unread(), [], "{path}");
        std::fs::remove_file(self.disk.path().join(path)).unwrap();
        assert_eq!(self.credentials().location_of(fingerprint), None, "{path}");
    }

    /// A repository at `path`.
    fn repository(&self, path: &str) {
        self.disk.write(&format!("{path}/HEAD"), "ref: refs/heads/main\n");
        std::fs::create_dir_all(self.disk.path().join(path).join("objects")).unwrap();
    }
}

#[test]
fn an_empty_machine_owns_nothing() {
    let credentials = Machine::new().credentials();
    assert_eq!(credentials.unread(), []);
    assert_eq!(credentials.location_of(Fingerprint::of(b"x")), None);
}

#[test]
fn every_variable_counts() {
    let mut machine = Machine::new();
    let (token, fingerprint) = machine.token();
    for (name, value) in [
        ("GH_TOKEN", token.clone()),
        ("MY_VARIABLE", format!("https://octocat:{token}@github.com")),
        ("npm_config__auth", STANDARD.encode(format!("octocat:{token}"))),
        ("GIT_CONFIG_KEY_0", format!("url.https://{token}@github.com/.insteadOf")),
    ] {
        let machine = Machine::new().set(name, value);
        let location = format!("the environment variable {name}");
        assert_eq!(machine.credentials().location_of(fingerprint), Some(location.as_str()));
    }
}

#[test]
fn the_usual_files_are_read() {
    let mut machine = Machine::new();
    for (path, text) in [
        (
            "home/.config/gh/hosts.yml",
            "github.com:\n    users:\n        mona:\n            oauth_token: TOKEN\n",
        ),
        ("home/.git-credentials", "https://mona:TOKEN@github.com\n"),
        ("home/.config/git/credentials", "https://mona%3aTOKEN%40github.com\n"),
        ("home/.netrc", "machine github.com login mona password TOKEN\n"),
        ("home/_netrc", "machine github.com login mona password TOKEN\n"),
        ("home/.npmrc", "//npm.pkg.github.com/:_authToken=TOKEN\n"),
        ("home/.docker/config.json", r#"{"auths":{"ghcr.io":{"auth":"BASIC"}}}"#),
    ] {
        machine.finds(path, text);
    }
}

#[test]
fn variables_lead_to_other_files() {
    for (name, value, path) in [
        ("GH_CONFIG_DIR", "gh", "gh/hosts.yml"),
        ("XDG_CONFIG_HOME", "xdg", "xdg/gh/hosts.yml"),
        ("XDG_CONFIG_HOME", "xdg", "xdg/git/credentials"),
        ("NETRC", "n/etrc", "n/etrc"),
        ("NPM_CONFIG_USERCONFIG", "npm/rc", "npm/rc"),
        ("DOCKER_CONFIG", "docker", "docker/config.json"),
        ("GIT_CONFIG_GLOBAL", "g/lobal", "g/lobal"),
    ] {
        let machine = Machine::new();
        let value = machine.path(value);
        machine.set(name, value).finds(path, "[x]\n\ty = TOKEN\n");
    }
}

#[test]
fn gits_configuration_is_read_where_git_reads_it() {
    let mut machine = Machine::new();
    machine.repository("work/.git");
    for path in
        ["home/.gitconfig", "home/.config/git/config", "work/.git/config", "work/.git/config.worktree"]
    {
        for text in [
            "[http \"https://github.com/\"]\n\textraheader = AUTHORIZATION: basic BASIC\n",
            "[url \"https://mona:TOKEN@github.com/\"]\n\tinsteadOf = gh:\n",
            "[remote \"origin\"]\n\turl = \"https://x-access-token:TOKEN@github.com/a/b\"\n",
            "[http]\n\textraheader = AUTHORIZATION: \\\n  basic BASIC ; comment\n",
            "not = a configuration TOKEN",
        ] {
            machine.finds(path, text);
        }
    }
    let system = machine.path("etc/gitconfig");
    let mut machine = machine.set("GIT_CONFIG_NOSYSTEM", "0").set("GIT_CONFIG_SYSTEM", system);
    machine.finds("etc/gitconfig", "[http]\n\textraheader = TOKEN\n");
}

#[test]
fn a_comment_is_not_what_git_reads() {
    let mut machine = Machine::new();
    let (token, fingerprint) = machine.token();
    machine.disk.write("home/.gitconfig", format!("[a]\n\tb = c # {token}\n"));
    assert_eq!(machine.credentials().location_of(fingerprint), None);
}

#[test]
fn includes_are_followed() {
    let mut machine = Machine::new();
    let absolute = machine.path("elsewhere/four");
    let quoted = absolute.replace('\\', "\\\\");
    machine.disk.write("home/.gitconfig", "[include]\n\tpath = more/one\n");
    machine
        .disk
        .write("home/more/one", "[include]\n\tpath = two\n\tpath = ~/three\n\tpath = one\n\tpath = none\n");
    machine.disk.write("home/three", format!("[includeIf \"gitdir:/nowhere/\"]\n\tpath = \"{quoted}\"\n"));
    machine.finds("home/more/two", "[a]\n\tb = TOKEN\n");
    machine.finds("elsewhere/four", "[a]\n\tb = TOKEN\n");
    let machine = Machine::new();
    let path = machine.path("elsewhere/five");
    let mut machine = machine
        .set("GIT_CONFIG_COUNT", "1")
        .set("GIT_CONFIG_KEY_0", "include.path")
        .set("GIT_CONFIG_VALUE_0", path);
    machine.finds("elsewhere/five", "[a]\n\tb = TOKEN\n");
}

#[test]
fn includes_are_followed_as_deep_as_git_follows_them() {
    let mut machine = Machine::new();
    machine.disk.write("home/.gitconfig", "[include]\n\tpath = 1\n");
    for depth in 1..=11 {
        machine.disk.write(&format!("home/{depth}"), format!("[include]\n\tpath = {}\n", depth + 1));
    }
    let (token, fingerprint) = machine.token();
    machine.disk.write("home/11", format!("[a]\n\tb = {token}\n"));
    assert_eq!(machine.credentials().location_of(fingerprint), None);
    machine.finds("home/10", "[a]\n\tb = TOKEN\n");
}

#[test]
fn a_credential_store_may_lie_anywhere() {
    let mut machine = Machine::new();
    machine.disk.write("home/.gitconfig", "[credential]\n\thelper = store --file=~/kept/here\n");
    machine.finds("home/kept/here", "https://mona:TOKEN@github.com\n");
}

#[test]
fn the_repository_around_counts_and_no_other() {
    let mut machine = Machine::new();
    machine.repository("work/.git");
    machine.repository("work/below/.git");
    machine.repository("other/.git");
    let config = |token: &str| format!("[http]\n\textraheader = {token}\n");
    let tokens: Vec<_> = ["work", "work/below", "other"]
        .into_iter()
        .map(|directory| {
            let (token, fingerprint) = machine.token();
            machine.disk.write(&format!("{directory}/.git/config"), config(&token));
            fingerprint
        })
        .collect();
    let found = |cwd: &str| {
        let environment =
            Environment { cwd: Some(machine.disk.path().join(cwd)), ..machine.environment.clone() };
        let credentials = LocalCredentials::find(&environment);
        tokens.iter().map(|token| credentials.location_of(*token).is_some()).collect::<Vec<_>>()
    };
    std::fs::create_dir_all(machine.disk.path().join("work/deep/er")).unwrap();
    assert_eq!(found("work"), [true, false, false]);
    assert_eq!(found("work/deep/er"), [true, false, false]);
    assert_eq!(found("work/below"), [false, true, false]);
    assert_eq!(found("other/.git"), [false, false, true]);
    assert_eq!(found("home"), [false, false, false]);
}

#[test]
fn work_trees_share_a_configuration() {
    let mut machine = Machine::new();
    machine.repository("main/.git");
    machine.disk.write("main/.git/worktrees/w/HEAD", "ref: refs/heads/w\n");
    machine.disk.write("main/.git/worktrees/w/commondir", "../..\n");
    machine.disk.write("work/.git", format!("gitdir: {}\n", machine.path("main/.git/worktrees/w")));
    machine.finds("main/.git/config", "[a]\n\tb = TOKEN\n");
    machine.finds("main/.git/worktrees/w/config.worktree", "[a]\n\tb = TOKEN\n");
    let directory = machine.path("aside");
    let mut machine = machine.set("GIT_DIR", directory);
    machine.finds("aside/config", "[a]\n\tb = TOKEN\n");
}

#[cfg(unix)]
#[test]
fn what_cannot_be_read_is_reported() {
    let machine = Machine::new().set("NPM_CONFIG_USERCONFIG", "/dev/null").set("NETRC", "/dev/zero");
    std::fs::create_dir_all(machine.disk.path().join("home/.git-credentials")).unwrap();
    let unread: Vec<_> = machine.credentials().unread().iter().map(|unread| unread.path.clone()).collect();
    assert_eq!(unread, [machine.disk.path().join("home/.git-credentials"), "/dev/zero".into()]);
}

#[test]
fn a_credential_can_be_added() {
    let mut credentials = LocalCredentials::default();
    credentials.add(Fingerprint::of(b"x"), "--auth-token-file");
    credentials.add(Fingerprint::of(b"x"), "elsewhere");
    assert_eq!(credentials.location_of(Fingerprint::of(b"x")), Some("--auth-token-file"));
}

#[test]
fn this_process_has_an_environment() {
    let environment = Env::of_this_process().for_local_credentials();
    assert_eq!(environment.cwd, std::env::current_dir().ok());
    assert!(environment.env.contains_key(&OsString::from("PATH")));
}
