//! Git's objects where they cannot be written to temporary files: each is built in memory, and told by its id alone.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, SeekFrom};
use std::rc::Rc;

use zeroize::Zeroize as _;

use super::super::bounded_reader::StreamError;
use super::super::limits::Limit;
use super::super::open_container::{Content, MemberName, OpenContainer, Region};
use super::super::share::Claim;
use super::super::spool::{Spooled, with_seekable};
use super::dirs::GitDir;
use super::temporary::lend;
use super::{loose, loose::MAX_PARTED};
use crate::blob::{Body, Forward, ReadSeek};
use crate::source::git::{MemoryPack, scan_object_named};

/// Bytes of a pack in front of its first entry: `PACK`, its version and its number of entries.
pub(super) const HEADER: u64 = 12;

/// The most bytes of an object and of what it is a delta against that are held.
const MAX_HELD: u64 = 32 << 20;

/// No entry of a pack has fewer bytes: its header, and a zlib stream of nothing. What is known of each takes so many bytes.
const LEAST_ENTRY: u64 = 9;
const ENTRY_MEMORY: u64 = 96;

/// Reports that this is done, and why.
pub(super) fn report(container: &OpenContainer<'_>, region: Region<'_>, error: &io::Error) {
    let reason = format!(
        "git's objects in it were read one by one, and not its history: they cannot be written to a temporary directory ({error}); \
         make room in it, or unpack it, and run: stanch git"
    );
    container.report_unreadable(region, reason);
}

/// Reads a pack, which begins at this offset of the container.
pub(super) fn read_pack(container: &OpenContainer<'_>, begin: u64, body: Body<'_>) {
    with_seekable(body, container.budget, |spooled| match spooled {
        Spooled::Memory(bytes) => read_objects(container, begin, bytes),
        Spooled::File(file) => {
            if read_file(container, begin, file).is_err() && file.seek(SeekFrom::Start(HEADER)).is_ok() {
                container.hand_over(Region::Raw(begin + HEADER), Content::Stored(&mut &mut *file));
                container.report(Region::Raw(0), StreamError::LimitReached(Limit::Memory), None);
            }
        }
        Spooled::TooLarge(bytes, rest) => {
            let behind = bytes.get(12..).unwrap_or_default();
            let mut all = io::Read::chain(behind, rest);
            container.hand_over(Region::Raw(begin + HEADER), Content::Stored(&mut all));
            container.report(Region::Raw(0), StreamError::LimitReached(Limit::Memory), None);
        }
    });
}

fn read_file(container: &OpenContainer<'_>, begin: u64, file: &mut dyn ReadSeek) -> io::Result<()> {
    let len = file.seek(SeekFrom::End(0))?;
    let _reservation = container.budget.reserve(len)?;
    file.rewind()?;
    let mut bytes = Vec::with_capacity(usize::try_from(len).map_err(io::Error::other)?);
    io::Read::read_to_end(&mut io::Read::take(&mut *file, len), &mut bytes)?;
    read_objects(container, begin, &bytes);
    bytes.zeroize();
    Ok(())
}

/// Hands on the objects of a pack.
fn read_objects(container: &OpenContainer<'_>, begin: u64, bytes: &[u8]) {
    let budget = container.budget;
    let announced =
        bytes.get(8..).and_then(<[u8]>::first_chunk).map_or(0, |count| u32::from_be_bytes(*count));
    let entries = u64::from(announced).min(budget.left().entries).min(bytes.len() as u64 / LEAST_ENTRY);
    let known = ENTRY_MEMORY * entries;
    let most = budget.memory_left().saturating_sub(known).min(MAX_HELD);
    let Ok(_reservation) = budget.reserve(most + known) else {
        container.scan_raw(begin + HEADER, bytes.get(12..).unwrap_or_default());
        container.report(Region::Raw(0), StreamError::LimitReached(Limit::Memory), None);
        return;
    };
    let [entries, most] = [entries, most / 2].map(|number| usize::try_from(number).unwrap_or(usize::MAX));
    let stopped = || !container.may_continue();
    let Some(pack) = MemoryPack::open(bytes, entries, most, &stopped) else { return };
    let built = pack.for_each_object(&mut |kind, id, object| {
        hand_over(container, (kind, id, object), bytes.len() as u64);
    });
    if !built.is_all && container.may_scan() {
        container.scan_raw(begin + HEADER, bytes.get(12..).unwrap_or_default());
        let (objects, announced) = (built.objects, pack.announced);
        let reason = format!(
            "only {objects} of its {announced} objects could be built: get a whole copy, and run: stanch git"
        );
        container.report_unreadable(Region::Raw(0), reason);
    }
}

/// Hands on one object.
fn hand_over(container: &OpenContainer<'_>, (kind, id, object): (&'static str, &str, &[u8]), packed: u64) {
    let origin = || crate::blob::Origin { object: Some(id.to_owned()), ..(container.origin)() };
    let within = OpenContainer { origin: &origin, ..*container };
    if kind != "blob" && object.len() as u64 <= MAX_PARTED {
        return scan_object_named(&loose::Within::of(&within), kind, id, object);
    }
    let name = MemberName::from_text(format!("{kind}/{id}"));
    if within.begin_part() {
        let bytes_in = Rc::new(Cell::new(packed));
        let content = Content::Compressed {
            reader: &mut &object[..],
            bytes_in,
            out_before: 0,
            claim: Claim::Size(object.len() as u64),
        };
        within.hand_over(Region::Member(&name), content);
    }
}

/// Reads what was written of a git directory before there was no room any more.
pub(super) fn read_written(container: &OpenContainer<'_>, path: &str, dir: &GitDir) {
    for (number, path) in &dir.pack_paths {
        within(container, path, |pack| {
            if let Ok(mut file) = File::open(dir.gathered.pack_path(*number)) {
                lend(&mut Forward(&mut file), |body| {
                    if !body.head().is_empty() {
                        read_pack(pack, 0, body);
                    }
                });
            }
        });
    }
    dir.gathered.for_each_loose(&mut |id, mut file| {
        let name = format!("{path}/objects/{}/{}", &id[..2], &id[2..]);
        within(container, name.trim_start_matches('/'), |object| loose::scan(object, Some(id), &mut file));
    });
}

/// Lends the member at this path as a container.
fn within(container: &OpenContainer<'_>, path: &str, use_it: impl FnOnce(&OpenContainer<'_>)) {
    let name = MemberName::from_text(path.to_owned());
    let origin = || container.origin_of(Region::Member(&name));
    use_it(&OpenContainer { origin: &origin, depth: container.depth + 1, ..*container });
}
