//! A pack: entries end to end, each an object or a delta. The file is mapped, and inflated entry by entry.

use std::path::Path;

use gix::odb::pack::data::File;
use libdeflater::Decompressor;

use super::Error;

/// The kind of an object, as git numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A commit.
    Commit,
    /// A tree.
    Tree,
    /// A blob.
    Blob,
    /// An annotated tag.
    Tag,
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form<'a> {
    /// An object of its own.
    Whole(Kind),
    /// A delta of the entry that starts at this offset.
    At(u64),
    /// A delta of the object with this id.
    Of(&'a [u8]),
}

/// One entry of a pack.
#[derive(Clone, Copy)]
pub(super) struct Entry<'a> {
    /// What it is.
    pub(super) form: Form<'a>,
    /// Its inflated size in bytes: of the delta, where it is one.
    pub(super) size: usize,
    /// A zlib stream.
    pub(super) deflated: &'a [u8],
}

/// A mapped pack.
pub(super) struct Pack {
    file: File,
    hash: usize,
}

/// An entry cannot be read; says why.
pub(super) type Damage = &'static str;

impl Pack {
    /// Maps the pack at `path`.
    pub(super) fn open(path: &Path, kind: gix::hash::Kind) -> Result<Self, Error> {
        let file = File::at(path, kind).map_err(|error| {
            let reason = error.to_string();
            Error::Pack { path: path.to_owned(), reason }
        })?;
        Ok(Pack { file, hash: kind.len_in_bytes() })
    }

    /// Where the last entry ends.
    pub(super) fn end(&self) -> u64 {
        self.file.pack_end() as u64
    }

    /// The entry that starts at `start`; the next one starts at `end`.
    pub(super) fn entry(&self, start: u64, end: u64) -> Result<Entry<'_>, Damage> {
        let bytes = (end.min(self.end()) > start)
            .then(|| self.file.entry_slice(start..end.min(self.end())))
            .flatten()
            .ok_or("it lies behind the end of its pack, which was cut short")?;
        entry(bytes, start, self.hash).ok_or("its header within the pack is damaged")
    }
}

fn entry(bytes: &[u8], start: u64, hash: usize) -> Option<Entry<'_>> {
    let (&first, mut rest) = bytes.split_first()?;
    let mut size = u64::from(first & 0x0f);
    let mut more = first & 0x80 != 0;
    let mut shift = 4;
    while more {
        let (&byte, behind) = rest.split_first()?;
        rest = behind;
        if shift > 60 {
            return None;
        }
        size |= u64::from(byte & 0x7f) << shift;
        shift += 7;
        more = byte & 0x80 != 0;
    }
    let form = match first >> 4 & 7 {
        1 => Form::Whole(Kind::Commit),
        2 => Form::Whole(Kind::Tree),
        3 => Form::Whole(Kind::Blob),
        4 => Form::Whole(Kind::Tag),
        6 => Form::At(start.checked_sub(distance(&mut rest)?)?),
        7 => {
            let (id, behind) = rest.split_at_checked(hash)?;
            rest = behind;
            Form::Of(id)
        }
        _ => return None,
    };
    Some(Entry { form, size: usize::try_from(size).ok()?, deflated: rest })
}

/// Takes the distance to an earlier entry off `bytes`: seven bits a byte, big-endian, each further byte one more.
fn distance(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = None;
    loop {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        let bits = u64::from(byte & 0x7f);
        let so_far = match value {
            None => bits,
            Some(value) if value < 1 << 55 => (value + 1) << 7 | bits,
            Some(_) => return None,
        };
        if byte & 0x80 == 0 {
            return Some(so_far);
        }
        value = Some(so_far);
    }
}

/// The most that a byte of deflate can tell.
const RATIO: usize = 1032;

/// Inflates `entry` into `out`, which is overwritten.
pub(super) fn inflate(with: &mut Decompressor, entry: Entry<'_>, out: &mut Vec<u8>) -> Result<(), Damage> {
    const DAMAGED: Damage = "its zlib stream is damaged";
    // Before memory is set aside for it: a size that so few bytes cannot have is a lie.
    if entry.size > entry.deflated.len().saturating_mul(RATIO) {
        return Err(DAMAGED);
    }
    out.resize(entry.size, 0);
    match with.zlib_decompress(entry.deflated, out) {
        Ok(size) if size == entry.size => Ok(()),
        _ => Err(DAMAGED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_tell_kind_size_and_base() {
        let blob = entry(&[0b1011_0101, 0b0000_0010, 9], 100, 20).expect("a blob");
        assert_eq!((blob.form, blob.size, blob.deflated), (Form::Whole(Kind::Blob), 5 + 32, &[9][..]));
        let delta = entry(&[0b0110_0001, 0x81, 0x00, 9], 1000, 20).expect("a delta");
        assert_eq!((delta.form, delta.size), (Form::At(1000 - 256), 1));
        let before_the_start = entry(&[0b0110_0001, 0x81, 0x00], 100, 20);
        assert!(before_the_start.is_none());
        let named = [&[0b0111_0001][..], &[7; 20], &[9]].concat();
        assert_eq!(entry(&named, 1000, 20).expect("a delta").form, Form::Of(&[7; 20]));
        for cut in 0..21 {
            assert!(entry(&named[..cut], 1000, 20).is_none());
        }
    }
}
