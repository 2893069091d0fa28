//! Versions of the REST API and releases of GitHub Enterprise Server: which of them understands what.

use serde_json::Value;

use super::flavour::Flavour;
use super::message::message;
use crate::http::Response;

/// A dated version of the REST API; an unknown one is answered with 400.
/// <https://docs.github.com/en/rest/about-the-rest-api/api-versions>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiVersion {
    /// Every supported release knows it.
    V2022,
    /// github.com, GHE.com, and Enterprise Server from 3.21 on.
    V2026,
}

impl ApiVersion {
    /// The value of the `X-GitHub-Api-Version` header.
    pub const fn as_str(self) -> &'static str {
        match self {
            ApiVersion::V2022 => "2022-11-28",
            ApiVersion::V2026 => "2026-03-10",
        }
    }

    /// The one to try where this one is not known.
    #[must_use]
    pub const fn other(self) -> ApiVersion {
        match self {
            ApiVersion::V2022 => ApiVersion::V2026,
            ApiVersion::V2026 => ApiVersion::V2022,
        }
    }

    /// The one to begin with: the newest at GitHub's own hosts; at a server the one its release knows, and the
    /// one all of them know where the release is not known.
    pub fn for_host(flavour: Flavour, release: Option<Release>) -> ApiVersion {
        match (flavour, release) {
            (Flavour::Server, None) => ApiVersion::V2022,
            (Flavour::Server, Some(release)) if release < Release::new(3, 21) => ApiVersion::V2022,
            _ => ApiVersion::V2026,
        }
    }
}

/// Whether the server does not know the API version the request named.
pub(crate) fn is_unknown_version(response: &Response) -> bool {
    response.status == 400
        && response.cut_short.is_none()
        && message(response).to_ascii_lowercase().contains("version")
}

/// A release of GitHub Enterprise Server: `3.18`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Release {
    major: u16,
    minor: u16,
}

impl Release {
    /// The first one that has the endpoint.
    /// <https://docs.github.com/en/enterprise-server@3.18/rest/credentials/revoke>
    pub const FIRST: Release = Release::new(3, 18);

    /// The release `major.minor`.
    pub const fn new(major: u16, minor: u16) -> Release {
        Release { major, minor }
    }

    /// Reads `installed_version` from the body of `GET /meta`: `3.18.2`, `3.21.0.rc1`.
    /// <https://docs.github.com/en/enterprise-server@3.18/rest/meta/meta#get-github-meta-information>
    pub fn from_meta(body: &[u8]) -> Option<Release> {
        let meta: Value = serde_json::from_slice(body).ok()?;
        let mut parts = meta.get("installed_version")?.as_str()?.split('.');
        let number =
            |part: &str| part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok()).flatten();
        Some(Release::new(number(parts.next()?)?, number(parts.next()?)?))
    }

    /// Whether it can revoke at all.
    pub fn can_revoke(self) -> bool {
        self >= Release::FIRST
    }
}

impl std::fmt::Display for Release {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_read_from_meta() {
        let of =
            |version: &str| Release::from_meta(format!(r#"{{"installed_version":{version}}}"#).as_bytes());
        assert_eq!(of(r#""3.18.2""#), Some(Release::new(3, 18)));
        assert_eq!(of(r#""3.9""#), Some(Release::new(3, 9)));
        assert_eq!(of(r#""3.21.0.rc1""#), Some(Release::new(3, 21)));
        for unknown in
            [r#""3""#, r#""""#, "3.18", r#""three.eighteen""#, r#""3.+18""#, r#""3.99999""#, "null"]
        {
            assert_eq!(of(unknown), None, "{unknown}");
        }
        assert_eq!(Release::new(3, 18).to_string(), "3.18");
        assert_eq!(Release::from_meta(b"<html>"), None);
        assert_eq!(Release::from_meta(b"{}"), None);
    }

    #[test]
    fn only_a_400_about_versions_speaks_of_versions() {
        let response =
            |status, body: &str| Response { status, body: body.as_bytes().to_vec(), ..Response::default() };
        assert!(is_unknown_version(&response(400, "not a supported Version")));
        assert!(!is_unknown_version(&response(400, "Problems parsing JSON")));
        assert!(!is_unknown_version(&response(422, "version")));
    }
}
