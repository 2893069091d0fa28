//! How fast a ledger that machines share is: tokens queued over many connections, a batch taken and settled out of five million
//! rows. Starts a PostgreSQL of its own; where it is not installed, it says so and measures nothing.
//!
//! Not divan: what is measured is many connections at once, and the state of the table is part of it.
//! `cargo bench --bench fleet -- [CONNECTIONS] [ROWS]`

#[cfg(unix)]
#[path = "../tests/support/postgres.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod postgres;

#[cfg(unix)]
mod fleet {
    use std::ops::Range;
    use std::path::Path;
    use std::thread;
    use std::time::{Duration, Instant};

    use jiff::Timestamp;
    use stanch::finding::Confidence;
    use stanch::ledger::{
        self, BatchOutcome, BatchRequest, Decision, Entry, Ledger, LedgerAccess, LedgerAddress, Next,
        Payload, PrivateKey, Settlement,
    };
    use stanch::revocation::{MAX_BATCH, RateLimit, State};
    use stanch::rule;
    use stanch::token::{Fingerprint, Kind};

    use crate::postgres::{self, Database, Options, Server};

    const HOST: &str = "https://api.example.test";

    /// As many tokens as a runner may find at once.
    const PER_CALL: u32 = 1000;

    fn pat() -> Kind {
        rule::kind("github-pat").expect("a rule of the program")
    }

    fn address(database: &Database, home: &Path) -> LedgerAddress {
        let access = LedgerAccess { state_dir: Some(home.into()), ..LedgerAccess::default() };
        LedgerAddress::parse(database.url().as_ref()).expect("an address").with_access(access)
    }

    fn decision() -> Decision {
        Decision {
            by: "me@here".to_owned(),
            run: "1".to_owned(),
            consent: "--yes".to_owned(),
            min_confidence: Confidence::Certain,
            allow_own: false,
        }
    }

    /// What is written is as long as what is sealed; sealing is measured apart.
    fn entry(number: u32) -> Entry {
        let fingerprint = Fingerprint::of(&number.to_le_bytes());
        let location = "services/billing/config/production.env:17".to_owned();
        let sealed = fingerprint.0.repeat(4)[..105].to_vec();
        let (kind, confidence, state) = (pat(), Confidence::Certain, State::Queued);
        Entry { fingerprint, kind, confidence, state, location, sealed }
    }

    fn enqueue(address: &LedgerAddress, numbers: Range<u32>) {
        let mut ledger = ledger::open(address).expect("a ledger");
        for first in numbers.clone().step_by(PER_CALL as usize) {
            let mut entries = (first..(first + PER_CALL).min(numbers.end)).map(entry);
            ledger.enqueue(HOST, &decision(), &mut entries, &Timestamp::now).expect("room for them");
        }
    }

    fn over_connections(address: &LedgerAddress, connections: u32, tokens: Range<u32>) -> f64 {
        let (first, share) = (tokens.start, (tokens.end - tokens.start) / connections);
        let start = Instant::now();
        thread::scope(|scope| {
            for index in 0..connections {
                scope.spawn(move || enqueue(address, first + index * share..first + (index + 1) * share));
            }
        });
        f64::from(share * connections) / start.elapsed().as_secs_f64()
    }

    /// Rows that were queued by others, written by the server itself.
    fn fill(database: &Database, rows: u32) {
        database.execute(&format!(
            "INSERT INTO stanch.token (host, created_at, at, rank, sha256, kind, confidence, state, location, sealed)
             SELECT 1, 0, 0, 0, sha256(('x' || n)::bytea), 'github-pat', 'certain',
                CASE WHEN n % 5 = 0 THEN 'accepted' ELSE 'queued' END, 'a/b.env:1',
                CASE WHEN n % 5 = 0 THEN NULL ELSE decode(repeat('00', 105), 'hex') END
             FROM generate_series(1, {rows}) AS n"
        ));
        database.execute("VACUUM ANALYZE");
    }

    fn request(kinds: &[Kind]) -> BatchRequest<'_> {
        BatchRequest {
            host: HOST,
            identity: "anonymous",
            max_batch: MAX_BATCH,
            per_hour: u32::MAX,
            min_interval: Duration::ZERO,
            lease: Duration::from_mins(2),
            payload: Payload::Batch(kinds),
        }
    }

    fn one_batch(ledger: &mut dyn Ledger, kinds: &[Kind]) -> (Duration, Duration) {
        let start = Instant::now();
        let Next::Send(intent) = ledger.intend(&request(kinds), &Timestamp::now).expect("a ledger") else {
            panic!("nothing to send");
        };
        let intended = start.elapsed();
        assert_eq!(intent.tokens.len(), MAX_BATCH);
        let settlement = Settlement {
            outcome: BatchOutcome::Accepted,
            verdict: "accepted".into(),
            status: Some(202),
            request_id: Some("A:1".into()),
            message: String::new(),
            rate_limit: RateLimit::default(),
            hold: None,
        };
        let start = Instant::now();
        ledger.settle(intent.batch, &settlement, &Timestamp::now).expect("a ledger");
        (intended, start.elapsed())
    }

    fn median(mut times: Vec<Duration>) -> f64 {
        times.sort();
        times[times.len() / 2].as_secs_f64() * 1000.0
    }

    fn seal() -> f64 {
        let sealer = PrivateKey::generate().expect("random numbers").public().sealer(HOST);
        let body = Fingerprint::of(b"seal").hex();
        let token = stanch::token::Token::new(pat(), [pat().prefix(), &body[..36]].concat().as_bytes());
        let start = Instant::now();
        for _ in 0..2000 {
            std::hint::black_box(sealer.seal(&token).expect("a sealed token"));
        }
        2000.0 / start.elapsed().as_secs_f64()
    }

    pub(super) fn run(connections: u32, rows: u32) {
        let settings = ["shared_buffers=1GB", "max_wal_size=8GB", "synchronous_commit=on"];
        let durable = std::env::var_os("STANCH_BENCH_FSYNC").is_some();
        let settings = settings.map(str::to_owned).to_vec();
        let Some(server) = postgres::own(Options { durable, settings, ..Options::default() }) else { return };
        let server: &'static Server = Box::leak(Box::new(server));
        let (home, database) = (tempfile::tempdir().expect("a directory"), server.empty());
        let address = address(&database, home.path());
        ledger::init(&address, None).expect("tables");
        println!("sealed to a public key:      {:>8.0} tokens/s, one thread", seal());
        let mut first = 0;
        for connections in [1, 2, 4, connections] {
            let rate = over_connections(&address, connections, first..first + 400_000);
            first += 400_000;
            println!("queued, {connections:>2} connections:      {rate:>8.0} tokens/s");
        }
        fill(&database, rows);
        let mut ledger = ledger::open(&address).expect("a ledger");
        let kinds = [pat()];
        let (intended, settled): (Vec<_>, Vec<_>) =
            (0..21).map(|_| one_batch(ledger.as_mut(), &kinds)).unzip();
        println!("intend 1,000 of {rows} rows: {:>8.1} ms (median of 21)", median(intended));
        println!("settle 1,000 of {rows} rows: {:>8.1} ms (median of 21)", median(settled));
        drop(database);
        server.stop();
        let _ = std::fs::remove_dir_all(server.directory());
    }
}

fn main() {
    #[cfg(unix)]
    {
        let numbers: Vec<u32> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
        fleet::run(numbers.first().copied().unwrap_or(16), numbers.get(1).copied().unwrap_or(5_000_000));
    }
}
