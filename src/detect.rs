//! Bytes in, tokens out: one literal pass, then the shape where a literal stood, then the proof. No I/O.
//!
//! A token may be encoded: the pass also looks for the forms its prefix takes in each encoding, and decodes only
//! around them. The checksum decides.

mod classify;
mod custom;
mod decode;
mod needles;
mod search;

use std::ops::Range;
use std::sync::Arc;

use crate::blob::Prefilter;
use crate::finding::{Confidence, Sighting};
use crate::rule::{Rule, Rules};
use search::{Finder, Found, Level};

pub use custom::{Custom, CustomHit};

/// The most bytes of a blob that one finding may span, encodings included: how far windows overlap.
pub const REACH: usize = 32 * 1024;

/// How many encodings are peeled off one after the other unless somebody says otherwise: PowerShell's base64 of UTF-16
/// is two.
pub const DECODE_DEPTH: usize = 2;

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
    ///
    /// Of a text encoded character by character, this is the token's own first character. Base64 starts with the word
    /// on the line where the token starts (the `d` of `dXNlcjpnaHBf…`); where that word is very long (8 KiB before the
    /// token), with the character that holds the token's first byte.
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
#[derive(Clone)]
pub struct Detector {
    finder: Arc<Finder>,
    depth: usize,
}

impl Detector {
    /// A detector for these rules that peels off [`DECODE_DEPTH`] encodings.
    pub fn new(rules: &'static Rules) -> Self {
        Detector { finder: Arc::new(Finder::new(rules)), depth: DECODE_DEPTH }
    }

    /// The same, peeling off at most `depth` encodings one after the other; 0 looks at the bytes as they are.
    #[must_use]
    pub fn with_decode_depth(self, depth: usize) -> Self {
        Detector { depth, ..self }
    }

    /// The rules it looks for.
    pub fn rules(&self) -> &'static Rules {
        self.finder.rules
    }

    /// Reports every token that starts in `window.emit`, in the order of their places but for what is found within
    /// one run of base64.
    pub fn scan(&self, window: &Window<'_>, on_hit: &mut dyn FnMut(&Hit<'_>)) {
        let Window { bytes, emit } = window.clone();
        let level = Level::outermost(bytes, emit, self.depth);
        self.finder.look(&level, &mut |found: Found<'_>| {
            on_hit(&Hit {
                rule: found.rule,
                text: found.text,
                span: found.span,
                decoded: &found.chain,
                confidence: found.classified.confidence,
                reason: found.classified.reason,
                owner_id: found.classified.owner_id,
            });
        });
    }

    /// The surest token in `text`, for rules to be tried on their own examples.
    pub fn surest(&self, text: &[u8]) -> Option<Confidence> {
        let mut surest = None;
        self.scan(&Window::whole(text), &mut |hit| surest = surest.max(Some(hit.confidence)));
        surest
    }

    /// `text` with the middle of every token-shaped part left out, lookalikes included; of an encoded token, all.
    pub fn redact(&self, text: &str) -> String {
        let mut hidden = Vec::new();
        self.scan(&Window::whole(text.as_bytes()), &mut |hit| {
            let mut part = hit.span.clone();
            if hit.decoded.is_empty() {
                let body = part.len().saturating_sub(hit.rule.prefix.len());
                part.start = part.end - body;
                // A short one shows nothing of itself.
                part.end -= if body < 16 { 0 } else { 6 };
            }
            hidden.push(part);
        });
        hidden.sort_by_key(|part| part.start);
        let mut out = String::with_capacity(text.len());
        let mut kept = 0;
        for part in hidden {
            // What was found is ASCII, but a rule of the user's own may match anything.
            let end = text.ceil_char_boundary(part.end.max(kept));
            if let Some(before) = text.get(kept..part.start) {
                out.push_str(before);
                out.push('…');
            }
            kept = end;
        }
        out.push_str(&text[kept..]);
        out
    }
}

/// Every finding starts from a clue, and an object that holds none is harmless.
impl Prefilter for Detector {
    fn may_match(&self, bytes: &[u8]) -> bool {
        self.finder.may_match(bytes, self.depth)
    }

    fn context(&self) -> usize {
        search::CLUE
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
