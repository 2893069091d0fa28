//! Processes on one database, and what is known of them.

use std::collections::HashSet;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use ::postgres::{Client, Config, NoTls};
use stanch::token::Fingerprint;

use crate::support::cmd::Sandbox;
use crate::support::github::{Flavour, GitHub, Script};
use crate::support::mint::{Kind, Mint};
use crate::support::pg_proxy::PgProxy;
use crate::support::postgres::{SUPERUSER, Server};

/// How many there are at once.
pub(super) const PROCESSES: usize = 16;

/// Requests that may leave in an hour.
const QUOTA: usize = 60;

/// How many of them somebody else has sent already in each hour of a crew, so that it fills.
const SPENT: i32 = 52;

/// How many tokens a scan finds.
pub(super) const LEAK: usize = 20;

const PATIENCE: Duration = Duration::from_mins(2);

/// What arrived at the server.
#[derive(Default)]
struct Seen {
    this_hour: usize,
    fullest_hour: usize,
    largest: usize,
    /// How many tokens came again though the ledger had them as accepted.
    again: i64,
    database: Option<Client>,
}

pub(super) struct Crew {
    pub(super) sandbox: Sandbox,
    pub(super) github: GitHub,
    proxies: Vec<PgProxy>,
    /// The administrator's way to the database.
    config: Config,
    /// Where every process goes; by its number where there is none.
    pub(super) url: Option<String>,
    direct: String,
    seen: Arc<Mutex<Seen>>,
    /// The tokens of scans that said that they are written down.
    acknowledged: Mutex<Vec<String>>,
    seed: u64,
    /// How many requests somebody else has sent already in each hour.
    spent: i32,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Crew {
    /// In hours that are almost full.
    pub(super) fn new(seed: u64, server: &Server) -> Self {
        let crew = Crew { spent: SPENT, ..Crew::alone(seed, server) };
        // The first request makes the quota.
        crew.sandbox.write("first/f", Mint::new(seed).token(Kind::Pat));
        let first = crew.command(1, &["scan", "--revoke", "--yes", "first"]).status().expect("it ends");
        assert_eq!(first.code(), Some(1));
        crew.turn_the_hour();
        crew
    }

    /// Where nobody else sends anything.
    pub(super) fn alone(seed: u64, server: &Server) -> Self {
        // It answers beyond the quota, so that what is counted is the program's restraint.
        let github = GitHub::play(Script { quota: 100_000, ..Script::of(Flavour::DotCom) });
        server.execute("postgres", "CREATE DATABASE fleet");
        let direct = server.url(SUPERUSER, "fleet");
        let arrivals: Arc<Mutex<Seen>> = Arc::default();
        let crew = Crew {
            sandbox: Sandbox::new(),
            proxies: (0..4).map(|_| PgProxy::start(server.port())).collect(),
            config: direct.parse().expect("an address"),
            url: None,
            direct,
            seen: Arc::clone(&arrivals),
            acknowledged: Mutex::default(),
            seed,
            spent: 0,
            github,
        };
        crew.run(&["ledger", "keygen", "fleet.key"]);
        crew.run(&["ledger", "init", &crew.direct, "--seal-to", "fleet.key.pub"]);
        let config = crew.config.clone();
        crew.github.watch(move |request, _| {
            if request.path == "/credentials/revoke" {
                lock(&arrivals).arrived(&request.tokens(), &config);
            }
        });
        crew
    }

    fn run(&self, arguments: &[&str]) {
        let ran = self.sandbox.run(arguments);
        assert_eq!(ran.code, 0, "{arguments:?}: {}", ran.stderr);
    }

    /// Where this process goes: half of them through a proxy.
    fn url(&self, number: usize) -> String {
        let proxied = || self.proxies[number / 2 % self.proxies.len()].url(SUPERUSER, "fleet");
        let by_number = || if number.is_multiple_of(2) { proxied() } else { self.direct.clone() };
        self.url.clone().unwrap_or_else(by_number)
    }

    pub(super) fn command(&self, number: usize, arguments: &[&str]) -> Command {
        let mut command = self.sandbox.command(arguments);
        command.args(["--api-url", &self.github.api_url(), "--min-interval", "0", "--key", "fleet.key"]);
        command.args(["--ledger", &self.url(number)]).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// What one process does, in so many lives: most find new tokens, some go on with what waits, two serve. Every other life
    /// ends with a kill.
    pub(super) fn work(&self, number: usize, lives: usize) {
        let mut mint = Mint::new(self.seed * 1000 + number as u64);
        let mut length = Duration::from_millis(1500);
        for life in 0..lives {
            let mut tokens = Vec::new();
            let mut command = match number {
                0 | 1 => self.command(number, &["serve", "--coalesce", "0"]),
                2..5 => self.command(number, &["resume"]),
                _ => {
                    tokens = (0..LEAK).map(|_| mint.token(Kind::Pat)).collect();
                    let directory = format!("tree-{number}-{life}");
                    self.sandbox.write(&format!("{directory}/f"), tokens.join("\n"));
                    self.command(number, &["scan", "--revoke", "--yes", &directory])
                }
            };
            let started = Instant::now();
            let mut child = command.spawn().expect("the program starts");
            let killed = number < 2 || mint.number().is_multiple_of(2);
            if killed {
                let most = u64::try_from(length.as_micros() * 3 / 2).expect("short");
                thread::sleep(Duration::from_micros(mint.number() % most));
                let _ = child.kill();
            }
            let status = child.wait().expect("it ends");
            if !killed {
                assert!(matches!(status.code(), Some(0..=3)), "{status}");
                length = started.elapsed();
            }
            // Without another word of the ledger, all that was found is written down.
            if matches!(status.code(), Some(1 | 3)) {
                lock(&self.acknowledged).append(&mut tokens);
            }
        }
    }

    pub(super) fn acknowledged(&self) -> usize {
        lock(&self.acknowledged).len()
    }

    /// Whether no more may leave in this hour.
    pub(super) fn is_full(&self) -> bool {
        lock(&self.seen).this_hour >= QUOTA
    }

    /// Whether an hour ever was.
    pub(super) fn was_full(&self) -> bool {
        lock(&self.seen).fullest_hour == QUOTA
    }

    /// The ledger's address for the administrator, and for whoever may do everything.
    pub(super) fn direct(&self) -> &str {
        &self.direct
    }

    /// Takes note that these tokens were acknowledged.
    pub(super) fn acknowledge(&self, tokens: Vec<String>) {
        lock(&self.acknowledged).extend(tokens);
    }

    /// How many tokens wait.
    pub(super) fn pending(&self) -> i64 {
        let pending = "SELECT count(*) FROM stanch.token WHERE state IN ('queued', 'sent')";
        self.client().query_one(pending, &[]).expect("a number").get(0)
    }

    /// How many requests carried tokens.
    pub(super) fn requests(&self) -> usize {
        self.github.requests().iter().filter(|request| request.path == "/credentials/revoke").count()
    }

    /// Cuts every connection of one of the proxies.
    pub(super) fn cut(&self) {
        let arrived = lock(&self.seen).this_hour;
        self.proxies[arrived % self.proxies.len()].cut_all();
    }

    /// An hour passes in the database and at the server: at a moment when no request is under way.
    pub(super) fn turn_the_hour(&self) {
        let patience = Instant::now() + PATIENCE;
        let mut client = self.client();
        loop {
            assert!(Instant::now() < patience, "a request is under way for ever");
            let mut tx = client.transaction().expect("a transaction");
            tx.query("SELECT id FROM stanch.quota FOR UPDATE", &[]).expect("quotas");
            let open = tx.query_opt("SELECT 1 FROM stanch.batch WHERE verdict = 'open' LIMIT 1", &[]);
            if open.expect("a query").is_some() {
                drop(tx);
                // Whoever asks next takes over what was left behind.
                self.command(3, &["resume"]).status().expect("it ends");
                continue;
            }
            // What left just before has arrived.
            thread::sleep(Duration::from_millis(100));
            tx.batch_execute(
                "UPDATE stanch.batch SET at = at - 3601000, lease = lease - 3601000, slot_at = slot_at - 3601000,
                    slot_adjusted = slot_adjusted - 3601000;
                 UPDATE stanch.quota SET last_at = last_at - 3601000, last_adjusted = last_adjusted - 3601000,
                    hold_at = hold_at - 3601000, hold_adjusted = hold_adjusted - 3601000,
                    server_at = server_at - 3601000, server_adjusted = server_adjusted - 3601000",
            )
            .expect("an hour");
            let spend = "INSERT INTO stanch.batch (quota, charged, call, owner, bisect_group, at, lease, slot_at, slot_adjusted,
                    verdict, closed_at)
                SELECT id, true, 'revoke', 'another', 0, now, now, now, now, 'accepted', now
                FROM stanch.quota, generate_series(1, $1),
                    (SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now) AS clock";
            tx.execute(spend, &[&self.spent]).expect("requests of others");
            lock(&self.seen).this_hour = usize::try_from(self.spent).expect("a count");
            self.github.an_hour_passes();
            return tx.commit().expect("an hour");
        }
    }

    /// Nothing goes wrong any more: all that waits gets through.
    pub(super) fn drain(&mut self) {
        for _ in 0..30 {
            self.turn_the_hour();
            let status = self.command(1, &["resume"]).status().expect("it ends");
            assert!(matches!(status.code(), Some(0 | 3)), "{status}");
            if self.pending() == 0 {
                return;
            }
        }
        panic!("something waits for ever");
    }

    fn client(&self) -> Client {
        self.config.connect(NoTls).expect("a server")
    }

    /// From now on the database is there.
    pub(super) fn move_to(&mut self, server: &Server) {
        self.direct = server.url(SUPERUSER, "fleet");
        self.config = self.direct.parse().expect("an address");
    }

    /// What was promised.
    pub(super) fn judge(&self) {
        let mut client = self.client();
        let accepted: HashSet<Fingerprint> =
            self.github.accepted().iter().map(|token| Fingerprint::of(token.as_bytes())).collect();
        let mut known = HashSet::new();
        for row in client.query("SELECT sha256, state FROM stanch.token", &[]).expect("tokens") {
            let fingerprint = Fingerprint(row.get::<_, Vec<u8>>(0).try_into().expect("a hash"));
            let (state, arrived) = (row.get::<_, String>(1), accepted.contains(&fingerprint));
            assert!(state == "accepted" && arrived, "a token is {state}, arrived: {arrived}");
            known.insert(fingerprint);
        }
        let acknowledged = lock(&self.acknowledged);
        assert!(!acknowledged.is_empty(), "nothing was ever acknowledged");
        let lost = acknowledged.iter().filter(|token| !known.contains(&Fingerprint::of(token.as_bytes())));
        assert_eq!(lost.count(), 0, "tokens are lost");
        assert!(accepted.is_subset(&known), "something left that was not written down");
        let seen = lock(&self.seen);
        assert!(seen.fullest_hour <= QUOTA, "{} requests in an hour", seen.fullest_hour);
        assert!((1..=1000).contains(&seen.largest), "{} tokens in a request", seen.largest);
        assert_eq!(seen.again, 0, "tokens were sent again after they were accepted");
        let verified = self.sandbox.run(&["audit", "--verify", "--ledger", &self.url(1)]);
        assert_eq!(verified.code, 0, "{}", verified.stderr);
        println!(
            "{} tokens, {} acknowledged, {} requests, {} in the fullest hour, {} in the largest one",
            known.len(),
            acknowledged.len(),
            self.github.requests().len(),
            seen.fullest_hour,
            seen.largest
        );
    }
}

impl Seen {
    fn arrived(&mut self, tokens: &[String], config: &Config) {
        self.this_hour += 1;
        self.fullest_hour = self.fullest_hour.max(self.this_hour);
        self.largest = self.largest.max(tokens.len());
        let hashes: Vec<Vec<u8>> =
            tokens.iter().map(|token| Fingerprint::of(token.as_bytes()).0.to_vec()).collect();
        if self.database.as_ref().is_none_or(Client::is_closed) {
            self.database = config.connect(NoTls).ok();
        }
        let done =
            "SELECT count(*) FROM stanch.token WHERE state IN ('accepted', 'confirmed') AND sha256 = ANY($1)";
        // A server that is away says nothing.
        let done = self.database.as_mut().and_then(|database| database.query_one(done, &[&hashes]).ok());
        self.again += done.map_or(0, |row| row.get::<_, i64>(0));
    }
}
