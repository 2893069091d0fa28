//! The binary, in a home of its own and an environment that says nothing of the machine.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// A home with nothing in it. Gone when dropped.
pub struct Sandbox(TempDir);

impl Sandbox {
    pub fn new() -> Self {
        Sandbox(tempfile::tempdir().unwrap())
    }

    /// The home, and the directory the binary runs in.
    pub fn home(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file below the home, with the folders it needs.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.home().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    /// `stanch`, with nothing inherited but what the system needs to start a process.
    pub fn stanch(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stanch"));
        command.env_clear().current_dir(self.home());
        // The last one collects coverage.
        for name in ["PATH", "SYSTEMROOT", "TMPDIR", "TEMP", "LLVM_PROFILE_FILE"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        for (name, folder) in [
            ("HOME", ""),
            ("XDG_CONFIG_HOME", ".config"),
            ("XDG_STATE_HOME", ".local/state"),
            ("XDG_CACHE_HOME", ".cache"),
            ("XDG_DATA_HOME", ".local/share"),
        ] {
            command.env(name, self.home().join(folder));
        }
        command.env("NO_PROXY", "127.0.0.1,localhost,[::1]").env("GIT_CONFIG_NOSYSTEM", "1");
        command
    }
}

#[test]
fn the_sandbox_hides_the_machine() {
    let sandbox = Sandbox::new();
    let command = sandbox.stanch();
    let names: Vec<String> =
        command.get_envs().map(|(name, _)| name.to_string_lossy().into_owned()).collect();
    assert!(names.iter().any(|name| name == "HOME"));
    assert!(!names.iter().any(|name| name.starts_with("GH_") || name.starts_with("GITHUB_")));
    assert_eq!(command.get_current_dir(), Some(sandbox.home()));
}
