//! A revoker that tells of each answer: a line in the log, a number in the metrics.

use crate::provider::{CallCounter, ConnectError, Limits, Liveness, Outcome, RevokeResponse, Revoker};
use crate::revocation::Batch;
use crate::serve::log::Log;
use crate::serve::metrics::Metrics;
use crate::text::one_line;
use crate::token::Token;

/// How much of a server's message a line has.
const MESSAGE_MAX: usize = 200;

/// Tells of what another revoker does.
pub(super) struct Observed<'a> {
    pub(super) inner: &'a mut dyn Revoker,
    /// What people call the host.
    pub(super) label: &'a str,
    /// What the ledger calls it.
    pub(super) host: &'a str,
    pub(super) log: &'a Log,
    pub(super) metrics: &'a Metrics,
}

impl Observed<'_> {
    fn tell(&self, tokens: usize, response: &RevokeResponse) {
        let answer = response.outcome.as_str();
        self.metrics.request(self.host, answer, tokens as u64);
        let noun = if tokens == 1 { "token" } else { "tokens" };
        let id = response.request_id.as_deref().map(|id| format!(", request {}", one_line(id, 128)));
        let id = id.unwrap_or_default();
        let line = format!("{}: {tokens} {noun} sent: {answer}{id}", self.label);
        if response.outcome == Outcome::Accepted {
            self.log.info(&line);
        } else {
            self.log.warn(&format!("{line}: {}", one_line(&response.message, MESSAGE_MAX)));
        }
    }
}

impl Revoker for Observed<'_> {
    fn limits(&self) -> Limits {
        self.inner.limits()
    }

    fn prepare(&mut self, calls: &mut dyn CallCounter) -> Result<Option<String>, ConnectError> {
        self.inner.prepare(calls)
    }

    fn revoke(&self, batch: &Batch<'_>) -> RevokeResponse {
        let response = self.inner.revoke(batch);
        self.tell(batch.tokens().len(), &response);
        response
    }

    fn revoke_self(&self, token: &Token) -> RevokeResponse {
        let response = self.inner.revoke_self(token);
        self.tell(1, &response);
        response
    }

    fn revoke_each(&self, tokens: &[Token]) -> Vec<RevokeResponse> {
        let responses = self.inner.revoke_each(tokens);
        for response in &responses {
            self.tell(1, response);
        }
        responses
    }

    fn liveness(&self, token: &Token) -> Liveness {
        self.inner.liveness(token)
    }
}
