//! Why the API gave no answer that can be used.

/// Why a server does not give something: it will not give it later in this run either.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// 401: the credential is not known, or has expired.
    BadCredentials,
    /// 403 with `x-github-sso`: it is not authorized for the organization's single sign-on.
    SingleSignOn,
    /// 403: this address is not on the organization's allow list.
    IpAllowList,
    /// 403: the credential may not do this.
    Forbidden,
    /// 404: there is none, or the credential may not know of it.
    NotFound,
    /// 410: it is not kept any more.
    Gone,
    /// 451: taken down for a legal reason.
    TakenDown,
    /// 409: the repository is empty.
    Empty,
    /// 422: the server does not take this request.
    Invalid,
}

/// Why the API gave no answer that can be used. Its messages hold no token, and are safe to print.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// The server does not give it.
    #[error("{message}")]
    Refused {
        /// Why.
        refusal: Refusal,
        /// What it said, and what to do about it.
        message: String,
    },
    /// The server has trouble of its own, also after some attempts.
    #[error("the server answered {status}{message}")]
    Server {
        /// The HTTP status.
        status: u16,
        /// What it said; begins with `: ` where it is not empty.
        message: String,
    },
    /// No answer.
    #[error("{0}")]
    Transport(String),
    /// An answer in no form that GitHub documents.
    #[error("the answer to {0} has no form that GitHub documents")]
    Malformed(String),
    /// The server leads astray: out of the API, or in circles.
    #[error("{0}")]
    Misled(String),
    /// The run was asked to end.
    #[error("interrupted")]
    Interrupted,
}

impl ApiError {
    /// An answer in no form that is known, to a request for this path.
    pub(super) fn malformed(path: &str) -> ApiError {
        let path = path.split('?').next().unwrap_or(path);
        ApiError::Malformed(crate::text::printable(path))
    }

    /// The answer to a request for this path leads astray.
    pub(super) fn misled(path: &str, how: &str) -> ApiError {
        let path = path.split('?').next().unwrap_or(path);
        ApiError::Misled(format!("the answer to {} is not followed: {how}", crate::text::printable(path)))
    }

    /// Why the server does not give it, where that is the reason.
    pub fn refusal(&self) -> Option<Refusal> {
        match self {
            ApiError::Refused { refusal, .. } => Some(*refusal),
            _ => None,
        }
    }
}
