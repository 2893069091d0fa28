//! Reads a repository that was put together, as `stanch git` reads one.

use std::cell::RefCell;
use std::io;
use std::time::Duration;

use super::super::bounded_reader::StreamError;
use super::super::limits::{Limit, Limits};
use super::super::memory::WITHOUT_PERMIT;
use super::super::open_container::{MemberName, OpenContainer, Region};
use super::super::{Unpack, share::Spent};
use super::allowance::{Allowance, Held};
use super::in_memory;
use crate::blob::{Fault, LocationKind, Origin};
use crate::finding::{Apart, Location};
use crate::source::git::{Bounds, Gathered, Inside, alone};

/// Repositories of more bytes are read by no more than a few threads at a time.
const SMALL: u64 = 1 << 20;

/// The most bytes of one object that are held of a small one.
const SMALL_OBJECT: u64 = 16 << 20;

/// What the thread that reads it needs to know.
struct Plan {
    /// The repository's own origin.
    origin: Origin,
    limits: Limits,
    depth: u32,
    bounds: Bounds,
    work: Duration,
    bytes: u64,
}

/// How the reading of a repository ended.
pub(super) enum Outcome {
    /// With the numbers of packs that may hold something else, too.
    Read(Vec<usize>),
    /// Nothing was read, because of a limit.
    LimitReached,
    /// Nothing was read, and is to be read otherwise: there is no room for what reading it takes. Both were reported.
    Unwritten,
}

/// Reads the git directory at this path in a container, or the container itself, which may spend one part in `parts` of what
/// is left.
pub(super) fn read(
    container: &OpenContainer<'_>,
    dir: Option<&str>,
    gathered: &Gathered,
    parts: u64,
) -> Outcome {
    let budget = container.budget;
    let memory = if gathered.bytes() > SMALL { WITHOUT_PERMIT + 1 } else { 0 };
    let name = MemberName::from_text(dir.unwrap_or_default().to_owned());
    let region = if dir.is_some() { Region::Member(&name) } else { Region::Raw(0) };
    let Ok(_reservation) = budget.reserve(memory) else {
        container.report(region, StreamError::LimitReached(Limit::Memory), Some(0));
        return Outcome::LimitReached;
    };
    let plan = plan(container, container.origin_of(region), gathered, parts.max(1));
    let inner = container.unpack.inner;
    let ran = alone(|| scan(inner, gathered, &plan));
    match ran.and_then(|done| {
        budget.charge(done.spent.0, done.spent.1);
        if let Some(limit) = done.ended {
            container.report(region, StreamError::LimitReached(limit), None);
        }
        done.odd_packs
    }) {
        Ok(odd_packs) => Outcome::Read(odd_packs),
        Err(error) => {
            in_memory::report(container, region, &error);
            Outcome::Unwritten
        }
    }
}

fn plan(container: &OpenContainer<'_>, origin: Origin, gathered: &Gathered, parts: u64) -> Plan {
    let Spent { expanded, entries, work } = container.budget.left();
    let memory = container.budget.memory_left();
    let limits = container.unpack.limits;
    let most = if gathered.bytes() > SMALL { memory / 3 } else { (memory / 3).min(SMALL_OBJECT) };
    Plan {
        origin,
        // What is in it is held to what is left altogether, and not each part to all there is.
        limits: Limits {
            max_memory: memory,
            max_expansion: (expanded / parts).max(1),
            max_entries: entries,
            max_seconds: (work / parts).div_ceil(1_000_000_000),
            ..limits
        },
        depth: container.depth,
        bounds: Bounds {
            objects: usize::try_from(entries).unwrap_or(usize::MAX),
            object_bytes: usize::try_from(most).unwrap_or(usize::MAX),
        },
        work: Duration::from_nanos(work / parts),
        bytes: expanded / parts,
    }
}

/// What was done in the other thread.
struct Done {
    odd_packs: io::Result<Vec<usize>>,
    spent: (Duration, u64),
    ended: Option<Limit>,
}

fn scan(sink: &dyn Apart, gathered: &Gathered, plan: &Plan) -> Done {
    let allowance = Allowance::start(plan.work, plan.bytes);
    let stopped = || sink.stopped() || allowance.is_spent();
    let odd_packs = match gathered.open(plan.bounds, &stopped) {
        Ok(inside) => {
            drain(sink, &inside, plan, &allowance);
            Ok(inside.odd_packs().to_vec())
        }
        Err(error) => Err(io::Error::other(error.to_string())),
    };
    Done { odd_packs, spent: allowance.spent(), ended: allowance.ended().filter(|_| !sink.stopped()) }
}

fn drain(sink: &dyn Apart, inside: &Inside<'_>, plan: &Plan, allowance: &Allowance) {
    let read = RefCell::new(None);
    sink.apart(
        &mut |apart| {
            let held = Held { inner: apart, allowance, root: plan.origin.root.as_deref() };
            let unpack = Unpack::within(&held, plan.limits, plan.depth);
            let history = inside.history();
            inside.drain(&history, &unpack);
            *read.borrow_mut() = Some(history);
        },
        &mut |findings| {
            if let Some(history) = read.borrow_mut().take() {
                history.attribute(findings, sink.meter().cancel_flag());
            }
            findings.for_each_location_mut(&mut |_, location| relocate(location, &plan.origin));
            findings.replace_faults(&mut |fault| vec![relocate_fault(&fault, inside, &plan.origin)]);
        },
    );
}

/// Makes a location in the repository one in what is scanned: behind the repository's own path stand the commit and the path in
/// its tree, as gitrevisions(7) has it.
fn relocate(location: &mut Location, origin: &Origin) {
    let is_in_tree = matches!(
        location.kind,
        LocationKind::Content | LocationKind::FileName | LocationKind::SymlinkTarget | LocationKind::Note
    );
    let commit = location.details().commit.clone().filter(|_| is_in_tree);
    let commit = commit.map(|commit| format!("{commit}:")).unwrap_or_default();
    let prefix = format!("{}!{commit}", origin.path);
    location.path = format!("{prefix}{}", location.path).into();
    // The token is in the path itself.
    if matches!(location.kind, LocationKind::FileName | LocationKind::RefName) {
        location.offset += prefix.len() as u64;
        location.column += prefix.len() as u64;
    }
    let details = location.details_mut();
    details.root.clone_from(&origin.root);
    // What is in an object of another repository is told with that one's ids.
    if origin.object.is_some() || origin.commit.is_some() {
        details.object.clone_from(&origin.object);
        details.commit.clone_from(&origin.commit);
        details.author.clone_from(&origin.author);
        details.date.clone_from(&origin.date);
    }
}

fn relocate_fault(fault: &Fault, inside: &Inside<'_>, origin: &Origin) -> Fault {
    let place = origin.display_path();
    let path = match inside.without_directory(&fault.path) {
        path if path.is_empty() => place,
        path => format!("{place}!{path}"),
    };
    Fault { path, kind: fault.kind, reason: inside.without_directory(&fault.reason) }
}
