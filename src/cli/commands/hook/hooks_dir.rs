//! A directory of hooks: ours is chained to the hook that is there, which is never lost.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::script::{depends_on_its_name, is_ours};

/// The suffix of a hook that was there before.
const CHAINED_SUFFIX: &str = ".stanch-chained";

/// Where git looks for hooks.
pub(super) struct HooksDir(PathBuf);

/// What an installation found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Installed {
    /// No other hook.
    Only,
    /// Somebody's hook, which now runs before ours.
    Chained,
}

/// What is left after a hook was removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Removed {
    /// No hook of ours was there.
    Nothing,
    /// No hook is left.
    Hook,
    /// The one that was there before.
    Restored,
}

impl HooksDir {
    pub(super) fn new(path: PathBuf) -> Self {
        HooksDir(path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// The path of the hook of this name.
    pub(super) fn path_of(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The path of the hook of this name that was there before ours.
    fn chained_path_of(&self, name: &str) -> PathBuf {
        self.0.join(format!("{name}{CHAINED_SUFFIX}"))
    }

    /// Whether the hook of this name is one of ours.
    pub(super) fn has(&self, name: &str) -> anyhow::Result<bool> {
        Ok(self.read(name)?.is_some_and(|text| is_ours(&text)))
    }

    /// Whether the hook of this name is ours and was put aside by pre-commit, which runs it before its own
    /// (<https://pre-commit.com/#pre-commit-install>).
    pub(super) fn is_run_by_pre_commit(&self, name: &str) -> anyhow::Result<bool> {
        self.has(&format!("{name}.legacy"))
    }

    /// Whether the hook of this name that was there before ours is kept.
    pub(super) fn has_chained(&self, name: &str) -> bool {
        fs::symlink_metadata(self.chained_path_of(name)).is_ok()
    }

    /// The text of a hook; none where there is none. A dangling link is a hook without text.
    fn read(&self, name: &str) -> anyhow::Result<Option<Vec<u8>>> {
        let hook = self.path_of(name);
        match fs::symlink_metadata(&hook) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).context(format!("cannot look at {}", hook.display())),
            Ok(_) => {}
        }
        match fs::read(&hook) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Some(Vec::new())),
            other => other.map(Some).with_context(|| format!("cannot read {}", hook.display())),
        }
    }

    /// Writes a hook. One that is there and not ours is kept under another name.
    pub(super) fn install(&self, name: &str, script: &str) -> anyhow::Result<Installed> {
        let (hook, chained) = (self.path_of(name), self.chained_path_of(name));
        let cannot = || format!("cannot write {}", hook.display());
        fs::create_dir_all(&self.0).with_context(cannot)?;
        let existing = self.read(name)?.filter(|text| !is_ours(text));
        let is_chained = self.has_chained(name);
        if existing.is_some() && is_chained {
            bail!(
                "{} was written by somebody else after stanch had been installed, and {} is still kept: \
                 look at both, leave one, and try again",
                hook.display(),
                chained.display()
            );
        }
        if existing.as_ref().is_some_and(|text| depends_on_its_name(text)) {
            bail!(
                "{} looks at its own name, so it cannot be kept under another one; let it run this itself: \
                 stanch hook run --type {name} -- \"$@\"",
                hook.display()
            );
        }
        let mut file = tempfile::NamedTempFile::new_in(&self.0).with_context(cannot)?;
        file.write_all(script.as_bytes()).with_context(cannot)?;
        make_executable(file.path()).with_context(cannot)?;
        if existing.is_some() {
            // Linked first, so that there is a hook at any moment.
            fs::hard_link(&hook, &chained)
                .or_else(|_| fs::rename(&hook, &chained))
                .with_context(|| format!("cannot keep {}", hook.display()))?;
        }
        file.persist(&hook).with_context(cannot)?;
        Ok(if existing.is_some() || is_chained { Installed::Chained } else { Installed::Only })
    }

    /// Removes a hook of ours, and puts back what was there before.
    pub(super) fn uninstall(&self, name: &str) -> anyhow::Result<Removed> {
        let (hook, chained) = (self.path_of(name), self.chained_path_of(name));
        let is_chained = self.has_chained(name);
        let cannot = || format!("cannot remove {}", hook.display());
        match self.read(name)? {
            Some(text) if is_ours(&text) && is_chained => {
                fs::rename(&chained, &hook).with_context(cannot)?;
                Ok(Removed::Restored)
            }
            Some(text) if is_ours(&text) => {
                fs::remove_file(&hook).with_context(cannot)?;
                Ok(Removed::Hook)
            }
            None if is_chained => {
                fs::rename(&chained, &hook).with_context(cannot)?;
                Ok(Removed::Restored)
            }
            Some(_) if is_chained => bail!(
                "{} is not stanch's, and is left as it is; the hook from before stanch is {}",
                hook.display(),
                chained.display()
            ),
            _ => Ok(Removed::Nothing),
        }
    }
}

#[cfg(unix)]
fn make_executable(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn make_executable(_: &Path) -> io::Result<()> {
    Ok(())
}
