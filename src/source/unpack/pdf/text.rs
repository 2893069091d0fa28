//! The text that content streams show (ISO 32000-1, 9.4.3): it stands there in pieces, with numbers between them that move the next one,
//! and in the codes of its fonts.

use std::collections::HashMap;

use super::fonts::Fonts;
use super::lexer::{Lexer, Value, Word};
use crate::blob::MIN_TOKEN_LEN;

/// How many bytes of text are kept.
const MAX_TEXT: usize = 16 * 1024 * 1024;

/// What a document shows.
#[derive(Default)]
pub(super) struct Texts {
    /// The objects that show something.
    shown: Vec<(u32, Shown)>,
    shown_len: usize,
    fonts: Fonts,
}

/// What a stream shows.
struct Shown {
    /// What the stream calls its fonts.
    fonts: Vec<Vec<u8>>,
    /// The codes that are shown in one of them after the other; nothing before the first is named.
    runs: Vec<(Option<usize>, Vec<u8>)>,
}

impl Texts {
    /// Notes what an object says about fonts.
    pub(super) fn take_object(&mut self, object: u32, value: &Value) {
        self.fonts.take_object(object, value);
    }

    /// Takes what an object's stream shows, or a table of characters that it is. What it shows, whatever the fonts are.
    pub(super) fn take(&mut self, object: u32, decoded: &[u8]) -> Option<Vec<u8>> {
        if self.fonts.take_table(object, decoded) {
            return None;
        }
        let operators = [&b"Tj"[..], b"TJ", b"'", b"\""];
        if !operators.iter().any(|operator| memchr::memmem::find(decoded, operator).is_some()) {
            return None;
        }
        let shown = Shown::by(decoded);
        let all: Vec<u8> = shown.runs.iter().flat_map(|(_, codes)| codes).copied().collect();
        if all.len() >= MIN_TOKEN_LEN && self.shown_len + all.len() <= MAX_TEXT {
            self.shown_len += all.len();
            self.shown.push((object, shown));
        }
        (!all.is_empty()).then_some(all)
    }

    /// Calls `each` with what each object shows: by the tables that its fonts' names may have, and what is shown in one font
    /// by each of the tables, for not every document says which one is whose.
    pub(super) fn for_each(&self, each: &mut dyn FnMut(u32, &[u8])) {
        for (object, Shown { fonts, runs }) in &self.shown {
            for tables in self.fonts.tables_of(fonts) {
                let mut text = Vec::new();
                for (font, codes) in runs {
                    match font.and_then(|font| *tables.get(font)?) {
                        Some(table) => text.extend(table.decode(codes)),
                        None => text.extend_from_slice(codes),
                    }
                }
                each(*object, &text);
            }
            for (_, codes) in runs.iter().filter(|(_, codes)| codes.len() >= MIN_TOKEN_LEN) {
                for table in self.fonts.tables() {
                    each(*object, &table.decode(codes));
                }
            }
        }
    }
}

impl Shown {
    /// The strings of a content stream, joined as long as the font stays the same.
    fn by(content: &[u8]) -> Shown {
        let mut lexer = Lexer::new(content, 0);
        let (mut indexes, mut shown) = (HashMap::new(), Shown { fonts: Vec::new(), runs: Vec::new() });
        let (mut name, mut font, mut depth) = (Vec::new(), None, 0_u32);
        while let Some(word) = lexer.next_word() {
            match word {
                // What marked content is said to be (14.6) is not shown.
                Word::Keyword(b"<<") => depth += 1,
                Word::Keyword(b">>") => depth = depth.saturating_sub(1),
                Word::Keyword(b"BDC" | b"DP" | b"BT") => depth = 0,
                Word::String(_) if depth > 0 => {}
                Word::String(text) => match shown.runs.last_mut() {
                    Some((last, codes)) if *last == font => codes.extend_from_slice(&text),
                    _ => shown.runs.push((font, text)),
                },
                Word::Name(found) => name = found,
                Word::Keyword(b"Tf") => {
                    let index = *indexes.entry(name.clone()).or_insert(shown.fonts.len());
                    if index == shown.fonts.len() {
                        shown.fonts.push(name.clone());
                    }
                    font = Some(index);
                }
                // The data of an inline image are no words (8.9.7).
                Word::Keyword(b"ID") => {
                    let rest = content.get(lexer.at..).unwrap_or_default();
                    lexer.at += memchr::memmem::find(rest, b"EI").map_or(rest.len(), |at| at + 2);
                }
                _ => {}
            }
        }
        shown
    }
}

/// A string of a document as it is read: UTF-16 where it begins with a mark (7.9.2.2).
pub(super) fn string(text: &[u8]) -> Vec<u8> {
    match text {
        [0xfe, 0xff, rest @ ..] => {
            let units = rest.as_chunks::<2>().0.iter().map(|unit| u16::from_be_bytes(*unit));
            char::decode_utf16(units).map(|read| read.unwrap_or('\u{fffd}')).collect::<String>().into_bytes()
        }
        _ => text.to_vec(),
    }
}
