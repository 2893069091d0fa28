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

use std::io;

use super::besides::ReadBesides;
use super::format::{Format, Reader, Signature};
use super::open_container::OpenContainer;
use super::random_access::RandomAccess;
use crate::blob::ReadSeek;

pub(super) use footer::{MAGICS, is_at_end};

/// Its row in the table of formats.
pub(super) static FORMAT: Format = Format {
    name: "`LevelDB`",
    first_bytes: &[],
    begins: |head| log::begins(head) || table::begins(head),
    signature: Signature::Strong,
    at_end: Some(|last, _| is_at_end(last)),
    reader: Reader::Besides(ReadBesides::Anywhere(open)),
    merges_with_compressor: false,
    member_path: "000005.ldb!block 3",
};

fn open(container: &OpenContainer<'_>, file: &mut dyn ReadSeek) {
    let read = |file: &mut dyn ReadSeek| -> io::Result<()> {
        let mut file = RandomAccess::File(file);
        match footer::read(&mut file)? {
            Some(footer) => table::read(container, &mut file, &footer),
            None => log::read(container, &mut file),
        }
    };
    if let Err(error) = read(file) {
        container.report_read_error(&error);
    }
}
