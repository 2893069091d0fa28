//! A directory of hooks: ours is chained to the hook that is there, which is never lost.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::kept_hook::KeptHook;
use super::own_name::Keep;
use super::script::is_ours;
use crate::cli::error::redact;
use crate::text::printable;

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

    /// The hook of this name that was there before ours.
    fn kept<'a>(&'a self, name: &'a str) -> KeptHook<'a> {
        KeptHook { hooks: &self.0, name }
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
        self.kept(name).exists()
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
        let (hook, kept) = (self.path_of(name), self.kept(name));
        let cannot = || format!("cannot write {}", hook.display());
        fs::create_dir_all(&self.0).with_context(cannot)?;
        let existing = self.read(name)?.filter(|text| !is_ours(text));
        let is_chained = self.has_chained(name);
        if existing.is_some() && is_chained {
            bail!(
                "{} was written by somebody else after stanch had been installed, and {} is still kept: \
                 look at both, leave one, and try again",
                hook.display(),
                kept.path().display()
            );
        }
        let keep = existing.as_ref().map(|text| Keep::of(text));
        if keep == Some(Keep::Nowhere) {
            bail!(
                "{} looks at its own name and at what is above its directory, so it cannot be kept elsewhere; let it run this itself: \
                 stanch hook run --type {name} -- \"$@\"",
                hook.display()
            );
        }
        let mut file = tempfile::NamedTempFile::new_in(&self.0).with_context(cannot)?;
        file.write_all(script.as_bytes()).with_context(cannot)?;
        make_executable(file.path()).with_context(cannot)?;
        if let Some(keep) = keep {
            kept.keep(keep).with_context(|| format!("cannot keep {}", hook.display()))?;
        }
        file.persist(&hook).with_context(cannot)?;
        Ok(if existing.is_some() || is_chained { Installed::Chained } else { Installed::Only })
    }

    /// Removes a hook of ours, and puts back what was there before.
    pub(super) fn uninstall(&self, name: &str) -> anyhow::Result<Removed> {
        let (hook, kept) = (self.path_of(name), self.kept(name));
        let is_chained = kept.exists();
        let cannot = || format!("cannot remove {}", hook.display());
        match self.read(name)? {
            Some(text) if is_ours(&text) && is_chained => {
                kept.restore(&hook).with_context(cannot)?;
                Ok(Removed::Restored)
            }
            Some(text) if is_ours(&text) => {
                fs::remove_file(&hook).with_context(cannot)?;
                Ok(Removed::Hook)
            }
            None if is_chained => {
                kept.restore(&hook).with_context(cannot)?;
                Ok(Removed::Restored)
            }
            Some(text) if self.is_run_by_pre_commit(name)? => self.uninstall_put_aside(name, &text),
            Some(_) if is_chained => bail!(
                "{} is not stanch's, and is left as it is; the hook from before stanch is {}",
                hook.display(),
                kept.path().display()
            ),
            _ => Ok(Removed::Nothing),
        }
    }

    /// Removes a hook of ours that pre-commit has put aside, from behind the hook that pre-commit has written.
    fn uninstall_put_aside(&self, name: &str, in_front: &[u8]) -> anyhow::Result<Removed> {
        let (aside, kept) = (self.path_of(&format!("{name}.legacy")), self.kept(name));
        let cannot = || format!("cannot remove {}", aside.display());
        if !kept.exists() {
            fs::remove_file(&aside).with_context(cannot)?;
            return Ok(Removed::Hook);
        }
        // An earlier one of pre-commit's own would be run by the one that is there now.
        let is_generated = |text: &[u8]| memchr::memmem::find(text, b"generated by pre-commit").is_some();
        if is_generated(in_front) && fs::read(kept.path()).is_ok_and(|text| is_generated(&text)) {
            kept.remove().and_then(|()| fs::remove_file(&aside)).with_context(cannot)?;
            return Ok(Removed::Hook);
        }
        kept.restore(&aside).with_context(cannot)?;
        Ok(Removed::Restored)
    }
}

/// A path, as a line of text for people.
pub(super) fn shown(path: &Path) -> String {
    printable(&redact(&path.display().to_string()))
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
