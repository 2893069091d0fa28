//! The body of a request: read whole, within a time and a size, into a buffer that wipes itself.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::http::{HeaderMap, StatusCode, header};
use zeroize::Zeroizing;

use super::refusal::Refusal;
use crate::ledger::wire::MAX_BODY;

/// How long a body may take to arrive, however slowly it drips.
const DEADLINE: Duration = Duration::from_secs(20);

/// How much is taken for a body whose length is not said.
const UNKNOWN_LEN: usize = 64 * 1024;

/// How long a body says that it is. One that is too long is refused before it is read.
pub(super) fn announced_len(headers: &HeaderMap) -> Result<Option<usize>, Refusal> {
    let Some(value) = headers.get(header::CONTENT_LENGTH) else { return Ok(None) };
    let len = value.to_str().ok().and_then(|text| text.parse::<usize>().ok());
    match len {
        Some(len) if len <= MAX_BODY => Ok(Some(len)),
        _ => Err(too_long()),
    }
}

/// Reads all of a body.
pub(super) async fn read(body: Body, len: Option<usize>) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    match tokio::time::timeout(DEADLINE, collect(body, len)).await {
        Ok(read) => read,
        Err(_) => Err(Refusal::closing(StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time")),
    }
}

async fn collect(mut body: Body, len: Option<usize>) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    let mut text = Zeroizing::new(Vec::with_capacity(len.unwrap_or(UNKNOWN_LEN)));
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let frame = frame
            .map_err(|_| Refusal::closing(StatusCode::BAD_REQUEST, "the body ended before it was whole"))?;
        let Some(data) = frame.data_ref() else { continue };
        if text.len() + data.len() > MAX_BODY {
            return Err(too_long());
        }
        if text.len() + data.len() > text.capacity() {
            // Growing in place would leave a copy behind that nobody wipes.
            let mut larger = Zeroizing::new(Vec::with_capacity((text.len() + data.len()) * 2));
            larger.extend_from_slice(&text);
            text = larger;
        }
        text.extend_from_slice(data);
    }
    Ok(text)
}

fn too_long() -> Refusal {
    Refusal::closing(
        StatusCode::PAYLOAD_TOO_LARGE,
        "the body is longer than 8 MiB; send fewer lines at a time",
    )
}
