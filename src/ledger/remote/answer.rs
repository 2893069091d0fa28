//! What an answer of an intake means: done, come again, or no.

use std::time::Duration;

use serde::de::DeserializeOwned;

use super::error::IntakeFault;
use crate::http::{Response, TransportError};
use crate::ledger::error::LedgerError;
use crate::ledger::wire;
use crate::text::{MESSAGE_LIMIT, one_line};

/// Why a request to an intake was not done.
#[derive(Debug)]
pub(super) enum Failure {
    /// It is away, for a moment as far as can be seen. Whether it has done what was asked is not known, and asking again does
    /// no harm.
    Away(Away),
    /// It says no, or what answers is no intake: asking again would bring the same.
    Final(LedgerError),
}

/// How an intake is away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Away {
    /// In words.
    pub(super) detail: String,
    /// How long it asked to wait.
    pub(super) retry_after: Option<Duration>,
    /// Whether it may be back in a few seconds.
    pub(super) briefly: bool,
}

impl Failure {
    /// It is away, and may be back in a few seconds.
    fn briefly(detail: impl Into<String>) -> Self {
        Failure::Away(Away { detail: detail.into(), retry_after: None, briefly: true })
    }
}

/// The response, if it is one to the question: a success, or "not found". `intake` is the intake's address.
pub(super) fn judge(intake: &str, answered: Result<Response, TransportError>) -> Result<Response, Failure> {
    let response = match answered {
        Ok(response) => response,
        Err(TransportError::NotSent(detail) | TransportError::Lost(detail)) => {
            return Err(Failure::briefly(detail));
        }
        // A certificate or a proxy does not mend itself while somebody waits.
        Err(TransportError::Blocked(detail)) => {
            return Err(Failure::Away(Away { detail, retry_after: None, briefly: false }));
        }
    };
    let (intake, status, detail) = (intake.to_owned(), response.status, detail(&response));
    match status {
        _ if response.cut_short.is_some() => Err(Failure::briefly(format!("half an answer: {detail}"))),
        200..=299 | 404 => Ok(response),
        401 | 403 => Err(Failure::Final(LedgerError::Denied { ledger: intake, detail })),
        429 => {
            let retry_after = response.header("retry-after").and_then(|seconds| seconds.parse().ok());
            let retry_after = retry_after.map(Duration::from_secs);
            Err(Failure::Away(Away { detail, retry_after, briefly: true }))
        }
        408 | 500..=599 => Err(Failure::briefly(detail)),
        300..=399 => {
            let detail = format!("{status}: it leads elsewhere, and nothing is sent there");
            Err(Failure::Final(IntakeFault::NoIntake { intake, detail }.into()))
        }
        _ => Err(Failure::Final(LedgerError::Backend { ledger: intake, detail })),
    }
}

/// What is in a response that has to be there; where it is something else, what answers is no intake, or not today.
pub(super) fn content<T: DeserializeOwned>(intake: &str, response: &Response) -> Result<T, Failure> {
    serde_json::from_slice(&response.body).map_err(|_| {
        let detail = format!("{}: no answer that an intake gives", response.status);
        Failure::Final(IntakeFault::NoIntake { intake: intake.to_owned(), detail }.into())
    })
}

/// Whether it is the intake itself that has said so: every error of one has a body of the same form.
pub(super) fn is_intakes_own(response: &Response) -> bool {
    serde_json::from_slice::<wire::IntakeError>(&response.body).is_ok()
}

/// The status, and what is said with it.
pub(super) fn detail(response: &Response) -> String {
    let said = serde_json::from_slice::<wire::IntakeError>(&response.body).map(|said| said.error);
    match (&response.cut_short, said) {
        (Some(cut_short), _) => format!("{}, {cut_short}", response.status),
        (None, Ok(said)) => format!("{}: {}", response.status, one_line(&said, MESSAGE_LIMIT)),
        (None, Err(_)) => response.status.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, body: &str) -> Response {
        Response { status, headers: Vec::new(), body: body.as_bytes().to_vec(), cut_short: None }
    }

    #[test]
    fn only_what_may_pass_is_asked_again() {
        let away = |response: Response| match judge("i", Ok(response)) {
            Err(Failure::Away(away)) => Some((away.briefly, away.retry_after.map(|wait| wait.as_secs()))),
            _ => None,
        };
        for status in [408, 429, 500, 502, 503, 504] {
            assert_eq!(away(response(status, "")), Some((true, None)), "{status}");
        }
        let limited =
            Response { headers: vec![("retry-after".to_owned(), "7".to_owned())], ..response(429, "") };
        assert_eq!(away(limited), Some((true, Some(7))));
        let half = Response { cut_short: Some("torn".to_owned()), ..response(202, "{\"acc") };
        assert_eq!(away(half), Some((true, None)));
        for status in [301, 302, 307, 308, 400, 401, 403, 413, 422] {
            assert_eq!(away(response(status, "")), None, "{status}");
            assert!(matches!(judge("i", Ok(response(status, ""))), Err(Failure::Final(_))), "{status}");
        }
        let failed = |error| match judge("i", Err(error)) {
            Err(Failure::Away(away)) => Some(away.briefly),
            _ => None,
        };
        assert_eq!(failed(TransportError::NotSent("refused".to_owned())), Some(true));
        assert_eq!(failed(TransportError::Lost("broken".to_owned())), Some(true));
        assert_eq!(failed(TransportError::Blocked("stranger".to_owned())), Some(false));
    }

    #[test]
    fn what_an_intake_says_is_told_on_one_line_and_a_page_is_not() {
        let token = ["ghp_", &"a1".repeat(18)].concat();
        let said = detail(&response(403, &format!("{{\"error\": \"not {token}\\nby you\"}}")));
        assert_eq!(said, "403: not ghp_… by you");
        assert_eq!(detail(&response(403, "<html>go away</html>")), "403");
        assert!(is_intakes_own(&response(404, "{\"error\": \"never queued here\"}")));
        assert!(!is_intakes_own(&response(404, "<html></html>")) && !is_intakes_own(&response(404, "{}")));
    }
}
