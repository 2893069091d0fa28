//! Responses for tests.

use jiff::Timestamp;

use crate::http::Response;

/// When they are read, in seconds since 1970.
pub(crate) const NOW: i64 = 1_800_000_000;

pub(crate) fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

/// `head` is one header a line.
pub(crate) fn response(status: u16, head: &str, body: &str) -> Response {
    let header = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned()));
    let headers = head.lines().filter_map(header).collect();
    Response { status, headers, body: body.as_bytes().to_vec(), cut_short: None }
}
