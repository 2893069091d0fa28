//! Damaged repositories: what cannot be read is reported, and the rest is scanned.

use std::fs;
use std::path::PathBuf;

use super::support::{Fixture, token};

fn packs(fixture: &Fixture, extension: &str) -> Vec<PathBuf> {
    let dir = fixture.path().join(".git/objects/pack");
    let entries = fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("an entry").path());
    entries.filter(|path| path.extension().is_some_and(|found| found == extension)).collect()
}

/// Overwrites a file that git has made read-only.
fn overwrite(path: &PathBuf, bytes: &[u8]) {
    fs::remove_file(path).expect("removed");
    fs::write(path, bytes).expect("written");
}

/// Twenty files, with a token in each second one.
fn commit_twenty_files(fixture: &Fixture) {
    for n in 0..20_u32 {
        let text = if n % 2 == 0 { token(n) } else { "nothing".to_owned() };
        fixture.write(&format!("f{n:02}"), format!("{n} {text} {}", "filling ".repeat(n as usize)));
    }
    fixture.git(&["add", "-A"]);
    fixture.git(&["commit", "-q", "-m", "twenty"]);
}

#[test]
fn a_damaged_loose_object_is_reported() {
    let fixture = Fixture::new();
    commit_twenty_files(&fixture);
    let id = fixture.git(&["rev-parse", "HEAD:f04"]);
    let path = fixture.path().join(".git/objects").join(&id[..2]).join(&id[2..]);
    let bytes = fs::read(&path).expect("readable");
    for bytes in [&bytes[..bytes.len() / 2], b"", b"no zlib at all"] {
        overwrite(&path, bytes);
        let scan = fixture.scan();
        assert_eq!(scan.found().len(), 9);
        assert_eq!(scan.faults.len(), 1);
        // Whoever leaves out the file leaves out the fault.
        assert_eq!(scan.faults[0].path, "f04");
        assert!(scan.faults[0].reason.contains(&id));
    }
}

#[test]
fn a_truncated_pack_is_scanned_as_far_as_it_goes() {
    let fixture = Fixture::new();
    commit_twenty_files(&fixture);
    fixture.repack();
    let pack = &packs(&fixture, "pack")[0];
    let bytes = fs::read(pack).expect("readable");
    let whole = fixture.scan();
    for keep in [bytes.len() - 30, bytes.len() / 2, 40, 12, 0] {
        overwrite(pack, &bytes[..keep]);
        let scan = fixture.scan();
        assert!(!scan.faults.is_empty(), "{keep} bytes kept");
        let lost = scan.faults.iter().filter(|fault| fault.path.starts_with("object ")).count() as u64;
        if keep > 40 {
            assert_eq!(scan.reading.objects + lost, whole.reading.objects, "{keep} bytes kept");
        }
        if keep > bytes.len() / 3 {
            assert!(scan.reading.objects > 0);
        }
    }
}

#[test]
fn no_flipped_bits_end_the_scan() {
    let fixture = Fixture::new();
    let mut text = "a line of a file with versions\n".repeat(80);
    for n in 0..6 {
        text.push_str(&token(n));
        text.push('\n');
        fixture.commit("f", &text, "more");
    }
    fixture.repack();
    for extension in ["pack", "idx"] {
        let file = &packs(&fixture, extension)[0];
        let bytes = fs::read(file).expect("readable");
        for at in (0..bytes.len()).step_by(bytes.len() / 40 + 1) {
            let mut broken = bytes.clone();
            broken[at] ^= 0x55;
            overwrite(file, &broken);
            // The scan ends, and finds nothing that is not there.
            let scan = fixture.scan();
            assert!(scan.found().len() <= 6);
        }
        overwrite(file, &bytes);
    }
    assert_eq!(fixture.scan().found().len(), 6);
}

#[test]
fn another_copy_is_read_in_place_of_a_damaged_one() {
    let fixture = Fixture::new();
    commit_twenty_files(&fixture);
    let loose = fixture.path().join(".git/objects");
    let kept = fixture.beside("kept");
    let copied = std::process::Command::new("cp").arg("-r").arg(&loose).arg(&kept).status().expect("cp runs");
    assert!(copied.success());
    fixture.repack();
    let pack = &packs(&fixture, "pack")[0];
    let bytes = fs::read(pack).expect("readable");
    overwrite(pack, &bytes[..bytes.len() / 2]);
    fs::write(loose.join("info/alternates"), format!("{}\n", kept.display())).expect("written");
    let scan = fixture.scan();
    assert_eq!((scan.found().len(), scan.faults.len()), (10, 0), "{:?}", scan.faults);
}
