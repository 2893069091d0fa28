//! GitHub's dialect, without a socket: what is asked, in which words, and what each release of it understands.

use serde_json::Value;

use crate::token::{Kind, Token};

use super::host::Flavour;
use crate::revocation::Batch;

/// How this program names itself: GitHub turns away who does not.
pub const USER_AGENT: &str = concat!("stanch/", env!("CARGO_PKG_VERSION"));

/// GitHub's own type first; its published description knows the answers by the plain one only.
const ACCEPT: &str = "application/vnd.github+json, application/json";

/// A dated version of the REST API; an unknown one is answered with 400.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiVersion {
    /// What every supported release knows.
    V2022,
    /// github.com, GHE.com, and Enterprise Server from 3.21 on.
    V2026,
}

impl ApiVersion {
    /// As the `X-GitHub-Api-Version` header says it.
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

/// A release of GitHub Enterprise Server: `3.18`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Release {
    major: u16,
    minor: u16,
}

impl Release {
    /// The first one that has the endpoint.
    pub const FIRST: Release = Release::new(3, 18);

    /// The release `major.minor`.
    pub const fn new(major: u16, minor: u16) -> Release {
        Release { major, minor }
    }

    /// Reads `installed_version` from what `GET /meta` answered: `3.18.2`, `3.21.0.rc1`.
    pub fn of_meta(body: &[u8]) -> Option<Release> {
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

/// The kinds a batch may carry: all five, but two at Enterprise Server 3.18 and 3.19.
pub fn kinds(release: Option<Release>) -> Vec<Kind> {
    match release {
        Some(release) if release < Release::new(3, 20) => vec![Kind::Pat, Kind::FineGrainedPat],
        _ => Kind::GITHUB.into_iter().filter(|kind| kind.batchable()).collect(),
    }
}

/// An HTTP method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `GET`
    Get,
    /// `POST`
    Post,
    /// `DELETE`
    Delete,
}

/// What a request carries. The tokens stay tokens until the wire writes them.
#[derive(Debug)]
pub enum Payload<'a> {
    /// Nothing.
    Empty,
    /// `{"credentials": […]}`.
    Credentials(&'a [Token]),
    /// JSON without secrets.
    Json(String),
}

/// One request, whole but for the address of the API.
#[derive(Debug)]
pub struct Request<'a> {
    /// How.
    pub method: Method,
    /// Where: from the API's root on, each part percent-encoded.
    pub path: String,
    /// In which version of the API.
    pub version: ApiVersion,
    /// Whose credential it carries.
    pub bearer: Option<&'a Token>,
    /// What it carries.
    pub payload: Payload<'a>,
}

impl<'a> Request<'a> {
    /// A request that carries nothing and says nothing of who asks.
    pub fn new(method: Method, path: impl Into<String>, version: ApiVersion) -> Self {
        Request { method, path: path.into(), version, bearer: None, payload: Payload::Empty }
    }

    /// `POST /credentials/revoke`; at a server with its `credential`, at GitHub's own hosts with none.
    pub fn revoke(batch: &Batch<'a>, credential: Option<&'a Token>, version: ApiVersion) -> Self {
        Request {
            bearer: credential,
            payload: Payload::Credentials(batch.tokens()),
            ..Request::new(Method::Post, "/credentials/revoke", version)
        }
    }

    /// `DELETE /installation/token`, in the name of the token that is to end.
    pub fn end_installation(token: &'a Token, version: ApiVersion) -> Self {
        Request { bearer: Some(token), ..Request::new(Method::Delete, "/installation/token", version) }
    }

    /// `GET /meta`. A server in private mode wants to know who asks.
    pub fn meta(credential: Option<&'a Token>, version: ApiVersion) -> Self {
        Request { bearer: credential, ..Request::new(Method::Get, "/meta", version) }
    }

    /// Every header but `Authorization`, which only the wire can write.
    pub fn headers(&self) -> Vec<(&'static str, &'static str)> {
        let mut headers = vec![
            ("accept", ACCEPT),
            ("x-github-api-version", self.version.as_str()),
            ("user-agent", USER_AGENT),
        ];
        if !matches!(self.payload, Payload::Empty) {
            headers.push(("content-type", "application/json"));
        }
        headers
    }
}

/// What came back, before anyone judged it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The headers, their names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, as much of it as was read.
    pub body: Vec<u8>,
}

impl Response {
    /// The first header of that (lower-case) name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.trim())
    }

    /// The body as JSON, where it is that.
    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// Whether it is a page for people: a proxy's, a portal's, an outage's, but not the API's.
    pub fn html(&self) -> bool {
        let body = self.body.trim_ascii_start();
        let typed =
            self.header("content-type").is_some_and(|kind| kind.to_ascii_lowercase().contains("html"));
        body.starts_with(b"<") || (typed && self.json().is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(kind: Kind) -> Token {
        Token::new(kind, format!("{}{}", kind.prefix(), "aB3".repeat(12)).as_bytes())
    }

    #[test]
    fn releases_are_read_from_meta() {
        let of = |version: &str| Release::of_meta(format!(r#"{{"installed_version":{version}}}"#).as_bytes());
        assert_eq!(of(r#""3.18.2""#), Some(Release::new(3, 18)));
        assert_eq!(of(r#""3.9""#), Some(Release::new(3, 9)));
        assert_eq!(of(r#""3.21.0.rc1""#), Some(Release::new(3, 21)));
        for unknown in
            [r#""3""#, r#""""#, "3.18", r#""three.eighteen""#, r#""3.+18""#, r#""3.99999""#, "null"]
        {
            assert_eq!(of(unknown), None, "{unknown}");
        }
        assert_eq!(Release::of_meta(b"<html>"), None);
        assert_eq!(Release::of_meta(b"{}"), None);
    }

    #[test]
    fn each_release_takes_its_kinds_in_its_version() {
        let five = vec![Kind::Pat, Kind::FineGrainedPat, Kind::OAuth, Kind::AppUser, Kind::Refresh];
        let two = vec![Kind::Pat, Kind::FineGrainedPat];
        for (release, can_revoke, takes, version) in [
            (Some(Release::new(3, 17)), false, &two, ApiVersion::V2022),
            (Some(Release::new(3, 18)), true, &two, ApiVersion::V2022),
            (Some(Release::new(3, 19)), true, &two, ApiVersion::V2022),
            (Some(Release::new(3, 20)), true, &five, ApiVersion::V2022),
            (Some(Release::new(3, 21)), true, &five, ApiVersion::V2026),
            (Some(Release::new(4, 0)), true, &five, ApiVersion::V2026),
            (None, true, &five, ApiVersion::V2022),
        ] {
            assert_eq!(&kinds(release), takes, "{release:?}");
            assert_eq!(ApiVersion::for_host(Flavour::Server, release), version, "{release:?}");
            assert_eq!(release.is_none_or(Release::can_revoke), can_revoke, "{release:?}");
        }
        for flavour in [Flavour::GitHubCom, Flavour::GheCom] {
            assert_eq!(ApiVersion::for_host(flavour, None), ApiVersion::V2026);
        }
        assert!(Release::new(2, 22) < Release::FIRST);
    }

    #[test]
    fn a_request_says_what_it_wants() {
        let tokens = [token(Kind::Pat)];
        let batch = Batch::new(&tokens).unwrap();
        let request = Request::revoke(&batch, None, ApiVersion::V2026);
        assert_eq!((request.method, request.path.as_str()), (Method::Post, "/credentials/revoke"));
        assert!(request.bearer.is_none());
        assert_eq!(
            request.headers(),
            [
                ("accept", "application/vnd.github+json, application/json"),
                ("x-github-api-version", "2026-03-10"),
                ("user-agent", concat!("stanch/", env!("CARGO_PKG_VERSION"))),
                ("content-type", "application/json"),
            ]
        );
        let ghs = token(Kind::AppInstallation);
        let request = Request::end_installation(&ghs, ApiVersion::V2022);
        assert_eq!((request.method, request.path.as_str()), (Method::Delete, "/installation/token"));
        assert_eq!(request.bearer.map(Token::fingerprint), Some(ghs.fingerprint()));
        assert_eq!(request.headers().len(), 3);
    }

    #[test]
    fn a_request_can_be_printed() {
        let tokens = [token(Kind::Pat)];
        let batch = Batch::new(&tokens).unwrap();
        assert!(
            !format!("{:?}", Request::revoke(&batch, Some(&tokens[0]), ApiVersion::V2026)).contains("aB3")
        );
    }

    #[test]
    fn pages_are_told_from_answers() {
        let reply = |kind: &str, body: &str| Response {
            status: 200,
            headers: vec![("content-type".to_owned(), kind.to_owned())],
            body: body.as_bytes().to_vec(),
        };
        assert!(reply("", "\n<html>").html());
        assert!(reply("Text/HTML; charset=utf-8", "words").html());
        assert!(!reply("text/html", r#"{"message":"x"}"#).html());
        assert!(!reply("application/json", "").html());
        assert!(!reply("text/plain", "words").html());
    }
}
