//! Random histories: what is found is what a scan of the output of git-cat-file(1) finds.

use std::collections::BTreeSet;
use std::path::Path;

use proptest::prelude::*;

use super::support::{Fixture, Scan, token};
use crate::blob::{Blob, Body, Origin, Sink, Source};
use crate::finding::Findings;
use crate::token::Fingerprint;

/// One step of a history: which file changes, where a token goes, which line is dropped.
type Step = (u8, Option<u8>, u8, bool);

/// Everything `git cat-file` prints, as one blob.
struct CatFile<'a>(&'a [u8]);

impl Source for CatFile<'_> {
    fn drain(&self, sink: &dyn Sink) {
        sink.blob(Blob { body: Body::Whole(self.0), origin: &|| Origin::file("all") });
    }
}

fn found_by_cat_file(fixture: &Fixture, dir: &Path) -> BTreeSet<String> {
    let output = fixture
        .command(dir)
        .args(["cat-file", "--batch-all-objects", "--batch", "--unordered"])
        .output()
        .expect("git runs");
    let (findings, reading) = super::support::drain(&CatFile(&output.stdout), Findings::default());
    Scan::new(findings, reading).found().into_keys().collect()
}

fn build(fixture: &Fixture, steps: &[Step]) -> BTreeSet<String> {
    let mut files: Vec<Vec<String>> = (0..3)
        .map(|file| (0..60).map(|line| format!("file {file} line {line} is here to stay")).collect())
        .collect();
    let mut planted = BTreeSet::new();
    for (n, (file, secret, at, amend)) in steps.iter().enumerate() {
        let file = usize::from(*file) % files.len();
        let lines = &mut files[file];
        let at = usize::from(*at) % lines.len();
        match secret {
            Some(secret) => {
                let secret = token(u32::from(*secret));
                planted.insert(Fingerprint::of(secret.as_bytes()).hex());
                // Within a line, so that it starts and ends in the middle of what git copies.
                let line = &mut lines[at];
                line.insert_str(line.len() / 2, &format!(" {secret} "));
            }
            None => drop(lines.remove(at)),
        }
        fixture.write(&format!("dir{file}/file"), lines.join("\n"));
        fixture.git(&["add", "-A"]);
        let amend: &[&str] = if *amend && n > 0 { &["--amend"] } else { &[] };
        fixture.git(&[&["commit", "-q", "--allow-empty", "-m", &format!("step {n}")], amend].concat());
    }
    planted
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_history_has_what_cat_file_prints(
        steps in prop::collection::vec((any::<u8>(), prop::option::of(0..8_u8), any::<u8>(), prop::bool::weighted(0.2)), 4..16),
    ) {
        let fixture = Fixture::new();
        let planted = build(&fixture, &steps);
        let found = |scan: Scan| scan.found().into_keys().collect::<BTreeSet<_>>();
        prop_assert_eq!(&found(fixture.scan()), &planted);
        fixture.repack();
        prop_assert_eq!(&found(fixture.scan()), &planted);
        prop_assert_eq!(&found_by_cat_file(&fixture, &fixture.path()), &planted);
    }
}
