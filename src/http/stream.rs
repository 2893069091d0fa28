//! A response whose body is read as it arrives, however long it is.
//!
//! A thread reads the connection and hands over piece by piece, so that whoever waits for the next one notices when the
//! run is cancelled, and that the server stands still.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use reqwest::blocking;

use super::error::{NO_ANSWER, TransportError};
use super::exchange::{POLL, head, no_thread};
use super::message::Response;
use crate::meter::CancelFlag;

/// How many bytes are handed over at once.
const PIECE: usize = 64 * 1024;

/// How many pieces wait for a reader that is slower than the server.
const WAITING: usize = 4;

/// A response whose body is still to be read.
#[derive(Debug)]
pub struct Stream {
    /// Status and headers; its body is empty.
    pub head: Response,
    /// The body.
    pub body: StreamBody,
}

impl Stream {
    /// How long the body is, where the server says so.
    pub fn length(&self) -> Option<u64> {
        self.head.header("content-length")?.parse().ok()
    }

    /// Reads the whole body, where it is a short one, such as an error's.
    pub fn into_response(self, longest: usize) -> Response {
        let (body, cut_short) = super::exchange::body(self.body, longest, &CancelFlag::default());
        Response { body, cut_short, ..self.head }
    }
}

enum Step {
    Head(Response),
    Piece(Vec<u8>),
    End,
    Broken(String),
    Failed(TransportError),
}

/// The body of a response. Its end is the end of what the server sent: a connection that breaks before, a server that
/// stands still and a run that is cancelled are errors, now and whenever it is read again.
#[derive(Debug)]
pub struct StreamBody {
    steps: Receiver<Step>,
    idle: Duration,
    cancel: CancelFlag,
    piece: Vec<u8>,
    read: usize,
    ended: Option<Result<(), String>>,
}

/// Sends the request and waits for status and headers, for `timeout` at the most; of the body, for each piece.
pub(super) fn begin(
    request: blocking::RequestBuilder,
    timeout: Duration,
    cancel: &CancelFlag,
) -> Result<Stream, TransportError> {
    let (sender, steps) = sync_channel(WAITING);
    let thread = std::thread::Builder::new().name("http-stream".to_owned());
    thread.spawn(move || transfer(request, &sender)).map_err(no_thread)?;
    match next(&steps, timeout, cancel) {
        Ok(Step::Head(head)) => {
            let (idle, cancel) = (timeout, cancel.clone());
            let body = StreamBody { steps, idle, cancel, piece: Vec::new(), read: 0, ended: None };
            Ok(Stream { head, body })
        }
        Ok(Step::Failed(error)) => Err(error),
        Ok(_) => Err(TransportError::Lost(UNFINISHED.to_owned())),
        Err(why) => Err(TransportError::Lost(why.to_owned())),
    }
}

/// Why there is nothing where the thread ended without a word.
const UNFINISHED: &str = "the request ended without a response";

/// Reads the connection until nobody listens.
fn transfer(request: blocking::RequestBuilder, steps: &SyncSender<Step>) {
    let mut response = match request.send() {
        Ok(response) => response,
        Err(error) => return drop(steps.send(Step::Failed(TransportError::from(&error)))),
    };
    let mut sent = steps.send(Step::Head(head(&response)));
    while sent.is_ok() {
        let mut piece = vec![0; PIECE];
        let step = match response.read(&mut piece) {
            Ok(0) => Step::End,
            Ok(read) => {
                piece.truncate(read);
                Step::Piece(piece)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => Step::Broken("the connection broke in the middle of the answer".to_owned()),
        };
        let last = !matches!(step, Step::Piece(_));
        sent = steps.send(step);
        if last {
            return;
        }
    }
}

/// The next step, or why none came.
fn next(steps: &Receiver<Step>, longest: Duration, cancel: &CancelFlag) -> Result<Step, &'static str> {
    let end = Instant::now() + longest;
    loop {
        if cancel.is_cancelled() {
            return Err("interrupted before the answer was whole");
        }
        let left = end.saturating_duration_since(Instant::now());
        match steps.recv_timeout(left.min(POLL)) {
            Ok(step) => return Ok(step),
            Err(RecvTimeoutError::Timeout) if left.is_zero() => return Err(NO_ANSWER),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Err(UNFINISHED),
        }
    }
}

impl Read for StreamBody {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.read == self.piece.len() && self.ended.is_none() && !into.is_empty() {
            match next(&self.steps, self.idle, &self.cancel) {
                Ok(Step::Piece(piece)) => (self.piece, self.read) = (piece, 0),
                Ok(Step::End) => self.ended = Some(Ok(())),
                Ok(Step::Broken(why)) => self.ended = Some(Err(why)),
                Ok(Step::Head(_) | Step::Failed(_)) => self.ended = Some(Err(UNFINISHED.to_owned())),
                Err(NO_ANSWER) => self.ended = Some(Err("the server stood still for too long".to_owned())),
                Err(why) => self.ended = Some(Err(why.to_owned())),
            }
        }
        let left = &self.piece[self.read..];
        if let (true, Some(Err(why))) = (left.is_empty(), &self.ended) {
            return Err(io::Error::other(why.clone()));
        }
        let read = left.len().min(into.len());
        into[..read].copy_from_slice(&left[..read]);
        self.read += read;
        Ok(read)
    }
}

#[cfg(test)]
mod tests;
