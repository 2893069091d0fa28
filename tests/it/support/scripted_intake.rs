//! An intake on loopback that behaves as documented and misbehaves on command. It keeps what it took, and notes every
//! request.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use stanch::ledger::{KeyRing, PrivateKey, PublicKey};
use stanch::token::Fingerprint;

use super::http::{self, ReceivedRequest, Reply};
use super::mint::Kind;

/// The bearer token that it knows.
pub(crate) const BEARER: &str = "a-runner-of-the-tests";

/// One that may hand tokens over, and not ask.
pub(crate) const ENQUEUING: &str = "a-runner-that-only-enqueues";

/// How it answers what it should take.
#[derive(Clone, Debug, Default)]
pub(crate) enum Mood {
    /// As documented.
    #[default]
    Willing,
    /// It closes every connection without an answer.
    Away,
    /// It closes those of tokens without an answer, and gives out its key.
    KeyOnly,
    /// It takes tokens, and never says so.
    TakesInSilence,
    /// It answers with this, whatever it is asked.
    Answers(String),
    /// It answers with this where tokens are handed over.
    AnswersTokens(String),
}

struct State {
    mood: Mood,
    key: PublicKey,
    /// The API bases that it has queues for.
    hosts: Vec<String>,
    requests: Vec<ReceivedRequest>,
    /// What it took, by SHA-256: the line, and how often it came.
    taken: BTreeMap<String, (Value, usize)>,
    /// The state of each token that is not only queued.
    states: BTreeMap<String, String>,
}

pub(crate) struct Intake {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    stop: Arc<AtomicBool>,
    private: Mutex<Option<PrivateKey>>,
}

impl Intake {
    /// One with queues for these API bases.
    pub(crate) fn new(hosts: &[&str]) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let address = listener.local_addr().expect("an address");
        let private = PrivateKey::generate().expect("a key");
        let state = Arc::new(Mutex::new(State {
            mood: Mood::Willing,
            key: private.public(),
            hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
            requests: Vec::new(),
            taken: BTreeMap::new(),
            states: BTreeMap::new(),
        }));
        let stop = Arc::new(AtomicBool::new(false));
        let (serving, ends) = (Arc::clone(&state), Arc::clone(&stop));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if ends.load(Ordering::SeqCst) {
                    return;
                }
                let (serving, ends) = (Arc::clone(&serving), Arc::clone(&ends));
                thread::spawn(move || serve(&stream, &serving, &ends));
            }
        });
        Intake { address, state, stop, private: Mutex::new(Some(private)) }
    }

    /// Its address.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn set_mood(&self, mood: Mood) {
        self.state().mood = mood;
    }

    /// Its public key, as in a file.
    pub(crate) fn public_key(&self) -> String {
        self.state().key.to_string()
    }

    /// What became of a token.
    pub(crate) fn settle(&self, token: &str, state: &str) {
        self.state().states.insert(Fingerprint::of(token.as_bytes()).hex(), state.to_owned());
    }

    /// Every request so far.
    pub(crate) fn requests(&self) -> Vec<ReceivedRequest> {
        self.state().requests.clone()
    }

    /// Waits until so many requests came in that hand over tokens.
    pub(crate) fn wait_for_posts(&self, count: usize) {
        let begin = Instant::now();
        while self.requests().iter().filter(|request| request.method == "POST").count() < count {
            assert!(begin.elapsed() < Duration::from_mins(1), "nobody handed anything over");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// The lines that it took, each once.
    pub(crate) fn lines(&self) -> Vec<Value> {
        self.state().taken.values().map(|(line, _)| line.clone()).collect()
    }

    /// The tokens that it took, opened with its private key: the same ones as these, in any order.
    pub(crate) fn assert_took(&self, tokens: &[String]) {
        let private = self.private.lock().expect("nobody panicked").take().expect("asked once");
        let keys: KeyRing = [private].into_iter().collect();
        let mut opened: Vec<Fingerprint> = Vec::new();
        for line in self.lines() {
            let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
            let fingerprint = Fingerprint::from_hex(&text("sha256")).expect("a SHA-256");
            let kind = Kind::GITHUB.into_iter().find(|kind| kind.rule_id() == text("kind")).expect("a kind");
            let sealed = STANDARD.decode(text("sealed")).expect("base64");
            let token = keys.opener(&text("host")).open(kind.known(), fingerprint, &sealed);
            opened.push(token.expect("it opens").fingerprint());
        }
        let mut wanted: Vec<Fingerprint> =
            tokens.iter().map(|token| Fingerprint::of(token.as_bytes())).collect();
        wanted.sort();
        opened.sort();
        assert_eq!(opened, wanted);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panicked")
    }
}

impl Drop for Intake {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the listener.
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(stream: &TcpStream, state: &Mutex<State>, stop: &AtomicBool) {
    let Some(request) = http::read(stream) else { return };
    let is_post = request.method == "POST";
    let (mood, reply) = {
        let mut state = state.lock().expect("nobody panicked");
        let mood = state.mood.clone();
        let is_taken = matches!(mood, Mood::Willing | Mood::TakesInSilence) || !is_post;
        let reply = is_taken.then(|| state.reply(&request));
        state.requests.push(request);
        (mood, reply)
    };
    match (mood, reply) {
        (Mood::Answers(raw), _) | (Mood::AnswersTokens(raw), None) => {
            let _ = (&*stream).write_all(raw.as_bytes());
        }
        (Mood::TakesInSilence, _) if is_post => {
            while !stop.load(Ordering::SeqCst) {
                thread::sleep(Duration::from_millis(10));
            }
        }
        (Mood::Away, _) | (_, None) => {}
        (_, Some(reply)) => reply.write(stream),
    }
}

impl State {
    fn reply(&mut self, request: &ReceivedRequest) -> Reply {
        let asks = request.method == "GET" && request.path.starts_with("/v1/tokens/");
        if request.bearer() == Some(ENQUEUING) && asks {
            return Reply::json(403, r#"{"error": "this bearer token has another role"}"#);
        }
        if ![Some(BEARER), Some(ENQUEUING)].contains(&request.bearer()) {
            return Reply::json(401, r#"{"error": "no bearer token that is known here"}"#);
        }
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/v1/key") => {
                Reply::json(200, json!({"public_key": self.key.to_string(), "hosts": self.hosts}).to_string())
            }
            ("POST", "/v1/tokens") => self.take(&request.body),
            ("GET", path) => self.tell(path.strip_prefix("/v1/tokens/").unwrap_or_default()),
            _ => Reply::json(404, r#"{"error": "no such path"}"#),
        }
    }

    fn take(&mut self, body: &str) -> Reply {
        let (mut accepted, mut known, mut refused) = (0, 0, Vec::new());
        for (number, line) in body.lines().enumerate() {
            let line: Value = serde_json::from_str(line).unwrap_or_default();
            assert!(line["token"].is_null(), "a token in the clear");
            let (Some(sha256), Some(host)) = (line["sha256"].as_str(), line["host"].as_str()) else {
                refused.push(json!({"line": number + 1, "reason": "no line of a token"}));
                continue;
            };
            if !self.hosts.iter().any(|served| served == host) {
                refused.push(json!({"line": number + 1, "reason": "no queue for that host"}));
                continue;
            }
            let (_, times) = self.taken.entry(sha256.to_owned()).or_insert_with(|| (line.clone(), 0));
            *times += 1;
            *(if *times == 1 { &mut accepted } else { &mut known }) += 1;
        }
        Reply::json(202, json!({"accepted": accepted, "known": known, "refused": refused}).to_string())
    }

    fn tell(&self, sha256: &str) -> Reply {
        let Some((line, _)) = self.taken.get(sha256) else {
            return Reply::json(404, r#"{"error": "never queued here"}"#);
        };
        let state = self.states.get(sha256).map_or("queued", String::as_str);
        let told = json!({
            "sha256": sha256, "host": line["host"], "kind": line["kind"], "state": state,
            "at": "2026-11-29T12:00:00Z", "request_id": null,
        });
        Reply::json(200, told.to_string())
    }
}
