//! Files that the API redirects to: logs and artifacts.

use std::io::Read;

use super::client::Api;
use super::error::{ApiError, Refusal};
use super::exchange::Opened;
use crate::github::USER_AGENT;
use crate::http::{Stream, TransportError};

/// How often a download is begun anew: the address that the API gives is good for a minute.
const MOST_BEGINNINGS: u32 = 4;

/// The body of a download, read as it arrives.
pub struct Download {
    /// Its bytes. A connection that breaks is an error of the reader, never its end.
    pub body: Box<dyn Read + Send>,
    /// How many bytes there are, where the server says so.
    pub length: Option<u64>,
}

impl Download {
    fn of(stream: Stream) -> Download {
        let length = stream.length();
        Download { body: Box::new(stream.body), length }
    }
}

impl Api {
    /// Begins a download: `path` redirects to where it is kept, and the credential is not shown there.
    pub fn download(&self, path: &str) -> Result<Download, ApiError> {
        let mut beginnings = 0;
        loop {
            let url = match self.open(path)? {
                Opened::Stream(stream) => return Ok(Download::of(stream)),
                Opened::Elsewhere(url) => url,
            };
            let error = match self.downloads.get(&url, USER_AGENT) {
                Ok(stream) if stream.head.status == 200 => return Ok(Download::of(stream)),
                Ok(stream) => of_store(stream.head.status),
                Err(TransportError::Blocked(message)) => return Err(ApiError::misled(path, &message)),
                Err(error) => ApiError::Transport(error.into_message()),
            };
            self.limiter.check_cancelled()?;
            beginnings += 1;
            if beginnings == MOST_BEGINNINGS || error.refusal().is_some() {
                return Err(error);
            }
            self.limiter.pause(self.limiter.pauses.trouble.saturating_mul(1 << beginnings))?;
        }
    }
}

/// What it means that the store does not give a file. Its own words are not shown: they may repeat an address with a
/// signature, which is as good as the file.
fn of_store(status: u16) -> ApiError {
    match status {
        404 | 410 => ApiError::Refused {
            refusal: Refusal::Gone,
            message: format!("where it was kept, it is no more ({status})"),
        },
        _ => ApiError::Server { status, message: " where the file is kept".to_owned() },
    }
}
