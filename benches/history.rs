//! A scan of a whole history, beside what bounds it: `STANCH_BENCH_REPO=REPO cargo bench --bench history`.
//!
//! The bound is one inflation of every entry of the packs that is no tree: of trees, only the names are searched. Times are
//! medians of rounds in which everything runs once, one after the other.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use libdeflater::Decompressor;
use stanch::blob::Source as _;
use stanch::detect::Detector;
use stanch::finding::Findings;
use stanch::meter::Meter;
use stanch::rule;
use stanch::scan::Collector;
use stanch::source::git::{History, Repo};

const ROUNDS: usize = 5;

fn main() {
    let Some(repo) = std::env::var_os("STANCH_BENCH_REPO").map(PathBuf::from) else {
        println!("history: STANCH_BENCH_REPO names no repository");
        return;
    };
    let packs: Vec<Pack> = pack_paths(&repo).iter().map(|path| Pack::read(path)).collect();
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool");
    let all = rayon::ThreadPoolBuilder::new().build().expect("a pool");
    let measured: [(&str, &dyn Fn()); 5] = [
        ("one inflation of all but trees", &|| packs.iter().for_each(|pack| pack.inflate(false))),
        ("one inflation of everything", &|| packs.iter().for_each(|pack| pack.inflate(true))),
        ("a scan with one thread", &|| one.install(|| scan(&repo))),
        ("a scan with all threads", &|| all.install(|| scan(&repo))),
        ("git cat-file --batch", &|| cat_file(&repo)),
    ];
    let mut times: Vec<Vec<(Duration, Duration)>> = vec![Vec::new(); measured.len()];
    let rounds =
        std::env::var("STANCH_BENCH_ROUNDS").map_or(ROUNDS, |rounds| rounds.parse().expect("a number"));
    for _ in 0..rounds {
        for ((_, run), times) in measured.iter().zip(&mut times) {
            let (start, cpu) = (Instant::now(), cpu_time());
            run();
            times.push((cpu_time().saturating_sub(cpu), start.elapsed()));
        }
    }
    let cpu: Vec<f64> = times.iter().map(|times| median(times.iter().map(|time| time.0))).collect();
    let wall: Vec<f64> = times.iter().map(|times| median(times.iter().map(|time| time.1))).collect();
    println!("{:32} {:>8} {:>8} {:>8} {:>8}", "", "CPU s", "of bound", "wall s", "of git");
    for (n, (name, _)) in measured.iter().enumerate() {
        let (of_bound, of_git) = (cpu[n] / cpu[0], wall[n] / wall[4]);
        println!("{name:32} {:8.3} {of_bound:8.2} {:8.3} {of_git:8.3}", cpu[n], wall[n]);
    }
}

fn median(times: impl Iterator<Item = Duration>) -> f64 {
    let mut times: Vec<Duration> = times.collect();
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64()
}

/// The time that this process has had a processor, that of programs it started left out.
fn cpu_time() -> Duration {
    nix::time::clock_gettime(nix::time::ClockId::CLOCK_PROCESS_CPUTIME_ID).expect("a clock").into()
}

fn scan(repo: &Path) {
    let repo = Repo::discover(repo).expect("a repository");
    let detector = Detector::new(rule::built_in());
    let (findings, meter) = (Findings::keeping_all(), Meter::default());
    History::new(&repo).drain(&Collector::new(&detector, &findings, &meter));
}

fn cat_file(repo: &Path) {
    let options = ["cat-file", "--batch-all-objects", "--batch", "--unordered", "--buffer"];
    let status = Command::new("git").arg("-C").arg(repo).args(options).stdout(Stdio::null()).status();
    assert!(status.expect("git runs").success());
}

fn pack_paths(repo: &Path) -> Vec<PathBuf> {
    let dirs = ["objects/pack", ".git/objects/pack"];
    let entries = dirs.iter().filter_map(|dir| fs::read_dir(repo.join(dir)).ok()).flatten();
    let paths = entries.filter_map(Result::ok).map(|entry| entry.path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "pack")).collect()
}

/// A pack in memory (gitformat-pack(5)).
struct Pack {
    bytes: Vec<u8>,
    /// Where each entry's zlib stream starts, and the bytes that it inflates to; and whether it is a tree.
    entries: Vec<(usize, usize, bool)>,
}

impl Pack {
    fn read(path: &Path) -> Self {
        const TREE: u8 = 2;
        let bytes = fs::read(path).expect("a pack");
        let mut offsets = offsets(&fs::read(path.with_extension("idx")).expect("a pack index"));
        offsets.sort_unstable();
        let mut kinds: HashMap<usize, u8> = HashMap::new();
        let mut entries = Vec::new();
        for offset in offsets {
            let (mut kind, mut at) = (bytes[offset] >> 4 & 7, offset);
            let (mut size, mut shift) = (usize::from(bytes[at] & 15), 4);
            while bytes[at] & 0x80 != 0 {
                at += 1;
                size |= usize::from(bytes[at] & 0x7f) << shift;
                shift += 7;
            }
            at += 1;
            if kind == 6 {
                let mut distance = usize::from(bytes[at] & 0x7f);
                while bytes[at] & 0x80 != 0 {
                    at += 1;
                    distance = (distance + 1) << 7 | usize::from(bytes[at] & 0x7f);
                }
                at += 1;
                kind = kinds[&(offset - distance)];
            }
            assert!(kind < 5, "a base that is named by its id, as no pack of a repository has it");
            kinds.insert(offset, kind);
            entries.push((at, size, kind == TREE));
        }
        Pack { bytes, entries }
    }

    fn inflate(&self, with_trees: bool) {
        let (mut inflater, mut out) = (Decompressor::new(), Vec::new());
        for (at, size, _) in self.entries.iter().filter(|(.., is_tree)| with_trees || !is_tree) {
            out.resize(out.len().max(*size), 0);
            inflater.zlib_decompress(&self.bytes[*at..], &mut out[..*size]).expect("a sound entry");
        }
    }
}

/// The offsets in a pack index of version 2.
fn offsets(index: &[u8]) -> Vec<usize> {
    let u32_at = |at: usize| u32::from_be_bytes(index[at..at + 4].try_into().expect("four bytes")) as usize;
    let count = u32_at(8 + 255 * 4);
    let table = 8 + 1024 + 24 * count;
    let large = table + 4 * count;
    let offset = |n: usize| match u32_at(table + 4 * n) {
        offset if offset >> 31 == 0 => offset,
        number => {
            u32_at(large + 8 * (number & 0x7fff_ffff)) << 32 | u32_at(large + 8 * (number & 0x7fff_ffff) + 4)
        }
    };
    (0..count).map(offset).collect()
}
