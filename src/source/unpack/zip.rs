//! zip, and all that is zip: jar, whl, docx, apk, Terraform plans, self-extracting programs.
//!
//! Read here rather than by the `zip` crate, which holds the whole directory in memory however long it claims to be,
//! refuses an archive for one bad entry, and tells nothing of the bytes between members.

mod directory;
mod method;
mod record;
mod walk;

use std::io::{BufReader, Cursor, Read as _};

use super::bounded_reader::StreamError;
use super::input::Input;
use super::open_container::{OpenContainer, Place};
use super::spool::{Spooled, with_file};
use crate::blob::{Body, ReadSeek};

/// Hands on the members, and what stands outside of them.
pub(super) fn open(level: &OpenContainer<'_>, body: Body<'_>) {
    with_file(level, body, |spooled| match spooled {
        Spooled::Memory(bytes) => in_file(level, &mut Cursor::new(bytes)),
        Spooled::File(file) => in_file(level, file),
        Spooled::TooLarge(bytes, rest) => {
            let mut reader = bytes.chain(BufReader::new(rest));
            if let Some(error) = walk::walk(level, &mut Input::reader(&mut reader, level.budget), 0) {
                level.say(Place::Raw(0), StreamError::Damaged(error.to_string()), None);
            }
        }
    });
}

/// Whether a file ends in a sound directory that names something.
pub(super) fn ends_in_directory(file: &mut dyn ReadSeek) -> bool {
    directory::find(file).is_ok_and(|found| found.is_some_and(|found| !found.is_empty()))
}

/// By its directory, or without one.
fn in_file(level: &OpenContainer<'_>, file: &mut dyn ReadSeek) {
    match directory::find(file) {
        Ok(Some(found)) => {
            if let Err(error) = directory::read(level, file, &found) {
                level.say(Place::Raw(0), StreamError::Damaged(error.to_string()), None);
            }
        }
        Ok(None) => {
            if file.rewind().is_ok() {
                let mut reader = BufReader::new(file);
                let lost = walk::walk(level, &mut Input::reader(&mut reader, level.budget), 0);
                let how = lost.map_or_else(String::new, |error| format!(", {error}"));
                let what = format!("its directory is missing or wrong{how}");
                level.say(Place::Raw(0), StreamError::Damaged(what), None);
            }
        }
        Err(error) => level.say(Place::Raw(0), StreamError::Damaged(error.to_string()), None),
    }
}
