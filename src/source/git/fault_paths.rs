//! Under which paths the objects of a history are that could not be read: whoever leaves out a file leaves them out, too.
//!
//! As with findings, what it takes is searched by [`Origins`].

use std::collections::{BTreeSet, HashSet};

use gix::ObjectId;

use super::origins::Origins;
use crate::blob::Fault;
use crate::finding::Findings;
use crate::text::path_text;

/// The most paths that one object is named by. One with more keeps the name that it has, which no glob leaves out.
const MAX_PATHS: usize = 20;

/// The objects that faults name.
pub(super) fn wanted(findings: &mut Findings) -> HashSet<ObjectId> {
    let mut wanted = HashSet::new();
    findings.replace_faults(&mut |fault| {
        wanted.extend(NamedObject::parse(&fault.path).map(|object| object.id));
        vec![fault]
    });
    wanted
}

/// Gives the faults of a history the paths that their objects have in `origins`.
pub(super) fn attribute(origins: &Origins, findings: &mut Findings) {
    let introductions = &origins.introductions;
    let paths_of = |id: &ObjectId| {
        let introduced = introductions.of(id);
        let spelled = introduced.introductions.iter().map(|introduction| introductions.path(introduction));
        (spelled.collect(), introduced.more)
    };
    findings.replace_faults(&mut |fault| by_path(fault, &paths_of));
}

/// Some paths of an object, and how many more there are.
type PathsOf<'a> = dyn Fn(&ObjectId) -> (BTreeSet<Vec<u8>>, u64) + 'a;

/// The fault once for each path of its object.
fn by_path(fault: Fault, paths_of: &PathsOf<'_>) -> Vec<Fault> {
    let Some(object) = NamedObject::parse(&fault.path) else { return vec![fault] };
    let (paths, more) = paths_of(&object.id);
    if paths.is_empty() || more > 0 || paths.len() > MAX_PATHS || paths.contains(&b""[..]) {
        return vec![fault];
    }
    let reason = format!("{} (object {})", fault.reason, object.id);
    let path = |path: &[u8]| format!("{}{}{}", object.before, path_text(path), object.member);
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
        let paths = paths.iter().map(|path| path.as_bytes().to_vec()).collect::<BTreeSet<_>>();
        let fault = Fault { path: path.to_owned(), kind: FaultKind::Damaged, reason: "bad".to_owned() };
        by_path(fault, &|_| (paths.clone(), 0)).into_iter().map(|fault| fault.path).collect()
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
