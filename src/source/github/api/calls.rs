//! Single calls.

use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::client::Api;
use super::error::ApiError;
use super::exchange::{Answer, Call};
use crate::http::Method;

impl Api {
    /// Asks for one JSON document at `path`, which begins with a slash.
    pub fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ApiError> {
        self.get_moved(path).map(|(document, _)| document)
    }

    /// The same, and the path at which it was found: another one where something was renamed.
    pub fn get_moved<T: DeserializeOwned>(&self, path: &str) -> Result<(T, String), ApiError> {
        let Answer { response, path } = within(self.exchange(&Call::get(path))?)?;
        let document = serde_json::from_slice(&response.body).map_err(|_| ApiError::malformed(&path))?;
        Ok((document, path))
    }

    /// Sends JSON, and reads JSON. It is sent again where no answer comes, so it must do no harm twice.
    pub fn send_json(
        &self,
        method: Method,
        path: &str,
        body: &serde_json::Value,
    ) -> Result<serde_json::Value, ApiError> {
        let body = body.to_string();
        let call = Call { method, path, body: Some(&body), etag: None };
        let Answer { response, path } = within(self.exchange(&call)?)?;
        if response.body.trim_ascii().is_empty() {
            return Ok(serde_json::Value::Null);
        }
        serde_json::from_slice(&response.body).map_err(|_| ApiError::malformed(&path))
    }

    /// The same where the answer holds a secret: its body is wiped, and `T` has to wipe what it takes of it.
    pub fn send_secret<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &serde_json::Value,
    ) -> Result<T, ApiError> {
        let body = body.to_string();
        let call = Call { method, path, body: Some(&body), etag: None };
        let Answer { mut response, path } = within(self.exchange(&call)?)?;
        let body = Zeroizing::new(std::mem::take(&mut response.body));
        serde_json::from_slice(&body).map_err(|_| ApiError::malformed(&path))
    }
}

/// The answer, unless it leads elsewhere: the credential is not shown there.
pub(super) fn within(answer: Answer) -> Result<Answer, ApiError> {
    if (300..400).contains(&answer.response.status) && answer.response.status != 304 {
        return Err(ApiError::misled(&answer.path, "it redirects out of the API"));
    }
    Ok(answer)
}
