//! `POST /v1/tokens`, `GET /v1/tokens/SHA256` and `GET /v1/key`: what runners ask for.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State as Of};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::body;
use super::item::Item;
use super::json::Json;
use super::line::Reader;
use super::refusal::Refusal;
use super::state::State;
use super::writer::Written;
use crate::ledger::wire::{IntakeKey, MAX_LINES, RefusedLine, Taken, TokenState};
use crate::serve::bearers::Role;
use crate::token::Fingerprint;

/// Queues the tokens of a request, a line each, and answers when that is committed.
pub(super) async fn enqueue(
    Of(state): Of<Arc<State>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let bearer = state.admit(&headers, Role::Enqueue)?;
    let len = body::announced_len(&headers)?;
    let _room = state.room(len)?;
    let text = body::read(body, len).await?;
    state.learn_keys().await?;
    let reading = Arc::clone(&state);
    // Keys and checksums of ten thousand tokens keep a processor busy for a while.
    let lines = tokio::task::spawn_blocking(move || {
        let reader = Reader { hosts: &reading.hosts, bearer: &bearer, envelopes: &reading.keys };
        read_lines(&reader, &text)
    });
    let lines = lines.await.map_err(|_| Refusal::unavailable("the lines could not be read"))??;
    let (numbers, items): (Vec<u64>, Vec<Item>) = lines.items.into_iter().unzip();
    let mut taken = Taken { refused: lines.refused, ..Taken::default() };
    let written = if items.is_empty() { Ok(Vec::new()) } else { state.writer.write(items).await };
    for (line, written) in numbers.into_iter().zip(state.answered(written)?) {
        match written {
            Written::Queued => taken.accepted += 1,
            Written::Known => taken.known += 1,
            Written::Damaged => {
                let reason = "its row in the ledger is damaged: `stanch ledger check` tells more";
                taken.refused.push(RefusedLine { line, reason: reason.to_owned() });
            }
        }
    }
    state.metrics.taken("accepted", taken.accepted);
    state.metrics.taken("known", taken.known);
    state.metrics.taken("refused", taken.refused.len() as u64);
    Ok(Json(StatusCode::ACCEPTED, &taken).into_response())
}

/// The lines of a request: those that can be queued, by their numbers, and the others.
#[derive(Debug)]
pub(super) struct Lines {
    pub(super) items: Vec<(u64, Item)>,
    pub(super) refused: Vec<RefusedLine>,
}

pub(super) fn read_lines(reader: &Reader<'_>, text: &[u8]) -> Result<Lines, Refusal> {
    let mut lines = Lines { items: Vec::new(), refused: Vec::new() };
    for (line, text) in (1..).zip(text.split(|byte| *byte == b'\n')) {
        let text = text.trim_ascii();
        if text.is_empty() {
            continue;
        }
        if lines.items.len() + lines.refused.len() == MAX_LINES {
            let problem = format!("there are more than {MAX_LINES} lines; send fewer at a time");
            return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, problem));
        }
        match reader.read(text) {
            Ok(item) => lines.items.push((line, item)),
            Err(reason) => lines.refused.push(RefusedLine { line, reason }),
        }
    }
    if lines.items.is_empty() && lines.refused.is_empty() {
        let problem = "there is no line: a JSON object a line is wanted, as in {\"token\": \"…\"}";
        return Err(Refusal::new(StatusCode::BAD_REQUEST, problem));
    }
    Ok(lines)
}

/// What became of a token, at the first host that knows it.
pub(super) async fn token(
    Of(state): Of<Arc<State>>,
    headers: HeaderMap,
    Path(sha256): Path<String>,
) -> Result<Response, Refusal> {
    state.admit(&headers, Role::Read)?;
    let fingerprint = Fingerprint::from_hex(&sha256).ok_or_else(|| {
        Refusal::new(StatusCode::BAD_REQUEST, "a SHA-256 is 64 hexadecimal digits (`sha256` in every report)")
    })?;
    let hosts = state.hosts.clone();
    let answer = state.readers.ask(move |ledger| {
        for host in hosts {
            if let Some(record) = ledger.token(&host, &fingerprint)? {
                return Ok(Some((host, record)));
            }
        }
        Ok(None)
    });
    let Some((host, record)) = state.answered(answer.await)? else {
        return Err(Refusal::new(StatusCode::NOT_FOUND, "this token was never queued here"));
    };
    let told = TokenState {
        sha256: fingerprint.hex(),
        host,
        kind: record.kind.rule_id().to_owned(),
        state: record.state.to_string(),
        at: record.at.to_string(),
        request_id: record.request_id,
    };
    Ok(Json(StatusCode::OK, &told).into_response())
}

/// The key that runners seal to. Who may queue has to know it.
pub(super) async fn key(Of(state): Of<Arc<State>>, headers: HeaderMap) -> Result<Response, Refusal> {
    if state.admit(&headers, Role::Enqueue).is_err() {
        state.admit(&headers, Role::Read)?;
    }
    state.learn_keys().await?;
    let Some(public_key) = state.keys.public() else {
        return Err(Refusal::new(
            StatusCode::NOT_FOUND,
            "this intake has no key to seal to: its ledger is a file with a key of its own, and --key was not given",
        ));
    };
    Ok(Json(StatusCode::OK, &IntakeKey { public_key, hosts: state.hosts.clone() }).into_response())
}
