//! Under which paths the objects of a history are that could not be read: whoever leaves out a file leaves them out, too.
//!
//! As with findings this is a second pass, and costs nothing where there was no fault.

use std::collections::{BTreeSet, HashMap, HashSet};

use gix::ObjectId;

use super::commit_order::ordered_commits;
use super::odb::ObjectDb;
use super::parent_trees::{Introduction, ParentTrees};
use super::refs;
use super::repo::Repo;
use crate::blob::Fault;
use crate::finding::Findings;
use crate::text::path_text;

/// The most paths that one object is named by. One with more keeps the name that it has, which no glob leaves out.
const MAX_PATHS: usize = 20;

/// Gives the faults of a history the paths of their objects.
pub(super) fn attribute(repo: &Repo, odb: &ObjectDb, findings: &mut Findings) {
    let mut wanted = HashSet::new();
    findings.replace_faults(&mut |fault| {
        wanted.extend(NamedObject::parse(&fault.path).map(|object| object.id));
        vec![fault]
    });
    if wanted.is_empty() {
        return;
    }
    let commits = ordered_commits(repo, odb, &refs::tips(repo));
    let introductions = ParentTrees::search(odb, repo.hash(), wanted).introductions(&commits);
    findings.replace_faults(&mut |fault| by_path(fault, &introductions));
}

/// The fault once for each path of its object.
fn by_path(fault: Fault, introductions: &HashMap<ObjectId, Vec<Introduction>>) -> Vec<Fault> {
    let Some(object) = NamedObject::parse(&fault.path) else { return vec![fault] };
    let introduced = introductions.get(&object.id).map(Vec::as_slice).unwrap_or_default();
    let paths: BTreeSet<&[u8]> = introduced.iter().map(|introduction| &*introduction.path).collect();
    if paths.is_empty() || paths.len() > MAX_PATHS || paths.contains(&b""[..]) {
        return vec![fault];
    }
    let reason = format!("{} (object {})", fault.reason, object.id);
    let path = |path: &&[u8]| format!("{}{}{}", object.before, path_text(path), object.member);
    paths.iter().map(|one| Fault { path: path(one), kind: fault.kind, reason: reason.clone() }).collect()
}

/// An object as the path of a fault names it: `object ID`, or `blob/ID` and the path within a container.
struct NamedObject<'a> {
    before: &'a str,
    id: ObjectId,
    member: &'a str,
}

impl<'a> NamedObject<'a> {
    fn parse(path: &'a str) -> Option<Self> {
        let (before, rest) = ["object ", "blob/"].iter().find_map(|word| {
            let at = path.find(word)?;
            let before = path.get(..at)?;
            let begins = before.is_empty() || before.ends_with('/');
            Some((before, path.get(at + word.len()..)?)).filter(|_| begins)
        })?;
        let end = rest.find('!').unwrap_or(rest.len());
        let id = ObjectId::from_hex(rest.get(..end)?.as_bytes()).ok()?;
        Some(NamedObject { before, id, member: rest.get(end..)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blob::FaultKind;

    fn faults(path: &str, paths: &[&str]) -> Vec<String> {
        let id = ObjectId::from_hex("1".repeat(40).as_bytes()).expect("an id");
        let introduced =
            paths.iter().map(|path| Introduction { position: 0, path: (*path).into(), link: false });
        let introductions = HashMap::from([(id, introduced.collect())]);
        let fault = Fault { path: path.to_owned(), kind: FaultKind::Damaged, reason: "bad".to_owned() };
        by_path(fault, &introductions).into_iter().map(|fault| fault.path).collect()
    }

    #[test]
    fn an_object_is_named_by_each_of_its_paths() {
        let id = "1".repeat(40);
        assert_eq!(faults(&format!("object {id}"), &["b", "a/x", "b"]), ["a/x", "b"]);
        assert_eq!(faults(&format!("blob/{id}!m!n"), &["a.zip"]), ["a.zip!m!n"]);
        assert_eq!(faults(&format!("root/blob/{id}!m"), &["a"]), ["root/a!m"]);
        let many: Vec<String> = (0..=MAX_PATHS).map(|n| n.to_string()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        for (path, paths) in [
            (format!("object {id}"), &many[..]),
            (format!("object {id}"), &[]),
            (format!("object {id}"), &[""]),
            ("object 1".to_owned(), &["a"]),
            ("refs".to_owned(), &["a"]),
        ] {
            assert_eq!(faults(&path, paths), std::slice::from_ref(&path));
        }
    }
}
