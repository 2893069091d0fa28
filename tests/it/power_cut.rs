//! Power cuts: whatever of the unsynced writes is lost, torn or kept, the ledger keeps its promises.
//!
//! The real program runs through every verb that writes to a ledger, while all that it writes and syncs is recorded
//! (`record.c`). Then the power fails at each point of the record: a disk that holds what was synced and some of the rest
//! is built (`disk.rs`), the ledger on it is opened as the next run would open it, and what it says is held against what
//! the world had been told before (`promises.rs`).
//!
//! Why that is honest:
//! - The recorded program is the one that is shipped, not a model of it, and SQLite is the one inside it.
//! - The record is complete: replayed whole, it gives byte for byte the files that are there in the end.
//! - The disk is meaner than real ones: unsynced writes arrive in any subset and are torn within a sector's bounds, and so
//!   are names of files, which real file systems keep in order.
//! - What counts as promised comes from outside: the exit of a process, and the arrival of a request at the server, which
//!   shows that its slot must be durable, and so must be the response before it.
//! - It can fail: with syncs disbelieved, of directories only or of all, the same replay finds violations.

mod disk;
mod promises;
mod story;
mod trace;

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;

use disk::{Disk, Image, Syncs, Unsynced};
use promises::History;
use rayon::prelude::*;
use story::Story;
use trace::Event;

use crate::support::mint::Mint;

/// How closely one looks.
struct Depth {
    /// Every so manieth of the points at which the most is at stake; 0 is behind every event.
    every: usize,
    /// How many disks for each, beside the one on which all is lost that can be.
    random: usize,
}

impl Depth {
    /// Whether to cut the power between two events, behind `point` others at which something was at stake.
    fn cuts_at(&self, event: &Event, next: Option<&Event>, point: usize) -> bool {
        self.every == 0 || is_told(event) || (is_at_stake(next) && point.is_multiple_of(self.every))
    }
}

/// Whether something is said to be true.
fn is_told(event: &Event) -> bool {
    matches!(event, Event::Mark(_))
}

/// Just before a sync the most is unsynced; and what removes a name relies on what was synced before.
fn is_at_stake(next: Option<&Event>) -> bool {
    next.is_none_or(|next| {
        matches!(next, Event::Sync(_) | Event::SyncDirectory(_) | Event::Unlink(_) | Event::Rename(..))
    })
}

#[derive(Default, Debug)]
struct Found {
    cuts: usize,
    images: usize,
    /// How often each kind of promise was broken.
    broken: BTreeMap<String, usize>,
    /// The first one, and after which event.
    first: Option<String>,
}

/// Cuts the power along the way.
fn cut(events: &[Event], history: &History, syncs: Syncs, depth: &Depth) -> Found {
    let (mut disk, mut luck) = (Disk::new(syncs), Mint::new(7));
    let (mut found, mut seen, mut mark, mut points) = (Found::default(), HashSet::new(), 0, 0);
    let mut images: Vec<(Image, usize, usize)> = Vec::new();
    for (index, event) in events.iter().enumerate() {
        disk.apply(event);
        if let Event::Mark(number) = event {
            mark = *number;
        }
        let next = events.get(index + 1);
        points += usize::from(is_at_stake(next));
        if !depth.cuts_at(event, next, points) {
            continue;
        }
        found.cuts += 1;
        for number in 0..=depth.random {
            let unsynced = match number {
                0 => Unsynced::Lost,
                number if number % 4 == 3 => Unsynced::Written,
                number if number % 2 == 1 => Unsynced::Torn(512),
                _ => Unsynced::Torn(4096),
            };
            let image = disk.image(unsynced, &mut luck);
            let mut hasher = DefaultHasher::new();
            (&image, mark).hash(&mut hasher);
            if seen.insert(hasher.finish()) {
                images.push((image, mark, index));
            }
        }
        if images.len() >= 256 {
            judge(&mut images, history, &mut found);
        }
    }
    judge(&mut images, history, &mut found);
    found
}

/// Starts from each of these disks.
fn judge(images: &mut Vec<(Image, usize, usize)>, history: &History, found: &mut Found) {
    let verdicts: Vec<(usize, Result<(), String>)> = images
        .par_drain(..)
        .map(|(image, mark, index)| {
            let home = scratch();
            disk::restore(&image, home.path());
            (index, history.check(home.path(), mark))
        })
        .collect();
    found.images += verdicts.len();
    for (index, verdict) in verdicts {
        let Err(broken) = verdict else { continue };
        let kind = broken.split(':').next().unwrap_or_default().to_owned();
        *found.broken.entry(kind).or_default() += 1;
        found.first.get_or_insert(format!("after event {index}: {broken}"));
    }
}

/// In memory where that is possible: SQLite syncs what it mends.
fn scratch() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.expect("a directory")
}

/// The files below a directory, as they are.
fn files(root: &Path, directory: &Path, image: &mut Image) {
    for entry in std::fs::read_dir(directory).expect("listed").flatten() {
        let path = entry.path();
        let name = path.strip_prefix(root).expect("below").to_str().expect("text").to_owned();
        if path.is_dir() {
            image.insert(name, None);
            files(root, &path, image);
        } else {
            image.insert(name, Some(std::fs::read(&path).expect("a file")));
        }
    }
}

fn run(many: usize, depth: &Depth, disbelieving: &Depth) {
    let mut story = Story::new(7100);
    story.tell(many);
    let (events, history) = (story.recorder.events(), story.history());

    let mut disk = Disk::new(Syncs::All);
    for event in &events {
        disk.apply(event);
    }
    let mut now = Image::new();
    let ledger = story.fixture.ledger();
    let root = ledger.ancestors().nth(2).expect("a home");
    files(root, root, &mut now);
    assert!(disk.image(Unsynced::Written, &mut Mint::new(1)) == now, "the record is not complete");

    let found = cut(&events, &history, Syncs::All, depth);
    println!("{} events, {} marks: {found:?}", events.len(), history.known.len());
    assert!(found.broken.is_empty(), "{found:?}");
    for syncs in [Syncs::NoneOfDirectories, Syncs::None] {
        let found = cut(&events, &history, syncs, disbelieving);
        println!("{syncs:?}: {found:?}");
        assert!(!found.broken.is_empty(), "a test that cannot fail");
    }
}

#[test]
fn a_power_cut_at_any_instant_breaks_no_promise() {
    run(8, &Depth { every: 2, random: 3 }, &Depth { every: 40, random: 1 });
}

/// Behind every single event, with more tokens than fit into a few pages; `STANCH_IMAGES` says how many disks for each.
#[test]
#[ignore = "takes many minutes: cargo test --test it -- --ignored power_cut"]
fn a_power_cut_at_any_instant_breaks_no_promise_in_depth() {
    let random = std::env::var("STANCH_IMAGES").ok().and_then(|text| text.parse().ok()).unwrap_or(4);
    run(150, &Depth { every: 0, random }, &Depth { every: 5, random: 3 });
}
