//! Where hooks find the program, for years: an upgrade takes away the directory of a version, and a graphical client has a
//! `PATH` without the program in it. So a script names the link that leads to it, not the place where links end.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::settings::Env;

/// Parts of the paths at which package managers keep one version of a program (Homebrew, Nix, Guix, asdf, mise, pipx, uv,
/// pyenv, npm), with something stable in front of it elsewhere.
const VERSIONED: [&str; 9] = [
    "/Cellar/",
    "/nix/store/",
    "/gnu/store/",
    "/.asdf/installs/",
    "/mise/installs/",
    "/pipx/venvs/",
    "/uv/tools/",
    "/.pyenv/versions/",
    "/node_modules/",
];

/// The paths at which to look for this program, in this order.
pub(super) struct Program {
    pub(super) paths: Vec<PathBuf>,
}

impl Program {
    /// Looks for what leads to this very program.
    pub(super) fn find(env: &Env) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("cannot find the path of this program")?;
        let program = fs::canonicalize(&program).unwrap_or(program);
        Ok(Program { paths: paths(&program, env.raw("PATH").as_deref()) })
    }

    /// Whether an upgrade may take away all of them.
    pub(super) fn is_versioned(&self) -> bool {
        self.paths.iter().all(|path| is_versioned(path))
    }
}

/// A link on the path, the program itself, and a shim, which starts whichever version there is.
fn paths(program: &Path, search_path: Option<&OsStr>) -> Vec<PathBuf> {
    let name = program.file_name().unwrap_or(OsStr::new("stanch"));
    let directories: Vec<PathBuf> = search_path.into_iter().flat_map(std::env::split_paths).collect();
    let named = || directories.iter().filter(|directory| directory.is_absolute()).map(|dir| dir.join(name));
    let leads_here = |path: &PathBuf| fs::canonicalize(path).is_ok_and(|target| target == program);
    let mut links: Vec<PathBuf> = named().filter(leads_here).collect();
    links.sort_by_key(|link| is_versioned(link));
    let mut paths: Vec<PathBuf> = links.into_iter().take(1).collect();
    paths.push(program.to_owned());
    if is_versioned(program) {
        let is_shim = |path: &PathBuf| {
            path.parent().is_some_and(|parent| parent.ends_with("shims"))
                && path.is_file()
                && !leads_here(path)
        };
        paths.extend(named().find(is_shim));
    }
    paths.dedup();
    paths
}

fn is_versioned(path: &Path) -> bool {
    let text = path.to_string_lossy();
    VERSIONED.iter().any(|part| text.contains(part))
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn the_link_that_survives_an_upgrade_comes_first() {
        let root = tempfile::tempdir().expect("a directory");
        let root = fs::canonicalize(root.path()).expect("a path");
        let touch = |path: &str| {
            let path = root.join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("directories");
            fs::write(&path, "").expect("a file");
            path
        };
        let program = touch("Cellar/stanch/1.0/bin/stanch");
        fs::create_dir_all(root.join("bin")).expect("a directory");
        symlink("../Cellar/stanch/1.0/bin/stanch", root.join("bin/stanch")).expect("a link");
        let shim = touch("shims/stanch");
        touch("other/stanch");
        let search = |directories: &[&str]| {
            let directories = directories.iter().map(|directory| root.join(directory));
            Some(std::env::join_paths(directories).expect("a path"))
        };
        let found_in = |program: &Path, search: Option<std::ffi::OsString>| paths(program, search.as_deref());
        let found = found_in(&program, search(&["Cellar/stanch/1.0/bin", "other", "bin"]));
        assert_eq!(found, [root.join("bin/stanch"), program.clone()]);
        assert_eq!(found_in(&program, search(&["other", "shims"])), [program.clone(), shim]);
        assert_eq!(paths(&program, None), std::slice::from_ref(&program));
        assert!(Program { paths: vec![program.clone()] }.is_versioned());
        assert!(!Program { paths: vec![root.join("bin/stanch"), program] }.is_versioned());
        // One that is where it is, as cargo puts it.
        let plain = touch("cargo/bin/stanch");
        assert_eq!(found_in(&plain, search(&["cargo/bin", "shims"])), std::slice::from_ref(&plain));
    }
}
