//! What an App shows for itself: a JSON web token that it signs (RFC 7519).
//!
//! <https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app>

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::json;

use super::key::Key;
use crate::source::github::api::ApiError;
use crate::source::github::credentials::Credentials;
use crate::token::{Fingerprint, Kind, Token};

/// How far back the time of issue is set, for clocks that are behind: GitHub's own advice.
const BACK: i64 = 60;

/// How long it is good for; GitHub takes ten minutes at the most.
const SECONDS: i64 = 5 * 60;

/// An App as the one that asks: to learn where it is installed, and for its tokens.
pub(super) struct Signed {
    pub(super) app_id: String,
    pub(super) key: Key,
}

impl Signed {
    /// The token at that time.
    pub(super) fn at(&self, now: Timestamp) -> Option<String> {
        let now = now.as_second();
        let claims = json!({ "iat": now - BACK, "exp": now + SECONDS, "iss": self.app_id });
        let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let text = format!("{}.{}", encode(r#"{"alg":"RS256","typ":"JWT"}"#), encode(&claims.to_string()));
        let signature = self.key.sign(text.as_bytes())?;
        Some(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

impl Credentials for Signed {
    fn token(&self) -> Result<Arc<Token>, ApiError> {
        let signed = self.at(Timestamp::now());
        let signed = signed.map(|text| Arc::new(Token::new(Kind::OTHER, text.as_bytes())));
        signed.ok_or_else(|| ApiError::Transport("the App's key does not sign".to_owned()))
    }

    fn given_out(&self) -> Vec<Fingerprint> {
        Vec::new()
    }
}
