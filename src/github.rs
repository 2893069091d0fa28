//! Facts of GitHub's REST API that hold for whoever asks it: its versions, the headers it wants, what its answers say of
//! themselves and of limits. No sockets.

mod flavour;
mod limits;
mod message;
#[cfg(test)]
pub(crate) mod testing;
mod version;

pub use flavour::Flavour;
pub(crate) use limits::{Limited, is_githubs, limit, limited, remaining, request_id};
pub(crate) use message::message;
pub(crate) use version::is_unknown_version;
pub use version::{ApiVersion, Release};

/// How this program names itself: GitHub turns away requests without a `User-Agent`.
/// <https://docs.github.com/en/rest/using-the-rest-api/getting-started-with-the-rest-api#user-agent>
pub const USER_AGENT: &str = concat!("stanch/", env!("CARGO_PKG_VERSION"));

/// GitHub's own media type first; its published description knows the responses by the plain one only.
/// <https://docs.github.com/en/rest/using-the-rest-api/getting-started-with-the-rest-api#media-types>
const ACCEPT: &str = "application/vnd.github+json, application/json";

/// The headers of every request.
pub fn headers(version: ApiVersion) -> Vec<(&'static str, &'static str)> {
    vec![("accept", ACCEPT), ("x-github-api-version", version.as_str()), ("user-agent", USER_AGENT)]
}
