//! The text that content streams show (ISO 32000-1, 9.4.3): it stands there in pieces, with numbers between them that move the next one,
//! and in the codes of its font, which a table of the document maps to characters (9.10.3).

use super::lexer::{Lexer, Word};
use crate::blob::MIN_TOKEN_LEN;

/// How many tables of characters are kept, and how many bytes of text.
const MAX_TABLES: usize = 64;
const MAX_TEXT: usize = 16 * 1024 * 1024;

/// What a document shows.
#[derive(Default)]
pub(super) struct Texts {
    /// The object that shows it, and its codes, one text for each font.
    shown: Vec<(u32, Vec<u8>)>,
    shown_len: usize,
    tables: Vec<Table>,
}

/// The characters of a font's codes, as far as a token may have them.
struct Table {
    /// How many bytes a code has.
    width: usize,
    /// A character for each code there can be; 0 where none is known.
    characters: Vec<u8>,
}

impl Texts {
    /// Takes what an object's stream shows, or a table of characters that it is. What it shows, whatever the fonts are.
    pub(super) fn take(&mut self, object: u32, decoded: &[u8]) -> Option<Vec<u8>> {
        if memchr::memmem::find(decoded, b"begincmap").is_some() {
            if self.tables.len() < MAX_TABLES {
                self.tables.extend(Table::parse(decoded));
            }
            return None;
        }
        let shows = [&b"Tj"[..], b"TJ", b"'", b"\""];
        if !shows.iter().any(|operator| memchr::memmem::find(decoded, operator).is_some()) {
            return None;
        }
        let texts = shown(decoded);
        let all = texts.concat();
        for text in texts {
            if text.len() >= MIN_TOKEN_LEN && self.shown_len + text.len() <= MAX_TEXT {
                self.shown_len += text.len();
                self.shown.push((object, text));
            }
        }
        (!all.is_empty()).then_some(all)
    }

    /// Calls `each` with what each object shows by each of the tables: which one is its font's, only the page tells.
    pub(super) fn for_each(&self, each: &mut dyn FnMut(u32, &[u8])) {
        for (object, codes) in &self.shown {
            for table in &self.tables {
                each(*object, &table.decode(codes));
            }
        }
    }
}

/// The strings of a content stream, joined as long as the font stays the same.
fn shown(content: &[u8]) -> Vec<Vec<u8>> {
    let mut lexer = Lexer::new(content, 0);
    let (mut texts, mut fonts, mut name) = (vec![Vec::new()], vec![Vec::new()], Vec::new());
    while let Some(word) = lexer.next_word() {
        match word {
            Word::String(text) => {
                if let Some(last) = texts.last_mut() {
                    last.extend_from_slice(&text);
                }
            }
            Word::Name(found) => name = found,
            Word::Keyword(b"Tf") if fonts.last() != Some(&name) => {
                fonts.push(name.clone());
                texts.push(Vec::new());
            }
            // The data of an inline image are no words (8.9.7).
            Word::Keyword(b"ID") => {
                let rest = content.get(lexer.at..).unwrap_or_default();
                lexer.at += memchr::memmem::find(rest, b"EI").map_or(rest.len(), |at| at + 2);
            }
            _ => {}
        }
    }
    texts
}

impl Table {
    /// The table of a `ToUnicode` stream: single codes and ranges of them (9.10.3, Adobe Technical Note 5014).
    fn parse(stream: &[u8]) -> Option<Table> {
        let mut table = Table { width: 0, characters: vec![0; 1 << 16] };
        let mut lexer = Lexer::new(stream, 0);
        while let Some(word) = lexer.next_word() {
            match word {
                Word::Keyword(b"beginbfchar") => {
                    while let Some(Word::String(code)) = lexer.next_word() {
                        let Some(Word::String(character)) = lexer.next_word() else { break };
                        table.put(&code, 0, &character);
                    }
                }
                Word::Keyword(b"beginbfrange") => table.read_ranges(&mut lexer),
                _ => {}
            }
        }
        (table.width > 0).then_some(table)
    }

    fn read_ranges(&mut self, lexer: &mut Lexer<'_>) {
        while let Some(Word::String(first)) = lexer.next_word() {
            let Some(Word::String(last)) = lexer.next_word() else { return };
            match lexer.next_word() {
                Some(Word::String(character)) => {
                    for step in 0..=number(&last).saturating_sub(number(&first)).min(255) {
                        let mut character = character.clone();
                        if let Some(low) = character.last_mut() {
                            *low = low.wrapping_add(u8::try_from(step).unwrap_or(0));
                        }
                        self.put(&first, step, &character);
                    }
                }
                Some(Word::Keyword(b"[")) => {
                    let mut step = 0;
                    while let Some(Word::String(character)) = lexer.next_word() {
                        self.put(&first, step, &character);
                        step = step.saturating_add(1);
                    }
                }
                _ => return,
            }
        }
    }

    /// Notes a code's character, which is UTF-16, where it is ASCII.
    fn put(&mut self, code: &[u8], step: u16, character: &[u8]) {
        if let ([0, ascii] | [ascii], 1..=2) = (character, code.len()) {
            self.width = code.len();
            if let Some(known) = self.characters.get_mut(usize::from(number(code).wrapping_add(step))) {
                *known = *ascii;
            }
        }
    }

    fn decode(&self, codes: &[u8]) -> Vec<u8> {
        let character = |code: &[u8]| self.characters.get(usize::from(number(code))).copied().unwrap_or(0);
        codes.chunks_exact(self.width.max(1)).map(character).collect()
    }
}

/// A code of one or two bytes.
fn number(code: &[u8]) -> u16 {
    code.iter().fold(0, |number, byte| number << 8 | u16::from(*byte))
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
