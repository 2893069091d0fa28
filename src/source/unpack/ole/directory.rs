//! The directory of a compound file: entries of 128 bytes, each storage's in a tree ([MS-CFB] 2.6), and the mini stream, in which
//! small streams lie (2.4).

use std::io;

use super::sectors::{Sectors, gather, le32, numbers};
use crate::blob::ReadSeek;
use crate::source::unpack::budget::Budget;
use crate::source::unpack::extents::Extent;
use crate::source::unpack::memory::Reservation;

const ENTRY_LEN: usize = 128;
/// Types of entries (2.6.1).
const STORAGE: u8 = 1;
const STREAM: u8 = 2;
const ROOT: u8 = 5;

/// The size of a mini sector (2.2, "Mini Sector Shift").
const MINI: u64 = 64;

/// Storages are not nested deeper in practice.
const MAX_DEPTH: usize = 64;

/// One entry.
struct Entry {
    name: String,
    kind: u8,
    /// The entries before and after it in its storage, and the first within it.
    links: [u32; 3],
    first: u32,
    size: u64,
}

/// A stream, and where it begins.
pub(super) struct Stream {
    /// Its name behind those of the storages it is in.
    pub(super) path: String,
    pub(super) size: u64,
    first: u32,
}

impl Stream {
    /// Its name, and that of the storage it is in.
    pub(super) fn name_and_storage(&self) -> (&str, &str) {
        let mut parts = self.path.rsplit('/');
        (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
    }
}

/// All that is known of a file's streams.
pub(super) struct Directory {
    entries: Vec<Entry>,
    /// The storage of each entry; its own number where it is in none.
    parents: Vec<u32>,
    /// Where the mini stream lies, sector by sector, and which mini sector follows which.
    mini_sectors: Vec<u64>,
    mini_next: Vec<u32>,
    mini_cutoff: u64,
    sector_size: u64,
    /// Whether every entry could be one.
    pub(super) is_sound: bool,
    _reservations: Vec<Reservation>,
}

impl Directory {
    /// Reads it, and the table of the mini stream.
    pub(super) fn read(file: &mut dyn ReadSeek, sectors: &mut Sectors, budget: &Budget) -> io::Result<Self> {
        let extents = sectors.chain(sectors.header.first_directory, u64::MAX);
        let len = extents.iter().map(|(_, len)| len).sum();
        // An entry takes as much again here.
        let mut reservations = vec![budget.reserve(len)?];
        let (bytes, reservation) = gather(file, &extents, budget)?;
        reservations.push(reservation);
        let (mut entries, mut is_sound) = (Vec::new(), true);
        for bytes in bytes.chunks_exact(ENTRY_LEN) {
            let entry = Entry::parse(bytes, sectors.header.short_sizes);
            is_sound &= matches!(entry.kind, 0 | STORAGE | STREAM | ROOT);
            entries.push(entry);
        }
        let Some(root) = entries.first().filter(|root| root.kind == ROOT) else {
            return Err(io::Error::other("its directory is missing"));
        };
        let mini = sectors.chain(root.first, root.size);
        reservations.push(budget.reserve(mini.iter().map(|(_, len)| len / 16).sum())?);
        let size = sectors.size();
        let pieces =
            mini.iter().flat_map(|(offset, len)| (*offset..offset + len).step_by(1 << size.trailing_zeros()));
        let mini_sectors = pieces.collect();
        let table = sectors.chain(sectors.header.first_mini, u64::MAX);
        let (table, reservation) = gather(file, &table, budget)?;
        reservations.push(reservation);
        Ok(Directory {
            parents: parents(&entries),
            entries,
            mini_sectors,
            mini_next: numbers(&table),
            mini_cutoff: sectors.header.mini_cutoff,
            sector_size: size,
            is_sound,
            _reservations: reservations,
        })
    }

    /// The streams, those that no storage leads to as well.
    pub(super) fn streams(&self) -> impl Iterator<Item = Stream> {
        let streams = self.entries.iter().enumerate().filter(|(_, entry)| entry.kind == STREAM);
        streams.map(|(index, entry)| Stream { path: self.path(index), size: entry.size, first: entry.first })
    }

    fn path(&self, index: usize) -> String {
        let (mut names, mut at) = (Vec::new(), index);
        while let Some(entry) = self.entries.get(at)
            && names.len() < MAX_DEPTH
            && entry.kind != ROOT
        {
            names.push(entry.name.as_str());
            match self.parents.get(at) {
                Some(parent) if *parent as usize != at => at = *parent as usize,
                _ => break,
            }
        }
        names.reverse();
        names.join("/")
    }

    /// Where a stream lies, as far as its sectors are there.
    pub(super) fn extents(&self, stream: &Stream, sectors: &mut Sectors) -> Vec<Extent> {
        if stream.size >= self.mini_cutoff {
            return sectors.chain(stream.first, stream.size);
        }
        let (mut extents, mut left, mut mini) = (Vec::<Extent>::new(), stream.size, stream.first);
        // A chain that turns back ends with the size, which is small.
        while left > 0 {
            let within = u64::from(mini) * MINI;
            let sector = usize::try_from(within / self.sector_size).ok();
            let Some(sector) = sector.and_then(|index| self.mini_sectors.get(index)) else { break };
            let (offset, len) = (sector + within % self.sector_size, MINI.min(left));
            match extents.last_mut() {
                Some((begin, run)) if *begin + *run == offset => *run += len,
                _ => extents.push((offset, len)),
            }
            left -= len;
            mini = self.mini_next.get(mini as usize).copied().unwrap_or(u32::MAX);
        }
        extents
    }
}

impl Entry {
    fn parse(bytes: &[u8], short_sizes: bool) -> Self {
        let name_len = usize::from(bytes.get(64).copied().unwrap_or_default()).min(64);
        let units = bytes.get(..name_len).unwrap_or_default().chunks_exact(2);
        let units = units.map(|unit| unit.iter().rev().fold(0, |unit, byte| unit << 8 | u16::from(*byte)));
        let name = readable(units.take_while(|unit| *unit != 0));
        let size = u64::from(le32(bytes, 120));
        let high = if short_sizes { 0 } else { u64::from(le32(bytes, 124)) };
        Entry {
            name,
            kind: bytes.get(66).copied().unwrap_or_default(),
            links: [68, 72, 76].map(|at| le32(bytes, at)),
            first: le32(bytes, 116),
            size: high << 32 | size,
        }
    }
}

/// A name as it is shown. Installers write two characters of a name of a table in one, from 0x3800 on, and one from 0x4800 on; 0x4840
/// stands before a table's name (`winemsi`: dlls/msi/table.c of Wine, `decode_streamname`).
fn readable(units: impl Iterator<Item = u16>) -> String {
    const DIGITS: &[u8; 64] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._";
    let digit = |value: u16| DIGITS.get(usize::from(value & 63)).copied().unwrap_or(b'_').into();
    let mut plain = Vec::new();
    for unit in units {
        match unit {
            0x3800..0x4800 => plain.extend([digit(unit - 0x3800), digit((unit - 0x3800) >> 6)]),
            0x4800..0x4840 => plain.push(digit(unit - 0x4800)),
            0x4840 => {}
            // What separates the parts of a path is no part of a name.
            0x2f => plain.push(u16::from(b'_')),
            other => plain.push(other),
        }
    }
    String::from_utf16_lossy(&plain)
}

/// The storage of each entry that one leads to.
fn parents(entries: &[Entry]) -> Vec<u32> {
    let mut parents: Vec<u32> = (0..).take(entries.len()).collect();
    let mut seen = vec![false; entries.len()];
    let mut waiting = vec![(0, 0)];
    while let Some((index, parent)) = waiting.pop() {
        let (Some(entry), Some(seen)) = (entries.get(index as usize), seen.get_mut(index as usize)) else {
            continue;
        };
        if std::mem::replace(seen, true) {
            continue;
        }
        if let Some(slot) = parents.get_mut(index as usize) {
            *slot = parent;
        }
        let [before, after, within] = entry.links;
        if index != 0 {
            waiting.extend([(before, parent), (after, parent)]);
        }
        if entry.kind != STREAM {
            waiting.push((within, index));
        }
    }
    parents
}
