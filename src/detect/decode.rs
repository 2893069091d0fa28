//! Tokens written in another alphabet: what each spelling looks like, and how one character of it is read.
//!
//! A spelling that replaces characters one by one ([`Spelling`]) is read from a token's first character on. Base64
//! mixes its characters, so it is found by the forms its prefixes take there ([`base64`]) and decoded around them.

pub(super) mod base64;
pub(super) mod base64_runs;
mod entity;
mod escape;
pub(super) mod hex;
pub(super) mod inflate;
pub(super) mod line_wrapped;
mod percent;
mod simd;
pub(super) mod utf16;

use zeroize::Zeroizing;

/// A way to write a text character by character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spelling {
    /// `%67`, or the character itself.
    Percent,
    /// `\u0067`, `\u{67}`, `\x67`, `\147`, or the character itself.
    Escape,
    /// `&#103;`, `&#x67;`, or the character itself.
    Entity,
    /// `67`.
    Hex,
    /// `67:` or `67 `.
    SpacedHex,
    /// The character, and a zero byte.
    Utf16Le,
    /// A zero byte, and the character.
    Utf16Be,
}

impl Spelling {
    /// The spelling whose encoded characters start with `byte`, for those that also let plain ones stand.
    pub(super) fn introduced_by(byte: u8) -> Option<Self> {
        match byte {
            b'%' => Some(Spelling::Percent),
            b'\\' => Some(Spelling::Escape),
            b'&' => Some(Spelling::Entity),
            _ => None,
        }
    }

    /// What reports call it; `encoded` is the text it was found in.
    fn name(self, encoded: &[u8]) -> &'static str {
        match self {
            Spelling::Percent => "percent",
            Spelling::Escape => escape::name(encoded),
            Spelling::Entity => "html-entity",
            Spelling::Hex | Spelling::SpacedHex => "hex",
            Spelling::Utf16Le => "utf-16le",
            Spelling::Utf16Be => "utf-16be",
        }
    }

    /// The first character of `rest`, and how many bytes it takes.
    fn unit(self, rest: &[u8]) -> Option<(u8, usize)> {
        let encoded = match self {
            Spelling::Hex => return hex::unit(rest),
            Spelling::SpacedHex => return hex::spaced_unit(rest),
            Spelling::Utf16Le => return utf16::unit_le(rest),
            Spelling::Utf16Be => return utf16::unit_be(rest),
            Spelling::Percent => percent::unit(rest),
            Spelling::Escape => escape::unit(rest),
            Spelling::Entity => entity::unit(rest),
        };
        match *rest.first()? {
            byte if Spelling::introduced_by(byte) == Some(self) => encoded,
            // No token goes on behind a blank.
            byte if byte > b' ' => Some((byte, 1)),
            _ => None,
        }
    }

    /// The most bytes that one character takes.
    fn widest(self) -> usize {
        match self {
            Spelling::Hex | Spelling::Utf16Le | Spelling::Utf16Be => 2,
            Spelling::Percent | Spelling::SpacedHex => 3,
            Spelling::Escape | Spelling::Entity => WIDEST,
        }
    }
}

/// The most bytes that a character takes in any spelling: `&#x0000000067;`, `\\\\\\\\U00000067`.
const WIDEST: usize = 20;

/// How many spellings are looked for on top of each other.
const LAYERS: usize = 4;

/// Spellings on top of each other, outermost first: `%2567` is percent of percent, `&amp;#103;` entity of entity.
#[derive(Clone, Copy)]
pub(super) struct Layers {
    layers: [Spelling; LAYERS],
    count: usize,
}

impl Layers {
    /// One layer.
    pub(super) fn one(spelling: Spelling) -> Self {
        Layers { layers: [spelling; LAYERS], count: 1 }
    }

    /// With one more inside, if there may be so many.
    pub(super) fn and(mut self, inner: Spelling, depth: usize) -> Option<Self> {
        if self.count >= depth.min(LAYERS) {
            return None;
        }
        self.layers[self.count] = inner;
        self.count += 1;
        Some(self)
    }

    /// At most `limit` characters, as far as the spelling goes, or until one that is the `last`.
    pub(super) fn read(
        &self,
        encoded: &[u8],
        limit: usize,
        last: impl Fn(usize, u8) -> bool,
    ) -> Zeroizing<Vec<u8>> {
        // Reserved at once: a buffer that grows leaves copies behind.
        let mut text = Zeroizing::new(Vec::with_capacity(limit));
        let mut rest = encoded;
        while text.len() < limit
            && let Some((byte, width)) = self.unit(rest)
        {
            text.push(byte);
            if last(text.len() - 1, byte) {
                break;
            }
            rest = rest.get(width..).unwrap_or_default();
        }
        text
    }

    fn unit(&self, rest: &[u8]) -> Option<(u8, usize)> {
        match self.count {
            1 => self.layers[0].unit(rest),
            _ => unit(&self.layers[..self.count], rest),
        }
    }

    /// How many bytes the first `count` characters take.
    pub(super) fn width(&self, encoded: &[u8], count: usize) -> usize {
        let mut at = 0;
        for _ in 0..count {
            let rest = encoded.get(at..).unwrap_or_default();
            let Some((_, width)) = self.unit(rest) else { break };
            at += width;
        }
        at.min(encoded.len())
    }

    /// What reports call them; `encoded` is the text they were found in.
    pub(super) fn names(&self, encoded: &[u8]) -> Vec<&'static str> {
        let name = |layer: usize| {
            if layer == 0 {
                return self.layers[0].name(encoded);
            }
            let outer = Layers { count: layer, ..*self };
            self.layers[layer].name(&outer.read(encoded, encoded.len(), |_, _| false))
        };
        (0..self.count).map(name).collect()
    }
}

/// The first character of `rest`, and how many bytes it takes, under all those layers.
fn unit(layers: &[Spelling], rest: &[u8]) -> Option<(u8, usize)> {
    let (inner, outer) = layers.split_last()?;
    if outer.is_empty() {
        return inner.unit(rest);
    }
    let (mut text, mut ends) = ([0; WIDEST], [0; WIDEST]);
    let (mut count, mut at) = (0, 0);
    while count < inner.widest()
        && let Some((byte, width)) = unit(outer, rest.get(at..)?)
    {
        at += width;
        (text[count], ends[count]) = (byte, at);
        count += 1;
        // A plain character takes no more.
        if count == 1 && Spelling::introduced_by(byte) != Some(*inner) {
            break;
        }
    }
    let (byte, used) = inner.unit(&text[..count])?;
    Some((byte, ends[used.checked_sub(1)?]))
}

/// Where the encoded character starts whose digits (`67` in `\u0067` or `&#x67;`) stand at `digits`.
pub(super) fn introduced(bytes: &[u8], digits: usize) -> Option<(Spelling, usize)> {
    let before = &bytes[..digits];
    let back = before.iter().rev().take(LONGEST_LEAD);
    let lead = back.take_while(|byte| matches!(byte, b'0' | b'u' | b'U' | b'x' | b'X' | b'{' | b'#')).count();
    let lead = digits - lead;
    let before = &bytes[..lead];
    if before.ends_with(b"&amp;") {
        return Some((Spelling::Entity, lead - 5));
    }
    match before.last()? {
        b'&' => Some((Spelling::Entity, lead - 1)),
        // However many: a text within a text within a text doubles them each time.
        b'\\' => {
            let slashes = before.iter().rev().take(LONGEST_LEAD).take_while(|byte| **byte == b'\\').count();
            Some((Spelling::Escape, lead - slashes))
        }
        _ => None,
    }
}

/// How far the digits of an encoded character stand from its start: leading zeros and backslashes are limited.
const LONGEST_LEAD: usize = 16;
