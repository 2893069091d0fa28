//! The fonts of a document: what its resources call them (ISO 32000-1, 7.8.3), and the tables that map their codes to characters
//! (9.10.3).

use std::collections::HashMap;

use super::lexer::{Lexer, Value, Word};

/// How many tables of characters are kept, and how many dictionaries of names.
const MAX_TABLES: usize = 64;
const MAX_DICTIONARIES: usize = 64;

/// How many fonts' names one of them may have.
const MAX_NAMES: usize = 256;

/// How many fonts are remembered.
const MAX_FONTS: usize = 4096;

/// The fonts' objects by their names.
type Names = Vec<(Vec<u8>, u32)>;

/// What is known of a document's fonts.
#[derive(Default)]
pub(super) struct Fonts {
    /// What resources call them: which ones are a page's own is not asked.
    dictionaries: Vec<Names>,
    /// The object of its table, by a font's object.
    to_unicode: HashMap<u32, u32>,
    /// The tables by their objects.
    tables: Vec<(u32, Table)>,
}

impl Fonts {
    /// Notes what an object says about fonts.
    pub(super) fn take_object(&mut self, object: u32, value: &Value) {
        if let Some(Value::Reference(table)) = value.get([b"ToUnicode"; 2])
            && self.to_unicode.len() < MAX_FONTS
        {
            self.to_unicode.insert(object, *table);
        }
        // One that has nothing but references may be what another object calls its fonts.
        self.take_names(value);
        self.take_resources(value);
    }

    fn take_resources(&mut self, value: &Value) {
        let Value::Dictionary(entries) = value else { return };
        for (key, entry) in entries {
            if key == b"Font" {
                self.take_names(entry);
            } else {
                self.take_resources(entry);
            }
        }
    }

    fn take_names(&mut self, dictionary: &Value) {
        let Value::Dictionary(entries) = dictionary else { return };
        let reference = |(name, value): &(Vec<u8>, Value)| match value {
            Value::Reference(object) => Some((name.clone(), *object)),
            _ => None,
        };
        let is_room = self.dictionaries.len() < MAX_DICTIONARIES && (1..=MAX_NAMES).contains(&entries.len());
        if let Some(names) = entries.iter().map(reference).collect::<Option<Names>>()
            && is_room
            && !self.dictionaries.contains(&names)
        {
            self.dictionaries.push(names);
        }
    }

    /// Takes a stream that may be a font's table; whether it is one.
    pub(super) fn take_table(&mut self, object: u32, stream: &[u8]) -> bool {
        if memchr::memmem::find(stream, b"begincmap").is_none() {
            return false;
        }
        if self.tables.len() < MAX_TABLES {
            self.tables.extend(Table::parse(stream).map(|table| (object, table)));
        }
        true
    }

    /// All the tables.
    pub(super) fn tables(&self) -> impl Iterator<Item = &Table> {
        self.tables.iter().map(|(_, table)| table)
    }

    /// The tables that fonts of these names may have, each time one a name, without those of which no name has any.
    pub(super) fn tables_of(&self, names: &[Vec<u8>]) -> Vec<Vec<Option<&Table>>> {
        let mut known: Vec<Vec<Option<u32>>> = Vec::new();
        if names.len() > MAX_NAMES {
            return Vec::new();
        }
        for dictionary in &self.dictionaries {
            let table = |name: &Vec<u8>| {
                let (_, font) = dictionary.iter().find(|(known, _)| known == name)?;
                self.to_unicode.get(font).copied()
            };
            let tables: Vec<_> = names.iter().map(table).collect();
            if tables.iter().any(Option::is_some) && !known.contains(&tables) {
                known.push(tables);
            }
        }
        let table = |object: Option<u32>| {
            let (_, table) = self.tables.iter().find(|(known, _)| Some(*known) == object)?;
            Some(table)
        };
        known.into_iter().map(|tables| tables.into_iter().map(table).collect()).collect()
    }
}

/// The characters of a font's codes, as far as a token may have them.
pub(super) struct Table {
    /// How many bytes a code has.
    width: usize,
    /// A character for each code there can be; 0 where none is known.
    characters: Vec<u8>,
    /// The codes that stand for several.
    ligatures: HashMap<u16, Vec<u8>>,
}

/// The characters of Unicode that are several letters in one glyph, from U+FB00 on (Alphabetic Presentation Forms).
const LIGATURES: [&[u8]; 7] = [b"ff", b"fi", b"fl", b"ffi", b"ffl", b"st", b"st"];

/// How many letters a code may stand for.
const MAX_LETTERS: usize = 8;

impl Table {
    /// The table of a `ToUnicode` stream: single codes and ranges of them (9.10.3, Adobe Technical Note 5014).
    fn parse(stream: &[u8]) -> Option<Table> {
        let mut table = Table { width: 0, characters: vec![0; 1 << 16], ligatures: HashMap::new() };
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

    /// Notes what a code stands for, which is UTF-16, where that is ASCII.
    fn put(&mut self, code: &[u8], step: u16, text: &[u8]) {
        if !(1..=2).contains(&code.len()) || text.len() > 2 * MAX_LETTERS {
            return;
        }
        let letters: Vec<u8> = match text {
            [ascii] => vec![*ascii],
            [0xfb, number] => {
                LIGATURES.get(usize::from(*number)).map_or(Vec::new(), |letters| letters.to_vec())
            }
            _ => {
                text.as_chunks::<2>().0.iter().map(|[high, low]| if *high == 0 { *low } else { 0 }).collect()
            }
        };
        let index = number(code).wrapping_add(step);
        match letters.as_slice() {
            [] => return,
            [letter] => {
                if let Some(known) = self.characters.get_mut(usize::from(index)) {
                    *known = *letter;
                }
            }
            _ => {
                self.ligatures.insert(index, letters);
            }
        }
        self.width = code.len();
    }

    /// The characters of these codes.
    pub(super) fn decode(&self, codes: &[u8]) -> Vec<u8> {
        let mut text = Vec::with_capacity(codes.len() / self.width.max(1));
        for code in codes.chunks_exact(self.width.max(1)) {
            let index = number(code);
            match self.ligatures.get(&index) {
                Some(letters) => text.extend_from_slice(letters),
                None => text.extend(self.characters.get(usize::from(index))),
            }
        }
        text
    }
}

/// A code of one or two bytes.
fn number(code: &[u8]) -> u16 {
    code.iter().fold(0, |number, byte| number << 8 | u16::from(*byte))
}
