//! Which part of a git directory a member is by its name (gitrepository-layout(5)).

/// A file with objects in it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Objects<'n> {
    /// The loose object with this id.
    Loose(String),
    /// The pack with this name, without its extension.
    Pack(&'n str),
    /// The index of the pack with this name.
    Index(&'n str),
    /// Where other objects are.
    Alternates,
    /// The content of Git LFS with this SHA-256
    /// (<https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md>).
    Lfs(&'n str),
}

/// What of a git directory a file below it says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Note<'n> {
    Head,
    Config,
    PackedRefs,
    Shallow,
    /// A ref, by its name.
    Ref(&'n str),
    /// The reflog of a ref.
    Reflog(&'n str),
}

/// The directory around `objects`, and what in it a file is by its path.
pub(super) fn objects(path: &str) -> Option<(&str, Objects<'_>)> {
    let (rest, name) = path.rsplit_once('/')?;
    let (rest, group) = rest.rsplit_once('/').unwrap_or(("", rest));
    let part = match group {
        "pack" => match name.rsplit_once('.') {
            Some((stem, "pack")) => Objects::Pack(stem),
            Some((stem, "idx")) => Objects::Index(stem),
            // What a fetch has left unfinished.
            _ if name.starts_with("tmp_pack_") => Objects::Pack(name),
            _ => return None,
        },
        "info" if name == "alternates" => Objects::Alternates,
        second if name.len() == 64 && name.get(2..4) == Some(second) && is_hex(name) => {
            let dir = rest.strip_suffix(name.get(..2)?)?.strip_suffix("lfs/objects/")?;
            return Some((dir.strip_suffix('/').unwrap_or(dir), Objects::Lfs(name)));
        }
        first if first.len() == 2 && matches!(name.len(), 38 | 62) && is_hex(first) && is_hex(name) => {
            Objects::Loose(format!("{first}{name}"))
        }
        _ => return None,
    };
    let (dir, objects) = rest.rsplit_once('/').unwrap_or(("", rest));
    (objects == "objects").then_some((dir, part))
}

/// Whether a file by this path may say something of some git directory.
pub(super) fn may_be_note(path: &str) -> bool {
    let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
    matches!(name, "HEAD" | "config" | "packed-refs" | "shallow")
        || path.starts_with("refs/")
        || path.contains("/refs/")
}

/// What a file says of the git directory that it has this path in. Linked work trees have their own (git-worktree(1)).
pub(super) fn note(below: &str) -> Option<Note<'_>> {
    let below = match below.strip_prefix("worktrees/") {
        Some(linked) => linked.split_once('/')?.1,
        None => below,
    };
    match below {
        "HEAD" => Some(Note::Head),
        "config" => Some(Note::Config),
        "packed-refs" => Some(Note::PackedRefs),
        "shallow" => Some(Note::Shallow),
        _ => match below.strip_prefix("logs/") {
            Some(name) => (name == "HEAD" || name.starts_with("refs/")).then_some(Note::Reflog(name)),
            None => below.starts_with("refs/").then_some(Note::Ref(below)),
        },
    }
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_known_by_their_paths() {
        let id = "ab".to_owned() + &"c".repeat(38);
        let path = format!("app/.git/objects/ab/{}", &id[2..]);
        assert_eq!(objects(&path), Some(("app/.git", Objects::Loose(id))));
        assert_eq!(objects("objects/pack/pack-1.pack"), Some(("", Objects::Pack("pack-1"))));
        assert_eq!(objects("./objects/pack/pack-1.idx"), Some((".", Objects::Index("pack-1"))));
        assert_eq!(objects("x.git/objects/pack/tmp_pack_A1"), Some(("x.git", Objects::Pack("tmp_pack_A1"))));
        let oid = "0123".to_owned() + &"f".repeat(60);
        assert_eq!(objects(&format!("r/.git/lfs/objects/01/23/{oid}")), Some(("r/.git", Objects::Lfs(&oid))));
        assert_eq!(objects(&format!("r/.git/lfs/objects/01/24/{oid}")), None);
        assert_eq!(objects("x/objects/info/alternates"), Some(("x", Objects::Alternates)));
        for other in [
            "pack/a.pack",
            "objects/pack/a.rev",
            "objects/pack",
            "myobjects/pack/a.pack",
            "objects/abc/x",
            &path[..path.len() - 1],
            &path.to_uppercase(),
            "",
        ] {
            assert_eq!(objects(other), None, "{other}");
        }
    }

    #[test]
    fn notes_are_known_by_their_paths() {
        for (below, expected) in [
            ("HEAD", Note::Head),
            ("worktrees/w/HEAD", Note::Head),
            ("packed-refs", Note::PackedRefs),
            ("refs/heads/a/b", Note::Ref("refs/heads/a/b")),
            ("logs/refs/stash", Note::Reflog("refs/stash")),
            ("logs/HEAD", Note::Reflog("HEAD")),
            ("worktrees/w/logs/HEAD", Note::Reflog("HEAD")),
        ] {
            assert_eq!(note(below), Some(expected), "{below}");
            assert!(may_be_note(&format!("r/.git/{below}")), "{below}");
        }
        for below in ["modules/m/HEAD", "hooks/config", "logs/x", "worktrees/HEAD", "x/refs/heads/a"] {
            assert_eq!(note(below), None, "{below}");
        }
        assert!(!may_be_note("src/main.rs") && !may_be_note("var/log/HEAD.txt"));
    }
}
