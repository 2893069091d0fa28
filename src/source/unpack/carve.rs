//! Carving: compressed streams and archives at any offset of something that is no container, such as a core dump, a program
//! with resources, or a script with an archive behind it.
//!
//! They are found by their signatures in one pass with vectors, proved by what follows the signature, and opened like members
//! called `@offset`. What carries them is scanned as it is as well, so a false signature costs no finding, and damage of what
//! was carved is no fault: half a stream in a core dump is nobody's damaged file. Text is not looked through, nor are media.

mod file;
mod forward;
mod open;
mod pairs;
mod part;
mod proof;
mod sample;
mod signatures;

use super::Unpack;
use super::budget::Budget;
use super::open_container::{OpenContainer, reborrow};
use crate::blob::{Blob, Body, LocationKind};
use open::Carver;

/// Scans a blob that is no container of its own, which is within `depth` of them, and opens what is found in it.
pub(super) fn scan(unpack: &Unpack<'_>, blob: Blob<'_>, depth: u32, budget: Option<&Budget>) {
    scan_from(unpack, blob, (depth, budget), 0);
}

/// The same with a container that is damaged: what begins where it does is itself.
pub(super) fn scan_damaged(unpack: &Unpack<'_>, blob: Blob<'_>, depth: u32, budget: &Budget) {
    scan_from(unpack, blob, (depth, Some(budget)), 1);
}

fn scan_from(unpack: &Unpack<'_>, mut blob: Blob<'_>, (depth, budget): (u32, Option<&Budget>), from: usize) {
    let Some(wanted) = sample::wanted(blob.body.head()) else { return unpack.hand_on(blob, depth) };
    let origin = blob.origin;
    // A name or a message carries nothing, whatever its bytes are.
    if depth == unpack.depth && origin().kind != LocationKind::Content {
        return unpack.hand_on(blob, depth);
    }
    match &mut blob.body {
        Body::Whole(bytes) => {
            unpack.hand_on(Blob { body: Body::Whole(bytes), origin }, depth);
            let Some(first) = signatures::next(bytes, from, wanted) else { return };
            with_carver(unpack, origin, (depth, budget), |carver| {
                let mut next = Some(first);
                while let Some((at, signature)) = next {
                    let rest = bytes.get(at..).unwrap_or_default();
                    let Some(used) = carver.open(at as u64, signature, Body::Whole(rest)) else { break };
                    let used = usize::try_from(used).unwrap_or(usize::MAX).max(1);
                    next = signatures::next(bytes, at.saturating_add(used), wanted);
                }
            });
        }
        body @ Body::Stream { .. } => {
            let Body::Stream { head, rest } = reborrow(body) else { return };
            if rest.seekable().is_some() {
                return file::scan(unpack, (head, rest), origin, (depth, budget, wanted));
            }
            with_carver(unpack, origin, (depth, budget), |carver| {
                carver.pass_over(from as u64);
                forward::scan(carver, (head, rest), wanted);
            });
        }
    }
}

/// Calls `use_it` with what opens what is found, within the budget of the file, or one of its own where it has none yet.
fn with_carver(
    unpack: &Unpack<'_>,
    origin: &dyn Fn() -> crate::blob::Origin,
    (depth, budget): (u32, Option<&Budget>),
    use_it: impl FnOnce(&Carver<'_>),
) {
    let carver =
        |budget| Carver::new(OpenContainer { unpack, budget, origin, depth: depth + 1, carved: true });
    if let Some(budget) = budget {
        return use_it(&carver(budget));
    }
    let budget = Budget::new(unpack.limits, &unpack.semaphore);
    use_it(&carver(&budget));
    carver(&budget).container.finish();
}

/// Whether something to carve may begin in these bytes of a blob, or in those around them.
pub(super) fn may_match(bytes: &[u8]) -> bool {
    sample::wanted(bytes).is_some_and(|wanted| signatures::next(bytes, 0, wanted).is_some())
}

/// Whether what begins so is looked through.
pub(super) fn is_wanted(head: &[u8]) -> bool {
    sample::wanted(head).is_some()
}

/// How many bytes around a byte a signature and its first fields may extend.
pub(super) const CONTEXT: usize = signatures::LONGEST;
