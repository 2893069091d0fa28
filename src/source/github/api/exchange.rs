//! One call: sent when the limits allow it, sent again after limits and errors of the server, and followed where a
//! repository was renamed.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use jiff::Timestamp;

use super::client::{Api, LONGEST_PAGE};
use super::error::ApiError;
use super::refused::{error_of, is_trouble, withheld};
use crate::github::{self, is_unknown_version};
use crate::http::{self, Body, Method, Request, Response, Stream, TransportError};

/// How often a call is tried again after the server's trouble, or that of the way there.
const MOST_FAILURES: u32 = 4;

/// How often a call is tried again that a limit turned away, each time after the wait that was asked for.
const MOST_LIMITS: u32 = 30;

/// How many redirects are followed.
const MOST_HOPS: u32 = 5;

/// The longest wait that an error of the server may ask for.
const LONGEST_TROUBLE: Duration = Duration::from_mins(5);

/// The longest error that is read.
const LONGEST_ERROR: usize = 1024 * 1024;

/// A call, as its callers name it.
pub(super) struct Call<'a> {
    pub(super) method: Method,
    pub(super) path: &'a str,
    pub(super) body: Option<&'a str>,
    /// `If-None-Match`: what is kept.
    pub(super) etag: Option<&'a str>,
}

impl<'a> Call<'a> {
    pub(super) fn get(path: &'a str) -> Call<'a> {
        Call { method: Method::Get, path, body: None, etag: None }
    }

    /// Whether it changes something; a question in GraphQL does not.
    fn changes(&self) -> bool {
        self.method != Method::Get && !self.is_graphql()
    }

    fn is_graphql(&self) -> bool {
        self.path.ends_with("/graphql")
    }
}

/// What a call brings in the end.
pub(super) struct Answer {
    /// A success, "not modified", or a redirect out of the API.
    pub(super) response: Response,
    /// Where it was found, after redirects.
    pub(super) path: String,
}

/// The same of a download: its body is still to be read, where it is a success.
pub(super) enum Opened {
    Stream(Stream),
    Elsewhere(String),
}

/// What is to be done about a response.
enum Next {
    Return,
    /// At once, at another path or in another version.
    Again,
    /// After a pause, if it was not tried too often.
    AfterTrouble(ApiError, Option<Duration>),
    /// When the limits allow it, if it was not tried too often.
    WhenAllowed(ApiError),
    Fail(ApiError),
}

/// How often a call was tried, and why.
struct Attempts {
    path: String,
    hops: u32,
    failures: u32,
    limits: u32,
    /// Whether the credential was made anew.
    renewed: bool,
}

impl Api {
    /// Makes a call, and reads the whole answer.
    pub(super) fn exchange(&self, call: &Call<'_>) -> Result<Answer, ApiError> {
        let ask = |request: &Request<'_>| self.http.send(request);
        let (response, path) = self.repeat(call, &ask, |response| (response, None::<Stream>))?;
        Ok(Answer { response: response.0, path })
    }

    /// Begins a download.
    pub(super) fn open(&self, path: &str) -> Result<Opened, ApiError> {
        let ask = |request: &Request<'_>| self.http.stream(request);
        let split = |stream: Stream| match stream.head.status {
            200..=299 => (stream.head.clone(), Some(stream)),
            _ => (stream.into_response(LONGEST_ERROR), None),
        };
        let ((response, stream), path) = self.repeat(&Call::get(path), &ask, split)?;
        match stream {
            Some(stream) => Ok(Opened::Stream(stream)),
            None => self.target(&path, &response).map(Opened::Elsewhere),
        }
    }

    /// Sends a call until it is decided. What is not of the kind that the caller waits for comes whole, for its words.
    fn repeat<R>(
        &self,
        call: &Call<'_>,
        ask: &dyn Fn(&Request<'_>) -> Result<R, TransportError>,
        split: impl Fn(R) -> (Response, Option<Stream>),
    ) -> Result<((Response, Option<Stream>), String), ApiError> {
        let mut attempts =
            Attempts { path: call.path.to_owned(), hops: 0, failures: 0, limits: 0, renewed: false };
        self.require_credential()?;
        loop {
            let permit = self.limiter.admit(&attempts.path, call.changes())?;
            let (asked, version) = self.ask_once(call, &attempts.path, ask)?;
            self.limiter.check_cancelled()?;
            let next = match asked.map(&split) {
                Ok((response, stream)) => {
                    let limited = permit.answered(&response);
                    let asks_too_much = call.is_graphql() && is_graphql_limit(&response);
                    let is_told = limited.is_some() || github::remaining(&response) == Some(0);
                    let next = if limited.is_some() || (asks_too_much && is_told) {
                        Next::WhenAllowed(error_of(&response))
                    } else if asks_too_much {
                        Next::AfterTrouble(error_of(&response), None)
                    } else if is_unknown_version(&response) && self.version() == version {
                        // Once at the most: who finds the other one in use has lost.
                        let swapped = !self.other_version.swap(true, Relaxed);
                        if swapped { Next::Again } else { Next::Fail(error_of(&response)) }
                    } else if is_unknown_version(&response) {
                        Next::Again
                    } else {
                        self.judge(&response, stream.is_none(), &mut attempts)
                    };
                    if matches!(next, Next::Return) {
                        return Ok(((response, stream), attempts.path));
                    }
                    next
                }
                Err(error) => {
                    drop(permit);
                    of_transport(error)
                }
            };
            self.prepare_next(next, &mut attempts)?;
        }
    }

    fn ask_once<R>(
        &self,
        call: &Call<'_>,
        path: &str,
        ask: &dyn Fn(&Request<'_>) -> Result<R, TransportError>,
    ) -> Result<(Result<R, TransportError>, github::ApiVersion), ApiError> {
        let (token, version) = (self.credentials.token()?, self.version());
        let mut headers = github::headers(version);
        headers.extend(call.etag.map(|etag| ("if-none-match", etag)));
        let body = call.body.map_or(Body::Empty, |text| Body::Json(text.to_owned()));
        let request =
            Request { method: call.method, path: path.to_owned(), headers, bearer: Some(&token), body };
        self.tally.requests.fetch_add(1, Relaxed);
        Ok((ask(&request), version))
    }

    /// What a response means that no limit turned away. `is_whole`: its body was to be read, too.
    fn judge(&self, response: &Response, is_whole: bool, attempts: &mut Attempts) -> Next {
        if let Some(why) = response.cut_short.as_ref().filter(|_| is_whole) {
            let path = attempts.path.as_str();
            return if response.body.len() > LONGEST_PAGE {
                Next::Fail(ApiError::misled(path, "the answer is longer than any of the API's"))
            } else {
                Next::AfterTrouble(ApiError::Transport(why.clone()), None)
            };
        }
        match response.status {
            200..=299 => {
                if let Some(withheld) = withheld(response) {
                    // The first one is kept.
                    let _ = self.tally.withheld.set(withheld);
                }
                Next::Return
            }
            304 => {
                self.tally.unchanged.fetch_add(1, Relaxed);
                Next::Return
            }
            301 | 302 | 307 | 308 if response.header("location").is_some() => {
                let target = match self.target(&attempts.path, response) {
                    Ok(target) => target,
                    Err(error) => return Next::Fail(error),
                };
                match http::below(&self.base_url, &target) {
                    Some(_) if attempts.hops == MOST_HOPS => {
                        Next::Fail(ApiError::misled(&attempts.path, "it redirects too often"))
                    }
                    Some(path) => {
                        attempts.hops += 1;
                        attempts.path = path;
                        Next::Again
                    }
                    None => Next::Return,
                }
            }
            _ if is_trouble(response) => {
                let asked = github::limit(response, Timestamp::now()).retry_after;
                Next::AfterTrouble(error_of(response), asked)
            }
            401 if is_bad_credential(response) => self.without_credential(response, attempts),
            _ => Next::Fail(error_of(response)),
        }
    }

    /// What is to be done where the credential is not known any more. Many that show one such are locked out: nothing else is
    /// asked with it.
    /// <https://docs.github.com/en/rest/authentication/authenticating-to-the-rest-api#failed-login-limit>
    fn without_credential(&self, response: &Response, attempts: &mut Attempts) -> Next {
        if !attempts.renewed && self.credentials.renew() {
            attempts.renewed = true;
            return Next::Again;
        }
        let error = error_of(response);
        // The first one is kept.
        let _ = self.tally.refused.set(error.clone());
        Next::Fail(error)
    }

    /// Whether the credential was taken so far.
    pub fn require_credential(&self) -> Result<(), ApiError> {
        self.tally.refused.get().map_or(Ok(()), |error| Err(error.clone()))
    }

    /// Where a redirect leads.
    fn target(&self, path: &str, response: &Response) -> Result<String, ApiError> {
        let location = response.header("location").unwrap_or_default();
        http::resolved(&format!("{}{path}", self.base_url), location)
            .ok_or_else(|| ApiError::misled(path, "it redirects to what is no address"))
    }

    /// Pauses before the next attempt, unless there were enough.
    fn prepare_next(&self, next: Next, attempts: &mut Attempts) -> Result<(), ApiError> {
        match next {
            Next::Return | Next::Again => Ok(()),
            Next::Fail(error) => Err(error),
            Next::WhenAllowed(error) => {
                attempts.limits += 1;
                if attempts.limits > MOST_LIMITS { Err(error) } else { Ok(()) }
            }
            Next::AfterTrouble(error, asked) => {
                if attempts.failures == MOST_FAILURES {
                    return Err(error);
                }
                let growing = self.limiter.pauses.trouble.saturating_mul(1 << attempts.failures);
                attempts.failures += 1;
                self.limiter.pause(asked.map_or(growing, |asked| asked.clamp(growing, LONGEST_TROUBLE)))
            }
        }
    }
}

/// A way that is closed stays closed.
fn of_transport(error: TransportError) -> Next {
    match error {
        TransportError::Blocked(message) => Next::Fail(ApiError::Transport(message)),
        error => Next::AfterTrouble(ApiError::Transport(error.into_message()), None),
    }
}

/// Whether the server does not know the token that was shown; a proxy that wants a password says something else.
fn is_bad_credential(response: &Response) -> bool {
    github::message(response).to_ascii_lowercase().starts_with("bad credentials")
}

/// GraphQL answers a limit with 200 and an error of this type.
/// <https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api>
fn is_graphql_limit(response: &Response) -> bool {
    let is_limit = |error: &serde_json::Value| {
        error.get("type").is_some_and(|kind| kind == "RATE_LIMITED" || kind == "RATE_LIMIT")
    };
    let body = response.json().filter(|_| response.status == 200);
    let errors = body.as_ref().and_then(|body| body.get("errors")).and_then(serde_json::Value::as_array);
    errors.is_some_and(|errors| errors.iter().any(is_limit))
}
