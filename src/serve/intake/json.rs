//! Answers in JSON.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// A status, and what the body says.
pub(super) struct Json<'a, T>(pub(super) StatusCode, pub(super) &'a T);

impl<T: Serialize> IntoResponse for Json<'_, T> {
    fn into_response(self) -> Response {
        let Ok(body) = serde_json::to_vec(self.1) else {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        };
        let kind = HeaderValue::from_static("application/json");
        (self.0, [(header::CONTENT_TYPE, kind)], body).into_response()
    }
}
