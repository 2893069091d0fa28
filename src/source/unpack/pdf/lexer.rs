//! The words of a PDF: numbers, names, strings, arrays and dictionaries (ISO 32000-1, 7.2 and 7.3).

/// How deep arrays and dictionaries are followed into each other, and how many values one of them may have.
const MAX_DEPTH: u32 = 24;
const MAX_VALUES: usize = 100_000;

/// A value, as far as anybody here asks for it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Number(i64),
    Name(Vec<u8>),
    Array(Vec<Value>),
    Dictionary(Vec<(Vec<u8>, Value)>),
    /// A reference to the object of this number.
    Reference(u32),
    /// A string, which was handed over, or a word.
    Other,
}

impl Value {
    /// An entry of a dictionary, by either of its names.
    pub(super) fn get(&self, names: [&[u8]; 2]) -> Option<&Value> {
        let Value::Dictionary(entries) = self else { return None };
        entries.iter().find(|(key, _)| names.contains(&key.as_slice())).map(|(_, value)| value)
    }

    /// An entry that is a number.
    pub(super) fn number(&self, name: &[u8]) -> Option<i64> {
        match self.get([name; 2]) {
            Some(Value::Number(number)) => Some(*number),
            _ => None,
        }
    }

    /// Whether an entry is this name.
    pub(super) fn is(&self, key: &[u8], name: &[u8]) -> bool {
        matches!(self.get([key; 2]), Some(Value::Name(found)) if found == name)
    }
}

/// A word of a content stream or an object.
#[derive(Debug, PartialEq)]
pub(super) enum Word<'b> {
    Number(i64),
    Name(Vec<u8>),
    String(Vec<u8>),
    /// `[`, `]`, `<<`, `>>`, or an operator or keyword.
    Keyword(&'b [u8]),
}

/// Reads words one after the other.
pub(super) struct Lexer<'b> {
    bytes: &'b [u8],
    pub(super) at: usize,
}

impl<'b> Lexer<'b> {
    pub(super) fn new(bytes: &'b [u8], at: usize) -> Self {
        Lexer { bytes, at }
    }

    fn byte(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn rest(&self) -> &'b [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn skip_blanks(&mut self) {
        while let Some(byte) = self.byte() {
            if byte == b'%' {
                let line = memchr::memchr2(b'\n', b'\r', self.rest()).unwrap_or(self.rest().len());
                self.at += line;
            } else if is_blank(byte) {
                self.at += 1;
            } else {
                return;
            }
        }
    }

    /// The next word; none at the end.
    pub(super) fn next_word(&mut self) -> Option<Word<'b>> {
        self.skip_blanks();
        let start = self.at;
        let byte = self.byte()?;
        self.at += 1;
        match byte {
            b'(' => return Some(Word::String(self.literal())),
            b'/' => return Some(Word::Name(self.name())),
            b'<' | b'>' if self.byte() == Some(byte) => self.at += 1,
            b'<' => return Some(Word::String(self.hex())),
            b'[' | b']' | b'{' | b'}' | b'>' | b')' => {}
            _ => {
                while self.byte().is_some_and(|byte| !is_blank(byte) && !is_delimiter(byte)) {
                    self.at += 1;
                }
                let word = self.bytes.get(start..self.at).unwrap_or_default();
                return Some(number(word).map_or(Word::Keyword(word), Word::Number));
            }
        }
        Some(Word::Keyword(self.bytes.get(start..self.at).unwrap_or_default()))
    }

    /// A string in parentheses, which may be nested and escaped (7.3.4.2).
    fn literal(&mut self) -> Vec<u8> {
        let (mut text, mut depth) = (Vec::new(), 1);
        while let Some(byte) = self.byte() {
            self.at += 1;
            match byte {
                b'(' => depth += 1,
                b')' => {
                    depth -= 1;
                    if depth == 0 {
                        break;
                    }
                }
                b'\\' => {
                    text.extend(self.escaped());
                    continue;
                }
                _ => {}
            }
            text.push(byte);
        }
        text
    }

    /// What stands behind a backslash; nothing for a line that goes on.
    fn escaped(&mut self) -> Option<u8> {
        let byte = self.byte()?;
        self.at += 1;
        Some(match byte {
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'b' => 8,
            b'f' => 12,
            b'0'..=b'7' => {
                let mut value = u32::from(byte - b'0');
                for _ in 0..2 {
                    let Some(digit @ b'0'..=b'7') = self.byte() else { break };
                    value = value * 8 + u32::from(digit - b'0');
                    self.at += 1;
                }
                u8::try_from(value & 0xff).unwrap_or(0)
            }
            b'\r' => {
                self.at += usize::from(self.byte() == Some(b'\n'));
                return None;
            }
            b'\n' => return None,
            other => other,
        })
    }

    /// A string in hexadecimal digits (7.3.4.3).
    fn hex(&mut self) -> Vec<u8> {
        let (mut text, mut high) = (Vec::new(), None);
        while let Some(byte) = self.byte() {
            self.at += 1;
            if byte == b'>' {
                break;
            }
            let Some(digit) = hex_digit(byte) else { continue };
            match high.take() {
                None => high = Some(digit),
                Some(high) => text.push(high << 4 | digit),
            }
        }
        text.extend(high.map(|high| high << 4));
        text
    }

    fn name(&mut self) -> Vec<u8> {
        let mut name = Vec::new();
        while let Some(byte) = self.byte().filter(|byte| !is_blank(*byte) && !is_delimiter(*byte)) {
            self.at += 1;
            let digits = (byte == b'#').then(|| self.rest().first_chunk::<2>()).flatten();
            let escaped = digits.and_then(|[high, low]| Some(hex_digit(*high)? << 4 | hex_digit(*low)?));
            self.at += if escaped.is_some() { 2 } else { 0 };
            name.push(escaped.unwrap_or(byte));
        }
        name
    }

    /// The next value; its strings are handed to `on_string`. None where there is none.
    pub(super) fn value(&mut self, on_string: &mut dyn FnMut(&[u8])) -> Option<Value> {
        self.value_within(0, on_string)
    }

    fn value_within(&mut self, depth: u32, on_string: &mut dyn FnMut(&[u8])) -> Option<Value> {
        Some(match self.next_word()? {
            Word::Number(number) => self.reference(number).unwrap_or(Value::Number(number)),
            Word::Name(name) => Value::Name(name),
            Word::String(text) => {
                on_string(&text);
                Value::Other
            }
            Word::Keyword(b"[") if depth < MAX_DEPTH => {
                let mut values = Vec::new();
                self.until(b"]", &mut |lexer| {
                    values.extend(lexer.value_within(depth + 1, on_string));
                    values.len() < MAX_VALUES
                });
                Value::Array(values)
            }
            Word::Keyword(b"<<") if depth < MAX_DEPTH => {
                let mut entries: Vec<(Vec<u8>, Value)> = Vec::new();
                self.until(b">>", &mut |lexer| {
                    match lexer.value_within(depth + 1, on_string) {
                        Some(Value::Name(key)) => {
                            let value = lexer.value_within(depth + 1, on_string).unwrap_or(Value::Other);
                            entries.push((key, value));
                        }
                        // Where a key should be.
                        Some(_) => {}
                        None => return false,
                    }
                    entries.len() < MAX_VALUES
                });
                Value::Dictionary(entries)
            }
            Word::Keyword(_) => Value::Other,
        })
    }

    /// The object that a number refers to whose generation and `R` come next (7.3.10).
    fn reference(&mut self, number: i64) -> Option<Value> {
        let number = u32::try_from(number).ok()?;
        let rest = self.rest().trim_ascii_start();
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let behind = rest[digits..].trim_ascii_start();
        let is_word = |byte: &u8| !is_blank(*byte) && !is_delimiter(*byte);
        if digits == 0 || digits > 5 || !behind.starts_with(b"R") || behind.get(1).is_some_and(is_word) {
            return None;
        }
        self.at = self.bytes.len() - behind.len() + 1;
        Some(Value::Reference(number))
    }

    /// Calls `each` until the next word is this one, or the end.
    fn until(&mut self, end: &[u8], each: &mut dyn FnMut(&mut Self) -> bool) {
        loop {
            self.skip_blanks();
            if self.rest().starts_with(end) {
                self.at += end.len();
                return;
            }
            // An object that was not closed ends with its last word.
            if self.rest().is_empty() || self.rest().starts_with(b"endobj") || !each(self) {
                return;
            }
        }
    }
}

pub(super) fn is_blank(byte: u8) -> bool {
    matches!(byte, 0 | b'\t' | b'\n' | 12 | b'\r' | b' ')
}

fn is_delimiter(byte: u8) -> bool {
    matches!(byte, b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%')
}

/// The value of a hexadecimal digit.
pub(super) fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// A number without its fraction, which nobody here asks for.
fn number(word: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(word).ok()?;
    let whole = text.split_once('.').map_or(text, |(whole, _)| whole);
    whole.parse().ok()
}
