//! The volume of an image, and which of its trees of directories is read (ECMA-119, 8.4 and 8.5; Joliet Specification, 1995).

use std::io;

use super::rock_ridge;
use crate::blob::ReadSeek;
use crate::source::unpack::extents::read_at;

/// The size of a logical sector (ECMA-119, 7.1.2).
pub(super) const SECTOR: usize = 2048;

/// No image has more descriptors in practice.
const MAX_DESCRIPTORS: u64 = 64;

/// How names are written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Names {
    /// Few characters, in capitals.
    Plain,
    /// As Unix has them, in fields that begin so many bytes behind a record's own.
    RockRidge(usize),
    /// UTF-16, big end first.
    Joliet,
}

/// A tree of directories.
pub(super) struct Volume {
    pub(super) names: Names,
    /// How many bytes a logical block has.
    pub(super) block: u64,
    /// The record of the root.
    pub(super) root: Vec<u8>,
}

impl Volume {
    /// The tree with the best names.
    pub(super) fn find(file: &mut dyn ReadSeek) -> io::Result<Self> {
        let (mut primary, mut joliet) = (None, None);
        for index in 0..MAX_DESCRIPTORS {
            let descriptor = read_at(file, (16 + index) * SECTOR as u64, SECTOR as u64)?;
            if descriptor.len() < SECTOR || descriptor.get(1..6) != Some(b"CD001") {
                break;
            }
            match descriptor.first() {
                Some(1) if primary.is_none() => primary = Some(Self::parse(&descriptor, Names::Plain)?),
                // Levels 1 to 3 of UCS-2 (Joliet, "SVD Escape Sequences Field").
                Some(2) if matches!(descriptor.get(88..91), Some(b"%/@" | b"%/C" | b"%/E")) => {
                    joliet = Some(Self::parse(&descriptor, Names::Joliet)?);
                }
                Some(255) => break,
                _ => {}
            }
        }
        if let Some(volume) = &mut primary
            && let Some(skipped) = rock_ridge::begins(file, &volume.root, volume.block)?
        {
            volume.names = Names::RockRidge(skipped);
            joliet = None;
        }
        joliet.or(primary).ok_or_else(|| io::Error::other("it has no volume"))
    }

    fn parse(descriptor: &[u8], names: Names) -> io::Result<Self> {
        let block = u64::from(u16::from_le_bytes(
            *descriptor.get(128..).and_then(<[u8]>::first_chunk).unwrap_or(&[0; 2]),
        ));
        let root = descriptor.get(156..190).unwrap_or_default().to_vec();
        if !block.is_power_of_two() || !(512..=SECTOR as u64).contains(&block) {
            return Err(io::Error::other("the size of its blocks is none"));
        }
        Ok(Volume { names, block, root })
    }
}
