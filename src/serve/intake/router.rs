//! Which path is answered by what.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State as Of};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum_server::Handle;

use super::connections::MOST;
use super::refusal::Refusal;
use super::state::State;
use super::{gitlab, health, tokens};
use crate::ledger::wire::{KEY_PATH, TOKENS_PATH};

const TOKEN_PATH: &str = "/v1/tokens/{sha256}";
const TYPES_PATH: &str = "/v1/revocable_token_types";
const REVOKE_PATH: &str = "/v1/revoke_tokens";
const ALIVE_PATH: &str = "/healthz";
const READY_PATH: &str = "/readyz";
const METRICS_PATH: &str = "/metrics";

/// What a request meets before its route.
#[derive(Clone)]
struct Door {
    state: Arc<State>,
    handle: Handle<SocketAddr>,
}

/// Every route of the intake.
pub(super) fn router(state: &Arc<State>, handle: &Handle<SocketAddr>) -> Router {
    let door = Door { state: Arc::clone(state), handle: handle.clone() };
    Router::new()
        .route(TOKENS_PATH, post(tokens::enqueue))
        .route(TOKEN_PATH, get(tokens::token))
        .route(KEY_PATH, get(tokens::key))
        .route(TYPES_PATH, get(gitlab::types))
        .route(REVOKE_PATH, post(gitlab::revoke))
        .route(ALIVE_PATH, get(health::alive))
        .route(READY_PATH, get(health::ready))
        .route(METRICS_PATH, get(health::metrics))
        .fallback(health::nothing)
        .layer(from_fn_with_state(door, enter))
        .with_state(Arc::clone(state))
}

/// Counts each request by its route and answer, and sends away those that are too many.
async fn enter(Of(door): Of<Door>, request: Request, next: Next) -> Response {
    let route = route(request.uri().path());
    let response = if door.handle.connection_count() > MOST {
        Refusal::crowded().into_response()
    } else {
        next.run(request).await
    };
    door.state.metrics.intake(route, response.status().as_u16());
    response
}

/// The route of a path, as the metrics name it: not the path itself, which anybody may invent.
fn route(path: &str) -> &'static str {
    let fixed = [TOKENS_PATH, KEY_PATH, TYPES_PATH, REVOKE_PATH, ALIVE_PATH, READY_PATH, METRICS_PATH];
    match fixed.into_iter().find(|route| *route == path) {
        Some(route) => route,
        None if path.strip_prefix(TOKENS_PATH).is_some_and(|rest| rest.starts_with('/')) => TOKEN_PATH,
        None => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_somebody_invents_is_no_label() {
        for (path, label) in [
            ("/v1/tokens", "/v1/tokens"),
            ("/v1/tokens/abc", "/v1/tokens/{sha256}"),
            ("/v1/tokensx", "other"),
            ("/metrics", "/metrics"),
            ("/metrics/", "other"),
            ("/", "other"),
        ] {
            assert_eq!(route(path), label);
        }
    }
}
