//! Refs that only the installed git can read.

use gix::ObjectId;
use gix::bstr::ByteSlice as _;

use crate::source::git::git_program;
use crate::source::git::repo::Repo;

/// What git's environment says about a repository (`git rev-parse --local-env-vars`), for a repository that was named.
const REPOSITORY_VARIABLES: [&str; 12] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
];

impl Repo {
    /// Runs git in the repository: what it prints, or its own reason why it could not.
    pub(in crate::source::git) fn run_git(&self, arguments: &[&str]) -> Result<Vec<u8>, String> {
        let mut command = git_program::harmless();
        command.arg("--git-dir").arg(self.inner.git_dir()).args(arguments);
        if !self.follow_env {
            for name in REPOSITORY_VARIABLES {
                command.env_remove(name);
            }
        }
        command.env_remove("GIT_DIR");
        git_program::run(command)
    }

    /// How the refs are stored, where only git can read them.
    pub(in crate::source::git) fn foreign_refs(&self) -> Option<String> {
        let format = self.inner.config_snapshot().string("extensions.refStorage")?;
        let format = format.to_string();
        (format != "files").then_some(format)
    }
}

/// Calls `visit` with each ref's name, and with what it points to where that is an object.
pub(super) fn for_each(repo: &Repo, visit: &mut dyn FnMut(&[u8], Option<ObjectId>)) -> Result<(), String> {
    let listed = repo.run_git(&["for-each-ref", "--format=%(objectname) %(refname) %(symref)"])?;
    for line in listed.lines() {
        let mut fields = line.splitn(3, |byte| *byte == b' ');
        let id = fields.next().and_then(|hex| ObjectId::from_hex(hex).ok());
        let Some(name) = fields.next() else { continue };
        visit(name, id);
        // A symbolic ref may name one that does not exist yet.
        if let Some(target) = fields.next().filter(|target| !target.is_empty()) {
            visit(target, None);
        }
    }
    if let Ok(name) = repo.run_git(&["symbolic-ref", "--quiet", "HEAD"]) {
        visit(name.trim(), None);
    }
    Ok(())
}

/// What `HEAD` points to; nothing before the first commit.
pub(super) fn head(repo: &Repo) -> Result<Option<ObjectId>, String> {
    let Ok(id) = repo.run_git(&["rev-parse", "--quiet", "--verify", "HEAD"]) else {
        // Before the first commit, it names a branch that is not there yet.
        return repo.run_git(&["symbolic-ref", "HEAD"]).map(|_| None);
    };
    ObjectId::from_hex(id.trim()).map(Some).map_err(|error| error.to_string())
}

/// What the `HEAD`s of all work trees point to.
pub(super) fn work_tree_heads(repo: &Repo) -> Vec<ObjectId> {
    let listed = repo.run_git(&["worktree", "list", "--porcelain"]).unwrap_or_default();
    let heads = listed.lines().filter_map(|line| line.strip_prefix(b"HEAD "));
    heads.filter_map(|hex| ObjectId::from_hex(hex).ok()).filter(|id| !id.is_null()).collect()
}

/// What to say where they cannot be read.
pub(super) fn unreadable(format: &str, reason: &str) -> String {
    format!("the refs are stored as `{format}`, which the installed git reads: {reason}")
}
