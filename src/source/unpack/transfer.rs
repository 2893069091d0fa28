//! Content transfer encodings (RFC 2045, section 6): base64 and quoted-printable; and uuencode, which is older (POSIX, `uuencode`).

use zeroize::Zeroizing;

/// A decoder that is given a text piece by piece, and keeps what a piece leaves open.
pub(super) enum Decoder {
    /// What stands there is meant.
    Identity,
    Base64(Base64),
    QuotedPrintable(QuotedPrintable),
    Uuencode,
}

impl Decoder {
    /// The one that a field `Content-Transfer-Encoding` names (RFC 2045, 6.1).
    pub(super) fn named(encoding: &[u8]) -> Self {
        let is = |name: &str| encoding.eq_ignore_ascii_case(name.as_bytes());
        if is("base64") {
            Decoder::Base64(Base64::default())
        } else if is("quoted-printable") {
            Decoder::QuotedPrintable(QuotedPrintable::default())
        } else {
            // A text in uuencode says so itself.
            Decoder::Identity
        }
    }

    /// Adds to `out` what a line, or a piece of one, encodes.
    pub(super) fn decode(&mut self, line: &[u8], out: &mut Vec<u8>) {
        match self {
            Decoder::Identity => out.extend_from_slice(line),
            Decoder::Base64(base64) => base64.decode(line, out),
            Decoder::QuotedPrintable(quoted) => quoted.decode(line, out),
            Decoder::Uuencode => uudecode(line, out),
        }
    }
}

/// Base64 (RFC 2045, 6.8): whatever is not of its alphabet is passed over, and padding ends a text that another may follow.
#[derive(Default)]
pub(super) struct Base64 {
    bits: u32,
    count: u8,
}

impl Base64 {
    fn decode(&mut self, text: &[u8], out: &mut Vec<u8>) {
        for byte in text {
            let value = match byte {
                b'A'..=b'Z' => byte - b'A',
                b'a'..=b'z' => byte - b'a' + 26,
                b'0'..=b'9' => byte - b'0' + 52,
                b'+' | b'-' => 62,
                b'/' | b'_' => 63,
                b'=' => {
                    self.end(out);
                    continue;
                }
                _ => continue,
            };
            self.bits = self.bits << 6 | u32::from(value);
            self.count += 1;
            if self.count == 4 {
                out.extend_from_slice(self.bits.to_be_bytes().get(1..).unwrap_or_default());
                (self.bits, self.count) = (0, 0);
            }
        }
    }

    /// Gives out what an incomplete group has.
    pub(super) fn end(&mut self, out: &mut Vec<u8>) {
        let [_, first, second, _] = (self.bits << (6 * (4 - u32::from(self.count.min(4))))).to_be_bytes();
        match self.count {
            2 => out.push(first),
            3 => out.extend([first, second]),
            _ => {}
        }
        (self.bits, self.count) = (0, 0);
    }
}

/// Quoted-printable (RFC 2045, 6.7): `=5F`, and lines that go on behind a `=` at their end.
#[derive(Default)]
pub(super) struct QuotedPrintable {
    /// What the piece before left open: a `=` and the digit behind it.
    open: Zeroizing<Vec<u8>>,
}

impl QuotedPrintable {
    fn decode(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        let joined = Zeroizing::new([self.open.as_slice(), piece].concat());
        self.open.clear();
        let mut rest = joined.as_slice();
        if rest.ends_with(b"\n") {
            // Blanks at the end of a line were added on the way (rule 3); a `=` there is a soft break (rule 5).
            let line = rest.trim_ascii_end();
            if let Some(soft) = line.strip_suffix(b"=") {
                rest = soft;
            }
        } else if let Some(at) = rest.iter().rev().take(2).position(|byte| *byte == b'=') {
            let (whole, open) = rest.split_at(rest.len() - at - 1);
            self.open.extend_from_slice(open);
            rest = whole;
        }
        unquote(rest, out);
    }
}

/// Adds to `out` a text in which `=5F` stands for its character; what only looks like it is left as it is.
pub(super) fn unquote(mut rest: &[u8], out: &mut Vec<u8>) {
    while let Some(at) = memchr::memchr(b'=', rest) {
        let (plain, quoted) = rest.split_at(at);
        out.extend_from_slice(plain);
        if let Some([high, low]) = quoted.get(1..3).and_then(|digits| <[u8; 2]>::try_from(digits).ok())
            && let (Some(high), Some(low)) = (digit(high), digit(low))
        {
            out.push(high << 4 | low);
            rest = quoted.get(3..).unwrap_or_default();
        } else {
            out.push(b'=');
            rest = quoted.get(1..).unwrap_or_default();
        }
    }
    out.extend_from_slice(rest);
}

/// The value of a hexadecimal digit.
pub(super) fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// A line of uuencode: its first character is the count of bytes, and each of the others, less a blank, has six bits.
fn uudecode(line: &[u8], out: &mut Vec<u8>) {
    let value = |byte: u8| byte.wrapping_sub(b' ') & 0x3f;
    let Some((count, text)) = line.trim_ascii_end().split_first() else { return };
    let count = usize::from(value(*count));
    let mut bytes = Zeroizing::new(Vec::with_capacity(64));
    for group in text.chunks(4) {
        let at = |index: usize| group.get(index).map_or(0, |byte| u32::from(value(*byte)));
        let bits = at(0) << 18 | at(1) << 12 | at(2) << 6 | at(3);
        bytes.extend_from_slice(bits.to_be_bytes().get(1..).unwrap_or_default());
    }
    // Blanks at the end of a line are often lost.
    let len = bytes.len().max(count);
    bytes.resize(len, 0);
    out.extend_from_slice(bytes.get(..count).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(encoding: &str, pieces: &[&[u8]]) -> Vec<u8> {
        let (mut decoder, mut out) = (Decoder::named(encoding.as_bytes()), Vec::new());
        if encoding == "uuencode" {
            decoder = Decoder::Uuencode;
        }
        for piece in pieces {
            decoder.decode(piece, &mut out);
        }
        if let Decoder::Base64(base64) = &mut decoder {
            base64.end(&mut out);
        }
        out
    }

    #[test]
    fn base64_goes_on_behind_anything() {
        assert_eq!(decoded("BASE64", &[b"Zm9v\r\n", b"YmF", b"y\n"]), b"foobar");
        assert_eq!(decoded("base64", &[b"Zm8=\n", b"Zg==\n", b"!Zm\n", b"9v"]), b"foffoo");
        assert_eq!(decoded("base64", &[b"Zm8"]), b"fo", "without its padding");
    }

    #[test]
    fn quoted_printable_is_joined() {
        assert_eq!(decoded("quoted-printable", &[b"a=5Fb=\r\n", b"c=3D= \t\n", b"d\r\n"]), b"a_bc=d\r\n");
        assert_eq!(decoded("quoted-printable", &[b"a=", b"5", b"F=", b"\n", b"b==5f=zz"]), b"a_b=_=zz");
    }

    #[test]
    fn uuencode_has_its_length() {
        assert_eq!(decoded("uuencode", &[b"#0V%T\n"]), b"Cat");
        assert_eq!(decoded("uuencode", &[b"$0V%T(0``\r\n", b"`\n"]), b"Cat!");
    }
}
