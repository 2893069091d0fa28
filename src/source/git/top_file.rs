//! A file at the top of a commit's tree, read without a work tree.

use gix::ObjectId;

use super::commit::CommitHeader;
use super::error::ReadError;
use super::object::{Kind, Mode, tree_entries};
use super::repo::Repo;

/// What is at a name at the top of a commit's tree.
#[derive(Debug, PartialEq, Eq)]
pub enum TopFile {
    /// Nothing.
    Absent,
    /// A file, whole.
    Bytes(Vec<u8>),
    /// A file of more bytes than were asked for, of which nothing was read.
    TooLarge,
    /// A link, a directory or a submodule.
    Irregular,
    /// Something that is missing or damaged, on the way there or at its end.
    Unreadable,
}

impl Repo {
    /// What is at `name` at the top of the tree of a commit, which is named by its full id in hex; no more than `most` bytes
    /// of it.
    pub fn top_file(&self, commit: &str, name: &str, most: u64) -> TopFile {
        self.read_top_file(commit, name, most).unwrap_or(TopFile::Unreadable)
    }

    fn read_top_file(&self, commit: &str, name: &str, most: u64) -> Result<TopFile, ReadError> {
        let commit = ObjectId::from_hex(commit.as_bytes()).map_err(|_| ReadError::Missing)?;
        let mut bytes = Vec::new();
        self.read_as(Kind::Commit, &commit, &mut bytes)?;
        let CommitHeader { tree, .. } = CommitHeader::parse(&bytes).ok_or(ReadError::Damaged)?;
        self.read_as(Kind::Tree, &tree, &mut bytes)?;
        let entry = tree_entries(&bytes, self.hash()).find(|entry| entry.name == name.as_bytes());
        let Some(entry) = entry else { return Ok(TopFile::Absent) };
        if entry.mode != Mode::File {
            return Ok(TopFile::Irregular);
        }
        let id = entry.id.to_owned();
        // Asked first: a blob may inflate to many times what was fetched of it.
        if self.store.header(&id)?.1 as u64 > most {
            return Ok(TopFile::TooLarge);
        }
        self.read_as(Kind::Blob, &id, &mut bytes)?;
        Ok(TopFile::Bytes(bytes))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::process::Command;

    use super::*;

    fn git(directory: &Path, arguments: &[&str]) -> String {
        let person = ["-c", "user.name=a", "-c", "user.email=a@example.org"];
        let output = Command::new("git")
            .current_dir(directory)
            .args(person)
            .args(arguments)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .expect("git runs");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    #[test]
    fn a_file_is_read_at_the_top_only_and_no_larger_than_asked_for() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path();
        git(path, &["init", "-q"]);
        std::fs::create_dir_all(path.join("sub/deep")).expect("directories");
        for (name, text) in [("top", "12345"), ("sub/below", "x"), ("sub/deep/f", "y")] {
            std::fs::write(path.join(name), text).expect("a file");
        }
        git(path, &["add", "."]);
        let link = git(path, &["hash-object", "-w", "top"]);
        git(path, &["update-index", "--add", "--cacheinfo", &format!("120000,{link},link")]);
        git(path, &["commit", "-q", "-m", "one"]);
        let head = git(path, &["rev-parse", "HEAD"]);
        let tree = git(path, &["rev-parse", "HEAD^{tree}"]);
        let repo = Repo::open(path).expect("a repository");
        assert_eq!(repo.top_file(&head, "top", 5), TopFile::Bytes(b"12345".to_vec()));
        assert_eq!(repo.top_file(&head, "top", 4), TopFile::TooLarge);
        assert_eq!(repo.top_file(&head, "sub", 5), TopFile::Irregular);
        assert_eq!(repo.top_file(&head, "link", 5), TopFile::Irregular);
        for absent in ["below", "sub/below", "to", ""] {
            assert_eq!(repo.top_file(&head, absent, 5), TopFile::Absent, "{absent}");
        }
        for no_commit in [tree.as_str(), &"0".repeat(40), "HEAD", ""] {
            assert_eq!(repo.top_file(no_commit, "top", 5), TopFile::Unreadable, "{no_commit}");
        }
        // What is there and cannot be read is not absent.
        let object = path.join(".git/objects").join(&link[..2]).join(&link[2..]);
        std::fs::remove_file(object).expect("removed");
        assert_eq!(Repo::open(path).expect("a repository").top_file(&head, "top", 5), TopFile::Unreadable);
    }
}
