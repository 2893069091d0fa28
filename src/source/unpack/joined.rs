//! Text that was put together from pieces: only a token whose checksum holds is handed on out of it.

use std::sync::LazyLock;

use super::open_container::{Content, MemberName, OpenContainer, Region};
use crate::detect::{Detector, Window};
use crate::finding::Confidence;
use crate::rule;

static DETECTOR: LazyLock<Detector> = LazyLock::new(|| Detector::new(rule::built_in()).with_decode_depth(0));

/// Scans text that stands nowhere as it is; what also stands in `known` is found there.
pub(super) fn scan(container: &OpenContainer<'_>, name: &MemberName, text: &[u8], known: &[u8]) {
    let mut spans = Vec::new();
    DETECTOR.scan(&Window::whole(text), &mut |hit| {
        if hit.confidence == Confidence::Certain {
            spans.push(hit.span.clone());
        }
    });
    for span in spans {
        let offset = span.start as u64;
        let Some(token) = text.get(span) else { continue };
        if memchr::memmem::find(known, token).is_none() {
            container.hand_over(Region::MemberPart(name, offset), Content::Memory(token));
        }
    }
}
