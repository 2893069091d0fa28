//! What is recognised and not read: that it is said, and that its bytes are scanned all the same.

use super::pack;
use super::support::*;
use crate::blob::FaultKind;
use crate::source::unpack::Limits;

#[test]
fn it_is_said_wherever_it_stands() {
    let rar = [&b"Rar!\x1a\x07\x01\0\x33\x92\xb5\xe5\x0a\x01\x05\x06\0\x05\x01\x01\x80\x80\0 "[..], &text(1)]
        .concat();
    let zip = pack::zip(&[("old/a.rar", &rar)]);
    let tar = pack::gzip(&pack::tar(&[("a.rar", &rar), ("b", &text(2))]));
    for form in FORMS {
        for (name, bytes, path, found) in [
            ("a.rar", &rar, "a.rar", 1),
            ("a.zip", &zip, "a.zip!old/a.rar", 1),
            ("a.tgz", &tar, "a.tgz!a.rar", 2),
        ] {
            let outcome = unpack_as(form, name, bytes, Limits::default());
            let reason = "seen as bytes only: a RAR archive: unpack it and scan what comes out";
            let fault = (path.to_owned(), FaultKind::AsBytes("RAR"), reason.to_owned());
            assert_eq!(outcome.faults, [fault], "{name} as {form:?}");
            assert_eq!(outcome.found.len(), found, "its bytes are scanned: {name} as {form:?}");
        }
    }
    let off = Limits { max_archive_depth: 0, ..Limits::default() };
    assert_eq!(unpack_as(Form::Whole, "a.rar", &rar, off).faultless().found.len(), 1);
}

#[test]
fn behind_a_program_it_is_said_as_well() {
    // ELF with one section header at 64, which is its end; and a PE with one section of 512 bytes at 512.
    let mut elf = vec![0_u8; 128];
    elf[..6].copy_from_slice(b"\x7fELF\x02\x01");
    (elf[0x28], elf[0x3a], elf[0x3c]) = (64, 64, 1);
    let mut pe = vec![0_u8; 1024];
    pe[..2].copy_from_slice(b"MZ");
    pe[0x3c] = 0x80;
    pe[0x80..0x84].copy_from_slice(b"PE\0\0");
    (pe[0x86], pe[0x94]) = (1, 0xe0);
    let section = 0x80 + 24 + 0xe0;
    (pe[section + 17], pe[section + 21]) = (2, 2);
    for program in [elf, pe] {
        let rar = [&program[..], b"Rar!\x1a\x07\0\xcf\x90\x73\0\0\x0d", &noise(400)].concat();
        for form in [Form::Whole, Form::File(700)] {
            let outcome = unpack_as(form, "setup.exe", &rar, Limits::default());
            let kinds: Vec<FaultKind> = outcome.faults.iter().map(|fault| fault.1).collect();
            assert_eq!(kinds, [FaultKind::AsBytes("RAR")], "{form:?}");
        }
        // The same signature anywhere else is one in a program that can read them.
        let reader = [&program[..], b"a program with Rar!\x1a\x07\0 in it", &noise(400)].concat();
        unpack("unrar", &reader).faultless();
    }
}

#[test]
fn encrypted_members_and_unknown_methods_are_named_so() {
    let mut locked = pack::Member::stored("locked", b"x");
    locked.flags = 1;
    let odd = pack::Member::new("odd", 97, b"x".to_vec(), b"x");
    let outcome = unpack("a.zip", &pack::zip_of(&[locked, odd], b""));
    let faults: Vec<_> = outcome.faults.iter().map(|(path, kind, _)| (&**path, *kind)).collect();
    let expected = [
        ("a.zip!locked", FaultKind::AsBytes("encrypted")),
        ("a.zip!odd", FaultKind::AsBytes("unknown method")),
    ];
    assert_eq!(faults, expected);
    assert!(outcome.faults[1].2.contains("method 97"), "{}", outcome.faults[1].2);
}
