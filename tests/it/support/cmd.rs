//! The program in an environment that is not this machine's.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// What git reads instead of a configuration: people and dates that never change, and so ids that never change.
const GIT_ENVIRONMENT: [(&str, &str); 13] = [
    ("GIT_CONFIG_NOSYSTEM", "1"),
    ("GIT_DEFAULT_HASH", "sha1"),
    ("GIT_CONFIG_COUNT", "2"),
    ("GIT_CONFIG_KEY_0", "init.defaultBranch"),
    ("GIT_CONFIG_VALUE_0", "main"),
    ("GIT_CONFIG_KEY_1", "protocol.file.allow"),
    ("GIT_CONFIG_VALUE_1", "always"),
    ("GIT_AUTHOR_NAME", "A U Thor"),
    ("GIT_AUTHOR_EMAIL", "author@example.com"),
    ("GIT_AUTHOR_DATE", "1700000000 +0100"),
    ("GIT_COMMITTER_NAME", "C O Mitter"),
    ("GIT_COMMITTER_EMAIL", "committer@example.com"),
    ("GIT_COMMITTER_DATE", "1700000000 +0100"),
];

/// A directory to work in, and a home that is empty.
pub(crate) struct Sandbox {
    pub(crate) dir: TempDir,
    home: TempDir,
}

/// What a run printed, and how it ended.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        let dir = || TempDir::new().expect("a temporary directory");
        Sandbox { dir: dir(), home: dir() }
    }

    /// Writes a file below the directory, with the directories above it.
    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.dir.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("directories");
        std::fs::write(path, content).expect("a file");
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// The program, started in the directory, with nothing of this machine's own in its environment.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stanch"));
        command
            .args(arguments)
            .current_dir(self.dir.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home.path())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        Ran::from(self.command(arguments).output().expect("the program starts"))
    }

    /// Git in a directory below this one, with the same empty home, and people and dates that never change.
    pub(crate) fn git_command(&self, directory: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new("git");
        command.args(arguments).current_dir(self.dir.path().join(directory)).env_clear().stdin(Stdio::null());
        command.envs(GIT_ENVIRONMENT);
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", self.home.path());
        command
    }

    /// Runs a line of shell in this sandbox, where git and `stanch` are at hand. It has to succeed.
    pub(crate) fn shell(&self, line: &str) {
        let program = Path::new(env!("CARGO_BIN_EXE_stanch")).parent().expect("a directory of programs");
        let mut path = program.as_os_str().to_owned();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        let mut command = Command::new("sh");
        command.args(["-ec", line]).current_dir(self.path()).env_clear().stdin(Stdio::null());
        command.envs(GIT_ENVIRONMENT).env("PATH", path).env("HOME", self.home.path());
        // Nothing listens there: a host that is not on this machine cannot be reached.
        command.env("HTTPS_PROXY", "http://127.0.0.1:1");
        let ran = Ran::from(command.output().expect("a shell"));
        assert_eq!(ran.code, 0, "{line}: {}{}", ran.stdout, ran.stderr);
    }

    /// Runs git and gives what it prints, trimmed. It has to succeed.
    pub(crate) fn git(&self, directory: &str, arguments: &[&str]) -> String {
        let ran = Ran::from(self.git_command(directory, arguments).output().expect("git runs"));
        assert_eq!(ran.code, 0, "git {}: {}", arguments.first().unwrap_or(&""), ran.stderr);
        ran.stdout.trim().to_owned()
    }

    /// Clones only the last commit of `from`.
    pub(crate) fn shallow_clone(&self, from: &str, to: &str) {
        let url = format!("file://{}", self.path().join(from).display());
        self.git("", &["clone", "-q", "--depth=1", &url, to]);
    }

    /// Runs git, whatever comes of it.
    pub(crate) fn try_git(&self, directory: &str, arguments: &[&str]) -> Ran {
        Ran::from(self.git_command(directory, arguments).output().expect("git runs"))
    }

    /// Makes a repository.
    pub(crate) fn init(&self, directory: &str, options: &[&str]) {
        self.git("", &[&["init", "-q"], options, &[directory]].concat());
    }

    /// Writes a file of a repository and commits everything; the commit's id.
    pub(crate) fn commit(&self, directory: &str, path: &str, content: impl AsRef<[u8]>) -> String {
        self.write(&format!("{directory}/{path}"), content);
        self.git(directory, &["add", "-A"]);
        self.git(directory, &["commit", "-q", "-m", "a change"]);
        self.git(directory, &["rev-parse", "HEAD"])
    }

    /// The home that is empty.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// Runs with `-f json` and reads the report.
    pub(crate) fn json(&self, arguments: &[&str]) -> (i32, Value) {
        let ran = self.run(&[arguments, &["-f", "json"]].concat());
        let report = serde_json::from_str(&ran.stdout).expect("the report is JSON");
        (ran.code, report)
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Ran {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}
