//! What a GitHub knows and notes while it runs.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use serde_json::Value;

use super::super::http::{ReceivedRequest, Reply};
use super::super::mint::{Kind, Mint};
use super::limits::{self, Limits};
use super::trouble::Troubles;
use super::wire::Incoming;
use super::world::World;

/// How many requests may be under way when the first of them hears of a limit, and so come too late for their sender to know.
const UNDER_WAY: usize = 7;

/// Revocations an hour.
const REVOCATIONS: usize = 60;

/// A request, and what became of it.
#[derive(Clone, Debug)]
pub(crate) struct Noted {
    pub(crate) request: ReceivedRequest,
    /// The path with names in the place of ids, without the query.
    pub(crate) path: String,
    pub(crate) status: u16,
    /// Whether it carried a credential that is known here.
    pub(crate) authenticated: bool,
}

pub(super) struct State {
    pub(super) world: World,
    pub(super) limits: Limits,
    pub(super) troubles: Troubles,
    pub(super) noted: Vec<Noted>,
    pub(super) violations: Vec<String>,
    /// What authenticates.
    pub(super) credentials: HashSet<String>,
    /// Tokens that batches are refused for.
    pub(super) rejected: HashSet<String>,
    pub(super) dead: HashSet<String>,
    pub(super) accepted: Vec<String>,
    /// The public key that an app's JWT has to be signed with, in DER.
    pub(super) app_key: Option<Vec<u8>>,
    pub(super) minted: Vec<String>,
    /// How long a token lives that an app gets.
    pub(super) lifetime: Duration,
    /// When each of those ends, in seconds since the epoch.
    pub(super) ends: HashMap<String, u64>,
    pub(super) under_way: usize,
    pub(super) most_under_way: usize,
    pub(super) revocations: usize,
    /// Whether this is an Enterprise Server.
    pub(super) is_server: bool,
    grace: usize,
}

impl State {
    pub(super) fn new() -> Self {
        State {
            world: World::default(),
            limits: Limits::new(),
            troubles: Troubles::default(),
            noted: Vec::new(),
            violations: Vec::new(),
            credentials: HashSet::new(),
            rejected: HashSet::new(),
            dead: HashSet::new(),
            accepted: Vec::new(),
            app_key: None,
            minted: Vec::new(),
            lifetime: Duration::from_hours(1),
            ends: HashMap::new(),
            under_way: 0,
            most_under_way: 0,
            revocations: 0,
            is_server: false,
            grace: 0,
        }
    }

    /// Whether a credential is one that is known, and still lives.
    pub(super) fn knows(&self, credential: &str) -> bool {
        let ended = self.ends.get(credential).is_some_and(|end| limits::now() >= *end);
        self.credentials.contains(credential) && !ended
    }

    /// Gives an app a token; when it ends, as the API writes it.
    pub(super) fn mint(&mut self) -> (String, String) {
        let token = Mint::new(0xA99 + self.minted.len() as u64).token(Kind::AppInstallation);
        let end = limits::now() + self.lifetime.as_secs();
        self.minted.push(token.clone());
        self.credentials.insert(token.clone());
        self.ends.insert(token.clone(), end);
        let end = jiff::Timestamp::from_second(i64::try_from(end).expect("a time")).expect("a time");
        (token, end.to_string())
    }

    /// Nobody may ask for so long; those that were on their way are forgiven.
    pub(super) fn close(&mut self, seconds: u64) {
        self.limits.close(seconds);
        self.grace = UNDER_WAY;
    }

    /// Nothing remains for so long; those that were on their way are forgiven.
    pub(super) fn exhaust(&mut self, resource: &'static str, seconds: u64) {
        self.limits.exhaust(resource, seconds);
        self.grace = UNDER_WAY;
    }

    /// Takes a request from what remains; an answer where nothing does.
    pub(super) fn admit(&mut self, resource: &'static str, path: &str) -> Option<Reply> {
        let refusal = if self.limits.is_closed() {
            Reply::error(403, "You have exceeded a secondary rate limit.").with("Retry-After", 1)
        } else if self.limits.take(resource) {
            return None;
        } else {
            self.limits.told(resource, Reply::error(403, "API rate limit exceeded for user ID 1."))
        };
        if self.grace == 0 {
            self.violations.push(format!("{path} was asked for beyond the limit that was told"));
        }
        self.grace = self.grace.saturating_sub(1);
        Some(refusal)
    }

    /// `POST /credentials/revoke`: of nobody in particular, and of a server of who is known.
    pub(super) fn revoke(&mut self, incoming: &Incoming) -> Reply {
        if self.is_server && !incoming.request.bearer().is_some_and(|bearer| self.knows(bearer)) {
            return Reply::error(401, "Bad credentials");
        }
        if !self.is_server && incoming.request.header("authorization").is_some() {
            self.violations.push("a revocation carried a credential".to_owned());
            return Reply::error(403, "This endpoint does not take authenticated requests.");
        }
        self.revocations += 1;
        if self.revocations > REVOCATIONS {
            self.violations.push("more revocations than an hour has".to_owned());
            return Reply::error(403, "API rate limit exceeded for 127.0.0.1.")
                .with("X-RateLimit-Remaining", 0);
        }
        let body: Value = serde_json::from_slice(&incoming.body).unwrap_or_default();
        let tokens = incoming.request.tokens();
        let whole = body["credentials"].as_array().is_some_and(|entries| entries.len() == tokens.len());
        let refused = |token: &String| self.rejected.contains(token) || !Kind::of(token).batchable();
        if !whole || !(1..=1000).contains(&tokens.len()) || tokens.iter().any(refused) {
            return Reply::error(422, "Validation Failed");
        }
        if tokens.iter().any(|token| self.credentials.contains(token)) {
            self.violations.push("the credential of the run was sent to be revoked".to_owned());
        }
        self.dead.extend(tokens.iter().cloned());
        self.accepted.extend(tokens);
        Reply::json(202, "null")
    }
}
