//! PDFs that are encrypted, with dictionaries and IDs that qpdf made for an empty user password.

use super::pdf::{document, flate, stream};
use super::support::*;
use crate::blob::FaultKind;
use crate::source::unpack::Limits;
use crate::source::unpack::pdf::encrypt;

/// How each is encrypted, its encryption dictionary, and the first half of its ID.
const PROTECTED: [(&str, &str, &str); 7] = [
    (
        "RC4 with 40 bits",
        "<< /Filter /Standard /Length 40 /O \
         <c92422687facee686e373f10b5c7d04738053152f7e2ee30e11c69ec442576ab> /P -4 /R 2 /U \
         <555a2c646f65cda50abe2baae496e790fa6c0ca1bb3dcad5724a7a3818bef2ec> /V 1 >>",
        "<821832072a0541d6821c74e842a9e277>",
    ),
    (
        "RC4 with 128 bits",
        "<< /Filter /Standard /Length 128 /O \
         <566fa873ee33c797cd3b904fdadf814afa34df9a38f6ed41b984e2c6da2aa6f5> /P -4 /R 3 /U \
         <5d1d1c7a8cac9e61f7a8da9b90f454b20122456a91bae5134273a6db134c87c4> /V 2 >>",
        "<e6fdc75f51f01c385c1f3df68cb52cb0>",
    ),
    (
        "crypt filters with RC4",
        "<< /CF << /StdCF << /AuthEvent /DocOpen /CFM /V2 /Length 16 >> >> /Filter /Standard /Length 128 /O \
         <566fa873ee33c797cd3b904fdadf814afa34df9a38f6ed41b984e2c6da2aa6f5> /P -4 /R 4 /StmF /StdCF /StrF \
         /StdCF /U <7870dc392a1ef0c07c4a70d2951cca640122456a91bae5134273a6db134c87c4> /V 4 >>",
        "<96822f7295414fb91d5e7df2fd48bcd8>",
    ),
    (
        "AES-128",
        "<< /CF << /StdCF << /AuthEvent /DocOpen /CFM /AESV2 /Length 16 >> >> /Filter /Standard /Length 128 \
         /O <566fa873ee33c797cd3b904fdadf814afa34df9a38f6ed41b984e2c6da2aa6f5> /P -4 /R 4 /StmF /StdCF /StrF \
         /StdCF /U <f46e4a28399ba1ae6f98e53e3f8bccf50122456a91bae5134273a6db134c87c4> /V 4 >>",
        "<00afec6bd4b12826c936d1ed94086c71>",
    ),
    (
        "AES-128, metadata in the clear",
        "<< /CF << /StdCF << /AuthEvent /DocOpen /CFM /AESV2 /Length 16 >> >> /EncryptMetadata false /Filter \
         /Standard /Length 128 /O <566fa873ee33c797cd3b904fdadf814afa34df9a38f6ed41b984e2c6da2aa6f5> /P -4 /R \
         4 /StmF /StdCF /StrF /StdCF /U <2e61590c5976329f5911d71d77fbc3770122456a91bae5134273a6db134c87c4> /V \
         4 >>",
        "<f364d88b32d0bab9a77319d324a455a6>",
    ),
    (
        "AES-256, as Adobe first had it",
        "<< /CF << /StdCF << /AuthEvent /DocOpen /CFM /AESV3 /Length 32 >> >> /Filter /Standard /Length 256 \
         /O \
         <4392b17c2f6a32e7cfb70d4b811645cb1c15f15cf4ace3239ed2b8438f0d62e99394120c99ecde2474eb7db86ea6e8c4> \
         /OE <a1d1322f39e98b3ee1c57c2feaa7702941801cebc9c7de345081eee4acfaf354> /P -4 /Perms \
         <77e5d07c8d2ce8ad272892c0ccd2fd31> /R 5 /StmF /StdCF /StrF /StdCF /U \
         <7c959b4f640bebacb00ac05a37dea1c66e44877eb912c53cdf2d71f9ce1481a50c12ebca6da6a529b1b8d2e465dc5437> \
         /UE <5ce30f327677299dbd1237ec101cea4ab07450a153b7eb8d526ca2e57c25f2eb> /V 5 >>",
        "<76e20e71307ce788a7bdbedf9a816165>",
    ),
    (
        "AES-256",
        "<< /CF << /StdCF << /AuthEvent /DocOpen /CFM /AESV3 /Length 32 >> >> /Filter /Standard /Length 256 \
         /O \
         <1713d2cd760ca7f6f2a805d6b0cbe39693f2b48c6c1326b9c4e0b3b078f57c432d17c93720ecc7aa73bddb810919b99a> \
         /OE <686cc155c7c131d998e8d5add8587c9f9712fb0a488ef7a203b5f527fa0ba71f> /P -4 /Perms \
         <4443d43ab02e034d34739211e72e03cf> /R 6 /StmF /StdCF /StrF /StdCF /U \
         <b31bcceac171a153e178f37d6795f12c7707b595549b8661dffd3fd73263f0c8f7b949ef00a737fc8ccb0d6a6ee47b73> \
         /UE <2b34891a273d5b65a827695ff6c45ba56fed69fcc9dcf1aa126483ae5b96fa5c> /V 5 >>",
        "<20553939dc17d63612b878b5a92bb689>",
    ),
];

/// A document with a stream and a string, which are encrypted as its trailer says.
fn encrypted(dictionary: &str, id: &str, entries: &str) -> Vec<u8> {
    let trailer = format!("trailer <</Root 1 0 R /Encrypt 4 0 R /ID [{id}{id}]>>\n");
    let how = document(&[Vec::new(), Vec::new(), Vec::new(), dictionary.as_bytes().to_vec()]);
    let how = [&how[..], trailer.as_bytes()].concat();
    let encrypt = |number, plain: &[u8]| encrypt(&how, (number, 0), plain);
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let bytes = document(&[
        b"<</Type /Catalog>>".to_vec(),
        stream(&format!("/Filter /FlateDecode {entries}"), &encrypt(2, &flate(&text(1)))),
        format!("<</Author <{}>>>", hex(&encrypt(3, token(2).as_bytes()))).into_bytes(),
        dictionary.as_bytes().to_vec(),
        stream("", &encrypt(5, &text(3))),
    ]);
    [&bytes[..], trailer.as_bytes()].concat()
}

#[test]
fn what_an_empty_password_opens_is_read() {
    for (how, dictionary, id) in PROTECTED {
        let bytes = encrypted(dictionary, id, "");
        for form in FORMS {
            let outcome = unpack_as(form, "a.pdf", &bytes, Limits::default()).faultless();
            let expected = [
                ("a.pdf!object 2", OFFSET, LINE),
                ("a.pdf!object 3 text", 0, 1),
                ("a.pdf!object 5", OFFSET, LINE),
            ]
            .map(|(path, offset, line)| Found::content(path, offset, line));
            assert_eq!(outcome.found, expected, "{how} as {form:?}");
        }
    }
}

#[test]
fn what_another_password_opens_is_seen_as_bytes() {
    for (how, dictionary, id) in PROTECTED {
        let opened = encrypted(dictionary, id, "");
        let at = memchr::memmem::rfind(&opened, b"/U <").expect("the check of the password");
        let mut bytes = opened;
        bytes[at + 4] = if bytes[at + 4] == b'0' { b'1' } else { b'0' };
        for form in FORMS {
            let outcome = unpack_as(form, "a.pdf", &bytes, Limits::default());
            assert_eq!(outcome.found, [], "{how} as {form:?}");
            let kinds: Vec<_> = outcome.faults.iter().map(|(path, kind, _)| (&**path, *kind)).collect();
            assert_eq!(kinds, [("a.pdf", FaultKind::AsBytes("encrypted"))], "{how} as {form:?}");
        }
    }
}

#[test]
fn ways_that_are_not_known_are_seen_as_bytes() {
    let (_, dictionary, id) = PROTECTED[3];
    let bytes = encrypted(dictionary, id, "");
    for (from, to) in [("/Standard", "/Strandard"), ("/AESV2", "/AESV9"), ("/V 4", "/V 3"), ("/R 4", "/R 9")]
    {
        let changed = dictionary.replace(from, to);
        let at = memchr::memmem::find(&bytes, dictionary.as_bytes()).expect("the dictionary");
        let bytes = [&bytes[..at], changed.as_bytes(), &bytes[at + dictionary.len()..]].concat();
        let outcome = unpack("a.pdf", &bytes);
        let kinds: Vec<_> = outcome.faults.iter().map(|(_, kind, _)| *kind).collect();
        assert_eq!(kinds, [FaultKind::AsBytes("encrypted")], "{to}");
    }
}

#[test]
fn dictionaries_that_are_cut_or_changed_end_all_the_same() {
    for (_, dictionary, id) in PROTECTED {
        let bytes = encrypted(dictionary, id, "");
        let at = memchr::memmem::find(&bytes, dictionary.as_bytes()).expect("the dictionary");
        for len in (0..dictionary.len()).step_by(3) {
            unpack("a.pdf", &[&bytes[..at + len], &bytes[at + dictionary.len()..]].concat());
        }
        for (n, byte) in noise(300).into_iter().enumerate() {
            let mut bytes = bytes.clone();
            bytes[at + n % dictionary.len()] = byte;
            unpack("a.pdf", &bytes);
        }
    }
}
