//! A parser of git's configuration format: git-config(1), "Syntax", as far as values go.

use zeroize::Zeroizing;

/// One variable: `[section "subsection"] key = value`.
pub(super) struct Entry {
    /// In lower case.
    pub(super) section: String,
    /// As written; a URL with a password may stand here.
    pub(super) subsection: Zeroizing<Vec<u8>>,
    /// In lower case.
    pub(super) key: String,
    /// Quotes and escapes resolved.
    pub(super) value: Zeroizing<Vec<u8>>,
}

/// Every variable of a file, or nothing where git itself could not make sense of it.
pub(super) fn parse(text: &[u8]) -> Option<Vec<Entry>> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut reader = Reader { text, at: 0 };
    let mut entries = Vec::new();
    let mut header: Option<(String, Zeroizing<Vec<u8>>)> = None;
    loop {
        reader.skip_blank();
        match reader.peek() {
            None => return Some(entries),
            Some(b'#' | b';') => reader.skip_line(),
            Some(b'[') => header = Some(reader.header()?),
            Some(_) => {
                let (section, subsection) = header.as_ref()?;
                let key = reader.key()?;
                let value = reader.value()?;
                entries.push(Entry { section: section.clone(), subsection: subsection.clone(), key, value });
            }
        }
    }
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        match self.text.get(self.at) {
            // A line end is one character here.
            Some(b'\r') if self.text.get(self.at + 1) == Some(&b'\n') => Some(b'\n'),
            other => other.copied(),
        }
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek();
        self.at += if byte == Some(b'\n') && self.text.get(self.at) == Some(&b'\r') { 2 } else { 1 };
        byte
    }

    fn skip_blank(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.next();
        }
    }

    fn skip_spaces(&mut self) {
        while self.peek().is_some_and(|byte| byte != b'\n' && byte.is_ascii_whitespace()) {
            self.next();
        }
    }

    fn skip_line(&mut self) {
        while !matches!(self.next(), None | Some(b'\n')) {}
    }

    /// `[section]`, `[section.subsection]` or `[section "subsection"]`.
    fn header(&mut self) -> Option<(String, Zeroizing<Vec<u8>>)> {
        self.next();
        let mut name = String::new();
        let mut subsection = Zeroizing::new(Vec::new());
        loop {
            match self.next()? {
                b']' => break,
                byte if byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.' => {
                    name.push(char::from(byte.to_ascii_lowercase()));
                }
                b' ' | b'\t' => {
                    self.skip_spaces();
                    subsection = self.quoted()?;
                    if self.next()? != b']' {
                        return None;
                    }
                    break;
                }
                _ => return None,
            }
        }
        if let Some((section, rest)) = name.split_once('.').filter(|_| subsection.is_empty()) {
            return Some((section.to_owned(), Zeroizing::new(rest.as_bytes().to_vec())));
        }
        (!name.is_empty()).then_some((name, subsection))
    }

    fn quoted(&mut self) -> Option<Zeroizing<Vec<u8>>> {
        if self.next()? != b'"' {
            return None;
        }
        let mut out = Zeroizing::new(Vec::new());
        loop {
            match self.next()? {
                b'"' => return Some(out),
                b'\n' => return None,
                b'\\' => out.push(self.next().filter(|byte| *byte != b'\n')?),
                byte => out.push(byte),
            }
        }
    }

    fn key(&mut self) -> Option<String> {
        let mut key = String::new();
        while let Some(byte) = self.peek().filter(|byte| byte.is_ascii_alphanumeric() || *byte == b'-') {
            key.push(char::from(byte.to_ascii_lowercase()));
            self.next();
        }
        key.starts_with(|first: char| first.is_ascii_alphabetic()).then_some(key)
    }

    /// What stands behind a key: nothing (true), or `= value` up to a comment or the end of the line.
    fn value(&mut self) -> Option<Zeroizing<Vec<u8>>> {
        let mut out = Zeroizing::new(Vec::new());
        self.skip_spaces();
        match self.next() {
            None | Some(b'\n') => return Some(out),
            Some(b'#' | b';') => {
                self.skip_line();
                return Some(out);
            }
            Some(b'=') => self.skip_spaces(),
            Some(_) => return None,
        }
        let mut quoted = false;
        // How much of the value is there for certain: spaces at its end are not part of it.
        let mut kept = 0;
        loop {
            match self.next() {
                None | Some(b'\n') if quoted => return None,
                None | Some(b'\n') => break,
                Some(b'#' | b';') if !quoted => {
                    self.skip_line();
                    break;
                }
                Some(b'"') => {
                    quoted = !quoted;
                    kept = out.len();
                }
                Some(b'\\') => {
                    match self.next()? {
                        b'\n' => continue,
                        b'n' => out.push(b'\n'),
                        b't' => out.push(b'\t'),
                        b'b' => out.push(8),
                        byte @ (b'\\' | b'"') => out.push(byte),
                        _ => return None,
                    }
                    kept = out.len();
                }
                Some(byte) => {
                    out.push(byte);
                    if quoted || !byte.is_ascii_whitespace() {
                        kept = out.len();
                    }
                }
            }
        }
        out.truncate(kept);
        Some(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Option<Vec<String>> {
        let show = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let entry = |entry: Entry| {
            format!("{}|{}|{}|{}", entry.section, show(&entry.subsection), entry.key, show(&entry.value))
        };
        Some(parse(text.as_bytes())?.into_iter().map(entry).collect())
    }

    #[test]
    fn values_are_read_as_git_reads_them() {
        let text = "\u{feff}# head\n[Core]\n\tBare = false ; no\n\teditor = \"a # b\" c  # d\n[http \"https://x/\"]\r\n\
                    \textraHeader = A: \\\r\n  b\r\n[url.Old]\n insteadOf=o\\\"\\\\\\t\n flag\n empty =\n[a \"q\\\"\\\\x\"] k = v";
        let wanted = [
            "core||bare|false",
            "core||editor|a # b c",
            "http|https://x/|extraheader|A:   b",
            "url|old|insteadof|o\"\\\t",
            "url|old|flag|",
            "url|old|empty|",
            "a|q\"\\x|k|v",
        ];
        assert_eq!(parsed(text).unwrap(), wanted);
    }

    #[test]
    fn what_git_refuses_is_refused() {
        for text in [
            "key = value",
            "[a\nk = v",
            "[a \"b]\nk = v",
            "[a b]\nk = v",
            "[a \"b\" c]\nk = v",
            "[a]\nk = \"v",
            "[a]\nk = \\x",
            "[a]\n1k = v",
            "[a]\nk : v",
            "[]\nk = v",
            "[a]\n= v",
        ] {
            assert!(parsed(text).is_none(), "{text:?}");
        }
        assert_eq!(parsed(""), Some(Vec::new()));
        assert_eq!(parsed("[a]"), Some(Vec::new()));
    }

    proptest::proptest! {
        #[test]
        fn no_text_trips_it(text in "[\\[\\]a\"=\\\\ \n\r#;.]{0,40}|\\PC{0,40}") {
            let _ = parse(text.as_bytes());
        }
    }
}
