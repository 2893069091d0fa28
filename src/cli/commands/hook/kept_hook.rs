//! A hook that was there before ours: kept so that it runs as it did, and can be put back.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::own_name::Keep;

/// The suffix of a hook that is kept beside ours.
const SUFFIX: &str = ".stanch-chained";

/// The directory of those that are kept under their own names.
const DIRECTORY: &str = "stanch-chained";

/// Where the hook of one name is kept, in one directory of hooks.
pub(super) struct KeptHook<'a> {
    pub(super) hooks: &'a Path,
    pub(super) name: &'a str,
}

impl KeptHook<'_> {
    fn path_for(&self, keep: Keep) -> PathBuf {
        match keep {
            Keep::UnderItsName => self.hooks.join(DIRECTORY).join(self.name),
            Keep::Beside | Keep::Nowhere => self.hooks.join(format!("{}{SUFFIX}", self.name)),
        }
    }

    /// Where it is, or where it would be.
    pub(super) fn path(&self) -> PathBuf {
        let own = self.path_for(Keep::UnderItsName);
        if exists(&own) { own } else { self.path_for(Keep::Beside) }
    }

    pub(super) fn exists(&self) -> bool {
        exists(&self.path())
    }

    /// Keeps the hook that is there; it stays where it is, too, so that there is a hook at any moment.
    pub(super) fn keep(&self, keep: Keep) -> io::Result<()> {
        let (hook, kept) = (self.hooks.join(self.name), self.path_for(keep));
        if keep == Keep::UnderItsName {
            fs::create_dir_all(self.hooks.join(DIRECTORY))?;
            self.link_neighbours()?;
            if let Some(target) = relative_target(&hook) {
                return make_link(&Path::new("..").join(target), &kept);
            }
        }
        fs::hard_link(&hook, &kept).or_else(|_| fs::rename(&hook, &kept))
    }

    /// Puts it back at `hook`.
    pub(super) fn restore(&self, hook: &Path) -> io::Result<()> {
        let kept = self.path();
        let inside = kept.parent().is_some_and(|parent| parent.ends_with(DIRECTORY));
        let target = relative_target(&kept).filter(|_| inside);
        match target.as_deref().and_then(|target| target.strip_prefix("..").ok()) {
            Some(target) => {
                let fresh = self.hooks.join(format!("{}{SUFFIX}", self.name));
                make_link(target, &fresh)?;
                fs::rename(&fresh, hook)?;
                fs::remove_file(&kept)?;
            }
            None => fs::rename(&kept, hook)?,
        }
        self.tidy();
        Ok(())
    }

    /// Takes it away.
    pub(super) fn remove(&self) -> io::Result<()> {
        fs::remove_file(self.path())?;
        self.tidy();
        Ok(())
    }

    /// What a hook finds beside itself, such as `pre-commit.d` or `common.sh`, it finds there, too. Hooks have no dot in their
    /// names, and are none of it.
    fn link_neighbours(&self) -> io::Result<()> {
        for entry in fs::read_dir(self.hooks)? {
            let entry = entry?;
            let name = entry.file_name();
            let text = name.to_string_lossy();
            let is_helper = entry.path().is_dir() || text.contains('.');
            let is_git_s = [".sample", ".legacy", SUFFIX].iter().any(|suffix| text.ends_with(suffix));
            let link = self.hooks.join(DIRECTORY).join(&name);
            if is_helper && !is_git_s && text != DIRECTORY && !exists(&link) {
                make_link(&Path::new("..").join(&name), &link)?;
            }
        }
        Ok(())
    }

    /// Takes the directory away where only links to neighbours are left in it.
    fn tidy(&self) {
        let directory = self.hooks.join(DIRECTORY);
        let Ok(entries) = fs::read_dir(&directory) else { return };
        let entries: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        let is_neighbour = |path: &PathBuf| {
            let name = path.file_name().map(|name| Path::new("..").join(name));
            fs::read_link(path).ok() == name
        };
        if entries.iter().all(is_neighbour) {
            // What cannot be removed does no harm.
            for path in &entries {
                let _ = fs::remove_file(path);
            }
            let _ = fs::remove_dir(directory);
        }
    }
}

fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// Where a link leads, if it starts at its own directory.
fn relative_target(path: &Path) -> Option<PathBuf> {
    fs::read_link(path).ok().filter(|target| target.is_relative())
}

#[cfg(unix)]
fn make_link(target: &Path, link: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, link)
}

#[cfg(not(unix))]
fn make_link(_: &Path, _: &Path) -> io::Result<()> {
    Ok(())
}
