//! The first line of a message, and the fields that say how its body was sent (RFC 9112, 2 to 6).

use memchr::memmem;

/// No header is longer: servers take 8 to 64 KiB.
pub(super) const LONGEST: usize = 64 * 1024;

/// The longest first line that is looked at, in bytes.
const LONGEST_LINE: usize = 16 * 1024;

const METHODS: [&[u8]; 9] =
    [b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"CONNECT", b"OPTIONS", b"TRACE", b"PATCH"];

/// How a body is sent.
#[derive(Debug, PartialEq)]
pub(super) struct Header {
    pub(super) chunked: bool,
    /// What it is compressed with, in the order in which that was done.
    pub(super) codings: Vec<Vec<u8>>,
    pub(super) length: Length,
}

/// How long a body is, unless it is in chunks.
#[derive(Debug, PartialEq)]
pub(super) enum Length {
    Stated(u64),
    /// There is none.
    None,
    /// As long as the connection was.
    ToTheEnd,
}

/// Whether a message begins so.
pub(super) fn begins(head: &[u8]) -> bool {
    is_status(head) || is_request(head)
}

/// `HTTP/1.1 200 OK`.
fn is_status(head: &[u8]) -> bool {
    matches!(
        head,
        [
            b'H',
            b'T',
            b'T',
            b'P',
            b'/',
            b'1',
            b'.',
            b'0' | b'1',
            b' ',
            b'1'..=b'5',
            b'0'..=b'9',
            b'0'..=b'9',
            ..
        ]
    )
}

/// `GET /path HTTP/1.1`.
fn is_request(head: &[u8]) -> bool {
    let Some(behind) = METHODS.iter().find_map(|method| head.strip_prefix(*method)?.strip_prefix(b" "))
    else {
        return false;
    };
    let line = &behind[..behind.len().min(LONGEST_LINE)];
    let line = memchr::memchr(b'\n', line).map_or(line, |end| &line[..end]);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    line.ends_with(b" HTTP/1.1") || line.ends_with(b" HTTP/1.0")
}

impl Header {
    /// The header that begins here, and its length; none where it is none, or does not end.
    pub(super) fn parse(head: &[u8]) -> Option<(Header, usize)> {
        if !begins(head) {
            return None;
        }
        let crlf = memmem::find(head, b"\r\n\r\n").map(|at| at + 4);
        let lf = memmem::find(&head[..crlf.unwrap_or(head.len())], b"\n\n").map(|at| at + 2);
        let len = lf.or(crlf)?;
        let no_body = matches!(head.get(9..12), Some([b'1', ..] | [b'2' | b'3', b'0', b'4']));
        let length = if is_request(head) || no_body { Length::None } else { Length::ToTheEnd };
        let mut header = Header { chunked: false, codings: Vec::new(), length };
        for line in head[..len].split(|byte| *byte == b'\n').skip(1) {
            let Some(colon) = memchr::memchr(b':', line) else { continue };
            let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
            if name.eq_ignore_ascii_case(b"content-length") {
                let number = std::str::from_utf8(value).ok().and_then(|value| value.parse().ok());
                header.length = number.map_or(header.length, Length::Stated);
            } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
                header.take_codings(value);
                header.chunked |= header.codings.last().is_some_and(|last| last == b"chunked");
                header.codings.retain(|coding| coding != b"chunked");
            } else if name.eq_ignore_ascii_case(b"content-encoding") {
                header.take_codings(value);
            }
        }
        Some((header, len))
    }

    fn take_codings(&mut self, value: &[u8]) {
        let codings =
            value.split(|byte| *byte == b',').map(|coding| coding.trim_ascii().to_ascii_lowercase());
        self.codings.extend(codings.filter(|coding| !coding.is_empty()).take(4));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_begin_with_a_line_that_names_the_version() {
        for head in ["HTTP/1.1 200 OK\r\n", "HTTP/1.0 404", "GET / HTTP/1.1\r\n", "PATCH /a?b HTTP/1.0\n"] {
            assert!(begins(head.as_bytes()), "{head}");
        }
        for head in
            ["HTTP/1.1 is a protocol", "HTTP", "GET your tokens here", "POST office\nHTTP/1.1", "HTTP/2 200"]
        {
            assert!(!begins(head.as_bytes()), "{head}");
        }
    }

    #[test]
    fn fields_say_how_a_body_was_sent() {
        let parse = |text: &str| Header::parse(text.as_bytes()).expect("a header");
        let (header, len) =
            parse("HTTP/1.1 200 OK\r\nContent-Encoding: BR , gzip\r\ntransfer-encoding:chunked\r\n\r\nbody");
        assert_eq!(len, 75);
        assert!(header.chunked);
        assert_eq!(header.codings, [b"br".to_vec(), b"gzip".to_vec()]);
        assert_eq!(parse("POST / HTTP/1.1\nContent-Length: 12\n\n").0.length, Length::Stated(12));
        assert_eq!(parse("GET / HTTP/1.1\r\n\r\n").0.length, Length::None);
        assert_eq!(parse("HTTP/1.1 204 No Content\r\n\r\n").0.length, Length::None);
        assert_eq!(parse("HTTP/1.1 200 OK\r\n\r\n").0.length, Length::ToTheEnd);
        assert_eq!(Header::parse(b"HTTP/1.1 200 OK\r\nA: b\r\n"), None);
    }
}
