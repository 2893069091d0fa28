//! Requests and responses.

use crate::token::Token;

/// An HTTP method (RFC 9110, section 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `GET`
    Get,
    /// `POST`
    Post,
    /// `DELETE`
    Delete,
    /// `PATCH` (RFC 5789)
    Patch,
}

/// What a request carries. The tokens stay tokens until they are written into the connection's buffer.
#[derive(Debug)]
pub enum Body<'a> {
    /// Nothing.
    Empty,
    /// A JSON object with one field, the list of these tokens: `{"field": ["…"]}`.
    Tokens {
        /// The name of the field.
        field: &'static str,
        /// The tokens.
        tokens: &'a [Token],
    },
    /// JSON without secrets.
    Json(String),
    /// A JSON text without secrets on each line (<https://github.com/ndjson/ndjson-spec>).
    JsonLines(String),
}

/// One request, whole but for the root of the API.
#[derive(Debug)]
pub struct Request<'a> {
    /// The method.
    pub method: Method,
    /// The path from the API's root on, each part percent-encoded.
    pub path: String,
    /// Headers without secrets, their names in lower case.
    pub headers: Vec<(&'static str, &'a str)>,
    /// The token that authenticates it: `Authorization: Bearer TOKEN` (RFC 6750, section 2.1).
    pub bearer: Option<&'a Token>,
    /// The body.
    pub body: Body<'a>,
}

impl Request<'_> {
    /// Every header but `Authorization`.
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let kind = match self.body {
            Body::Empty => None,
            Body::Tokens { .. } | Body::Json(_) => Some("application/json"),
            Body::JsonLines(_) => Some("application/x-ndjson"),
        };
        self.headers.iter().copied().chain(kind.map(|kind| ("content-type", kind)))
    }
}

/// A response, not yet classified.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The headers, their names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, as much of it as was read.
    pub body: Vec<u8>,
    /// Why the body is not whole, where it is not: what a torn body seems to say is no answer.
    pub cut_short: Option<String>,
}

impl Response {
    /// The first header of that (lower-case) name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.trim())
    }

    /// The body as JSON, where it is that.
    pub fn json(&self) -> Option<serde_json::Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// Whether it is a page for people: a proxy's, a portal's, an outage's, but not an API's.
    pub fn is_html(&self) -> bool {
        let body = self.body.trim_ascii_start();
        let typed =
            self.header("content-type").is_some_and(|kind| kind.to_ascii_lowercase().contains("html"));
        body.starts_with(b"<") || (typed && self.json().is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_pages_are_told_from_json() {
        let response = |kind: &str, body: &str| Response {
            status: 200,
            headers: vec![("content-type".to_owned(), kind.to_owned())],
            body: body.as_bytes().to_vec(),
            cut_short: None,
        };
        assert!(response("", "\n<html>").is_html());
        assert!(response("Text/HTML; charset=utf-8", "words").is_html());
        assert!(!response("text/html", r#"{"message":"x"}"#).is_html());
        assert!(!response("application/json", "").is_html());
        assert!(!response("text/plain", "words").is_html());
    }
}
