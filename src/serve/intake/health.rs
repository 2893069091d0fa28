//! What those ask who run the server: whether it lives, whether it can work, how it fares.

use std::sync::Arc;

use axum::extract::State as Of;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;

use super::refusal::Refusal;
use super::state::State;
use crate::serve::bearers::Role;
use crate::serve::metrics::CONTENT_TYPE;

/// The process answers.
pub(super) async fn alive() -> &'static str {
    "alive\n"
}

/// The ledger answers, and the server is not ending.
pub(super) async fn ready(Of(state): Of<Arc<State>>) -> Result<&'static str, Refusal> {
    if state.stop.is_stopping() {
        return Err(Refusal::unavailable("the server is ending"));
    }
    state.is_ready().await?;
    Ok("ready\n")
}

/// The metrics. Where the ledger cannot be read, what was counted here is told all the same.
pub(super) async fn metrics(Of(state): Of<Arc<State>>, headers: HeaderMap) -> Result<Response, Refusal> {
    state.admit(&headers, Role::Read)?;
    let snapshot = state.answered(state.lookout.ask().await).ok();
    let text = state.metrics.text(snapshot.as_deref(), Timestamp::now());
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE))], text).into_response())
}

/// What is at no route.
pub(super) async fn nothing() -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "there is nothing at this path")
}
