//! A GitHub App: it proves who it is by a JWT, and gets a token for an installation.

use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::super::http::Reply;
use super::api::Call;
use super::limits;
use super::serve::Shared;
use super::state::State;
use super::wire::Incoming;

/// The id of the app.
pub(crate) const APP_ID: &str = "4711";

/// The key of an app, made at run time.
pub(crate) struct AppKey {
    /// PKCS#1, in DER.
    pub(super) public: Vec<u8>,
}

impl AppKey {
    /// Makes one, and writes its private half to a file as GitHub gives it out.
    pub(crate) fn write(private: &Path) -> Self {
        let openssl = |arguments: &[&str]| {
            let output = Command::new("openssl").args(arguments).output().expect("openssl runs");
            assert!(output.status.success(), "openssl {arguments:?}");
            output.stdout
        };
        let path = private.to_str().expect("a path of text");
        openssl(&["genrsa", "-traditional", "-out", path, "2048"]);
        AppKey { public: openssl(&["rsa", "-in", path, "-RSAPublicKey_out", "-outform", "DER"]) }
    }
}

/// What the app is answered.
pub(super) fn answer(shared: &Shared, state: &mut State, incoming: &Incoming, path: &str) -> Reply {
    if let Err(reason) = check(state, incoming) {
        state.violations.push(format!("a JWT that is none: {reason}"));
        return Reply::error(401, "A JSON web token could not be decoded");
    }
    let call = Call { at: &shared.at, storage: &shared.storage, incoming, path, trouble: None };
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    match (incoming.request.method.as_str(), &parts[..]) {
        ("POST", ["app", "installations", id, "access_tokens"]) => {
            if !state.world.installations.iter().any(|installation| installation.id.to_string() == *id) {
                return Reply::error(404, "Not Found");
            }
            let (token, expires) = state.mint();
            let body = json!({"token": token, "expires_at": expires, "permissions": {"contents": "read"},
                "repository_selection": "all"});
            Reply::json(201, body.to_string())
        }
        _ => call.answer(state),
    }
}

/// Whether the JWT is one of the app, signed by its key, and valid now (RFC 7519).
fn check(state: &State, incoming: &Incoming) -> Result<(), &'static str> {
    let jwt = incoming.request.bearer().ok_or("none")?;
    let (signed, signature) = jwt.rsplit_once('.').ok_or("no signature")?;
    let (header, claims) = signed.split_once('.').ok_or("no claims")?;
    let json =
        |part: &str| -> Option<Value> { serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok() };
    let (header, claims) = (json(header).ok_or("header")?, json(claims).ok_or("claims")?);
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| "signature")?;
    let key = state.app_key.as_ref().ok_or("no app")?;
    let key = ring::signature::UnparsedPublicKey::new(&ring::signature::RSA_PKCS1_2048_8192_SHA256, key);
    key.verify(signed.as_bytes(), &signature).map_err(|_| "not signed by the key")?;
    let issuer = claims["iss"].as_str().map_or_else(|| claims["iss"].to_string(), str::to_owned);
    let (begin, end) = (claims["iat"].as_u64().unwrap_or(u64::MAX), claims["exp"].as_u64().unwrap_or(0));
    let now = limits::now();
    match () {
        () if header["alg"] != "RS256" => Err("algorithm"),
        () if issuer != APP_ID => Err("issuer"),
        () if begin > now || end <= now || end > now + 600 => Err("times"),
        () => Ok(()),
    }
}
