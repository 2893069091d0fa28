//! The header of a message or of a part (RFC 5322, 2.2; RFC 2045 to 2047, RFC 2231), as far as it says where the parts are.

use zeroize::Zeroizing;

use super::encoded_word::decode_words;
use super::lines::trimmed;
use crate::source::unpack::transfer::digit;

/// A field's text, unfolded (RFC 5322, 2.2.3).
type Value = Zeroizing<Vec<u8>>;

/// What a header says of its body.
pub(super) enum Body {
    /// Parts between lines of this boundary (RFC 2046, 5.1).
    Multipart(Vec<u8>),
    /// A message (RFC 2046, 5.2.1).
    Message,
    /// Anything else.
    Leaf,
}

/// What a header says.
pub(super) struct Header {
    pub(super) body: Body,
    /// The name of its transfer encoding.
    pub(super) encoding: Vec<u8>,
    /// The name of the file that it is, or of the page.
    pub(super) name: Option<Vec<u8>>,
}

impl Header {
    /// Of the lines of a header.
    pub(super) fn parse(raw: &[u8]) -> Self {
        let mut header = Header { body: Body::Leaf, encoding: Vec::new(), name: None };
        let (mut file, mut typed, mut location) = (None, None, None);
        for (name, value) in fields(raw) {
            let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
            if is("content-type") {
                header.body = body(&value);
                typed = parameter(&value, b"name");
            } else if is("content-transfer-encoding") {
                header.encoding = first_word(&value).to_vec();
            } else if is("content-disposition") {
                file = parameter(&value, b"filename");
            } else if is("content-location") {
                location = Some(value.trim_ascii().to_vec());
            }
        }
        header.name = file.or(typed).map(|name| decode_words(&name).map_or(name, |name| name.to_vec()));
        header.name = header.name.or(location).filter(|name| !name.is_empty());
        header
    }
}

/// The name and the text of each field.
fn fields(raw: &[u8]) -> Vec<(&[u8], Value)> {
    let mut fields: Vec<(&[u8], Value)> = Vec::new();
    for line in raw.split_inclusive(|byte| *byte == b'\n') {
        if matches!(line.first(), Some(b' ' | b'\t')) {
            if let Some((_, value)) = fields.last_mut() {
                value.extend_from_slice(trimmed(line));
            }
        } else if let Some(colon) = memchr::memchr(b':', line) {
            let (name, value) = line.split_at(colon);
            let value = trimmed(value.get(1..).unwrap_or_default());
            fields.push((name.trim_ascii(), Zeroizing::new(value.to_vec())));
        }
    }
    fields
}

fn first_word(value: &[u8]) -> &[u8] {
    let end = value.iter().position(|byte| matches!(byte, b';' | b'(')).unwrap_or(value.len());
    value.get(..end).unwrap_or_default().trim_ascii()
}

fn body(content_type: &[u8]) -> Body {
    let kind = first_word(content_type).to_ascii_lowercase();
    if kind.starts_with(b"multipart/") {
        let boundary = parameter(content_type, b"boundary").filter(|boundary| !boundary.is_empty());
        return boundary.map_or(Body::Leaf, Body::Multipart);
    }
    if matches!(&kind[..], b"message/rfc822" | b"message/global" | b"message/news") {
        return Body::Message;
    }
    Body::Leaf
}

/// A parameter of a field: `name=value`, `name="value"`, or in pieces and percent-encoded, `name*0*=utf-8''va%6Cue` (RFC 2231, 3 and
/// 4).
fn parameter(field: &[u8], wanted: &[u8]) -> Option<Vec<u8>> {
    let mut pieces = Vec::new();
    for (name, value) in parameters(field) {
        let Some((own, rest)) = name.split_at_checked(wanted.len()) else { continue };
        if !own.eq_ignore_ascii_case(wanted) {
            continue;
        }
        if rest.is_empty() {
            pieces.push((0, false, value));
        } else if let Some(rest) = rest.strip_prefix(b"*") {
            let index = rest.strip_suffix(b"*");
            let extended = rest.is_empty() || index.is_some();
            let index = std::str::from_utf8(index.unwrap_or(rest)).ok().and_then(|index| index.parse().ok());
            pieces.push((index.unwrap_or(0_u32), extended, value));
        }
    }
    pieces.sort_by_key(|(index, ..)| *index);
    if pieces.is_empty() {
        return None;
    }
    let mut whole = Vec::new();
    for (at, (_, extended, value)) in pieces.into_iter().enumerate() {
        if !extended {
            whole.extend(value);
            continue;
        }
        // The first one has its character set and language in front.
        let quotes = value.iter().enumerate().filter(|(_, byte)| **byte == b'\'').map(|(at, _)| at).nth(1);
        let from = quotes.filter(|_| at == 0).map_or(0, |at| at + 1);
        unpercent(value.get(from..).unwrap_or_default(), &mut whole);
    }
    Some(whole)
}

fn unpercent(mut rest: &[u8], out: &mut Vec<u8>) {
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        if let (b'%', Some([high, low])) = (first, behind.first_chunk())
            && let (Some(high), Some(low)) = (digit(*high), digit(*low))
        {
            out.push(high << 4 | low);
            rest = behind.get(2..).unwrap_or_default();
        } else {
            out.push(*first);
        }
    }
}

/// The parameters of a field, their values without quotes.
fn parameters(field: &[u8]) -> Vec<(&[u8], Vec<u8>)> {
    let (mut found, mut quoted, mut escaped, mut from) = (Vec::new(), false, false, 0);
    for at in 0..=field.len() {
        match field.get(at) {
            Some(_) if escaped => escaped = false,
            Some(b'\\') if quoted => escaped = true,
            Some(b'"') => quoted = !quoted,
            Some(b';') if !quoted => {
                found.extend(named(field.get(from..at).unwrap_or_default()));
                from = at + 1;
            }
            None => found.extend(named(field.get(from..at).unwrap_or_default())),
            _ => {}
        }
    }
    found
}

fn named(parameter: &[u8]) -> Option<(&[u8], Vec<u8>)> {
    let equals = memchr::memchr(b'=', parameter)?;
    let (name, value) = parameter.split_at(equals);
    let value = value.get(1..)?.trim_ascii();
    let Some(quoted) = value.strip_prefix(b"\"") else {
        return Some((name.trim_ascii(), first_word(value).to_vec()));
    };
    let (mut plain, mut escaped) = (Vec::new(), false);
    for byte in quoted {
        match byte {
            b'\\' if !escaped => escaped = true,
            b'"' if !escaped => break,
            byte => {
                plain.push(*byte);
                escaped = false;
            }
        }
    }
    Some((name.trim_ascii(), plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(header: &str) -> Option<String> {
        Header::parse(header.as_bytes()).name.map(|name| String::from_utf8_lossy(&name).into_owned())
    }

    #[test]
    fn names_are_put_together() {
        let rfc2231 = "Content-Disposition: attachment;\r\n filename*0*=utf-8'en'a%5F;\r\n filename*1=\"b%5F\";\r\n filename*2*=c%5f\r\n";
        assert_eq!(name(rfc2231).as_deref(), Some("a_b%5Fc_"));
        let plain = "content-type: text/plain; name=\"a;\\\"b.txt\"; charset=x\n";
        assert_eq!(name(plain).as_deref(), Some("a;\"b.txt"));
        let word = "Content-Disposition: attachment; filename=\"=?utf-8?Q?a=2Ezip?=\"\n";
        assert_eq!(name(word).as_deref(), Some("a.zip"));
        assert_eq!(name("Content-Location: http://h/p\n").as_deref(), Some("http://h/p"));
        assert_eq!(name("Subject: a\n"), None);
    }

    #[test]
    fn the_boundary_is_that_of_the_type() {
        let header = b"Content-Type: multipart/mixed; charset=x;\n\tboundary=\"a b=c\" ; x=y\nContent-Transfer-Encoding: 7bit (plain)\n";
        let header = Header::parse(header);
        assert!(matches!(&header.body, Body::Multipart(boundary) if boundary == b"a b=c"));
        assert_eq!(header.encoding, b"7bit");
        let header = Header::parse(b"Content-Type: multipart/mixed; boundary=ab(c)\n");
        assert!(matches!(&header.body, Body::Multipart(boundary) if boundary == b"ab"));
        assert!(matches!(Header::parse(b"Content-Type: multipart/mixed\n").body, Body::Leaf));
        assert!(matches!(Header::parse(b"CONTENT-TYPE: Message/RFC822\n").body, Body::Message));
    }
}
