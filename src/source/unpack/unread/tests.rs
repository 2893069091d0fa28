//! Signatures that are ones, and those that only look so.

use super::*;

/// The word for what has this head.
fn word(head: &[u8]) -> Option<&'static str> {
    by_head(head).map(|unread| unread.word)
}

/// A main header of ARJ with its checksum.
fn arj() -> Vec<u8> {
    let mut header = vec![30, 11, 1, 0, 0, 0, 2, 0];
    header.extend([0; 22]);
    header.extend(b"a.arj\0\0");
    let len = u16::try_from(header.len()).expect("short").to_le_bytes();
    [&[0x60, 0xea], &len[..], &header, &crc32fast::hash(&header).to_le_bytes(), &[0, 0]].concat()
}

/// A level 0 header of LHA with its sum.
fn lha(method: &[u8]) -> Vec<u8> {
    let body = [method, &[9, 0, 0, 0, 12, 0, 0, 0], &[0; 4], &[0x20, 0], &[5], b"a.txt", &[1, 2]].concat();
    let sum = body.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
    [&[u8::try_from(body.len()).expect("short"), sum], &body[..], b"packed"].concat()
}

/// A session key for an RSA key of 2048 bits, and encrypted data behind it.
fn openpgp() -> Vec<u8> {
    let number = [&[8, 0][..], &[0x5a; 256]].concat();
    let body = [&[3][..], &[1, 2, 3, 4, 5, 6, 7, 8], &[1], &number].concat();
    let len = u16::try_from(body.len()).expect("short").to_be_bytes();
    [&[0x85], &len[..], &body, &[0xd2, 0x40, 1]].concat()
}

#[test]
fn each_is_recognised() {
    let zoo = [b"ZOO 2.10 Archive.\x1a\0\0", &[0xdc, 0xa7, 0xc4, 0xfd][..], &[0; 8]].concat();
    let ace = [&[0x12, 0x34, 49, 0, 0, 0, 0x90][..], b"**ACE**\x14\x14\x02"].concat();
    let arj = arj();
    let (old, new) = (lha(b"-lh5-"), [&[60, 0][..], b"-lh7-", &[0; 13], &[2], &[0; 8]].concat());
    let openpgp = openpgp();
    let symmetric = [0x8c, 13, 4, 9, 3, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0xff, 0xd2, 0x50];
    for (head, expected) in [
        (&b"Rar!\x1a\x07\0\xcf"[..], "RAR"),
        (b"Rar!\x1a\x07\x01\0\x01", "RAR"),
        (&arj, "ARJ"),
        (&ace, "ACE"),
        (&old, "LHA"),
        (&new, "LHA"),
        (&zoo, "ZOO"),
        (b"SIT!\0\x01\0\0\0\0rLau\x01", "StuffIt"),
        (b"StuffIt (c)1997-2001 Aladdin Systems", "StuffIt"),
        (b"MSWIM\0\0\0\xd0\0\0\0", "WIM"),
        (b"BORG_SEG\x40\xf4\x3c\x25\x09\0\0\0\x02", "Borg"),
        (b"BORG_SEG\x12\x34\x56\x78\x29\x10\0\0\0key", "Borg"),
        (b"7kSt\xa0\x31\x83\xd3\x8c\xb2\x28\xb0\xd3zPQ\x02\x01", "other archives"),
        (b"LRZI\0\x06\0\0", "other archives"),
        (b"ArC\x01\0\0", "other archives"),
        (b"BZ3v1\0\0\0\x01", "bzip3"),
        (b"BZ3v1\0\0\0\x01\x1a\0\0\0\x12\0\0\0packed", "bzip3"),
        (b"Salted__\x91\xe2\x03\xf4\x95\x06\x67\x78packed", "encrypted"),
        (b"U2FsdGVkX1+vupppZksvRf5pq5g5XjFRIipRkwB0K1Y96Qsv2Lm", "encrypted"),
        (b"age-encryption.org/v1\n-> X25519 abc", "encrypted"),
        (b"-----BEGIN AGE ENCRYPTED FILE-----\nYWdl", "encrypted"),
        (b"-----BEGIN PGP MESSAGE-----\n\nhQ", "encrypted"),
        (&openpgp, "encrypted"),
        (&symmetric, "encrypted"),
        (b"LUKS\xba\xbe\0\x01aes", "encrypted"),
        (b"LUKS\xba\xbe\0\x02\0\0", "encrypted"),
        (b"\xeb\x58\x90-FVE-FS-\0\x02", "encrypted"),
        (b"\0GITCRYPT\0\x01\x02", "encrypted"),
        (b"\x03\xd9\xa2\x9a\x67\xfb\x4b\xb5\x01\0\x04\0", "encrypted"),
        (b"$ANSIBLE_VAULT;1.1;AES256\n3132", "encrypted"),
        (b"AES\x02\0\0\x1bCREATED_BY\0aescrypt", "encrypted"),
        (b"encrcdsa\0\0\0\x02", "encrypted"),
    ] {
        assert_eq!(word(head), Some(expected), "{head:?}");
    }
}

#[test]
fn what_looks_alike_is_none() {
    let mut wrong_arj = arj();
    wrong_arj[12] ^= 1;
    let mut wrong_lha = lha(b"-lh5-");
    wrong_lha[1] ^= 1;
    let mut wrong_openpgp = openpgp();
    wrong_openpgp[12] = 7;
    let mut no_data_behind = openpgp();
    let at = no_data_behind.len() - 3;
    no_data_behind[at] = b'x';
    for head in [
        &b""[..],
        b"Rar! is how RAR begins",
        b"Rar!\x1a\x07",
        &wrong_arj,
        &wrong_lha,
        &wrong_openpgp,
        &no_data_behind,
        b"x -lh5- is LHA's usual method",
        b"- -lzs- and -lh0- are others  \0\0",
        b"ZOO is a program, and this is text about it",
        b"LUKS is how disks are encrypted",
        b"SIT! says the master",
        b"Salted__",
        b"Salted peanuts",
        b"Salted__ is what a file begins with that openssl has encrypted",
        "Salted__ steht am Anfang einer verschl\u{fc}sselten Datei".as_bytes(),
        &"Salted__ und dann: \u{fc}".as_bytes()[..20],
        b"BZ3v1 is what bzip3 begins with",
        b"BZ3v1\0\0\0\x01\xff\xff\xff\x01\0\0\0\0",
        b"BORG_SEG is what a segment begins with",
        b"BORG_SEG",
        b"U2FsdGVkX1 is Salted__ in base64",
        b"age-encryption.org/v1 is an address",
        b"-----BEGIN PGP PUBLIC KEY BLOCK-----",
        b"-----BEGIN PGP SIGNED MESSAGE-----",
        b"$ANSIBLE_VAULT is a variable",
        b"AES\x02 is a cipher",
        b"BORG, the collective",
        b"\x85\x01\x0c\x03 and some text",
        b"\x8c\x0d\x04\x09 and some text",
        &[0x85; 600],
        &[0xc1; 600],
        &[b'-'; 600],
        &[0; 600],
    ] {
        assert_eq!(word(head), None, "{head:?}");
    }
}

#[test]
fn chance_bytes_are_none() {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut found = 0;
    for _ in 0..200_000 {
        let mut head = [0_u8; 320];
        for bytes in head.chunks_mut(8) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            bytes.copy_from_slice(&state.to_le_bytes()[..bytes.len()]);
        }
        // Half of them begin as some packet of OpenPGP does.
        if state & 1 == 0 {
            head[0] = [0x84, 0x85, 0x8c, 0x8d, 0xc1, 0xc3][(state >> 8) as usize % 6];
        }
        found += usize::from(by_head(&head).is_some());
    }
    assert_eq!(found, 0);
}
