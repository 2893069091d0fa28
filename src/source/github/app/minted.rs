//! The tokens of an installation: made when one is asked for, and anew before they end.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::error::AppError;
use super::key::{self, Key};
use super::signed::Signed;
use crate::http::Method;
use crate::rule;
use crate::source::github::api::{Api, ApiError, ApiOptions, Refusal};
use crate::source::github::credentials::Credentials;
use crate::text::{MESSAGE_LIMIT, one_line, printable};
use crate::token::{Fingerprint, Token};

/// A token with less time left is not given out: a clone may take as long.
const LEAST_LEFT: Duration = Duration::from_mins(10);

/// How long GitHub's tokens are good for.
const LONGEST_LIFE: Duration = Duration::from_hours(1);

/// One that was just made is given out whatever its end: by a wrong clock, each would seem to end soon.
const FRESH: Duration = Duration::from_mins(1);

/// Which App, and where it is installed.
#[derive(Clone, Debug)]
pub struct AppOptions {
    /// Its number or its client id.
    pub app_id: String,
    /// Its private key, in PEM form.
    pub key_file: PathBuf,
    /// Where it is installed.
    pub installation: Installation,
}

/// Which of an App's installations.
#[derive(Clone, Debug)]
pub enum Installation {
    /// The one of this number.
    Id(u64),
    /// The one of this organization, user or enterprise.
    Of(String),
    /// The only one.
    Only,
}

/// An App's installation as the credential. One thread makes a token, the others wait for it.
pub struct AppCredential {
    /// The API, asked as the App itself.
    api: Api,
    installation: Installation,
    warning: Option<String>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    id: Option<u64>,
    minted: Option<Minted>,
    given_out: Vec<Fingerprint>,
}

struct Minted {
    token: Arc<Token>,
    at: Instant,
    until: Instant,
}

#[derive(Deserialize)]
struct Answer {
    token: Zeroizing<String>,
    expires_at: Timestamp,
}

#[derive(Deserialize)]
struct Row {
    id: u64,
    account: Option<Account>,
    suspended_at: Option<String>,
}

/// An organization or a user has a login, an enterprise a slug.
#[derive(Deserialize)]
struct Account {
    #[serde(alias = "slug")]
    login: String,
}

impl AppCredential {
    /// Reads the key; nothing is asked yet.
    ///
    /// # Errors
    /// Where the id is none, or the key cannot be read or used.
    pub fn new(options: &AppOptions, api: &ApiOptions) -> Result<AppCredential, AppError> {
        let app_id = options.app_id.trim().to_owned();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.';
        if !(1..=64).contains(&app_id.len()) || !app_id.bytes().all(plain) {
            return Err(AppError::BadId);
        }
        let key = Key::read(&options.key_file)?;
        // A token is made once an hour: the pause between changes is not for that.
        let api = ApiOptions { min_interval: Duration::ZERO, ..api.clone() };
        Ok(AppCredential {
            api: Api::new(&api, Arc::new(Signed { app_id, key }))?,
            installation: options.installation.clone(),
            warning: key::warning(&options.key_file),
            state: Mutex::default(),
        })
    }

    /// What the user should know of the key.
    pub fn warning(&self) -> Option<&str> {
        self.warning.as_deref()
    }

    /// Lets time go by.
    #[cfg(test)]
    pub(super) fn age(&self, by: Duration) {
        if let Some(minted) = &mut self.state().minted {
            minted.at -= by;
            minted.until -= by;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of the installation.
    fn find(&self) -> Result<u64, ApiError> {
        let owner = match &self.installation {
            Installation::Id(id) => return Ok(*id),
            Installation::Of(owner) => Some(owner.as_str()),
            Installation::Only => None,
        };
        let mut rows = Vec::new();
        self.api.pages("/app/installations", &mut |page: Vec<Row>| {
            rows.extend(page);
            ControlFlow::Continue(())
        })?;
        let login = |row: &Row| row.account.as_ref().map(|account| account.login.clone());
        let is_wanted = |row: &Row| {
            owner.is_none_or(|owner| login(row).is_some_and(|login| login.eq_ignore_ascii_case(owner)))
        };
        let mut wanted = rows.iter().filter(|row| is_wanted(row));
        match (wanted.next(), wanted.next()) {
            (Some(row), None) if row.suspended_at.is_some() => {
                Err(none("the App's installation is suspended: its owner can lift that in the settings"))
            }
            (Some(row), None) => Ok(row.id),
            _ => {
                let names: Vec<String> = rows.iter().filter_map(login).collect();
                let names = one_line(&names.join(", "), MESSAGE_LIMIT);
                let found = if names.is_empty() { "nowhere".to_owned() } else { format!("at {names}") };
                let wanted = owner
                    .map_or_else(|| "at one place".to_owned(), |owner| format!("at {}", printable(owner)));
                Err(none(&format!(
                    "the App is installed {found}, and is wanted {wanted}: install it there, or name one installation with \
                     --app-installation"
                )))
            }
        }
    }

    fn mint(&self, id: u64) -> Result<Minted, ApiError> {
        let path = format!("/app/installations/{id}/access_tokens");
        let answer: Answer = self.api.send_secret(Method::Post, &path, &serde_json::json!({}))?;
        let (at, now) = (Instant::now(), Timestamp::now());
        let left = Duration::try_from(answer.expires_at.duration_since(now)).unwrap_or_default();
        let token = Token::new(rule::kind_of(&answer.token), answer.token.as_bytes());
        Ok(Minted { token: Arc::new(token), at, until: at + left.min(LONGEST_LIFE) })
    }
}

impl Credentials for AppCredential {
    fn token(&self) -> Result<Arc<Token>, ApiError> {
        let mut state = self.state();
        let now = Instant::now();
        let is_good = |minted: &&Minted| minted.until > now + LEAST_LEFT || minted.at + FRESH > now;
        if let Some(minted) = state.minted.as_ref().filter(is_good) {
            return Ok(Arc::clone(&minted.token));
        }
        let id = match state.id {
            Some(id) => id,
            None => *state.id.insert(self.find().map_err(explained)?),
        };
        let minted = self.mint(id).map_err(explained)?;
        let token = Arc::clone(&minted.token);
        state.given_out.push(token.fingerprint());
        state.minted = Some(minted);
        Ok(token)
    }

    fn renew(&self) -> bool {
        let mut state = self.state();
        // One that was just made is not taken for another reason than its age.
        let is_old = state.minted.as_ref().is_some_and(|minted| minted.at.elapsed() > FRESH);
        if is_old {
            state.minted = None;
        }
        // Somebody else may have seen to it.
        is_old || state.minted.is_none()
    }

    fn given_out(&self) -> Vec<Fingerprint> {
        self.state().given_out.clone()
    }
}

fn none(message: &str) -> ApiError {
    ApiError::Refused { refusal: Refusal::NotFound, message: message.to_owned() }
}

/// What a refusal means where an App asks for itself.
fn explained(error: ApiError) -> ApiError {
    let ApiError::Refused { refusal, message } = error else { return error };
    let advice = match refusal {
        Refusal::BadCredentials => {
            "are --app-id and --app-key-file those of one App, and is this machine's clock right?"
        }
        Refusal::NotFound if message.starts_with("the server") => {
            "has the App this installation? its settings list them (Install App)"
        }
        _ => return ApiError::Refused { refusal, message },
    };
    ApiError::Refused { refusal, message: format!("no token for the GitHub App: {message}; {advice}") }
}
