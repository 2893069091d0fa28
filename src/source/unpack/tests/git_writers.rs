//! Writers of git's own files.

use std::io::Write as _;

use crate::source::git::LooseStream;

pub(super) fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(bytes).expect("memory");
    out.finish().expect("memory")
}

/// An object: its kind's number in a pack, its kind, and its bytes.
pub(super) type Object = (u8, &'static str, Vec<u8>);

pub(super) const COMMIT: u8 = 1;
pub(super) const TREE: u8 = 2;
pub(super) const BLOB: u8 = 3;
pub(super) const REF_DELTA: u8 = 7;

pub(super) fn loose(kind: &str, bytes: &[u8]) -> Vec<u8> {
    zlib(&[format!("{kind} {}\0", bytes.len()).as_bytes(), bytes].concat())
}

pub(super) fn id((_, kind, bytes): &Object) -> String {
    let loose = loose(kind, bytes);
    LooseStream::open(&loose[..]).expect("an object").id(false).expect("sound")
}

pub(super) fn raw_id(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).expect("hex")).collect()
}

pub(super) fn blob(bytes: &[u8]) -> Object {
    (BLOB, "blob", bytes.to_vec())
}

pub(super) fn tree(entries: &[(&str, &Object)]) -> Object {
    let entry = |(name, object): &(&str, &Object)| {
        [format!("100644 {name}\0").into_bytes(), raw_id(&id(object))].concat()
    };
    (TREE, "tree", entries.iter().flat_map(entry).collect())
}

pub(super) fn commit(tree: &Object, message: &str) -> Object {
    let person = "A U Thor <a@example.com> 1700000000 +0100";
    let text = format!("tree {}\nauthor {person}\ncommitter {person}\n\n{message}\n", id(tree));
    (COMMIT, "commit", text.into_bytes())
}

pub(super) fn low(number: usize, mask: usize) -> u8 {
    u8::try_from(number & mask).expect("a byte")
}

/// The entry of an object or a delta.
pub(super) fn entry(kind: u8, size: usize, base: &[u8], bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut byte = kind << 4 | low(size, 0x0f);
    let mut size = size >> 4;
    while size > 0 {
        out.push(byte | 0x80);
        byte = low(size, 0x7f);
        size >>= 7;
    }
    out.push(byte);
    [&out, base, &zlib(bytes)].concat()
}

pub(super) fn pack_of(entries: &[Vec<u8>]) -> Vec<u8> {
    let count = u32::try_from(entries.len()).expect("few");
    let head = [&b"PACK\0\0\0\x02"[..], &count.to_be_bytes()].concat();
    // Nobody looks at the checksum.
    [head, entries.concat(), vec![0x11; 20]].concat()
}

pub(super) fn pack(objects: &[&Object]) -> Vec<u8> {
    let entries: Vec<_> =
        objects.iter().map(|(kind, _, bytes)| entry(*kind, bytes.len(), b"", bytes)).collect();
    pack_of(&entries)
}

/// A delta that copies `len` bytes from the beginning of a base of `base` bytes, and adds some.
pub(super) fn delta(base: usize, len: usize, added: &[u8]) -> Vec<u8> {
    let size = |mut size: usize| {
        let mut out = Vec::new();
        while size > 0x7f {
            out.push(low(size, 0x7f) | 0x80);
            size >>= 7;
        }
        out.push(low(size, 0x7f));
        out
    };
    let copy = [0x80 | 0x10 | 0x20, low(len, 0xff), low(len >> 8, 0xff)];
    let inserted = added.chunks(127).flat_map(|part| [&[low(part.len(), 0x7f)][..], part].concat());
    [size(base), size(len + added.len()), copy.to_vec(), inserted.collect()].concat()
}

/// A history of one commit with one file.
pub(super) fn history(content: &[u8], message: &str) -> (Object, Object, Object) {
    let file = blob(content);
    let root = tree(&[("f.env", &file)]);
    let commit = commit(&root, message);
    (file, root, commit)
}

/// The files of a git directory with a history of one commit, loose.
pub(super) fn git_dir(content: &[u8]) -> (Vec<(String, Vec<u8>)>, String) {
    let (file, root, commit) = history(content, "leak");
    let tip = id(&commit);
    let mut files: Vec<(String, Vec<u8>)> = [&file, &root, &commit]
        .map(|object| {
            let id = id(object);
            (format!("objects/{}/{}", &id[..2], &id[2..]), loose(object.1, &object.2))
        })
        .to_vec();
    files.push(("HEAD".to_owned(), b"ref: refs/heads/main\n".to_vec()));
    files.push(("refs/heads/main".to_owned(), format!("{tip}\n").into_bytes()));
    files.push(("config".to_owned(), b"[core]\n\tbare = false\n".to_vec()));
    (files, tip)
}

/// Writes names as they are, `..` included.
pub(super) fn tar_below(dir: &str, files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut out = ::tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let (mut header, name) = (::tar::Header::new_gnu(), format!("{dir}{name}"));
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(bytes.len() as u64);
        header.set_cksum();
        out.append(&header, &bytes[..]).expect("memory");
    }
    out.into_inner().expect("memory")
}
