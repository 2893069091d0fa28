//! Containers that are recognised and not read: other archivers', and what is encrypted. Their bytes are scanned as they are,
//! and that this is all is said: a token in them would be missed without a word.
//!
//! Each is told by more than a few chance bytes: by a long signature, or by a header that holds together.

mod arj;
mod borg;
mod bzip3;
mod openpgp;
mod openssl;
mod program;

use super::Unpack;
use super::budget::Budget;
use super::open_container::{OpenContainer, Region};
use crate::blob::{Body, Origin};

/// What something is that cannot be read.
#[derive(Clone, Copy)]
pub(super) struct Unread {
    /// In a word, for a line that counts them.
    pub(super) word: &'static str,
    /// What exactly, and what to do about it.
    pub(super) why: &'static str,
}

impl Unread {
    /// Says that something within `depth` containers is scanned as it is although it is no plain data.
    pub(super) fn report(
        &self,
        unpack: &Unpack<'_>,
        origin: &dyn Fn() -> Origin,
        depth: u32,
        budget: &Budget,
    ) {
        let itself = OpenContainer { unpack, budget, origin, depth, carved: false };
        itself.report_as_bytes(Region::Raw(0), self.word, self.why);
    }
}

/// One kind of those.
struct Kind {
    first_bytes: &'static [u8],
    begins: fn(&[u8]) -> bool,
    is: Unread,
}

const fn archive(word: &'static str, why: &'static str) -> Unread {
    Unread { word, why }
}

const fn encrypted(why: &'static str) -> Unread {
    Unread { word: "encrypted", why }
}

/// The signature of RAR 4 and of RAR 5 (<https://www.rarlab.com/technote.htm>, "RAR 5.0 signature").
const RAR: [&[u8]; 2] = [b"Rar!\x1a\x07\x00", b"Rar!\x1a\x07\x01\x00"];

const IS_RAR: Unread = archive("RAR", "a RAR archive: unpack it and scan what comes out");

/// All that are told by their first bytes.
static KINDS: [Kind; 19] = [
    Kind { first_bytes: b"R", begins: is_rar, is: IS_RAR },
    Kind {
        first_bytes: b"\x60",
        begins: arj::begins,
        is: archive("ARJ", "an ARJ archive: unpack it and scan what comes out"),
    },
    Kind {
        first_bytes: b"SZ",
        begins: is_stuffit,
        is: archive("StuffIt", "a StuffIt archive: unpack it and scan what comes out"),
    },
    Kind {
        first_bytes: b"Z",
        begins: |head| head.starts_with(b"ZOO ") && head.get(20..24) == Some(b"\xdc\xa7\xc4\xfd"),
        is: archive("ZOO", "a ZOO archive: unpack it and scan what comes out"),
    },
    // <https://wimlib.net/wim-header.html>; the others are those of split files and of pipes.
    Kind {
        first_bytes: b"MW",
        begins: |head| head.starts_with(b"MSWIM\0\0\0") || head.starts_with(b"WLPWM\0\0\0"),
        is: archive("WIM", "a Windows image: apply or unpack it and scan what comes out"),
    },
    // magic(5): the signatures of the tools themselves.
    Kind {
        first_bytes: b"7zLARBAE",
        begins: is_other_archive,
        is: archive("other archives", "an archive of a rare kind: unpack it and scan what comes out"),
    },
    Kind {
        first_bytes: b"B",
        begins: borg::begins,
        is: archive("Borg", "a part of a Borg repository: extract its archives and scan those"),
    },
    Kind {
        first_bytes: b"SU",
        begins: openssl::begins,
        is: encrypted("encrypted by openssl enc: decrypt it and scan what comes out"),
    },
    // <https://age-encryption.org/v1>; the second line is the first recipient's stanza.
    Kind {
        first_bytes: b"a-",
        begins: |head| {
            head.starts_with(b"age-encryption.org/v1\n-> ")
                || head.starts_with(b"-----BEGIN AGE ENCRYPTED FILE-----")
        },
        is: encrypted("encrypted with age: decrypt it and scan what comes out"),
    },
    // RFC 9580, 6.2: the armour of a message.
    Kind { first_bytes: b"-", begins: |head| head.starts_with(b"-----BEGIN PGP MESSAGE"), is: OPENPGP },
    Kind { first_bytes: &[0x84, 0x85, 0x8c, 0x8d, 0xc1, 0xc3], begins: openpgp::begins, is: OPENPGP },
    // <https://gitlab.com/cryptsetup/LUKS2-docs>, "Binary header": the magic of both headers.
    Kind {
        first_bytes: b"LS",
        begins: |head| {
            matches!(head, [b'L', b'U', b'K', b'S', 0xba, 0xbe, 0, 1 | 2, ..])
                || head.starts_with(b"SKUL\xba\xbe\0\x02")
        },
        is: encrypted("a LUKS volume: open it and scan what is in it"),
    },
    // The volume's boot sector has this where a file system has its own name (magic(5), "filesystems").
    Kind {
        first_bytes: b"\xeb",
        begins: |head| head.get(3..11) == Some(b"-FVE-FS-"),
        is: encrypted("a BitLocker volume: unlock it and scan what is in it"),
    },
    // git-crypt's file format (<https://github.com/AGWA/git-crypt>, `commands.cpp`).
    Kind {
        first_bytes: b"\0",
        begins: |head| head.starts_with(b"\0GITCRYPT\0"),
        is: encrypted("encrypted by git-crypt: unlock the repository and scan that"),
    },
    // <https://keepass.info/help/kb/kdbx.html>: two signatures, the second one of KeePass 1, of a beta, or of KeePass 2.
    Kind {
        first_bytes: b"\x03",
        begins: |head| matches!(head, [0x03, 0xd9, 0xa2, 0x9a, 0x65..=0x67, 0xfb, 0x4b, 0xb5, ..]),
        is: encrypted("a KeePass database: export it and scan that"),
    },
    // Ansible's vault format: <https://docs.ansible.com/ansible/latest/vault_guide/vault_using_encrypted_content.html>.
    Kind {
        first_bytes: b"$",
        begins: |head| head.starts_with(b"$ANSIBLE_VAULT;"),
        is: encrypted("encrypted by Ansible Vault: decrypt it and scan what comes out"),
    },
    // <https://www.aescrypt.com/aes_file_format.html>: the version, a reserved byte, and the text that follows in it.
    Kind {
        first_bytes: b"A",
        begins: |head| {
            matches!(head, [b'A', b'E', b'S', 2 | 3, 0, 0, _, b'C', ..])
                && head.get(7..14) == Some(b"CREATED")
        },
        is: encrypted("encrypted by AES Crypt: decrypt it and scan what comes out"),
    },
    // macOS: disk images (`encrcdsa` at the beginning, since 10.4).
    Kind {
        first_bytes: b"e",
        begins: |head| head.starts_with(b"encrcdsa\0\0\0"),
        is: encrypted("an encrypted disk image: open it and scan what is in it"),
    },
    Kind {
        first_bytes: b"B",
        begins: bzip3::begins,
        is: archive("bzip3", "packed by bzip3: unpack it and scan what comes out"),
    },
];

const OPENPGP: Unread = encrypted("an OpenPGP message: decrypt it and scan what comes out");

/// Those that stand a few bytes behind anything: LHA's and ACE's headers begin with sizes and checksums.
const IS_LHA: Unread = archive("LHA", "an LHA archive: unpack it and scan what comes out");
const IS_ACE: Unread = archive("ACE", "an ACE archive: unpack it and scan what comes out");

/// The kinds that may begin with each byte, as bits.
static CANDIDATES: [u32; 256] = candidates(&KINDS);

const fn candidates(kinds: &[Kind]) -> [u32; 256] {
    let mut by_first_byte = [0; 256];
    let mut row = 0;
    while row < kinds.len() {
        let first_bytes = kinds[row].first_bytes;
        let mut at = 0;
        while at < first_bytes.len() {
            by_first_byte[first_bytes[at] as usize] |= 1 << row;
            at += 1;
        }
        row += 1;
    }
    by_first_byte
}

/// What something with this head is, if nothing here reads it.
pub(super) fn by_head(head: &[u8]) -> Option<Unread> {
    let mut rows = CANDIDATES[usize::from(*head.first()?)];
    while rows != 0 {
        let kind = &KINDS[rows.trailing_zeros() as usize];
        if (kind.begins)(head) {
            return Some(kind.is);
        }
        rows &= rows - 1;
    }
    if head.get(2) == Some(&b'-') && is_lha(head) {
        return Some(IS_LHA);
    }
    // ACE's main header: its checksum, its size, its type 0, its flags, and the signature.
    (head.get(7) == Some(&b'*') && head.get(7..14) == Some(b"**ACE**") && head[4] == 0).then_some(IS_ACE)
}

/// What a body is: a program may have a RAR archive behind it.
pub(super) fn recognise(body: &mut Body<'_>) -> Option<Unread> {
    by_head(body.head()).or_else(|| program::is_followed_by(body, &RAR).then_some(IS_RAR))
}

fn is_rar(head: &[u8]) -> bool {
    RAR.iter().any(|signature| head.starts_with(signature))
}

/// `StuffIt`: the classic one (`SIT!` and the author's letters at 10), version 5, and X (magic(5), "macintosh").
fn is_stuffit(head: &[u8]) -> bool {
    head.starts_with(b"SIT!") && head.get(10..14) == Some(b"rLau")
        || head.starts_with(b"StuffIt (c)1997-")
        || head.starts_with(b"StuffIt!") && head.get(8).is_some_and(|byte| !byte.is_ascii_graphic())
}

/// zpaq (its locator tag, or a block), lrzip, rzip, `ALZip` and EGG, `FreeArc`.
fn is_other_archive(head: &[u8]) -> bool {
    const ZPAQ: &[u8] = b"7kSt\xa0\x31\x83\xd3\x8c\xb2\x28\xb0\xd3";
    head.starts_with(ZPAQ)
        || matches!(head, [b'z', b'P', b'Q', 1 | 2, 1, ..])
        || matches!(head, [b'L', b'R', b'Z', b'I', 0, 4..=14, ..])
        || matches!(head, [b'R', b'Z', b'I', b'P', 2, 0..=1, ..])
        || head.starts_with(b"ALZ\x01\x0a\0\0\0")
        || head.starts_with(b"EGGA\0\x01")
        || matches!(head, [b'A', b'r', b'C', 1, 0, ..])
}

/// LHA's header (<https://github.com/jca02266/lha/blob/master/header.doc.md>): its size and checksum, or its size in two bytes,
/// the method between hyphens, and at 20 its level. That of level 0 and 1 is one byte long and has a sum over itself.
fn is_lha(head: &[u8]) -> bool {
    let Some([b'-', b'l' | b'p', b'h' | b'z' | b'm', method, b'-']) = head.get(2..7) else { return false };
    if !method.is_ascii_alphanumeric() {
        return false;
    }
    let sum = |bytes: &[u8]| bytes.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
    match head.get(20) {
        Some(0 | 1) => {
            let size = usize::from(head[0]);
            size >= 20 && head.get(2..2 + size).is_none_or(|header| sum(header) == head[1])
        }
        // A level 2 header states all its bytes, and the system it was made on.
        Some(2) => u16::from_le_bytes([head[0], head[1]]) >= 24,
        Some(3) => head.starts_with(&[4, 0]),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
