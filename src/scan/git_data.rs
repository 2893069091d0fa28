//! Git's own data where no repository is: in a bundle, in an archive or an image layer with a `.git`, in an objects folder that
//! was copied. As bytes it is compressed, and a token in it is not found.

/// How a bundle starts (gitformat-bundle(5)).
const BUNDLES: [&[u8]; 2] = [b"# v2 git bundle\n", b"# v3 git bundle\n"];

/// How a pack starts (gitformat-pack(5)).
const PACK: &[u8] = b"PACK\0\0\0";

/// Whether something that starts with these bytes may be git's data: few things are asked for their paths.
pub(super) fn may_be(head: &[u8]) -> bool {
    match head {
        [b'P', ..] => head.starts_with(PACK),
        [b'#', ..] => BUNDLES.iter().any(|bundle| head.starts_with(bundle)),
        // A zlib stream (RFC 1950, "2.2. Data format").
        [0x78, flags, ..] => (0x7800 + u32::from(*flags)).is_multiple_of(31),
        _ => false,
    }
}

/// What at `path` starts with such bytes is part of: the folder of objects, or the file itself.
pub(super) fn belongs_to(head: &[u8], path: &str) -> Option<String> {
    let (dir, name) = path.rsplit_once('/').unwrap_or(("", path));
    if head.first() != Some(&0x78) {
        let objects = dir.strip_suffix("/pack").or((dir == "pack").then_some("pack"));
        let is_beside_objects =
            name.rsplit_once('.').is_some_and(|(_, end)| end == "pack") && !head.starts_with(b"#");
        return Some(objects.filter(|_| is_beside_objects).unwrap_or(path).to_owned());
    }
    // A loose object: `objects/ab/` and the rest of its id.
    let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let (objects, first_byte) = dir.rsplit_once('/').unwrap_or(("objects", dir));
    let is_object =
        first_byte.len() == 2 && matches!(name.len(), 38 | 62) && is_hex(first_byte) && is_hex(name);
    is_object.then(|| objects.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(head: &[u8], path: &str) -> Option<String> {
        may_be(head).then(|| belongs_to(head, path)).flatten()
    }

    #[test]
    fn all_of_an_objects_folder_is_one_history() {
        let (id, pack, zlib) = ("0".repeat(38), b"PACK\0\0\0\x02\0".as_slice(), b"\x78\x01\xab".as_slice());
        let objects = |text: &str| Some(text.to_owned());
        assert_eq!(at(zlib, &format!("a.tar!r/.git/objects/ab/{id}")), objects("a.tar!r/.git/objects"));
        assert_eq!(at(zlib, &format!("objects/ab/{id}{}", "0".repeat(24))), objects("objects"));
        assert_eq!(at(zlib, &format!("ab/{id}")), objects("objects"));
        assert_eq!(at(pack, "a.zip!.git/objects/pack/pack-1.pack"), objects("a.zip!.git/objects"));
        assert_eq!(at(pack, "mail/1.pack"), objects("mail/1.pack"));
        assert_eq!(at(b"# v2 git bundle\n", "all.bundle"), objects("all.bundle"));
        assert_eq!(at(b"# v3 git bundle\n", "b/pack/x.pack"), objects("b/pack/x.pack"));
    }

    #[test]
    fn other_files_are_none() {
        let id = "0".repeat(38);
        for (head, path) in [
            (&b"\x78\x01"[..], "a/b/stream.zz"),
            (b"\x78\x02", &format!("objects/ab/{id}")),
            (b"xy", &format!("objects/ab/{id}")),
            (b"\x78\x01", &format!("objects/abc/{id}")),
            (b"\x78\x01", &format!("objects/ab/{}g", &id[1..])),
            (b"PACKAGE", "pack/a.pack"),
            (b"# v2 git bundles", "a"),
            (b"x", "a"),
            (b"", "a"),
        ] {
            assert_eq!(at(head, path), None, "{path}");
        }
    }
}
