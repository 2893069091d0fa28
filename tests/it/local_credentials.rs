//! This machine's own credentials, on a machine made for the purpose.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use stanch::local_credentials::{Environment, LocalCredentials, PLACES};
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
        let environment = Environment {
            home: Some(home),
            cwd: Some(disk.path().join("work")),
            env: HashMap::new(),
            ..Environment::default()
        };
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
        ("home/.nuget/NuGet/nuget.config", "<add key=\"ClearTextPassword\" value=\"TOKEN\" />"),
        ("home/.m2/settings.xml", "<password>TOKEN</password>"),
        ("home/.config/containers/auth.json", r#"{"auths":{"ghcr.io":{"auth":"BASIC"}}}"#),
        (
            "home/.claude.json",
            r#"{"mcpServers":{"github":{"env":{"GITHUB_PERSONAL_ACCESS_TOKEN":"TOKEN"}}}}"#,
        ),
        ("home/.config/Code - Insiders/User/mcp.json", r#"{"servers":{"github":{"env":{"T":"TOKEN"}}}}"#),
        ("home/.bashrc", "export GITHUB_TOKEN=TOKEN\n"),
        ("work/.secrets", "GITHUB_TOKEN=TOKEN\n"),
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
        ("RUNNER_TEMP", "temp", "temp/git-credentials-0a1b.config"),
        ("CARGO_HOME", "cargo", "cargo/credentials.toml"),
        ("XDG_DATA_HOME", "data", "data/gem/credentials"),
        ("GIT_ASKPASS", "bin/askpass", "bin/askpass"),
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

/// A file for each pattern of the table, whatever is in it.
#[test]
fn every_place_of_the_table_is_looked_into() {
    let mut machine = Machine::new();
    let mut kept = Vec::new();
    for pattern in PLACES.iter().flat_map(|place| place.files().chain(place.moved())) {
        let (start, rest) = pattern.split_once('/').unwrap_or((pattern, ""));
        // Files of the whole machine are not written by a test, and a variable is set once.
        let directory = match start {
            "" => continue,
            "~" => "home".to_owned(),
            "." => "work".to_owned(),
            variable => {
                let name = variable.trim_start_matches('$');
                let directory = format!("moved/{name}");
                let path = if rest.is_empty() { format!("{directory}/file") } else { directory.clone() };
                let path = machine.path(&path);
                machine = machine.set(name, path);
                directory
            }
        };
        let name = if rest.is_empty() { "file".to_owned() } else { rest.replace('*', "any") };
        let (token, fingerprint) = machine.token();
        machine.disk.write(&format!("{directory}/{name}"), format!("<{{\"x\": '{token}'}}>"));
        kept.push((pattern, fingerprint));
    }
    assert!(kept.len() > 200, "{} patterns", kept.len());
    let credentials = machine.credentials();
    let missed: Vec<_> = kept
        .iter()
        .filter(|(_, token)| credentials.location_of(*token).is_none())
        .map(|(path, _)| path)
        .collect();
    assert!(missed.is_empty(), "not looked into: {missed:?}");
}

/// `SNAPSHOTS=overwrite` writes the table of the guide anew.
#[test]
fn the_guide_has_the_table() {
    let code = |paths: Vec<&str>| paths.iter().map(|path| format!("`{path}`")).collect::<Vec<_>>().join(" ");
    let mut table = "| tool | files | where a variable moves them |\n|---|---|---|\n".to_owned();
    for place in PLACES {
        let (files, moved) = (code(place.files().collect()), code(place.moved().collect()));
        writeln!(table, "| {} | {files} | {moved} |", place.tool).unwrap();
    }
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/credentials.md");
    let text = std::fs::read_to_string(&page).unwrap();
    let start = text.find("| tool |").unwrap();
    let end = text[start..].find("\n\n").map_or(text.len(), |end| start + end + 1);
    if std::env::var_os("SNAPSHOTS").is_some_and(|action| action == "overwrite") {
        std::fs::write(&page, [&text[..start], &table, &text[end..]].concat()).unwrap();
    } else {
        assert_eq!(&text[start..end], table);
    }
}

#[cfg(unix)]
#[test]
fn helpers_are_read_and_not_run() {
    let mut machine = Machine::new();
    let quoted = |path: String| path.replace('\\', "\\\\");
    let (file, named) = (quoted(machine.path("secrets/token")), quoted(machine.path("bin/helper")));
    for helper in [
        format!("!cat {file}"),
        format!("\"!f() {{ echo password=$(cat {file}); }}; f\""),
        format!("\"{named} --quiet\""),
        "mine".to_owned(),
    ] {
        machine
            .disk
            .write("home/.gitconfig", format!("[credential \"https://github.com\"]\n\thelper = {helper}\n"));
        for program in ["bin/helper", "path/git-credential-mine"] {
            machine.disk.write(program, format!("#!/bin/sh\necho password=\"$(cat '{file}')\"\n"));
        }
        let path = machine.path("path");
        machine = machine.set("PATH", path);
        machine.finds("secrets/token", "TOKEN\n");
    }
    machine.disk.write("home/.gitconfig", "[core]\n\taskPass = ~/ask\n");
    machine.finds("home/ask", "#!/bin/sh\necho TOKEN\n");
}

#[test]
fn the_person_behind_sudo_counts() {
    let mut machine = Machine::new();
    let home = machine.path("mona");
    machine
        .disk
        .write("passwd", format!("root:x:0:0:root:/root:/bin/sh\nmona:x:1000:1000:,,,:{home}:/bin/sh\n"));
    machine.environment.passwd = Some(machine.disk.path().join("passwd"));
    machine.disk.write("mona/.gitconfig", "[include]\n\tpath = ~/included\n");
    for (name, value) in [("SUDO_USER", "mona"), ("SUDO_UID", "1000"), ("DOAS_USER", "mona")] {
        let environment = machine.environment.clone();
        machine = machine.set(name, value);
        machine.finds("mona/.config/gh/hosts.yml", "oauth_token: TOKEN\n");
        machine.finds("mona/included", "[a]\n\tb = TOKEN\n");
        machine.finds("home/.netrc", "machine github.com password TOKEN\n");
        machine.environment = environment;
    }
    let (token, fingerprint) = machine.token();
    machine.disk.write("mona/.netrc", token);
    assert_eq!(machine.credentials().location_of(fingerprint), None, "nobody is behind");
}

#[test]
fn repositories_just_below_a_root_are_the_jobs_own() {
    let mut machine = Machine::new();
    machine.environment.cwd = Some(machine.disk.path().join("home"));
    let header = |token: &str| format!("[http]\n\textraheader = {token}\n");
    let mut tokens = HashMap::new();
    for path in ["ws", "ws/app", "ws/a/b/c/d", "ws/a/b/c/d/e", "ws/a/bare.git", "beside"] {
        let directory = if path.contains("bare") { path.to_owned() } else { format!("{path}/.git") };
        machine.repository(&directory);
        let (token, fingerprint) = machine.token();
        machine.disk.write(&format!("{directory}/config"), header(&token));
        tokens.insert(path, fingerprint);
    }
    machine.repository("ws/app/.git/modules/group/lib");
    let (token, fingerprint) = machine.token();
    machine.disk.write("ws/app/.git/modules/group/lib/config", header(&token));
    tokens.insert("submodule", fingerprint);
    let found = |roots: &[&str], workspace: Option<&str>| {
        let relative = |root: &str| root.starts_with("..");
        let absolute = |root: &&str| machine.disk.path().join(root);
        let roots =
            roots.iter().map(|root| if relative(root) { root.into() } else { absolute(root) }).collect();
        let mut environment = Environment { roots, ..machine.environment.clone() };
        if let Some(workspace) = workspace {
            environment.env.insert("GITHUB_WORKSPACE".into(), machine.path(workspace).into());
        }
        let credentials = LocalCredentials::find(&environment);
        let mut found: Vec<_> = tokens
            .iter()
            .filter(|(_, token)| credentials.location_of(**token).is_some())
            .map(|(at, _)| *at)
            .collect();
        found.sort_unstable();
        found
    };
    let workspace = ["submodule", "ws", "ws/a/b/c/d", "ws/a/bare.git", "ws/app"];
    assert_eq!(found(&[], None), [] as [&str; 0]);
    assert_eq!(found(&["ws"], None), workspace);
    assert_eq!(found(&[], Some("ws")), workspace);
    assert_eq!(found(&["ws/app"], None), ["submodule", "ws/app"]);
    assert_eq!(found(&["ws/a/b/c/d/config.yml"], None), ["ws/a/b/c/d"]);
    std::fs::create_dir_all(machine.disk.path().join("home")).unwrap();
    assert_eq!(found(&["../ws/app"], None), ["submodule", "ws/app"]);
}

#[cfg(unix)]
#[test]
fn what_cannot_be_read_is_reported() {
    let machine = Machine::new().set("NPM_CONFIG_USERCONFIG", "/dev/null").set("NETRC", "/dev/zero");
    // A directory is no file of credentials.
    std::fs::create_dir_all(machine.disk.path().join("home/.env")).unwrap();
    machine.disk.write("home/.git-credentials", "");
    let long = std::fs::File::options().write(true).open(machine.path("home/.git-credentials")).unwrap();
    long.set_len(17 << 20).unwrap();
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
