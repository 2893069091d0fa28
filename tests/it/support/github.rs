//! A GitHub on loopback that behaves as documented and misbehaves on command. It answers each request on a thread
//! and a connection of its own, notes all of them, and stops when dropped.

use std::collections::{HashSet, VecDeque};
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::http::{self, ReceivedRequest, Reply};
use super::mint::Kind;
pub(crate) use super::script::{Flavour, Misbehaviour, Script};

#[derive(Default)]
struct State {
    requests: Vec<ReceivedRequest>,
    misbehaviour: VecDeque<Misbehaviour>,
    reject: HashSet<String>,
    dead: HashSet<String>,
    accepted: Vec<String>,
    /// When each revocation of the last hour came, in seconds since the epoch.
    spent: Vec<u64>,
}

/// How a request ends.
enum Outcome {
    Respond(Reply),
    /// Close the connection without a response.
    Close,
    /// Keep the connection open without a response.
    Hang,
    /// Write these bytes and close the connection.
    Raw(&'static str),
    /// Begin a 202, and write a byte of its body now and then.
    Drip,
}

struct Shared {
    script: Script,
    state: Mutex<State>,
    stop: AtomicBool,
}

/// The server.
pub(crate) struct GitHub {
    address: SocketAddr,
    shared: Arc<Shared>,
    listener: Option<JoinHandle<()>>,
}

impl GitHub {
    /// Starts one that behaves as this flavour does.
    pub(crate) fn start(flavour: Flavour) -> Self {
        GitHub::play(Script::of(flavour))
    }

    /// Starts one that follows a script.
    pub(crate) fn play(script: Script) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared { script, state: Mutex::default(), stop: AtomicBool::new(false) });
        let serving = Arc::clone(&shared);
        let listener = thread::spawn(move || {
            for stream in listener.incoming() {
                if serving.stop.load(Ordering::SeqCst) {
                    return;
                }
                let shared = Arc::clone(&serving);
                thread::spawn(move || shared.serve(&stream.unwrap()));
            }
        });
        GitHub { address, shared, listener: Some(listener) }
    }

    /// The address of its API.
    pub(crate) fn api_url(&self) -> String {
        let path = if matches!(self.shared.script.flavour, Flavour::Server(_)) { "/api/v3" } else { "" };
        format!("http://{}{path}", self.address)
    }

    /// The next revocation meets this; those after it what is queued behind it.
    pub(crate) fn misbehave(&self, misbehaviour: Misbehaviour) {
        self.state().misbehaviour.push_back(misbehaviour);
    }

    /// No token is refused any more.
    pub(crate) fn forgive(&self) {
        self.state().reject.clear();
    }

    /// A batch with this token in it gets a validation 422.
    pub(crate) fn reject(&self, token: &str) {
        self.state().reject.insert(token.to_owned());
    }

    /// This token is dead already.
    pub(crate) fn mark_dead(&self, token: &str) {
        self.state().dead.insert(token.to_owned());
    }

    /// Makes the server forget what was spent of the quota, as an hour would.
    pub(crate) fn an_hour_passes(&self) {
        self.state().spent.clear();
    }

    /// Every request so far.
    pub(crate) fn requests(&self) -> Vec<ReceivedRequest> {
        self.state().requests.clone()
    }

    /// Every token accepted so far, once for each time.
    pub(crate) fn accepted(&self) -> Vec<String> {
        self.state().accepted.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap()
    }
}

impl Drop for GitHub {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        // Wakes the listener.
        let _ = TcpStream::connect(self.address);
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
    }
}

impl Shared {
    fn serve(&self, stream: &TcpStream) {
        if matches!(self.state.lock().unwrap().misbehaviour.front(), Some(Misbehaviour::DropUnread)) {
            self.state.lock().unwrap().misbehaviour.pop_front();
            return;
        }
        let Some(seen) = http::read(stream) else { return };
        let (outcome, id) = {
            let mut state = self.state.lock().unwrap();
            state.requests.push(seen.clone());
            (self.outcome(&mut state, &seen), format!("C0DE:{}", state.requests.len()))
        };
        thread::sleep(self.script.latency);
        match outcome {
            Outcome::Respond(reply) => reply.with("X-GitHub-Request-Id", id).write(stream),
            Outcome::Close => {}
            Outcome::Raw(bytes) => {
                let _ = (&*stream).write_all(bytes.as_bytes());
            }
            Outcome::Drip => {
                let _ = (&*stream).write_all(
                    b"HTTP/1.1 202 Accepted\r\nX-GitHub-Request-Id: C0DE:D\r\nContent-Length: 100000\r\n\r\n",
                );
                while !self.stop.load(Ordering::SeqCst) && (&*stream).write_all(b" ").is_ok() {
                    thread::sleep(Duration::from_millis(50));
                }
            }
            Outcome::Hang => {
                while !self.stop.load(Ordering::SeqCst) {
                    thread::sleep(Duration::from_millis(10));
                }
            }
        }
    }

    fn outcome(&self, state: &mut State, seen: &ReceivedRequest) -> Outcome {
        if let Some(refusal) = self.refusal(seen) {
            return Outcome::Respond(refusal);
        }
        let path = self.path(seen).unwrap_or_default();
        Outcome::Respond(match (seen.method.as_str(), path) {
            ("POST", "/credentials/revoke") => return self.revocation(state, seen),
            ("GET", "/meta") => self.meta(),
            ("GET", "/rate_limit") if self.script.limits => alive(state, seen),
            ("GET", "/rate_limit") => Reply::error(404, "Rate limiting is not enabled."),
            ("GET", "/") => alive(state, seen),
            ("DELETE", "/installation/token") => end_installation(state, seen),
            ("POST", path) if path.contains("/credential-authorizations/") => self.kill_switch(seen, path),
            _ => Reply::error(404, "Not Found"),
        })
    }

    /// What GitHub checks of every request: a user agent, and an API version that it knows
    /// (<https://docs.github.com/en/rest/about-the-rest-api/api-versions>).
    fn refusal(&self, seen: &ReceivedRequest) -> Option<Reply> {
        if seen.header("user-agent").is_none_or(str::is_empty) {
            let body = "Request forbidden by administrative rules. Please make sure your request has a User-Agent header";
            return Some(Reply::page(403, body));
        }
        let version = seen.header("x-github-api-version").unwrap_or("2022-11-28");
        if self.script.versions.contains(&version) {
            return None;
        }
        let message = format!(
            "The version you specified in the \"X-GitHub-API-Version\" request header, \"{version}\", is not a \
             supported version."
        );
        Some(Reply::error(400, &message))
    }

    fn path<'a>(&self, seen: &'a ReceivedRequest) -> Option<&'a str> {
        match self.script.flavour {
            Flavour::Server(_) => seen.path.strip_prefix("/api/v3"),
            _ => Some(&seen.path),
        }
    }

    fn revocation(&self, state: &mut State, seen: &ReceivedRequest) -> Outcome {
        if let Some(refusal) = self.authentication_error(seen) {
            return Outcome::Respond(refusal);
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        state.spent.retain(|spent| spent + 3600 > now);
        let reset = state.spent.first().unwrap_or(&now) + 3600;
        let limits = |reply: Reply, remaining: usize| {
            reply
                .with("X-RateLimit-Limit", self.script.quota)
                .with("X-RateLimit-Remaining", remaining)
                .with("X-RateLimit-Reset", reset)
        };
        if state.spent.len() >= self.script.quota {
            return Outcome::Respond(limits(Reply::error(403, "API rate limit exceeded for 127.0.0.1."), 0));
        }
        state.spent.push(now);
        let remaining = self.script.quota - state.spent.len();
        let reply = match state.misbehaviour.pop_front() {
            Some(Misbehaviour::Hang) => return Outcome::Hang,
            Some(Misbehaviour::DropUnread) => return Outcome::Close,
            Some(Misbehaviour::Raw(bytes)) => return Outcome::Raw(bytes),
            Some(Misbehaviour::Drip) => return Outcome::Drip,
            Some(Misbehaviour::DropProcessed) => {
                self.accept(state, seen);
                return Outcome::Close;
            }
            Some(Misbehaviour::PrimaryLimit) => {
                return Outcome::Respond(limits(
                    Reply::error(429, "API rate limit exceeded for 127.0.0.1."),
                    0,
                ));
            }
            Some(Misbehaviour::ServerError) => Reply::error(500, "Server Error"),
            Some(Misbehaviour::HtmlBadGateway) => Reply::page(502, "<html><h1>502 Bad Gateway</h1></html>"),
            Some(Misbehaviour::SecondaryLimit { retry_after }) => {
                let reply = Reply::error(403, "You have exceeded a secondary rate limit.");
                if let Some(seconds) = retry_after { reply.with("Retry-After", seconds) } else { reply }
            }
            Some(Misbehaviour::Spammed) => Reply::error(422, "The endpoint has been spammed."),
            Some(Misbehaviour::Redirect(to)) => Reply::json(307, "").with("Location", to),
            Some(Misbehaviour::Echo) => {
                Reply::error(422, &format!("{} is invalid", seen.tokens().join(", ")))
            }
            None => self.accept(state, seen),
        };
        Outcome::Respond(limits(reply, remaining))
    }

    /// At GitHub's own hosts revocation takes no authenticated request, and at a server no other
    /// (<https://docs.github.com/en/rest/credentials/revoke>).
    fn authentication_error(&self, seen: &ReceivedRequest) -> Option<Reply> {
        match (self.script.flavour, seen.header("authorization")) {
            (Flavour::Server(_), None) => Some(Reply::error(401, "Requires authentication")),
            (Flavour::Server(_), Some(_)) if seen.bearer() != Some(&self.script.credential) => {
                Some(Reply::error(401, "Bad credentials"))
            }
            (Flavour::Server(_), Some(_)) | (_, None) => None,
            (_, Some(_)) => Some(Reply::error(403, "This endpoint does not take authenticated requests.")),
        }
    }

    fn accept(&self, state: &mut State, seen: &ReceivedRequest) -> Reply {
        let Ok(body) = serde_json::from_str::<serde_json::Value>(&seen.body) else {
            return Reply::error(400, "Problems parsing JSON");
        };
        let tokens = seen.tokens();
        let whole = body["credentials"].as_array().is_some_and(|entries| entries.len() == tokens.len());
        let fits = (1..=1000).contains(&tokens.len());
        if !whole || !fits || tokens.iter().any(|token| state.reject.contains(token) || !self.accepts(token))
        {
            let body = r#"{"message":"Validation Failed","errors":["credentials is invalid"],"documentation_url":""}"#;
            return Reply::json(422, body);
        }
        if !self.script.immortal {
            state.dead.extend(tokens.iter().cloned());
        }
        state.accepted.extend(tokens);
        Reply::json(202, "null")
    }

    fn accepts(&self, token: &str) -> bool {
        let kind = Kind::of(token);
        match self.script.flavour {
            Flavour::Server(Some(release)) if release < "3.20" => {
                matches!(kind, Kind::Pat | Kind::FineGrainedPat)
            }
            _ => kind.batchable(),
        }
    }

    fn meta(&self) -> Reply {
        match self.script.flavour {
            Flavour::Server(Some(release)) => {
                Reply::json(200, format!(r#"{{"installed_version":"{release}.2"}}"#))
            }
            Flavour::Server(None) => Reply::error(404, "Not Found"),
            _ => Reply::json(200, r#"{"verifiable_password_authentication":false}"#),
        }
    }

    /// What a name contains decides the answer: `missing`, `forbidden`, `unmanaged`, `limited`.
    fn kill_switch(&self, seen: &ReceivedRequest, path: &str) -> Reply {
        if seen.bearer() != Some(&self.script.credential) {
            return Reply::error(401, "Bad credentials");
        }
        match path {
            path if path.contains("limited") => {
                Reply::error(403, "You have exceeded a secondary rate limit. Please wait.")
                    .with("Retry-After", 3600)
            }
            path if path.contains("forbidden") => Reply::error(403, "Must have admin rights"),
            path if path.contains("missing") => Reply::error(404, "Not Found"),
            path if path.contains("unmanaged") => Reply::error(422, "Only for Enterprise Managed Users"),
            _ => Reply::json(202, r#"{"message":"Credential authorizations are being revoked"}"#),
        }
    }
}

fn alive(state: &State, seen: &ReceivedRequest) -> Reply {
    match seen.bearer() {
        Some(token) if state.dead.contains(token) => Reply::error(401, "Bad credentials"),
        _ => {
            Reply::json(200, r#"{"resources":{},"rate":{"limit":5000,"remaining":4999,"used":1,"reset":0}}"#)
                .with("X-OAuth-Scopes", "repo, admin:org")
                .with("GitHub-Authentication-Token-Expiration", "2027-01-31 12:00:00 UTC")
        }
    }
}

fn end_installation(state: &mut State, seen: &ReceivedRequest) -> Reply {
    match seen.bearer() {
        Some(token) if Kind::of(token) == Kind::AppInstallation && !state.dead.contains(token) => {
            state.dead.insert(token.to_owned());
            Reply::empty(204)
        }
        _ => Reply::error(401, "Bad credentials"),
    }
}
