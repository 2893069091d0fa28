//! Bytes in, tokens out: one pass for literals, then the shape where a literal is, then the checksum. No I/O.
//!
//! The formats are GitHub's
//! (<https://github.blog/2021-04-05-behind-githubs-new-authentication-token-formats/>). A token may be
//! encoded: the pass also looks for what each encoding makes of its prefix, and decodes only around that.

mod byte_order;
mod classify;
mod custom;
mod decode;
mod judge;
mod needles;
mod pieces;
mod search;
mod window;

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::ops::Range;
use std::sync::Arc;

use crate::blob::Prefilter;
use crate::finding::{Confidence, Sighting};
use crate::rule::{Rule, Rules};
use search::{Finder, Found, Layer};

pub use byte_order::ByteOrder;
pub use custom::{Custom, CustomHit};
pub use judge::{Judged, judge, judge_token};
pub use window::Window;

/// The most bytes of a blob that one finding may span, encodings included: how far the windows of a large blob overlap.
pub const MAX_SPAN: usize = 32 * 1024;

/// How many encodings are decoded, one inside the other, unless the user says otherwise: PowerShell's `-EncodedCommand` is
/// base64 of UTF-16, which is two, and a Helm release in a secret is base64 of base64 of gzip, which is three.
pub const DECODE_DEPTH: usize = 4;

/// How many bytes at the end of a window say that a run of base64 goes on behind it.
const RUN_END: usize = 4 * 1024;

/// Whether bytes end in a long run of base64, or of its lines, which may go on behind them.
pub fn ends_in_run(bytes: &[u8]) -> bool {
    decode::base64::ends_nested(bytes, RUN_END)
}

/// One token in a window.
pub struct Hit<'a> {
    /// The rule that found it.
    pub rule: &'a Rule,
    /// The token, decoded.
    pub text: &'a [u8],
    /// Where it, or the encoded text that contains it, is in the window.
    ///
    /// Where characters are encoded one by one, the span starts with the token's own first character. In base64 it starts
    /// with the word on the line where the token starts (the `d` of `dXNlcjpnaHBf…`); where that word starts more than 8 KiB
    /// before the token, with the character that encodes the token's first bits.
    pub span: Range<usize>,
    /// The encodings that were decoded, outermost first.
    pub decoded: &'a [&'static str],
    /// How sure we are.
    pub confidence: Confidence,
    /// Why we are no surer; empty where certain.
    pub reason: &'static str,
    /// The owner's numeric user id.
    pub owner_id: Option<u32>,
}

impl Hit<'_> {
    /// The hit without its location.
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
#[derive(Clone)]
pub struct Detector {
    finder: Arc<Finder>,
    depth: usize,
}

impl Detector {
    /// A detector for these rules that decodes [`DECODE_DEPTH`] encodings.
    pub fn new(rules: &'static Rules) -> Self {
        Detector { finder: Arc::new(Finder::new(rules)), depth: DECODE_DEPTH }
    }

    /// The same, decoding at most `depth` encodings, one inside the other; 0 searches the bytes as they are.
    #[must_use]
    pub fn with_decode_depth(self, depth: usize) -> Self {
        Detector { depth, ..self }
    }

    /// The rules it looks for.
    pub fn rules(&self) -> &'static Rules {
        self.finder.rules
    }

    /// Reports every token that starts in `window.emit`, in order but for tokens within one run of base64.
    pub fn scan(&self, window: &Window<'_>, on_hit: &mut dyn FnMut(&Hit<'_>)) {
        let layer = Layer::outermost(window.clone(), self.depth);
        let mut reported = HashSet::new();
        self.finder.search(&layer, &mut |found: Found<'_>| {
            // Several ways may lead to one token: what is cut has two needles, and what is encoded in hex lines is a run as well.
            if !found.decoded.is_empty() && !reported.insert((found.span.start, hash_of(found.text))) {
                return;
            }
            on_hit(&Hit {
                rule: found.rule,
                text: found.text,
                span: found.span,
                decoded: &found.decoded,
                confidence: found.classified.confidence,
                reason: found.classified.reason,
                owner_id: found.classified.owner_id,
            });
        });
    }

    /// How sure the surest token in `text` is, for rules to be tried on their own examples.
    pub fn surest(&self, text: &[u8]) -> Option<Confidence> {
        let mut surest = None;
        self.scan(&Window::whole(text), &mut |hit| surest = surest.max(Some(hit.confidence)));
        surest
    }

    /// `text` with the middle of every token and lookalike replaced by `…`; of an encoded token, all of it.
    pub fn redact(&self, text: &str) -> String {
        let mut spans = Vec::new();
        self.scan(&Window::whole(text.as_bytes()), &mut |hit| {
            let mut span = hit.span.clone();
            if hit.decoded.is_empty() {
                let body = span.len().saturating_sub(hit.rule.prefix.len());
                span.start = span.end - body;
                // Of a short one, nothing is shown.
                span.end -= if body < 16 { 0 } else { 6 };
            }
            spans.push(span);
        });
        spans.sort_by_key(|span| span.start);
        let mut out = String::with_capacity(text.len());
        let mut kept = 0;
        for span in spans {
            // Spans count bytes, and need not end where a character does.
            let end = text.ceil_char_boundary(span.end.max(kept));
            if let Some(before) = text.get(kept..span.start) {
                out.push_str(before);
                out.push('…');
            }
            kept = end;
        }
        out.push_str(&text[kept..]);
        out
    }
}

fn hash_of(text: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// Every finding starts from a needle, and in an object without one nothing is found.
impl Prefilter for Detector {
    fn may_match(&self, bytes: &[u8]) -> bool {
        self.finder.may_match(bytes, self.depth)
    }

    fn context(&self) -> usize {
        search::MATCH_CONTEXT
    }

    fn must_open(&self, _: &[u8]) -> bool {
        false
    }
}

impl std::fmt::Debug for Detector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Detector")
            .field("rules", self.rules())
            .field("depth", &self.depth)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
