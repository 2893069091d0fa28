//! Backups that `adb backup` makes: four lines, and a tar behind them, packed by zlib as a rule.
//!
//! The header is described in Android's own source
//! (`services/backup/java/com/android/server/backup/BackupManagerService.java`, "ANDROID BACKUP"): the signature, the version,
//! whether it is compressed, and how it is encrypted.

use std::io::{self, ErrorKind};

use super::decoder::{Decoder, Metadata, Step, StreamFormat};
use super::format::{Format, Reader, Signature};
use super::inflate::Zlib;
use super::input::Input;

/// Its row in the table of formats.
pub(super) static FORMAT: Format = Format {
    name: "Android backup",
    first_bytes: b"A",
    begins,
    signature: Signature::Strong,
    at_end: None,
    reader: Reader::Compressor(&STREAM),
    merges_with_compressor: false,
    member_path: "a.ab!inner/path",
};

pub(super) static STREAM: StreamFormat = StreamFormat {
    another_begins: |_| false,
    open: |input, _: &mut Vec<Metadata>| open(input),
    unchecked_trailer: 0,
    extensions: &[".ab"],
};

const MAGIC: &[u8] = b"ANDROID BACKUP\n";
/// More bytes than the four lines have.
const MAX_HEADER: usize = 64;

/// Whether a backup begins so.
pub(super) fn begins(head: &[u8]) -> bool {
    head.starts_with(MAGIC) && head.get(MAGIC.len()).is_some_and(u8::is_ascii_digit)
}

fn open(input: &mut Input<'_>) -> io::Result<Box<dyn Decoder>> {
    let head = input.peek(MAX_HEADER)?;
    let mut lines = head.splitn(5, |byte| *byte == b'\n').skip(2);
    let (Some(compressed), Some(encryption), Some(behind)) = (lines.next(), lines.next(), lines.next())
    else {
        return Err(io::Error::new(ErrorKind::InvalidData, "not the header of a backup"));
    };
    if encryption != b"none" {
        let message = "an encrypted backup: decrypt it and scan what comes out";
        return Err(io::Error::new(ErrorKind::Unsupported, message));
    }
    let (len, is_compressed) = (head.len() - behind.len(), compressed == b"1");
    input.skip(len as u64)?;
    Ok(if is_compressed { Box::new(Zlib::new(0)) } else { Box::new(Stored) })
}

/// A backup that is not compressed: up to the end of the file.
struct Stored;

impl Decoder for Stored {
    fn step(&mut self, input: &[u8], output: &mut [u8], last: bool) -> Step {
        let len = input.len().min(output.len());
        output[..len].copy_from_slice(&input[..len]);
        Step { consumed: len, produced: len, ended: Ok(last) }
    }
}
