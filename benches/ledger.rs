//! How fast tokens are written down. A million must fit into ten seconds and 200 MiB.

use std::time::Duration;

use divan::Bencher;
use divan::counter::ItemsCount;
use jiff::Timestamp;
use stanch::finding::Confidence;
use stanch::ledger::{
    self, BatchOutcome, BatchRequest, Decision, KeyRing, Ledger, LedgerAddress, Next, Payload, PrivateKey,
    Settlement,
};
use stanch::revocation::{MAX_BATCH, RateLimit, State};
use stanch::revoke::{enqueue, entry};
use stanch::rule;
use stanch::token::{Fingerprint, Kind, Token};

const HOST: &str = "api.example.test";

fn decision() -> Decision {
    Decision {
        by: "me@here".to_owned(),
        run: "1".to_owned(),
        consent: "--yes".to_owned(),
        min_confidence: Confidence::Certain,
        allow_own: false,
    }
}

fn pat() -> Kind {
    rule::kind("github-pat").expect("a rule of the program")
}

fn main() {
    divan::main();
}

/// The same token for the same number, made when needed: a bench that held a million of them would measure that.
fn token(number: u32) -> Token {
    let body = Fingerprint::of(&number.to_le_bytes()).hex();
    Token::new(pat(), [pat().prefix(), &body[..36]].concat().as_bytes())
}

fn address(home: &tempfile::TempDir) -> LedgerAddress {
    LedgerAddress::Sqlite(home.path().join("ledger.db"))
}

fn fill(ledger: &mut dyn Ledger, numbers: std::ops::Range<u32>) {
    let sealer = ledger.sealer(HOST).expect("a key");
    let entries = numbers.map(|number| {
        let location = "services/billing/config/production.env:17";
        entry(&sealer, &token(number), Confidence::Certain, State::Queued, location)
    });
    enqueue(ledger, HOST, &decision(), entries, &Timestamp::now).expect("room for them");
}

#[divan::bench(args = [100_000, 1_000_000], sample_count = 1, sample_size = 1)]
fn queue(bencher: Bencher<'_, '_>, tokens: u32) {
    let home = tempfile::tempdir().expect("a directory");
    let address = address(&home);
    bencher.counter(ItemsCount::new(tokens)).bench_local(|| {
        let mut ledger = ledger::open(&address).expect("a ledger");
        fill(ledger.as_mut(), 0..tokens);
    });
}

#[divan::bench(sample_count = 1, sample_size = 1)]
fn queue_a_million_known_ones(bencher: Bencher<'_, '_>) {
    let home = tempfile::tempdir().expect("a directory");
    let mut ledger = ledger::open(&address(&home)).expect("a ledger");
    fill(ledger.as_mut(), 0..1_000_000);
    bencher.counter(ItemsCount::new(1_000_000_u32)).bench_local(|| fill(ledger.as_mut(), 0..1_000_000));
}

/// A batch written down and settled, with a hundred thousand others waiting: what a request costs beside the network.
#[divan::bench(sample_count = 20, sample_size = 1)]
fn one_batch(bencher: Bencher<'_, '_>) {
    let home = tempfile::tempdir().expect("a directory");
    let mut ledger = ledger::open(&address(&home)).expect("a ledger");
    fill(ledger.as_mut(), 0..100_000);
    bencher.bench_local(|| {
        let request = BatchRequest {
            host: HOST,
            identity: "anonymous",
            max_batch: MAX_BATCH,
            per_hour: 60,
            min_interval: Duration::ZERO,
            lease: Duration::from_mins(2),
            payload: Payload::Batch(&[pat()]),
        };
        let Next::Send(intent) = ledger.intend(&request, &Timestamp::now).expect("a ledger") else {
            panic!("nothing to send");
        };
        let settlement = Settlement {
            outcome: BatchOutcome::Accepted,
            verdict: "accepted".into(),
            status: Some(202),
            request_id: None,
            message: String::new(),
            rate_limit: RateLimit::default(),
            hold: None,
        };
        ledger.settle(intent.batch, &settlement, &Timestamp::now).expect("room for it");
    });
}

/// What a runner seals in a second, to a public key.
#[divan::bench(sample_count = 3, sample_size = 1)]
fn seal_to_a_public_key(bencher: Bencher<'_, '_>) {
    let public = PrivateKey::generate().expect("random numbers").public();
    let tokens: Vec<Token> = (0..100_000).map(token).collect();
    bencher.counter(ItemsCount::new(tokens.len())).bench_local(|| {
        let sealer = public.sealer(HOST);
        for token in &tokens {
            drop(sealer.seal(token).expect("random numbers"));
        }
    });
}

/// What who drains opens in a second: tokens of one run, and tokens each of a run of its own.
#[divan::bench(args = [1, 1_000], sample_count = 3, sample_size = 1)]
fn open_with_a_private_key(bencher: Bencher<'_, '_>, runs: u32) {
    let private = PrivateKey::generate().expect("random numbers");
    let public = private.public();
    let ring = KeyRing::from_iter([private]);
    let sealers: Vec<_> = (0..runs).map(|_| public.sealer(HOST)).collect();
    let sealed: Vec<_> = (0..1_000_u32)
        .map(|number| {
            let (token, sealer) = (token(number), &sealers[(number % runs) as usize]);
            (token.fingerprint(), sealer.seal(&token).expect("random numbers"))
        })
        .collect();
    bencher.counter(ItemsCount::new(sealed.len())).bench_local(|| {
        let opener = ring.opener(HOST);
        for (fingerprint, sealed) in &sealed {
            opener.open(pat(), *fingerprint, sealed).expect("what was sealed");
        }
    });
}
