//! What git is given, and where the credential goes.

use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use super::*;

/// A program in the place of git, which notes how it was called.
const NOTING: &str = r#"#!/bin/sh
if [ "$1" = --version ]; then echo "git version ${FAKE_VERSION:-2.47.3}"; exit; fi
{ printf '%s\n' "$0" "$@"; } >> "$(dirname "$0")/arguments"
env >> "$(dirname "$0")/environment"
echo "fatal: unable to access: The requested URL returned error: 403" >&2
exit 128
"#;

fn credential() -> (Token, String) {
    let text = format!("no-token-{}", "s3cr3t".repeat(3));
    (Token::new(Kind::OTHER, text.as_bytes()), text)
}

/// A directory with a `git` in it.
fn directory_with(script: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let program = directory.path().join("git");
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    directory
}

/// A user's environment, in which much could have a say.
fn environment(path: &Path) -> impl Fn(&str) -> Option<OsString> {
    let path = format!("{}:{}", path.display(), std::env::var("PATH").unwrap());
    move |name| match name {
        "PATH" => Some(path.clone().into()),
        "HTTPS_PROXY" => Some("http://proxy.example:3128".into()),
        "GIT_DIR" | "GIT_SSH_COMMAND" | "GIT_TRACE_CURL" | "GIT_CONFIG_GLOBAL" => Some("hurtful".into()),
        _ => None,
    }
}

#[test]
fn the_credential_is_in_the_environment_and_nowhere_else() {
    let directory = directory_with(NOTING);
    let cancel = CancelFlag::default();
    let work_dir = tempfile::tempdir().unwrap();
    let git = Git::find_in(&environment(directory.path()), &options(work_dir.path(), &cancel)).unwrap();
    let (token, text) = credential();
    let cache = tempfile::tempdir().unwrap();
    let name = RepositoryName::parse("octo/hello").unwrap();
    let place = MirrorPlace::of_repository(cache.path(), "github.com", &name);
    let url = CloneUrl::parse("https://github.com/octo/hello.git").unwrap();
    let remote = Remote { url: &url, credential: Some(&token) };
    let error =
        Mirror::fetch(&git, &place, &remote, MirrorRefs::All, &limits(&cancel)).map(drop).unwrap_err();
    assert!(matches!(error, GitError::Denied { status: 403, .. }), "{error:?}");
    let read = |name: &str| std::fs::read_to_string(directory.path().join(name)).unwrap();
    let basic = crate::http::basic_credential("x-access-token", &token).unwrap();
    let arguments = read("arguments");
    assert!(arguments.contains("https://github.com/octo/hello.git"));
    assert!(!arguments.contains(&text) && !arguments.contains(basic.as_str()));
    let environment = read("environment");
    let line = |text: &str| environment.lines().any(|line| line == text);
    let key = "http.https://github.com/.extraHeader";
    assert!(environment.lines().any(|line| line.starts_with("GIT_CONFIG_KEY_") && line.ends_with(key)));
    assert_eq!(environment.matches(basic.as_str()).count(), 1);
    assert!(!environment.contains(&text) && !environment.contains("hurtful"));
    for expected in [
        "GIT_CONFIG_NOSYSTEM=1",
        "GIT_CONFIG_GLOBAL=/dev/null",
        "GIT_TERMINAL_PROMPT=0",
        "GIT_ASKPASS=",
        "LANG=C",
    ] {
        assert!(line(expected), "{expected}");
    }
    assert!(line("HTTPS_PROXY=http://proxy.example:3128"));
    let allowed = ["HOME", "LANG", "LC_ALL", "PATH", "PWD", "SHLVL", "_", "OLDPWD", "HTTPS_PROXY"];
    for line in environment.lines() {
        let name = line.split('=').next().unwrap();
        assert!(allowed.contains(&name) || name.starts_with("GIT_"), "{name}");
    }
    assert!(!error.to_string().contains(&text));
}

#[test]
fn a_git_that_is_too_old_or_none_is_told() {
    let cancel = CancelFlag::default();
    let work_dir = tempfile::tempdir().unwrap();
    let with = options(work_dir.path(), &cancel);
    let find = |script: &str| {
        let directory = directory_with(script);
        Git::find_in(&environment(directory.path()), &with).map(drop).unwrap_err().to_string()
    };
    let says = |version: &str| format!("#!/bin/sh\necho '{version}'\n");
    assert!(find(&says("git version 2.30.9")).contains("too old (git version 2.30.9): install git 2.31"));
    assert!(find(&says("hello")).contains("which version"));
    let none = Git::find_in(&|_| None, &with).map(drop).unwrap_err().to_string();
    assert!(none.contains("no git in PATH"), "{none}");
    for version in
        ["git version 2.31.0", "git version 2.39.5 (Apple Git-154)", "git version 2.45.1.windows.1"]
    {
        let directory = directory_with(&says(version));
        Git::find_in(&environment(directory.path()), &with).unwrap();
    }
}

#[test]
fn a_git_that_hangs_or_does_nothing_is_told_and_not_waited_for() {
    let mut scene = Scene::new();
    scene.hello();
    let hangs = directory_with("#!/bin/sh\nexec sleep 60\n");
    let short =
        GitOptions { timeout: Duration::from_millis(300), ..options(scene.work_dir.path(), &scene.cancel) };
    let error = Git::find_in(&environment(hangs.path()), &short).map(drop).unwrap_err().to_string();
    assert!(error.contains("does not say in 0 seconds") && error.contains("--timeout"), "{error}");
    let idle = directory_with("#!/bin/sh\n[ \"$1\" = --version ] && echo git version 2.47.3\nexit 0\n");
    scene.git =
        Git::find_in(&environment(idle.path()), &options(scene.work_dir.path(), &scene.cancel)).unwrap();
    let error = scene.fetch("hello").map(drop).unwrap_err();
    assert!(matches!(&error, GitError::Program(text) if text.contains("first in PATH")), "{error}");
}

/// A run that is killed leaves nothing but its work directory, which the next one removes.
#[test]
fn the_home_of_git_is_in_the_work_directory_of_its_run() {
    let (work_dir, cancel) = (tempfile::tempdir().unwrap(), CancelFlag::default());
    let own = work_dir.path().join("own.pem");
    std::fs::write(&own, "one's own").unwrap();
    let with = GitOptions { ca_cert: Some(&own), ..options(work_dir.path(), &cancel) };
    let git = Git::find(&with).unwrap();
    assert_eq!(git.home().parent(), Some(work_dir.path()));
    assert!(git.home().join("authorities.pem").exists());
    drop(git);
    assert_eq!(std::fs::read_dir(work_dir.path()).unwrap().count(), 1, "only the certificate is left");
}

/// As where `--cache` names a directory in a clone.
#[test]
fn a_repository_around_the_work_directory_has_no_say() {
    let mut scene = Scene::new();
    let (_, main) = scene.hello();
    let around = tempfile::tempdir().unwrap();
    in_mirror(around.path(), &["init", "-q", "."]);
    in_mirror(around.path(), &["config", "http.proxy", "http://127.0.0.1:1"]);
    let work_dir = around.path().join("cache");
    std::fs::create_dir(&work_dir).unwrap();
    scene.git = Git::find(&options(&work_dir, &scene.cancel)).unwrap();
    assert_eq!(scene.fetch("hello").unwrap().tip(), Some(main.as_str()));
}

/// A wrapper around git that waits before it begins, so that the test can look at it.
#[cfg(target_os = "linux")]
#[test]
fn no_process_of_a_real_fetch_shows_the_credential_in_its_arguments() {
    let mut scene = Scene::new();
    let (_, commit) = scene.hello();
    let (token, text) = credential();
    let basic = crate::http::basic_credential("x-access-token", &token).unwrap();
    scene.server.behave(Manner::Asks(format!("basic {}", *basic)));
    assert!(matches!(scene.fetch("hello").unwrap_err(), GitError::Denied { status: 401, .. }));
    // Git looks for what it starts in its own directory first: one that notes its arguments is put there.
    let real = String::from_utf8(Command::new("git").arg("--exec-path").output().unwrap().stdout).unwrap();
    let directory = directory_with("");
    for name in ["git", "git-remote-http", "git-index-pack"] {
        let program = match name {
            "git" => which("git"),
            name => Path::new(real.trim()).join(name),
        };
        let script = format!(
            "#!/bin/sh\n{{ tr '\\0' ' ' < /proc/$$/cmdline; echo; }} >> {}\nexec {} \"$@\"\n",
            directory.path().join("arguments").display(),
            program.display()
        );
        let path = directory.path().join(name);
        std::fs::write(&path, script).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    scene.git =
        Git::find_in(&environment(directory.path()), &options(scene.work_dir.path(), &scene.cancel)).unwrap();
    let url = scene.server.url("hello");
    let remote = Remote { url: &url, credential: Some(&token) };
    let mirror =
        Mirror::fetch(&scene.git, &scene.place(), &remote, MirrorRefs::All, &limits(&scene.cancel)).unwrap();
    assert_eq!(mirror.tip(), Some(commit.as_str()));
    let arguments = std::fs::read_to_string(directory.path().join("arguments")).unwrap();
    assert!(arguments.contains("fetch") && arguments.contains("hello.git"));
    assert!(!arguments.contains(&text) && !arguments.contains(basic.as_str()));
    // Nor does any file.
    let mut files = vec![scene.cache.path().to_owned(), scene.git.home().to_owned()];
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        for secret in [text.as_bytes(), basic.as_bytes()] {
            assert!(!bytes.windows(secret.len()).any(|part| part == secret), "{}", path.display());
        }
    }
    assert!(scene.server.seen().iter().any(|(_, shown)| shown.is_some()));
}

fn which(name: &str) -> std::path::PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    std::env::split_paths(&path).map(|directory| directory.join(name)).find(|file| file.is_file()).unwrap()
}

#[test]
fn nothing_of_a_mirrors_own_hooks_is_run() {
    let scene = Scene::new();
    let (upstream, _) = scene.hello();
    let mirror = scene.fetch("hello").unwrap();
    let path = mirror.path().to_owned();
    drop(mirror);
    std::fs::create_dir_all(path.join("hooks")).unwrap();
    let (hook, sign) = (path.join("hooks/reference-transaction"), path.join("sign"));
    std::fs::write(&hook, format!("#!/bin/sh\ntouch {}\n", sign.display())).unwrap();
    std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).unwrap();
    upstream.set("refs/heads/new", &upstream.commit(b"new", &[]));
    assert_eq!(scene.fetch("hello").unwrap().ref_count(), 2);
    assert!(!sign.exists());
}
