//! A connection, request by request: what is noted, what is refused, and what goes wrong.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{BufReader, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use super::super::http::Reply;
use super::super::mint::Kind;
use super::api::{Call, canonical};
use super::shapes::Addresses;
use super::state::{Noted, State};
use super::storage::Storage;
use super::trouble::Trouble;
use super::wire::{self, Incoming};
use super::{app, git, limits};

pub(super) struct Shared {
    pub(super) at: Addresses,
    pub(super) storage: Storage,
    pub(super) root: PathBuf,
    pub(super) state: Mutex<State>,
    pub(super) stop: AtomicBool,
}

/// How a request ends.
enum Outcome {
    Reply(Reply),
    Late(Reply, Duration),
    /// What goes wrong is no answer.
    Trouble(Trouble),
}

impl Shared {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panicked")
    }

    /// Answers a connection until its peer goes away.
    pub(super) fn serve(&self, stream: &TcpStream) {
        let mut reader = BufReader::new(stream);
        let _ = stream.set_nodelay(true);
        while let Some(incoming) = wire::read(&mut reader) {
            if git::is_git(incoming.path()) {
                git::serve(self, stream, &incoming);
                return;
            }
            {
                let mut state = self.state();
                state.under_way += 1;
                state.most_under_way = state.most_under_way.max(state.under_way);
            }
            let outcome = self.outcome(&incoming);
            let goes_on = match outcome {
                Outcome::Reply(reply) => {
                    reply.write(stream);
                    true
                }
                Outcome::Late(reply, delay) => {
                    thread::sleep(delay);
                    reply.write(stream);
                    true
                }
                Outcome::Trouble(trouble) => {
                    self.misbehave(stream, &trouble);
                    false
                }
            };
            self.state().under_way -= 1;
            if !goes_on || incoming.request.header("connection") == Some("close") {
                return;
            }
        }
    }

    fn outcome(&self, incoming: &Incoming) -> Outcome {
        let mut state = self.state();
        let path = canonical(&state.world, self.below_api(incoming.path()));
        let bearer = incoming.request.bearer();
        let authenticated = bearer.is_some_and(|bearer| state.knows(bearer));
        let outcome = self.decide(&mut state, incoming, &path);
        let status = match &outcome {
            Outcome::Reply(reply) | Outcome::Late(reply, _) => reply.status,
            Outcome::Trouble(_) => 0,
        };
        let id = format!("C0DE:{}", state.noted.len());
        state.noted.push(Noted { request: incoming.request.clone(), path, status, authenticated });
        match outcome {
            Outcome::Reply(reply) => Outcome::Reply(reply.with("X-GitHub-Request-Id", id)),
            other => other,
        }
    }

    /// The path below the root of the API; GraphQL has a root of its own.
    fn below_api<'p>(&self, path: &'p str) -> &'p str {
        match self.at.api.strip_prefix(self.at.pages.as_str()) {
            Some("") | None => path,
            Some(prefix) => path.strip_prefix(prefix).or(path.strip_prefix("/api")).unwrap_or("/nowhere"),
        }
    }

    fn decide(&self, state: &mut State, incoming: &Incoming, path: &str) -> Outcome {
        if let Some(refusal) = refusal(incoming) {
            state
                .violations
                .push(format!("{path} was asked for without a user agent or with an unknown version"));
            return Outcome::Reply(refusal);
        }
        if path == "/credentials/revoke" {
            return match state.troubles.take(path) {
                Some(trouble) => trouble.reply("").map_or(Outcome::Trouble(trouble), Outcome::Reply),
                None => Outcome::Reply(state.revoke(incoming)),
            };
        }
        if path.starts_with("/app/") {
            return Outcome::Reply(app::answer(self, state, incoming, path));
        }
        let Some(bearer) = incoming.request.bearer() else {
            state.violations.push(format!("{} {path} was asked for by nobody", incoming.request.method));
            return Outcome::Reply(Reply::error(401, "Requires authentication"));
        };
        if !state.knows(bearer) {
            // A token ends itself (<https://docs.github.com/en/rest/apps/installations>).
            if incoming.request.method == "DELETE" && path == "/installation/token" {
                let lived = Kind::of(bearer) == Kind::AppInstallation && state.dead.insert(bearer.to_owned());
                return Outcome::Reply(if lived {
                    Reply::empty(204)
                } else {
                    Reply::error(401, "Bad credentials")
                });
            }
            // The question whether a token lives.
            let lives = path == "/rate_limit" && !state.dead.contains(bearer);
            return Outcome::Reply(if lives {
                Reply::json(200, state.limits.overview().to_string())
            } else {
                Reply::error(401, "Bad credentials")
            });
        }
        self.authenticated(state, incoming, path)
    }

    fn authenticated(&self, state: &mut State, incoming: &Incoming, path: &str) -> Outcome {
        let resource = limits::resource(path);
        if path != "/rate_limit"
            && let Some(refusal) = state.admit(resource, path)
        {
            return Outcome::Reply(refusal);
        }
        let trouble = state.troubles.take(path);
        match &trouble {
            Some(Trouble::PrimaryLimit(seconds)) => {
                state.exhaust(resource, *seconds);
                let reply = Reply::error(403, "API rate limit exceeded for user ID 1.");
                return Outcome::Reply(state.limits.told(resource, reply));
            }
            // Without a word on how long, a minute is meant (<https://docs.github.com/en/rest/rate-limit>).
            Some(Trouble::SecondaryLimit(seconds)) => state.close(seconds.unwrap_or(60)),
            _ => {}
        }
        let owner = path.split('/').nth(2).unwrap_or_default();
        let call = Call { at: &self.at, storage: &self.storage, incoming, path, trouble: trouble.as_ref() };
        let reply = match &trouble {
            None | Some(Trouble::Shifted | Trouble::NextIsItself | Trouble::NextIs(_) | Trouble::Late(_)) => {
                call.answer(state)
            }
            Some(trouble) => match trouble.reply(owner) {
                Some(reply) => reply,
                None => return Outcome::Trouble(trouble.clone()),
            },
        };
        let reply = conditional(state, incoming, reply, resource);
        let reply = state.limits.told(resource, reply);
        match trouble {
            Some(Trouble::Late(delay)) => Outcome::Late(reply, delay),
            _ => Outcome::Reply(reply),
        }
    }

    pub(super) fn misbehave(&self, mut stream: &TcpStream, trouble: &Trouble) {
        let json = ("Content-Type", "application/json".to_owned());
        let long = ("Content-Length", "1000000".to_owned());
        match trouble {
            Trouble::Endless => {
                let _ = wire::write_head(stream, 200, &[json, ("Connection", "close".to_owned())]);
                let piece = vec![b' '; 1 << 16];
                while !self.has_stopped() && stream.write_all(&piece).is_ok() {}
            }
            Trouble::Drip => {
                let _ = wire::write_head(stream, 200, &[json, long]);
                while !self.has_stopped() && stream.write_all(b" ").is_ok() {
                    thread::sleep(Duration::from_millis(50));
                }
            }
            Trouble::Torn => {
                let _ = wire::write_head(stream, 200, &[json, long]);
                let _ = stream.write_all(b"[{\"id\": 1");
            }
            Trouble::Hang => self.hang(),
            Trouble::Garbage | Trouble::Bomb => {
                let _ = stream.write_all(b"\0\x01\x02 no HTTP\r\n");
            }
            _ => {}
        }
    }

    /// Says nothing until the server stops.
    pub(super) fn hang(&self) {
        while !self.has_stopped() {
            thread::sleep(Duration::from_millis(10));
        }
    }

    pub(super) fn has_stopped(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }
}

/// What GitHub checks of every request: a user agent, and an API version that it knows
/// (<https://docs.github.com/en/rest/about-the-rest-api/api-versions>).
fn refusal(incoming: &Incoming) -> Option<Reply> {
    if incoming.request.header("user-agent").is_none_or(str::is_empty) {
        return Some(Reply::page(403, "Request forbidden by administrative rules."));
    }
    let version = incoming.request.header("x-github-api-version").unwrap_or("2022-11-28");
    let known = ["2022-11-28", "2026-03-10"].contains(&version);
    (!known).then(|| Reply::error(400, "The version you specified is not a supported version."))
}

/// Answers of a list or a document have a tag; one that is asked for with its tag has not changed, and costs nothing.
fn conditional(state: &mut State, incoming: &Incoming, reply: Reply, resource: &'static str) -> Reply {
    if incoming.request.method != "GET" || reply.status != 200 {
        return reply;
    }
    let mut hasher = DefaultHasher::new();
    (&reply.body, format!("{:?}", reply.headers)).hash(&mut hasher);
    let tag = format!("W/\"{:016x}\"", hasher.finish());
    if incoming.request.header("if-none-match") == Some(&tag) {
        state.limits.give_back(resource);
        return Reply::empty(304).with("ETag", tag);
    }
    reply.with("ETag", tag)
}
