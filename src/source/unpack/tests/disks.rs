//! Images of disks: whole, nested, sparse, cut off, and hostile.

use proptest::prelude::*;

use super::disk_images::{self, CHUNKS, Clusters, Qcow2, put};
use super::pack::{self, Packer};
use super::support::*;
use crate::blob::FaultKind;
use crate::source::unpack::Limits;

/// A disk of which most is zeros, with a token in each text: across the edges of all blocks there are, and at its very end.
fn disk() -> (Vec<u8>, Vec<(u64, u64)>) {
    let mut disk = vec![0; 2 << 20];
    let starts = [1, 4096 - 40, 65536 - 31, 131_072 - 50, (1 << 20) - 36, (1 << 20) + 200_000];
    for (n, at) in (0..).zip(starts.into_iter().chain([disk.len() - text(0).len()])) {
        put(&mut disk, at, &text(n));
    }
    put(&mut disk, 200_003, &noise(20_000));
    let line = |at: usize| memchr::memchr_iter(b'\n', &disk[..at]).count() as u64 + 1;
    let tokens = memchr::memmem::find_iter(&disk, b"token=").map(|at| (at as u64 + 6, line(at))).collect();
    (disk, tokens)
}

/// Every kind of image.
const IMAGES: [(&str, Packer); 17] = [
    ("stored.qcow2", |disk| disk_images::qcow2(disk, 3, Clusters::Stored)),
    ("old.qcow2", |disk| disk_images::qcow2(disk, 2, Clusters::Deflate)),
    ("zstd.qcow2", |disk| disk_images::qcow2(disk, 3, Clusters::Zstd)),
    ("subclusters.qcow2", |disk| disk_images::qcow2(disk, 3, Clusters::Extended)),
    ("stored.qcow", |disk| disk_images::qcow(disk, false)),
    ("deflated.qcow", |disk| disk_images::qcow(disk, true)),
    ("sparse.vmdk", disk_images::vmdk),
    ("stream.vmdk", disk_images::vmdk_stream),
    ("a.vhd", |disk| disk_images::vhd(disk, 3)),
    ("a.vhdx", |disk| disk_images::vhdx(disk, 0)),
    ("a.vdi", |disk| disk_images::vdi(disk, 1)),
    ("stored.dmg", |disk| disk_images::dmg(disk, CHUNKS[0])),
    ("adc.dmg", |disk| disk_images::dmg(disk, CHUNKS[1])),
    ("zlib.dmg", |disk| disk_images::dmg(disk, CHUNKS[2])),
    ("bzip2.dmg", |disk| disk_images::dmg(disk, CHUNKS[3])),
    ("lzfse.dmg", |disk| disk_images::dmg(disk, CHUNKS[4])),
    ("xz.dmg", |disk| disk_images::dmg(disk, CHUNKS[5])),
];

fn images(disk: &[u8]) -> impl Iterator<Item = (&'static str, Vec<u8>)> {
    IMAGES.into_iter().map(|(name, make)| (name, make(disk)))
}

fn expected(path: &str, tokens: &[(u64, u64)]) -> Vec<Found> {
    tokens.iter().map(|(offset, line)| Found::content(path, *offset, *line)).collect()
}

#[test]
fn all_of_a_disk_is_read_at_its_own_offsets() {
    let (disk, tokens) = disk();
    assert_eq!(tokens.len(), 7);
    for (name, image) in images(&disk) {
        for form in FORMS {
            // What is found from its end has to have one.
            if name.ends_with("dmg") && matches!(form, Form::Pipe(_)) {
                continue;
            }
            let outcome = unpack_as(form, name, &image, Limits::default()).faultless();
            assert_eq!(outcome.found, expected(&format!("{name}!disk"), &tokens), "{name} as {form:?}");
        }
    }
}

#[test]
fn a_disk_in_an_archive_is_read() {
    let (disk, tokens) = disk();
    for (name, image) in images(&disk) {
        // What is found from its end has to have one.
        if name.ends_with("dmg") {
            continue;
        }
        let outcome = unpack("a.zip", &pack::zip(&[("first", b"small"), (name, &image)])).faultless();
        assert_eq!(outcome.found, expected(&format!("a.zip!{name}!disk"), &tokens), "{name}");
        let outcome = unpack("a.tgz", &pack::gzip(&pack::tar(&[(name, &image)]))).faultless();
        assert_eq!(outcome.found, expected(&format!("a.tgz!{name}!disk"), &tokens), "{name}");
    }
    for chunk in CHUNKS {
        let image =
            disk_images::dmg(&[vec![0; 65536], text(1), vec![0; 65536 - text(1).len()]].concat(), chunk);
        let outcome = unpack("a.zip", &pack::zip(&[("first", b"small"), ("a.dmg", &image)])).faultless();
        assert_eq!(outcome.found, expected("a.zip!a.dmg!disk", &[(65536 + OFFSET, LINE)]), "{:x}", chunk.0);
    }
}

#[test]
fn a_container_on_a_disk_is_opened() {
    let mut disk = pack::tar(&[("etc/passwords", &text(1))]);
    disk.resize(disk.len().next_multiple_of(65536), 0);
    for (name, image) in images(&disk) {
        let outcome = unpack(name, &image).faultless();
        assert_eq!(outcome.paths(), [format!("{name}!disk!etc/passwords")]);
    }
}

#[test]
fn a_petabyte_of_holes_costs_nothing() {
    let size = 1_u64 << 50;
    let mut image = Qcow2::new(3, Clusters::Stored, size);
    let tables = image.disk(&[text(1), vec![0; 3 << 20], text(2)].concat());
    // The first table leads to the same clusters again, far behind.
    let far = 1 << 22;
    let (at, _) = tables;
    let entry = image.bytes[usize::try_from(at).expect("small")..][..8].to_vec();
    put(&mut image.bytes, usize::try_from(at).expect("small") + 8 * far, &entry);
    let image = image.finish((at, u32::try_from(far + 1).expect("small")));
    let outcome = unpack_as(Form::File(700), "big.qcow2", &image, Limits::default()).faultless();
    let offsets: Vec<u64> = outcome.found.iter().map(|found| found.offset).collect();
    let second = text(1).len() as u64 + (3 << 20) + OFFSET;
    assert_eq!(offsets, [OFFSET, second, ((far as u64) << 21) + OFFSET]);
}

#[test]
fn what_only_a_snapshot_has_is_read() {
    for clusters in [Clusters::Stored, Clusters::Deflate, Clusters::Extended] {
        let (now, _) = disk();
        let mut before = now.clone();
        // Across two clusters; and one in a cluster that the disk has now, too.
        put(&mut before, (3 << 14) - 40 + (1 << 20) + 400_000 / 16384 * 16384, &text(40));
        put(&mut before, (1 << 20) + 200_080, &text(41));
        let mut image = Qcow2::new(3, clusters, now.len() as u64);
        let older = image.disk(&before);
        let newer = image.disk(&now);
        image.snapshots(&[("before", older), ("same", newer)]);
        let image = image.finish(newer);
        let outcome = unpack("a.qcow2", &image).faultless();
        let of = |path: &str| outcome.found.iter().filter(|found| found.path == path).count();
        assert_eq!(of("a.qcow2!disk"), 7);
        let offsets: Vec<u64> = outcome
            .found
            .iter()
            .filter(|found| found.path == "a.qcow2!snapshot before")
            .map(|found| found.offset)
            .collect();
        assert!(
            offsets.contains(&((3 << 14) - 40 + (1 << 20) + 400_000 / 16384 * 16384 + OFFSET)),
            "{offsets:?}"
        );
        assert!(offsets.contains(&((1 << 20) + 200_080 + OFFSET)), "{offsets:?}");
        assert_eq!(of("a.qcow2!snapshot same"), 0, "what the disk has now is not read again");
    }
}

#[test]
fn what_no_table_leads_to_is_scanned_as_it_is() {
    let (disk, _) = disk();
    for (name, mut image) in images(&disk) {
        if name.ends_with("dmg") || name.starts_with("stream") {
            continue;
        }
        let at = image.len() as u64;
        image.extend(text(50));
        let outcome = unpack(name, &image).faultless();
        let behind: Vec<u64> =
            outcome.found.iter().filter(|found| found.path == name).map(|found| found.offset).collect();
        assert_eq!(behind, [at + OFFSET], "{name}");
    }
}

/// The one fault of an image.
#[track_caller]
fn fault(outcome: &Outcome) -> (FaultKind, &str) {
    let [(_, kind, reason)] = &outcome.faults[..] else { panic!("{:?}", outcome.faults) };
    (*kind, reason)
}

#[test]
fn what_is_in_another_file_is_named() {
    let (disk, tokens) = disk();
    let mut image = disk_images::qcow2(&disk, 3, Clusters::Stored);
    put(&mut image, 8, &200_u64.to_be_bytes());
    put(&mut image, 16, &9_u32.to_be_bytes());
    put(&mut image, 200, b"base.img!");
    let outcome = unpack("a.qcow2", &image);
    assert_eq!(
        fault(&outcome),
        (FaultKind::Unreadable, "its backing file base.img! was not looked into: scan that, too")
    );
    assert_eq!(outcome.found, expected("a.qcow2!disk", &tokens));

    let outcome = unpack("a.vhd", &disk_images::vhd(&disk, 4));
    assert_eq!(fault(&outcome).1, "the disk it differs from base.vhd was not looked into: scan that, too");
    let outcome = unpack("a.vhdx", &disk_images::vhdx(&disk, 2));
    assert_eq!(fault(&outcome).1, "the disk it differs from was not looked into: scan that, too");
    let outcome = unpack("a.vdi", &disk_images::vdi(&disk, 4));
    assert_eq!(fault(&outcome).1, "the disk it differs from was not looked into: scan that, too");
    let mut image = disk_images::vmdk(&disk);
    put(&mut image, 700, b"parentFileNameHint=\"base.vmdk\"\n");
    let outcome = unpack("a.vmdk", &image);
    assert_eq!(
        fault(&outcome).1,
        "the disk it is a snapshot of base.vmdk was not looked into: scan that, too"
    );
    assert_eq!(outcome.found.len(), tokens.len());
}

#[test]
fn what_cannot_be_read_is_said_and_scanned_as_it_is() {
    let mut disk = vec![0; 65536];
    put(&mut disk, 8192, &text(1));
    let stored = disk_images::qcow2(&disk, 3, Clusters::Stored);
    for (at, value, why) in [
        (32, &[0, 0, 0, 2][..], "encrypted: decrypt it"),
        (79, &[4], "its data file was not looked into"),
        (78, &[1], "it needs features that are not known"),
        (79, &[8, 0], "packed by method 7"),
        (20, &[0, 0, 0, 40], "impossible sizes"),
    ] {
        let mut image = stored.clone();
        put(&mut image, at, value);
        put(&mut image, 104, &[7]);
        let outcome = unpack("a.qcow2", &image);
        assert!(fault(&outcome).1.contains(why), "{:?}", outcome.faults);
        assert_eq!(outcome.paths(), ["a.qcow2"], "{why}");
    }
    let mut image = disk_images::dmg(&disk, CHUNKS[0]);
    let at = memchr::memmem::find(&image, b"blkx").expect("the list");
    image[at] = b'x';
    let outcome = unpack("a.dmg", &image);
    assert!(fault(&outcome).1.contains("its tables of chunks are missing"), "{:?}", outcome.faults);
    assert_eq!(outcome.paths(), ["a.dmg"]);
    let outcome = unpack("a.dmg", &[&b"encrcdsa\0\0\0\x02"[..], &text(1)].concat());
    assert_eq!(fault(&outcome).0, FaultKind::AsBytes("encrypted"));
    assert_eq!(outcome.paths(), ["a.dmg"]);
}

#[test]
fn neighbours_are_not_opened() {
    for head in [
        &b"QFI\xfb is how qcow2 begins "[..],
        b"KDMV is how vmdk begins ",
        b"COWD is how others begin ",
        b"conectix is how vhd begins, and goes on for longer than that, until it ends ",
        b"vhdxfile is how vhdx begins ",
        b"<<< Oracle VM VirtualBox Disk Image >>>\nis how vdi begins, and goes on for longer than that ",
        b"encrcdsa is how some disk images begin ",
        b"koly is how disk images end ",
        b"hsqs is how squashfs begins, and goes on for longer than that ",
    ] {
        let bytes = [head, &text(1)].concat();
        let outcome = unpack("plain", &bytes).faultless();
        assert_eq!(outcome.paths(), ["plain"]);
    }
}

#[test]
fn a_disk_that_is_made_of_little_is_cut_short() {
    let limits = Limits { max_expansion: 2 << 20, ..Limits::default() };
    for clusters in [Clusters::Stored, Clusters::Deflate] {
        let cluster = [text(1), noise(1000), vec![b'x'; 3100]].concat();
        let mut image = Qcow2::new(3, clusters, 1 << 40);
        let (at, _) = image.disk(&cluster[..4096].repeat(512));
        let at = usize::try_from(at).expect("small");
        let entry = image.bytes[at..at + 8].repeat(4096);
        put(&mut image.bytes, at, &entry);
        let image = image.finish((at as u64, 4096));
        let outcome = unpack_as(Form::Whole, "bomb.qcow2", &image, limits);
        let (kind, reason) = fault(&outcome);
        assert_eq!(kind, FaultKind::CutShort);
        assert!(reason.contains("max_expansion"), "{reason}");
        assert!(outcome.bytes < 8 << 20, "{}", outcome.bytes);
        assert!(!outcome.found.is_empty());
    }
}

#[test]
fn a_damaged_block_loses_itself_only() {
    let (disk, tokens) = disk();
    for (name, first) in [
        ("old.qcow2", 4096),
        ("zstd.qcow2", 4096),
        ("stream.vmdk", 21 * 512 + 12),
        ("zlib.dmg", 0),
        ("bzip2.dmg", 0),
        ("xz.dmg", 0),
    ] {
        let make = IMAGES.into_iter().find(|(other, _)| *other == name).expect("it is there").1;
        let mut image = make(&disk);
        for byte in &mut image[first + 8..first + 24] {
            *byte ^= 0x55;
        }
        let outcome = unpack(name, &image);
        // The others have no checksums.
        if matches!(name, "zstd.qcow2" | "bzip2.dmg" | "xz.dmg") {
            assert!(!outcome.faults.is_empty(), "{name}");
        }
        let found = outcome.found.iter().filter(|found| found.path.ends_with("!disk")).count();
        assert!(found + 2 >= tokens.len(), "{name}: {found} {:?}", outcome.faults);
    }
}

#[test]
fn cut_off_anywhere_what_is_there_is_found() {
    let mut disk = vec![0; 65536];
    put(&mut disk, 5000, &text(1));
    put(&mut disk, 40_000, &text(2));
    for (name, image) in images(&disk) {
        let step = (image.len() / 12).max(1);
        for cut in (1..image.len()).step_by(step) {
            let cut = &image[..cut];
            let outcome = unpack_as(Form::File(700), name, cut, Limits::default());
            let plain = unpack("plain", &[b" ", cut].concat());
            let plain = plain.found.iter().filter(|found| found.path == "plain").count();
            assert!(outcome.found.len() >= plain, "{name} {}", cut.len());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn damage_is_survived(
        flips in proptest::collection::vec((0.0..1.0_f64, any::<u8>()), 1..8),
        which in 0_usize..17,
        heads in any::<bool>(),
    ) {
        let mut disk = vec![0; 65536];
        put(&mut disk, 5000, &text(1));
        let (name, make) = IMAGES[which];
        let mut image = make(&disk);
        let len = if heads { image.len().min(2048) } else { image.len() };
        for (at, byte) in flips {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a part of the length")]
            let at = (at * len as f64) as usize;
            image[at] ^= byte;
        }
        let limits = Limits { max_expansion: 64 << 20, max_seconds: 5, ..Limits::default() };
        unpack_as(Form::Whole, name, &image, limits);
    }
}

#[test]
fn what_is_known_from_its_end_is_read_in_an_archive() {
    let mut disk = noise(600_000);
    disk.truncate(disk.len() / 512 * 512);
    put(&mut disk, 300_000, &text(1));
    for (name, chunk) in [("stored.dmg", CHUNKS[0]), ("zlib.dmg", CHUNKS[2]), ("xz.DMG", CHUNKS[5])] {
        let image = disk_images::dmg(&disk, chunk);
        assert!(image.len() > 500_000);
        let tar = pack::tar(&[("before", &text(2)), (name, &image), ("behind", &text(3))]);
        let outcome = unpack("a.tgz", &pack::gzip(&tar)).faultless();
        assert_eq!(
            outcome.paths(),
            ["a.tgz!before".to_owned(), "a.tgz!behind".to_owned(), format!("a.tgz!{name}!disk")]
        );
    }
}

#[test]
fn what_is_packed_in_an_image_is_found_where_its_tables_are_damaged() {
    let mut disk = noise(600_000);
    put(&mut disk, 300_000, &pack::gzip(&text(1)));
    let mut image = disk_images::qcow2(&disk, 3, Clusters::Stored);
    put(&mut image, 20, &[0, 0, 0, 40]);
    for form in FORMS {
        let outcome = unpack_as(form, "a.qcow2", &image, Limits::default());
        let [Found { path, .. }] = &outcome.found[..] else { panic!("{form:?}: {outcome:?}") };
        assert!(path.starts_with("a.qcow2!@"), "{path}");
        assert_eq!(fault(&outcome).0, FaultKind::Damaged, "{form:?}");
    }
}

#[test]
fn a_disk_of_any_declared_size_ends() {
    // A header of the first version of qcow alone, with one entry of its table or none; nothing is behind it.
    for size in [1 << 40, 1 << 56, (1 << 63) - 1, u64::MAX - 511, u64::MAX] {
        for entries in 0..3 {
            let mut image = b"QFI\xfb\0\0\0\x01".to_vec();
            image.extend([0; 16]);
            image.extend(u64::to_be_bytes(size));
            image.extend([12, 9, 0, 0, 0, 0, 0, 0]);
            image.extend(u64::to_be_bytes(48));
            image.extend(vec![0; 8 * entries]);
            for form in [Form::Whole, Form::File(700)] {
                let outcome = unpack_as(form, "a.qcow", &image, Limits::default());
                assert!(outcome.found.is_empty(), "{size} {entries} {form:?}");
                assert!(outcome.faults.len() <= 1, "{:?}", outcome.faults);
            }
        }
    }
}
