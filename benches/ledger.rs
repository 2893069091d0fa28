//! How fast tokens are written down. A million must fit into ten seconds and 200 MiB.

use std::time::Duration;

use divan::Bencher;
use divan::counter::ItemsCount;
use jiff::Timestamp;
use stanch::finding::Confidence;
use stanch::ledger::{
    BatchOutcome, BatchRequest, Heard, Ledger as _, Next, Payload, Settlement, SqliteLedger,
};
use stanch::revocation::{MAX_BATCH, State};
use stanch::revoke::{enqueue, entry};
use stanch::rule;
use stanch::token::{Fingerprint, Kind, Token};

const HOST: &str = "api.example.test";

fn main() {
    divan::main();
}

fn pat() -> Kind {
    rule::kind("github-pat").expect("a rule of the program")
}

/// The same token for the same number, made on the spot: a bench that held a million of them would measure that.
fn token(number: u32) -> Token {
    let body = Fingerprint::of(&number.to_le_bytes()).hex();
    Token::new(pat(), [pat().prefix(), &body[..36]].concat().as_bytes())
}

fn fill(ledger: &mut SqliteLedger, numbers: std::ops::Range<u32>) {
    let seal = ledger.seal().expect("a key");
    let entries = numbers.map(|number| {
        let place = "services/billing/config/production.env:17";
        entry(&seal, &token(number), Confidence::Certain, State::Queued, place)
    });
    enqueue(ledger, HOST, entries, &Timestamp::now).expect("room for them");
}

#[divan::bench(args = [100_000, 1_000_000], sample_count = 1, sample_size = 1)]
fn queue(bencher: Bencher<'_, '_>, tokens: u32) {
    let home = tempfile::tempdir().expect("a folder");
    let path = home.path().join("ledger.db");
    bencher.counter(ItemsCount::new(tokens)).bench_local(|| {
        let mut ledger = SqliteLedger::open(&path).expect("a ledger");
        fill(&mut ledger, 0..tokens);
    });
}

#[divan::bench(sample_count = 1, sample_size = 1)]
fn queue_a_million_known_ones(bencher: Bencher<'_, '_>) {
    let home = tempfile::tempdir().expect("a folder");
    let mut ledger = SqliteLedger::open(&home.path().join("ledger.db")).expect("a ledger");
    fill(&mut ledger, 0..1_000_000);
    bencher.counter(ItemsCount::new(1_000_000_u32)).bench_local(|| fill(&mut ledger, 0..1_000_000));
}

/// A batch written down and settled, with a hundred thousand others waiting: what a request costs beside the network.
#[divan::bench(sample_count = 20, sample_size = 1)]
fn one_batch(bencher: Bencher<'_, '_>) {
    let home = tempfile::tempdir().expect("a folder");
    let mut ledger = SqliteLedger::open(&home.path().join("ledger.db")).expect("a ledger");
    fill(&mut ledger, 0..100_000);
    bencher.bench_local(|| {
        let ask = BatchRequest {
            host: HOST,
            identity: "anonymous",
            max_batch: MAX_BATCH,
            per_hour: 60,
            min_interval: Duration::ZERO,
            lease: Duration::from_mins(2),
            what: Payload::Batch(&[pat()]),
        };
        let Next::Send(intent) = ledger.intend(&ask, &Timestamp::now).expect("a ledger") else {
            panic!("nothing to send");
        };
        let settlement = Settlement {
            fate: BatchOutcome::Accepted,
            verdict: "accepted",
            status: Some(202),
            request_id: None,
            message: String::new(),
            heard: Heard::default(),
            hold: None,
        };
        ledger.settle(intent.batch, &settlement, &Timestamp::now).expect("room for it");
    });
}
