//! Bytes in, tokens out: one literal pass, then the shape where a literal stood, then the proof. No I/O.

mod custom;
mod judge;
mod prefilter;

use std::ops::Range;
use std::sync::Arc;

use crate::blob::Sieve;
use crate::finding::{Confidence, Sighting};
use crate::rule::{Rule, Rules};
use prefilter::Prefilter;

pub use custom::{Custom, CustomHit};

/// The most bytes of a blob that one finding may span, encodings included: how far windows overlap.
pub const REACH: usize = 32 * 1024;

/// A stretch of a blob. Only findings that start within `emit` are reported from it; the bytes around are context.
#[derive(Clone)]
pub struct Window<'a> {
    /// The bytes, context included.
    pub bytes: &'a [u8],
    /// Where a finding may start.
    pub emit: Range<usize>,
}

impl<'a> Window<'a> {
    /// A window that is a whole blob.
    pub fn whole(bytes: &'a [u8]) -> Self {
        Window { bytes, emit: 0..bytes.len() }
    }
}

/// One token in a window.
pub struct Hit<'a> {
    /// The rule that found it.
    pub rule: &'a Rule,
    /// The token, decoded.
    pub text: &'a [u8],
    /// Where it, or the encoded text that holds it, stands in the window.
    pub span: Range<usize>,
    /// The encodings peeled off, outermost first.
    pub decoded: &'a [&'static str],
    /// How sure we are.
    pub confidence: Confidence,
    /// Why no more than that; empty where certain.
    pub reason: &'static str,
    /// The owner's numeric user id.
    pub owner_id: Option<u32>,
}

impl Hit<'_> {
    /// The hit without its place.
    pub fn sighting(&self) -> Sighting<'_> {
        Sighting {
            text: self.text,
            rule: &self.rule.id,
            kind: self.rule.kind,
            confidence: self.confidence,
            reason: self.reason,
            owner_id: self.owner_id,
        }
    }
}

/// Finds tokens in bytes. Cheap to clone, safe to share between threads.
#[derive(Clone, Debug)]
pub struct Detector {
    rules: Arc<Rules>,
    prefilter: Arc<Prefilter>,
}

impl Detector {
    /// A detector for these rules.
    pub fn new(rules: Rules) -> Self {
        let prefilter = Prefilter::new(&rules);
        Detector { rules: Arc::new(rules), prefilter: Arc::new(prefilter) }
    }

    /// The rules it looks for.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Reports every token that starts in `window.emit`, in the order of their places.
    pub fn scan(&self, window: &Window<'_>, on_hit: &mut dyn FnMut(&Hit<'_>)) {
        let Range { start, end } = window.emit;
        let mut at = start;
        while let Some((rule, found)) = self.prefilter.next(window.bytes, at) {
            if found >= end {
                break;
            }
            at = found + 1;
            let Some(rule) = self.rules.get(rule) else { continue };
            let Some(judged) = judge::judge(rule, window.bytes, found) else { continue };
            let span = found..found + judged.len;
            // What follows inside a token is part of it: resume behind a proven one.
            if judged.confidence == Confidence::Certain {
                at = span.end;
            }
            on_hit(&Hit {
                rule,
                text: &window.bytes[span.clone()],
                span,
                decoded: &[],
                confidence: judged.confidence,
                reason: judged.reason,
                owner_id: judged.owner_id,
            });
        }
    }

    /// The surest token in `text`, for rules to be tried on their own examples.
    pub fn surest(&self, text: &[u8]) -> Option<Confidence> {
        let mut surest = None;
        self.scan(&Window::whole(text), &mut |hit| surest = surest.max(Some(hit.confidence)));
        surest
    }

    /// `text` with the middle of every token-shaped part left out, lookalikes included.
    pub fn redact(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut kept = 0;
        self.scan(&Window::whole(text.as_bytes()), &mut |hit| {
            if hit.span.start >= kept && hit.decoded.is_empty() {
                out.push_str(&text[kept..hit.span.start + hit.rule.prefix.len()]);
                out.push('…');
                kept = hit.span.end.saturating_sub(6);
            }
        });
        out.push_str(&text[kept..]);
        out
    }
}

/// Every finding starts from a literal, so bytes without one hold none.
impl Sieve for Detector {
    fn catches(&self, bytes: &[u8]) -> bool {
        self.prefilter.next(bytes, 0).is_some()
    }

    fn reach(&self) -> usize {
        self.prefilter.longest()
    }

    fn opens(&self, _: &[u8]) -> bool {
        false
    }
}

#[cfg(test)]
mod tests;
