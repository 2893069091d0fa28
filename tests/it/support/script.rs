//! How a GitHub on loopback behaves, and how it misbehaves.

/// Which GitHub this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flavour {
    DotCom,
    GheCom,
    /// Enterprise Server, with the release its `/meta` tells.
    Server(Option<&'static str>),
}

/// What the next revocation meets instead of the documented behaviour.
#[derive(Clone, Debug)]
pub(crate) enum Misbehaviour {
    ServerError,
    HtmlBadGateway,
    PrimaryLimit,
    SecondaryLimit {
        retry_after: Option<u64>,
    },
    Spammed,
    /// Read nothing of the next connection, whatever it wants, and close it.
    DropUnread,
    /// Do what was asked, then close without an answer.
    DropProcessed,
    /// Read, then stay silent until the server stops.
    Hang,
    Redirect(String),
    /// These bytes, and then the end of the connection.
    Raw(&'static str),
    /// A 202 whose body never ends: a byte now and then.
    Drip,
    /// 422 with every token of the request in the message.
    Echo,
}

/// How it behaves where it behaves.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(crate) flavour: Flavour,
    /// Revocations an hour.
    pub(crate) quota: usize,
    /// The API versions it knows.
    pub(crate) versions: Vec<&'static str>,
    /// The credential it knows, for what needs one.
    pub(crate) credential: String,
    /// Whether it has `/rate_limit`.
    pub(crate) limits: bool,
    /// Whether what it accepts lives on.
    pub(crate) immortal: bool,
    /// How long each answer takes.
    pub(crate) latency: std::time::Duration,
}

impl Script {
    pub(crate) fn of(flavour: Flavour) -> Self {
        let versions = match flavour {
            Flavour::Server(Some(release)) if release < "3.21" => vec!["2022-11-28"],
            _ => vec!["2022-11-28", "2026-03-10"],
        };
        Script {
            flavour,
            quota: 60,
            versions,
            credential: String::new(),
            limits: true,
            immortal: false,
            latency: std::time::Duration::ZERO,
        }
    }
}
