//! A sweep of a tree of small files and of one large one: what bounds it is the system's open, read and close.

use std::fs;
use std::path::PathBuf;

use divan::counter::{BytesCount, ItemsCount};
use stanch::blob::Source as _;
use stanch::detect::Detector;
use stanch::finding::Findings;
use stanch::meter::Meter;
use stanch::rule;
use stanch::scan::Collector;
use stanch::source::tree::{Exclude, Options, Tree};
use tempfile::TempDir;

const FILES: usize = 5_000;
const LARGE: usize = 256 << 20;

fn main() {
    divan::main();
}

fn options() -> Options {
    let exclude = Exclude::new([]).expect("no globs");
    Options {
        gitignore: false,
        exclude,
        follow_symlinks: false,
        as_committed: false,
        history: true,
        max_file_size: None,
        threads: 0,
        shard: None,
    }
}

/// Text that looks like source code, without a token.
fn text(len: usize) -> Vec<u8> {
    let line = b"    let rows = table.rows().map(|row| row.get(\"ghost_column\")).collect::<Vec<_>>();\n";
    line.iter().copied().cycle().take(len).collect()
}

fn sweep(root: PathBuf) -> usize {
    let detector = Detector::new(rule::built_in());
    let (findings, meter) = (Findings::default(), Meter::default());
    Tree::new(vec![root], options()).drain(&Collector::new(&detector, &findings, &meter));
    findings.finish().0.len()
}

#[divan::bench(sample_count = 20)]
fn many_small_files(bencher: divan::Bencher<'_, '_>) {
    let dir = TempDir::new().expect("a directory");
    for n in 0..FILES {
        let subdir = dir.path().join(format!("{}", n % 50));
        fs::create_dir_all(&subdir).expect("a directory");
        fs::write(subdir.join(format!("{n}.rs")), text(4_000 + n)).expect("a file");
    }
    bencher.counter(ItemsCount::new(FILES)).bench_local(|| sweep(dir.path().to_owned()));
}

#[divan::bench(sample_count = 10)]
fn one_large_file(bencher: divan::Bencher<'_, '_>) {
    let dir = TempDir::new().expect("a directory");
    fs::write(dir.path().join("large.log"), text(LARGE)).expect("a file");
    bencher.counter(BytesCount::new(LARGE)).bench_local(|| sweep(dir.path().to_owned()));
}
