//! Mails: their parts in every encoding, nested and in mailboxes, and texts that only look like one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::pack;
use super::support::*;
use crate::source::unpack::Limits;

/// Bytes as base64 in lines, as mails have it.
fn base64(bytes: &[u8]) -> String {
    let text = STANDARD.encode(bytes);
    let lines: Vec<&str> =
        text.as_bytes().chunks(76).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    lines.join("\r\n") + "\r\n"
}

/// A text as quoted-printable, each of its lines cut after `width` characters.
fn quoted(text: &str, width: usize) -> String {
    let text = text.replace('_', "=5F");
    let pieces: Vec<String> =
        text.chars().collect::<Vec<_>>().chunks(width).map(|piece| piece.iter().collect()).collect();
    pieces.join("=\r\n").replace("=5=\r\nF", "=5F=\r\n").replace("==\r\n5F", "=5F=\r\n") + "\r\n"
}

fn part(fields: &str, body: &str) -> String {
    format!("--b\r\n{fields}\r\n\r\n{body}\r\n")
}

fn message(parts: &str) -> String {
    format!(
        "From: a@example.org\r\nSubject: s\r\nContent-Type: multipart/mixed;\r\n boundary=\"b\"\r\n\r\n\
         preamble\r\n{parts}--b--\r\nepilogue\r\n"
    )
}

/// A mail with a token in each of its parts, and where each is found.
fn mail() -> (String, Vec<&'static str>) {
    let zip = pack::zip(&[("inner/.env", &text(1))]);
    let parts = [
        part("Content-Type: text/plain", &format!("plain {}", token(2))),
        part(
            "Content-Type: application/zip; name=x\r\nContent-Transfer-Encoding: base64\r\n\
             Content-Disposition: attachment; filename=\"notes.zip\"",
            &base64(&zip),
        ),
        part(
            "Content-Transfer-Encoding: Quoted-Printable",
            &quoted(&format!("{} {} end", "x".repeat(50), token(3)), 60),
        ),
        part(
            "Content-Type: message/rfc822",
            &format!(
                "Subject: =?utf-8?B?{}?=\r\n =?utf-8?Q?{}?=\r\nMIME-Version: 1.0\r\n\
                 Content-Type: multipart/mixed; boundary=inner\r\n\r\n--inner\r\n\
                 Content-Transfer-Encoding: base64\r\n\r\n{}--inner--\r\n",
                STANDARD.encode(&token(4)[..20]),
                &token(4)[20..],
                base64(&pack::gzip(&text(5))),
            ),
        ),
        part(
            "Content-Type: text/plain",
            &format!("see below\r\n\r\nbegin 644 old.gz\r\n{}`\r\nend\r\n", uuencode(&pack::gzip(&text(6)))),
        ),
    ];
    let expected = vec![
        "a.eml!headers",
        "a.eml!notes.zip!inner/.env",
        "a.eml!old.gz!old",
        "a.eml!part 3",
        "a.eml!part 4!content",
    ];
    (message(&parts.concat()), expected)
}

fn uuencode(bytes: &[u8]) -> String {
    let char = |bits: u32| {
        char::from(b' ' + u8::try_from(bits & 63).expect("six bits")).to_string().replace(' ', "`")
    };
    let line = |line: &[u8]| {
        let groups = line.chunks(3).map(|group| {
            let at = |index: usize| group.get(index).map_or(0, |byte| u32::from(*byte));
            let bits = at(0) << 16 | at(1) << 8 | at(2);
            [18, 12, 6, 0].map(|shift| char(bits >> shift)).concat()
        });
        char(u32::try_from(line.len()).expect("short")) + &groups.collect::<String>() + "\r\n"
    };
    bytes.chunks(45).map(line).collect()
}

/// The paths in a mail; what the detector sees in its bytes is another matter.
fn members<'p>(paths: &[&'p str]) -> Vec<&'p str> {
    paths.iter().copied().filter(|path| path.contains('!')).collect()
}

#[test]
fn every_part_is_decoded() {
    let (mail, expected) = mail();
    for form in FORMS {
        let outcome = unpack_as(form, "a.eml", mail.as_bytes(), Limits::default()).faultless();
        assert_eq!(members(&outcome.paths()), members(&expected), "{form:?}");
    }
}

#[test]
fn a_token_is_found_where_it_is() {
    let body = quoted(&String::from_utf8(text(1)).expect("a text").replace('\n', "\r\n"), 30);
    let mail = format!("From: a\nSubject: b\nContent-Transfer-Encoding: quoted-printable\n\n{body}");
    let outcome = unpack("a.eml", mail.as_bytes()).faultless();
    assert!(outcome.found.contains(&Found::content("a.eml!part 1", OFFSET + 2, LINE)), "{outcome:?}");
}

#[test]
fn the_messages_of_a_mailbox_are_counted() {
    let (mail, expected) = mail();
    let from = "From a@example.org Thu Jan  1 00:00:00 1970\n";
    let mailbox = format!("{from}{mail}\n\n{from}Subject: none\n\nFrom here on, 12:00\n\n{from}{mail}\n");
    for form in FORMS {
        let outcome = unpack_as(form, "inbox", mailbox.as_bytes(), Limits::default()).faultless();
        let mut paths: Vec<String> = ["message 1!", "message 3!"]
            .iter()
            .flat_map(|message| {
                expected.iter().map(move |path| path.replace("a.eml!", &format!("inbox!{message}")))
            })
            .map(|path| path.replace("a.eml", "inbox"))
            .collect();
        paths.sort();
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        assert_eq!(members(&outcome.paths()), members(&paths), "{form:?}");
    }
}

#[test]
fn a_mail_is_opened_in_other_containers() {
    let (mail, _) = mail();
    let outcome = unpack("a.tgz", &pack::gzip(&pack::tar(&[("mail/1", mail.as_bytes())]))).faultless();
    assert!(outcome.paths().contains(&"a.tgz!mail/1!notes.zip!inner/.env"), "{:?}", outcome.paths());
    let outer = part("Content-Transfer-Encoding: base64", &base64(mail.as_bytes()));
    let outcome = unpack("a.eml", message(&outer).as_bytes()).faultless();
    assert!(outcome.paths().contains(&"a.eml!part 1!notes.zip!inner/.env"), "{:?}", outcome.paths());
}

#[test]
fn a_mail_too_large_for_memory_is_read_once_for_both() {
    let (mail, expected) = mail();
    let filler = "a line of text that nobody looks for, and nothing else\r\n".repeat(90_000);
    let mail = mail.replace("preamble\r\n", &filler);
    let limits = Limits { max_memory: 2 * 1024 * 1024, ..Limits::default() };
    let outcome = unpack_as(Form::Pipe(1000), "a.eml", mail.as_bytes(), limits).faultless();
    assert_eq!(members(&outcome.paths()), members(&expected));
    let gzip = pack::gzip(mail.as_bytes());
    let outcome = unpack_as(Form::Whole, "a.eml.gz", &gzip, limits).faultless();
    let nested = outcome.paths().into_iter().filter(|path| path.matches('!').count() > 1).count();
    assert_eq!(nested, members(&expected).len());
}

#[test]
fn a_count_before_a_message_is_passed_over() {
    // Apple's Mail keeps each message behind its length, and a property list behind it.
    let (mail, expected) = mail();
    let emlx = format!("{}      \n{mail}<?xml version=\"1.0\"?>\n", mail.len());
    let outcome = unpack("a.eml", emlx.as_bytes()).faultless();
    assert_eq!(members(&outcome.paths()), members(&expected));
}

#[test]
fn parts_without_a_header_before_them_are_read() {
    let zip = pack::zip(&[("inner/.env", &text(1))]);
    let head = b"--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f.zip\"\r\n\r\n";
    let form = [&head[..], &zip, b"\r\n--b--\r\n"].concat();
    for as_form in [Form::Whole, Form::File(100)] {
        let outcome = unpack_as(as_form, "body", &form, Limits::default()).faultless();
        assert_eq!(outcome.paths(), ["body!f.zip!inner/.env"], "{as_form:?}");
    }
}

#[test]
fn what_only_looks_like_a_mail_is_a_text() {
    let code = quoted(&format!("{} {}", "x".repeat(50), token(1)), 60);
    for head in ["Title: a\nSubject: b\n", "title: a\nname: b\n", "From here 12:00\n\n", "--b\nno field\n"] {
        let text = format!("{head}Content-Transfer-Encoding: quoted-printable\n\n{code}");
        assert_eq!(members(&unpack("a", text.as_bytes()).faultless().paths()), [""; 0], "{head}");
    }
}

#[test]
fn a_mail_cut_anywhere_or_garbled_ends() {
    let (mail, _) = mail();
    for len in 0..mail.len() {
        unpack("a.eml", &mail.as_bytes()[..len]);
    }
    let mut state = 1_u32;
    for _ in 0..200 {
        let mut bytes = mail.clone().into_bytes();
        for _ in 0..4 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let at = state as usize % bytes.len();
            bytes[at] = state.to_be_bytes()[1];
        }
        unpack("a.eml", &bytes);
    }
}

#[test]
fn messages_in_messages_without_end_are_read() {
    let nested = "Content-Type: message/rfc822\nSubject: a\n\n".repeat(20_000);
    let zip = base64(&pack::zip(&[("inner/.env", &text(1))]));
    let mail = format!("{nested}Content-Transfer-Encoding: base64\n\n{zip}");
    assert_eq!(unpack("a.eml", mail.as_bytes()).faultless().paths(), ["a.eml!part 1!inner/.env"]);
}
