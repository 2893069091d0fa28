//! A bare repository that is served, and how commits come into it.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// It lies in a directory that is served.
pub(crate) struct Bare {
    path: PathBuf,
}

impl Bare {
    /// The repository there; made with nothing in it where there is none.
    pub(super) fn at(path: PathBuf) -> Self {
        if !path.is_dir() {
            for directory in ["objects/info", "objects/pack", "refs/heads", "refs/tags"] {
                fs::create_dir_all(path.join(directory)).expect("a directory");
            }
            fs::write(path.join("HEAD"), "ref: refs/heads/main\n").expect("written");
            // GitHub gives any object that it still has to who knows its id.
            let config = "[core]\n\trepositoryformatversion = 0\n\tbare = true\n\
                          [uploadpack]\n\tallowAnySHA1InWant = true\n[gc]\n\tauto = 0\n";
            fs::write(path.join("config"), config).expect("written");
        }
        Bare { path }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a commit that writes a file; its id.
    pub(crate) fn commit(&self, reference: &str, path: &str, content: impl AsRef<[u8]>) -> String {
        self.commit_saying(reference, "a change", &[(path, content.as_ref())])
    }

    /// Adds a commit with this message, which writes these files; its id.
    pub(crate) fn commit_saying(&self, reference: &str, message: &str, files: &[(&str, &[u8])]) -> String {
        let mut stream = format!("commit {reference}\nmark :1\n{PERSON}data {}\n{message}\n", message.len());
        if let Some(parent) = self.resolve(reference) {
            stream.extend(["from ", &parent, "\n"]);
        }
        let mut stream = stream.into_bytes();
        for (path, content) in files {
            stream.extend(format!("M 100644 inline {path}\ndata {}\n", content.len()).bytes());
            stream.extend(*content);
            stream.push(b'\n');
        }
        stream.extend(b"\nget-mark :1\ndone\n");
        self.import(&stream)
    }

    /// Makes an annotated tag.
    pub(crate) fn tag(&self, name: &str, message: &str, commit: &str) {
        let person = PERSON.replace("committer", "tagger");
        let stream = format!("tag {name}\nfrom {commit}\n{person}data {}\n{message}\ndone\n", message.len());
        self.import(stream.as_bytes());
    }

    /// Lets a ref be this commit.
    pub(crate) fn set_ref(&self, reference: &str, commit: &str) {
        self.git(&["update-ref", reference, commit]);
    }

    pub(crate) fn delete_ref(&self, reference: &str) {
        self.git(&["update-ref", "-d", reference]);
    }

    /// What a ref is, where it is there.
    pub(crate) fn resolve(&self, reference: &str) -> Option<String> {
        let output = self.command(&["rev-parse", "-q", "--verify", reference]).output().expect("git runs");
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Runs git in it; what it prints, trimmed.
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().expect("git runs");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("git");
        command.arg("--git-dir").arg(&self.path).args(arguments).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null").stdin(Stdio::null());
        command
    }

    /// Feeds a stream of `git-fast-import(1)`; what it prints.
    fn import(&self, stream: &[u8]) -> String {
        let arguments = ["fast-import", "--quiet", "--done", "--force", "--date-format=raw"];
        let mut command = self.command(&arguments);
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = child.expect("git runs");
        child.stdin.take().expect("piped").write_all(stream).expect("it reads");
        let output = child.wait_with_output().expect("it ends");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}

const PERSON: &str = "committer C O Mitter <committer@example.com> 1700000000 +0000\n";
