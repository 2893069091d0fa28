//! Tables and logs of `LevelDB` and `RocksDB`: what browsers, editors and messengers keep their storage in.
//!
//! The formats are `doc/table_format.md` and `doc/log_format.md` in <https://github.com/google/leveldb>, and "Rocksdb
//! `BlockBasedTable` Format" in <https://github.com/facebook/rocksdb/wiki>. A file is scanned as it stands. Handed on besides are
//! the blocks of a table, unpacked, with each key whole; the records of a log that go over the end of a block; and values that are
//! packed themselves.

mod batch;
mod block;
mod crc32c;
mod footer;
mod log;
mod table;

use std::io::{self};

use super::besides::ReadBesides;
use super::chunk::RandomAccess;
use super::format::{Format, Reader, Signature};
use super::open_container::OpenContainer;
use crate::blob::{Body, ReadSeek};

/// Its row in the table of formats.
pub(super) static FORMAT: Format = Format {
    name: "`LevelDB`",
    first_bytes: &[],
    begins: |head| log::begins(head) || table::begins(head),
    signature: Signature::Strong,
    at_end: Some(at_end),
    reader: Reader::Besides(ReadBesides::Anywhere(open)),
    merges_with_compressor: false,
    member_path: "000005.ldb!block 3",
};

/// Whether a table ends so.
pub(super) fn at_end(body: &mut Body<'_>) -> bool {
    match body {
        Body::Whole(bytes) => footer::ends(bytes),
        Body::Stream { head, rest } => {
            let behind_head = head.len() as u64;
            let Some(file) = rest.seekable() else { return false };
            let mut magic = [0; footer::MAGIC_LEN];
            let read = file.seek(io::SeekFrom::End(-footer::MAGIC_OFFSET));
            let found = read.is_ok() && file.read_exact(&mut magic).is_ok() && footer::ends(&magic);
            // The reader may share its position with the seekable view of it.
            file.seek(io::SeekFrom::Start(behind_head)).is_ok() && found
        }
    }
}

/// What tables end with.
pub(super) fn ends() -> impl Iterator<Item = &'static [u8]> {
    footer::MAGICS.iter().map(<[u8; footer::MAGIC_LEN]>::as_slice)
}

fn open(container: &OpenContainer<'_>, file: &mut dyn ReadSeek) {
    let read = |file: &mut dyn ReadSeek| -> io::Result<()> {
        let mut file = RandomAccess::new(file)?;
        match footer::read(&mut file)? {
            Some(footer) => table::read(container, &mut file, &footer),
            None => log::read(container, &mut file),
        }
    };
    if let Err(error) = read(file) {
        container.report_read_error(&error);
    }
}
