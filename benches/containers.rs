//! What it costs to read a container: `alone` is its decompressor into a buffer that is thrown away, `plain` a scan of what
//! comes out, and `scanned` both, as a scan of the file does it. The bound of `scanned` is the sum of the two.
//!
//! `cargo bench --bench containers`. The content is generated; `STANCH_BENCH_TREE` names a directory whose files are taken
//! instead, and `STANCH_BENCH_MIB` says how many MiB of it, 32 unless it does. With `STANCH_BENCH_CPU=1` it prints a table of
//! processor time instead of the time that passed: what to compare on a busy machine.

#[path = "containers/content.rs"]
mod content;
#[path = "containers/pack.rs"]
mod pack;

use std::fs::File;
use std::hint::black_box;
use std::io::{BufReader, Read};
use std::path::Path;
use std::sync::OnceLock;

use divan::Bencher;
use divan::counter::BytesCount;
use stanch::blob::{Blob, Body, Forward, Origin, Sink as _, Source as _};
use stanch::detect::Detector;
use stanch::finding::Findings;
use stanch::meter::Meter;
use stanch::rule;
use stanch::scan::Collector;
use stanch::source::tree::{Exclude, Options, Tree};
use stanch::source::unpack::{Limits, Unpack};

use pack::Container;

/// Bytes that are read at a time, as the scan does it.
const BUFFER: usize = 128 * 1024;

fn main() {
    if std::env::var_os("STANCH_BENCH_CPU").is_some() {
        cpu_times();
    } else {
        divan::main();
    }
}

fn containers() -> &'static [Container] {
    static CONTAINERS: OnceLock<Vec<Container>> = OnceLock::new();
    CONTAINERS.get_or_init(pack::all)
}

#[divan::bench(args = containers(), sample_count = 5, sample_size = 1)]
fn alone(bencher: Bencher<'_, '_>, container: &Container) {
    bencher.counter(BytesCount::new(container.inflated)).bench_local(|| decompress(container));
}

#[divan::bench(args = containers(), sample_count = 5, sample_size = 1)]
fn plain(bencher: Bencher<'_, '_>, container: &Container) {
    bencher.counter(BytesCount::new(container.inflated)).bench_local(|| scan_members(container));
}

#[divan::bench(args = containers(), sample_count = 5, sample_size = 1)]
fn scanned(bencher: Bencher<'_, '_>, container: &Container) {
    bencher.counter(BytesCount::new(container.inflated)).bench_local(|| scan(container));
}

/// Prints the least processor time of each, and what that of `scanned` is of that of `alone`, and of that of both: ratios
/// hold on a machine that is busy with other things as well.
fn cpu_times() {
    println!("{:24} {:>9} {:>9} {:>9} {:>7} {:>7}", "ms", "alone", "plain", "scanned", "/alone", "/both");
    let only = std::env::args().nth(1).filter(|only| !only.starts_with('-')).unwrap_or_default();
    for container in containers().iter().filter(|container| container.name.contains(&only)) {
        let mut least = [f64::MAX; 3];
        for _ in 0..5 {
            for (least, run) in least.iter_mut().zip([decompress, scan_members, scan] as [fn(&Container); 3])
            {
                let before = cpu_time();
                run(container);
                *least = least.min(cpu_time() - before);
            }
        }
        let [alone, plain, scanned] = least;
        println!(
            "{:24} {alone:9.1} {plain:9.1} {scanned:9.1} {:7.2} {:7.2}",
            container.name,
            scanned / alone,
            scanned / (alone + plain)
        );
    }
}

/// The milliseconds of processor time that all threads have taken.
fn cpu_time() -> f64 {
    let time = nix::time::clock_gettime(nix::time::ClockId::CLOCK_PROCESS_CPUTIME_ID).expect("a clock");
    std::time::Duration::from(time).as_secs_f64() * 1000.0
}

fn decompress(container: &Container) {
    let mut buffer = vec![0; BUFFER];
    for path in &container.paths {
        (container.read)(path, &mut |reader| drain(reader, &mut buffer));
    }
}

fn scan_members(container: &Container) {
    let detector = Detector::new(rule::built_in());
    let (findings, meter) = (Findings::default(), Meter::default());
    let collector = Collector::new(&detector, &findings, &meter);
    for member in &*container.members {
        let origin = &|| Origin::file("member");
        if let Some((head, mut rest)) = member.split_at_checked(BUFFER) {
            let body = Body::Stream { head, rest: &mut Forward(&mut rest) };
            collector.blob(Blob { body, origin });
        } else {
            collector.blob(Blob { body: Body::Whole(member), origin });
        }
    }
}

/// As a scan of its directory does it.
fn scan(container: &Container) {
    let detector = Detector::new(rule::built_in());
    let (findings, meter) = (Findings::default(), Meter::default());
    let collector = Collector::new(&detector, &findings, &meter);
    let options = Options {
        gitignore: false,
        exclude: Exclude::new([]).expect("no globs"),
        follow_symlinks: false,
        as_committed: false,
        history: true,
        max_file_size: None,
        threads: 1,
        shard: None,
    };
    let directory = container.directory.path().to_owned();
    Tree::new(vec![directory], options).drain(&Unpack::new(&collector, Limits::default()));
    let (_, faults) = findings.finish();
    assert!(faults.is_empty(), "{faults:?}");
}

/// Reads to the end.
fn drain(reader: &mut dyn Read, buffer: &mut [u8]) {
    while reader.read(buffer).expect("a sound container") > 0 {
        black_box(&mut *buffer);
    }
}

/// A container's file, as the scan reads it.
fn open(path: &Path) -> BufReader<File> {
    BufReader::with_capacity(64 * 1024, File::open(path).expect("a file"))
}
