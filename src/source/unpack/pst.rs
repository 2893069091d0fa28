//! Outlook's stores of mail, PST and OST ([MS-PST], <https://learn.microsoft.com/openspecs/office_file_formats/ms-pst/>).
//!
//! What is read is the lowest layer: blocks of data, which are decoded, and those of one text or attachment joined. Which message one
//! belongs to is not looked up: a block is called by its number.

mod blocks;
mod crypt;

use std::io::{self, ErrorKind};

use super::besides::ReadBesides;
use super::chunk::{Chunk, Joined};
use super::format::{Format, Reader, Signature};
use super::memory::Reservation;
use super::open_container::{Content, MemberName, OpenContainer, Region};
use super::random_access::RandomAccess;
use crate::blob::ReadSeek;
use blocks::{Block, Blocks, HEADER, Layout};

/// Its row in the table of formats.
pub(super) static FORMAT: Format = Format {
    name: "PST",
    first_bytes: b"!",
    begins: |head| head.starts_with(b"!BDN"),
    signature: Signature::Strong,
    at_end: None,
    reader: Reader::Besides(ReadBesides::Anywhere(open)),
    merges_with_compressor: false,
    member_path: "a.pst!block 0x12c4",
};

/// What a heap of properties begins with, behind two bytes (2.3.1.2).
const HEAP: u8 = 0xec;
/// How many numbers of blocks are reserved for at a time.
const STEP: usize = 64 * 1024;

fn open(container: &OpenContainer<'_>, file: &mut dyn ReadSeek) {
    match read(container, file) {
        Ok(()) => {}
        Err(error) => container.report_read_error(&error),
    }
}

fn read(container: &OpenContainer<'_>, file: &mut dyn ReadSeek) -> io::Result<()> {
    let mut file = RandomAccess::File(file);
    let mut header = [0; HEADER];
    file.read_exact_at(&mut header, 0)?;
    let Some(layout) = Layout::parse(&header) else {
        let reason = "its version or its encryption is not supported: export it and scan that";
        return Err(io::Error::new(ErrorKind::Unsupported, reason));
    };
    let mut blocks = Blocks::new(file, layout);
    let parts = Parts::of(container, &mut blocks)?;
    blocks.walk(container.budget, &mut |blocks, block| {
        if parts.contains(block.id) {
            return Ok(container.may_continue());
        }
        if block.is_internal() {
            hand_over_tree(container, blocks, &block)
        } else {
            hand_over_block(container, blocks, &block)
        }
    })
}

/// The numbers of blocks that others lead to.
struct Parts {
    ids: Vec<u64>,
    _reservations: Vec<Reservation>,
}

impl Parts {
    fn of(container: &OpenContainer<'_>, blocks: &mut Blocks<'_>) -> io::Result<Self> {
        let (mut ids, mut reservations, budget) = (Vec::new(), Vec::new(), container.budget);
        blocks.walk(budget, &mut |blocks, block| {
            if !block.is_internal() {
                return Ok(container.may_continue());
            }
            for id in blocks.children(&block, budget)?.unwrap_or_default() {
                if ids.len() == ids.capacity() {
                    let step = ids.len().max(STEP);
                    reservations.push(budget.reserve((step * size_of::<u64>()) as u64)?);
                    ids.reserve_exact(step);
                }
                ids.push(id);
            }
            Ok(container.may_continue())
        })?;
        ids.sort_unstable();
        Ok(Parts { ids, _reservations: reservations })
    }

    fn contains(&self, id: u64) -> bool {
        self.ids.binary_search(&id).is_ok()
    }
}

fn name(block: &Block) -> MemberName {
    MemberName::from_text(format!("block {:#x}", block.id))
}

/// A smaller item of a heap is a number or a name that begins like a container by chance.
const SHORTEST_CONTAINER: usize = 128;

/// Hands on a block of data, and what in a heap is a container; whether to go on.
fn hand_over_block(
    container: &OpenContainer<'_>,
    blocks: &mut Blocks<'_>,
    block: &Block,
) -> io::Result<bool> {
    let data = blocks.read(block, container.budget)?;
    let name = name(block);
    if container.is_container(&data) {
        if !container.begin_part() {
            return Ok(false);
        }
        container.hand_over(Region::Member(&name), Content::Memory(&data));
        return Ok(container.may_continue());
    }
    container.hand_over(Region::MemberPart(&name, 0), Content::Memory(&data));
    for (index, item) in items(&data).enumerate() {
        if item.len() >= SHORTEST_CONTAINER && container.is_container(item) {
            if !container.begin_part() {
                return Ok(false);
            }
            let name = MemberName::from_text(format!("{}/item {}", name.shown(), index + 1));
            container.hand_over(Region::Member(&name), Content::Memory(item));
        }
    }
    Ok(container.may_continue())
}

/// What is allocated in a heap, if this is one (2.3.1.5, `HNPAGEMAP`).
fn items(heap: &[u8]) -> impl Iterator<Item = &[u8]> {
    let at = move |at: usize| Some(usize::from(u16::from_le_bytes(*heap.get(at..)?.first_chunk()?)));
    let map = at(0).filter(|_| heap.get(2) == Some(&HEAP));
    let count = map.and_then(at).unwrap_or(0);
    (0..count).filter_map(move |index| {
        let entry = map? + 4 + 2 * index;
        heap.get(at(entry)?..at(entry + 2)?)
    })
}

/// Hands on the blocks that one leads to, joined; whether to go on.
fn hand_over_tree(container: &OpenContainer<'_>, blocks: &mut Blocks<'_>, block: &Block) -> io::Result<bool> {
    let budget = container.budget;
    let Some(mut left) = blocks.children(block, budget)? else { return Ok(container.may_continue()) };
    if !container.begin_part() {
        return Ok(false);
    }
    left.reverse();
    // A tree has two levels at most (2.2.2.8.3.2.2); what is deeper is a circle.
    let mut opened = 0_usize;
    let most = left.len();
    let mut joined = Joined::new(|| {
        while let Some(id) = left.pop() {
            let wrong = || io::Error::new(ErrorKind::InvalidData, format!("block {id:#x} is missing"));
            let part = blocks.find(id, budget)?.ok_or_else(wrong)?;
            if !part.is_internal() {
                return blocks.read(&part, budget).map(Some);
            }
            opened += 1;
            if opened > most {
                return Err(io::Error::new(ErrorKind::InvalidData, "its blocks have a circle"));
            }
            left.extend(blocks.children(&part, budget)?.unwrap_or_default().into_iter().rev());
        }
        Ok(None::<Chunk>)
    });
    container.hand_over(Region::Member(&name(block)), Content::Stored(&mut joined));
    Ok(container.may_continue())
}
