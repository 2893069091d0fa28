//! Who the owner of a token is: fine-grained tokens carry a user's number, and GitHub tells its name.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use serde::Deserialize;

use super::api::{Api, ApiError, Refusal};

/// The longest name that there is: enterprises add their own short name to the 39 characters of others.
const LONGEST: usize = 100;

/// Asks for the names of users by their numbers: each once.
pub struct Logins<'a> {
    api: &'a Api,
    known: Mutex<HashMap<u32, Option<String>>>,
}

#[derive(Deserialize)]
struct User {
    login: String,
}

impl<'a> Logins<'a> {
    /// Asks this API.
    pub fn new(api: &'a Api) -> Self {
        Logins { api, known: Mutex::default() }
    }

    /// The name of the user with this number; none where there is none, or the credential may not know of it.
    pub fn login(&self, owner_id: u32) -> Result<Option<String>, ApiError> {
        // Held while it is asked: others that want the same wait for the answer.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(login) = known.get(&owner_id) {
            return Ok(login.clone());
        }
        let login = match self.api.get::<User>(&format!("/user/{owner_id}")) {
            Ok(user) => Some(user.login).filter(|login| is_login(login)),
            Err(error) if matches!(error.refusal(), Some(Refusal::NotFound | Refusal::Gone)) => None,
            Err(error) => return Err(error),
        };
        known.insert(owner_id, login.clone());
        Ok(login)
    }
}

/// Letters, digits, `-` and `_`; bots have `[bot]` at the end.
fn is_login(login: &str) -> bool {
    let name = login.strip_suffix("[bot]").unwrap_or(login);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    (1..=LONGEST).contains(&name.len()) && name.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::source::github::testing::{Answer, Server};

    #[test]
    fn each_owner_is_asked_for_once() {
        let server = Server::new(|asked| match asked.path() {
            "/user/1" => Answer::json(200, &json!({"login": "octocat", "id": 1})),
            "/user/3" => Answer::json(200, &json!({"login": "evil\u{202e}name"})),
            "/user/4" => Answer::json(200, &json!({"login": "helper[bot]"})),
            _ => Answer::error(404, "Not Found"),
        });
        let api = server.api();
        let logins = Logins::new(&api);
        for _ in 0..3 {
            let of = |id| logins.login(id).expect("an answer");
            assert_eq!([of(1).as_deref(), of(2).as_deref()], [Some("octocat"), None]);
            assert_eq!([of(3).as_deref(), of(4).as_deref()], [None, Some("helper[bot]")]);
        }
        assert_eq!(server.asked().len(), 4);
    }

    #[test]
    fn trouble_of_the_server_is_no_answer() {
        for (status, asked) in [(403, 2), (401, 1)] {
            let server = Server::new(move |_| Answer::error(status, "Bad credentials"));
            let api = server.api();
            let logins = Logins::new(&api);
            assert!(logins.login(1).is_err() && logins.login(1).is_err());
            assert_eq!(server.asked().len(), asked, "{status}: one that is not known is not shown again");
        }
    }
}
