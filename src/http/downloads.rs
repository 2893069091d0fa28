//! Files that an API keeps elsewhere: what leads there is a redirect, and no credential goes along.

use super::address::{is_loopback, resolved};
use super::client::{Client, Options};
use super::error::{SetupError, TransportError};
use super::message::{Body, Method, Request};
use super::stream::Stream;

/// How often a store may send on to another one.
const MOST_HOPS: usize = 2;

/// A way to whatever an API redirects to: over TLS, or within this machine where the API is there.
#[derive(Debug)]
pub struct Downloads {
    web: Client,
    is_cleartext: bool,
}

impl Downloads {
    /// A way to what the API at `options.base_url` redirects to; no connection is opened yet.
    pub fn new(options: &Options) -> Result<Downloads, SetupError> {
        let is_cleartext = options.base_url.starts_with("http://");
        // The schemes are kept apart: what stays on this machine takes no proxy, and what leaves it takes TLS.
        let base_url = if is_cleartext { "http:" } else { "https:" };
        let web = Client::reading(&Options { base_url: base_url.to_owned(), ..options.clone() }, 0)?;
        Ok(Downloads { web, is_cleartext })
    }

    /// Begins to read what is at an absolute URL, and follows it twice where it was moved. Nothing of the request tells
    /// who asks.
    pub fn get(&self, url: &str, user_agent: &str) -> Result<Stream, TransportError> {
        let mut url = resolved(url, "").ok_or_else(|| elsewhere("its address cannot be used"))?;
        for _ in 0..=MOST_HOPS {
            let rest = self.allowed(&url)?;
            let request = Request {
                method: Method::Get,
                path: rest,
                headers: vec![("accept", "*/*"), ("user-agent", user_agent)],
                bearer: None,
                body: Body::Empty,
            };
            let stream = self.web.stream(&request)?;
            let moved = matches!(stream.head.status, 301 | 302 | 303 | 307 | 308);
            match stream.head.header("location").filter(|_| moved) {
                None => return Ok(stream),
                Some(location) => {
                    url = resolved(&url, location).ok_or_else(|| elsewhere("its address cannot be used"))?;
                }
            }
        }
        Err(elsewhere("it was sent on too often"))
    }

    /// The URL without its scheme, where it may be asked.
    fn allowed(&self, url: &str) -> Result<String, TransportError> {
        let rest = if self.is_cleartext {
            url.strip_prefix("http:").filter(|_| is_loopback(url))
        } else {
            url.strip_prefix("https:")
        };
        rest.map(str::to_owned).ok_or_else(|| elsewhere("it is not at an https address"))
    }
}

fn elsewhere(why: &str) -> TransportError {
    TransportError::Blocked(format!("the download was not begun: {why}"))
}
