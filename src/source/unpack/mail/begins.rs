//! What a mail begins with: fields of a header that mails have, the `From ` line of a mailbox, or the boundary before a part.

use super::lines::trimmed;

/// How much of a head is looked at, in bytes.
const MOST: usize = 8 * 1024;

/// No line that holds a length is longer, in bytes.
const MAX_LENGTH: usize = 24;

/// Fields that mails, news and saved pages have (RFC 5322, 3.6; RFC 2045; RFC 5536; RFC 2557), in lower case.
const KNOWN: [&str; 40] = [
    "apparently-to",
    "authentication-results",
    "autocrypt",
    "bcc",
    "cc",
    "comments",
    "content-class",
    "content-disposition",
    "content-id",
    "content-language",
    "content-location",
    "content-transfer-encoding",
    "content-type",
    "date",
    "delivered-to",
    "delivery-date",
    "dkim-signature",
    "domainkey-signature",
    "envelope-to",
    "errors-to",
    "from",
    "importance",
    "in-reply-to",
    "message-id",
    "mime-version",
    "newsgroups",
    "organization",
    "path",
    "received",
    "received-spf",
    "references",
    "reply-to",
    "return-path",
    "sender",
    "snapshot-content-location",
    "subject",
    "thread-topic",
    "to",
    "user-agent",
    "status",
];
/// What the names of many more begin with.
const FAMILIES: [&str; 5] = ["x-", "arc-", "list-", "resent-", "thread-"];
/// Fields that are often so long that nothing else is in the head.
const LONG: [&str; 6] =
    ["received", "dkim-signature", "authentication-results", "return-path", "delivered-to", "mime-version"];

/// How a mail begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beginning {
    /// With its header.
    Header,
    /// With the line between two messages of a mailbox (RFC 4155).
    Mailbox,
    /// With a line of the boundary.
    Boundary,
    /// With a line that holds how long it is: Apple's Mail (`.emlx`).
    Length,
}

/// How a mail begins that has this head, if it does.
pub(super) fn beginning(head: &[u8]) -> Option<Beginning> {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let head = head.get(..MOST).unwrap_or(head);
    if head.starts_with(b"From ") {
        let end = memchr::memchr(b'\n', head)?;
        let (from, rest) = head.split_at(end + 1);
        // Some have a `>From ` line, too (RFC 976).
        let rest = rest.strip_prefix(b">From ").map_or(rest, |more| {
            memchr::memchr(b'\n', more).and_then(|end| more.get(end + 1..)).unwrap_or_default()
        });
        return (is_from_line(from) && field_name(rest).is_some()).then_some(Beginning::Mailbox);
    }
    if head.starts_with(b"--") {
        let end = memchr::memchr(b'\n', head)?;
        let next = head.get(end + 1..)?.get(..8)?;
        return (end > 2 && end < 80 && next.eq_ignore_ascii_case(b"content-"))
            .then_some(Beginning::Boundary);
    }
    if head.first().is_some_and(u8::is_ascii_digit) {
        let end = memchr::memchr(b'\n', head.get(..MAX_LENGTH).unwrap_or(head))?;
        let (length, rest) = head.split_at(end + 1);
        let is_length = length.trim_ascii_end().iter().all(u8::is_ascii_digit);
        return (is_length && begins_header(rest)).then_some(Beginning::Length);
    }
    begins_header(head).then_some(Beginning::Header)
}

/// Whether a line separates the messages of a mailbox: a sender, and a date with a time and a year, as ctime(3) writes it.
pub(super) fn is_from_line(line: &[u8]) -> bool {
    let Some(rest) = line.strip_prefix(b"From ").filter(|_| line.len() < 1024) else { return false };
    let has_time = rest
        .windows(5)
        .any(|time| matches!(time, [a, b, b':', c, d] if [a, b, c, d].into_iter().all(u8::is_ascii_digit)));
    let mut words = rest.split(u8::is_ascii_whitespace);
    let is_year = |word: &[u8]| matches!(word, [b'1' | b'2', rest @ ..] if rest.len() == 3 && rest.iter().all(u8::is_ascii_digit));
    has_time && words.any(is_year)
}

fn begins_header(head: &[u8]) -> bool {
    // Almost every other text is turned away here.
    if field_name(head).is_none_or(|name| !is_known(name)) {
        return false;
    }
    let mut first: Option<&[u8]> = None;
    let mut complete = false;
    for line in head.split_inclusive(|byte| *byte == b'\n') {
        let text = trimmed(line);
        if text.is_empty() {
            complete = true;
            break;
        }
        if matches!(line.first(), Some(b' ' | b'\t')) && first.is_some() {
            continue;
        }
        let Some(name) = field_name(line) else { return false };
        // One that is not known may stand among those that are.
        if !is_known(name) {
            continue;
        }
        if first.is_some_and(|first| !first.eq_ignore_ascii_case(name)) {
            return true;
        }
        if name.eq_ignore_ascii_case(b"content-type") && is_multipart(text) {
            return true;
        }
        first = Some(name);
    }
    let is_long = |name: &[u8]| LONG.iter().any(|long| name.eq_ignore_ascii_case(long.as_bytes()));
    !complete && head.len() >= 256 && first.is_some_and(is_long)
}

fn is_multipart(line: &[u8]) -> bool {
    let value = line.get("content-type:".len()..).unwrap_or_default().trim_ascii_start();
    value.get(..10).is_some_and(|kind| kind.eq_ignore_ascii_case(b"multipart/"))
}

/// The name of the field that a line begins.
fn field_name(line: &[u8]) -> Option<&[u8]> {
    /// Longer than any name there is.
    const LONGEST: usize = 64;
    let end = line.iter().take(LONGEST).position(|byte| !(byte.is_ascii_alphanumeric() || *byte == b'-'))?;
    let is_name = end > 0 && line.get(end) == Some(&b':');
    line.get(..end).filter(|_| is_name)
}

fn is_known(name: &[u8]) -> bool {
    let begins = |family: &str| {
        name.get(..family.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(family.as_bytes()))
    };
    KNOWN.iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
        || FAMILIES.iter().any(|family| begins(family))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mails_begin_with_fields_of_mails() {
        for head in [
            &b"From: a@b.c\nSubject: d\n\n"[..],
            b"X-Mozilla-Status: 0001\r\nReceived: from a\r\n\tby b\r\n",
            b"Subject: a\nX: b\nto: c\n",
            b"\xef\xbb\xbfDate: a\nFrom: b\n",
            b"Content-Type: multipart/mixed; boundary=a\n\n--a\n",
            b"MIME-Version: 1.0\nContent-Type: text/plain\n\n",
        ] {
            assert_eq!(beginning(head), Some(Beginning::Header), "{}", String::from_utf8_lossy(head));
        }
        let long = [&b"DKIM-Signature: v=1;\r\n"[..], &b"\tb=aaaaaaaaaaaaaaaaaaaaaa\r\n".repeat(30)].concat();
        assert_eq!(beginning(&long[..512]), Some(Beginning::Header));
        let mbox = b"From a@b.c Thu Jan  1 00:00:00 1970\nSubject: a\n";
        assert_eq!(beginning(mbox), Some(Beginning::Mailbox));
        assert_eq!(beginning(b"--boundary\r\nContent-Type: a\r\n"), Some(Beginning::Boundary));
    }

    #[test]
    fn other_texts_do_not() {
        for head in [
            &b"from: a\nname: b\n\n"[..],
            b"Date: today\nTitle: b\n",
            b"From here on, it is 12:00\nand: so on\n",
            b"From a@b.c Thu Jan  1 00:00:00 1970\nand no header\n",
            b"--- a/file\n+++ b/file\n",
            b"-- a comment of SQL\nselect 1;\n",
            b"Content-Type: text/html\n\n<html>",
            b"use std::io;\n",
            b"{\"a\": 1}",
            b"key: value\nother: value\n",
            b"date: 2020-01-01\n",
            b"From",
            b"--",
            b"",
        ] {
            assert_eq!(beginning(head), None, "{}", String::from_utf8_lossy(head));
        }
    }
}
