//! One request and its response, within a time of their own.
//!
//! The client's own timeout begins anew with each read of a body, so that a server which sends a byte now and then could
//! hold the caller for ever, and no signal ends a read. So the exchange runs on a thread, and whoever waits for it stops
//! waiting when the time is over or the run is cancelled.

use std::io::Read;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use reqwest::blocking;
use zeroize::Zeroize as _;

use super::error::{NO_ANSWER, TransportError};
use super::message::Response;
use crate::meter::CancelFlag;

/// Why a body is not whole that is longer than it may be.
const TOO_LONG: &str = "the answer is longer than any of the API's";

/// How soon a cancelled run is noticed.
pub(super) const POLL: Duration = Duration::from_millis(50);

/// How long a cancelled run still waits for the response that is under way: it is worth having, and mostly there at once.
const GRACE: Duration = Duration::from_secs(1);

/// How much later than the client's own timeout the waiting ends: it knows better what it waited for.
const SLACK: Duration = Duration::from_millis(100);

/// How long an exchange may be, in time and in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// From the beginning to the end of the answer.
    pub(super) timeout: Duration,
    /// The most bytes of a body that are read.
    pub(super) longest_body: usize,
}

/// What the exchange has come to.
enum Step {
    /// Status and headers are here.
    Head(Response),
    /// The body, or why it is not whole, with as much of it as came.
    Body(Vec<u8>, Option<String>),
    /// No response.
    Failed(TransportError),
}

/// Sends the request and reads the response, within its time and not much beyond the moment at which `cancel` is set.
pub(super) fn run(
    request: blocking::RequestBuilder,
    bounds: Bounds,
    cancel: &CancelFlag,
) -> Result<Response, TransportError> {
    let (sender, steps) = channel();
    let abandoned = CancelFlag::default();
    let abandon = abandoned.clone();
    let thread = std::thread::Builder::new().name("http".to_owned());
    thread.spawn(move || exchange(request, bounds.longest_body, &sender, &abandoned)).map_err(no_thread)?;
    let response = wait(&steps, bounds.timeout + SLACK, cancel);
    abandon.cancel();
    response
}

/// What it means that no thread could be started.
#[expect(clippy::needless_pass_by_value, reason = "map_err calls it so")]
pub(super) fn no_thread(error: std::io::Error) -> TransportError {
    TransportError::NotSent(format!("could not start a thread ({error}); nothing was sent"))
}

fn exchange(request: blocking::RequestBuilder, longest: usize, steps: &Sender<Step>, abandoned: &CancelFlag) {
    // Nobody listens any more where sending fails, and that is then nobody's loss.
    match request.send() {
        Ok(response) => {
            let _ = steps.send(Step::Head(head(&response)));
            let (body, cut_short) = body(response, longest, abandoned);
            let _ = steps.send(Step::Body(body, cut_short));
        }
        Err(error) => {
            let _ = steps.send(Step::Failed(TransportError::from(&error)));
        }
    }
}

pub(super) fn head(response: &blocking::Response) -> Response {
    let header = |(name, value): (&reqwest::header::HeaderName, &reqwest::header::HeaderValue)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    Response {
        status: response.status().as_u16(),
        headers: response.headers().iter().map(header).collect(),
        body: Vec::new(),
        cut_short: None,
    }
}

/// As much of the body as comes, up to `longest`, and why that is not all of it. Who takes it can wipe it: no copy is
/// left behind.
pub(super) fn body(
    mut stream: impl Read,
    longest: usize,
    abandoned: &CancelFlag,
) -> (Vec<u8>, Option<String>) {
    let (mut body, mut piece) = (Vec::new(), [0; 8 * 1024]);
    let cut_short = loop {
        match stream.read(&mut piece) {
            Ok(0) => break None,
            Ok(_) if abandoned.is_cancelled() => break Some("nobody waits for it".to_owned()),
            Ok(read) => append(&mut body, &piece[..read]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => break Some("the connection broke in the middle of the answer".to_owned()),
        }
        if body.len() > longest {
            break Some(TOO_LONG.to_owned());
        }
    };
    piece.zeroize();
    (body, cut_short)
}

/// Adds bytes to a buffer, which is wiped where it has to grow.
fn append(body: &mut Vec<u8>, piece: &[u8]) {
    let len = body.len() + piece.len();
    if len > body.capacity() {
        let mut larger = Vec::with_capacity(len.max(body.capacity() * 2));
        larger.extend_from_slice(body);
        body.zeroize();
        *body = larger;
    }
    body.extend_from_slice(piece);
}

fn wait(steps: &Receiver<Step>, length: Duration, cancel: &CancelFlag) -> Result<Response, TransportError> {
    let mut end = Instant::now() + length;
    let mut cancelled = false;
    let mut head: Option<Response> = None;
    loop {
        if !cancelled && cancel.is_cancelled() {
            cancelled = true;
            end = end.min(Instant::now() + GRACE);
        }
        let left = end.saturating_duration_since(Instant::now());
        let step = steps.recv_timeout(left.min(POLL));
        let step_ended = matches!(step, Err(RecvTimeoutError::Disconnected));
        let cut_short = match step {
            Ok(Step::Failed(error)) => return Err(error),
            Ok(Step::Head(response)) => {
                head = Some(response);
                continue;
            }
            Ok(Step::Body(body, cut_short)) => {
                let response = head.unwrap_or_default();
                return Ok(Response { body, cut_short, ..response });
            }
            Err(RecvTimeoutError::Timeout) if !left.is_zero() => continue,
            Err(RecvTimeoutError::Timeout) if cancelled => "interrupted before the answer was whole",
            Err(RecvTimeoutError::Timeout) => "the answer did not end in time",
            Err(RecvTimeoutError::Disconnected) => "the request ended without a response",
        };
        // What the headers say of a limit is worth keeping, whatever became of the body.
        return match head {
            Some(response) => Ok(Response { cut_short: Some(cut_short.to_owned()), ..response }),
            None if cancelled => Err(TransportError::Lost("interrupted before an answer came".to_owned())),
            None if step_ended => Err(TransportError::Lost(cut_short.to_owned())),
            None => Err(TransportError::Lost(NO_ANSWER.to_owned())),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONGEST: usize = 100_000;

    #[test]
    fn a_body_is_read_to_its_end_or_said_to_be_torn() {
        struct Torn(u8);
        impl Read for Torn {
            fn read(&mut self, piece: &mut [u8]) -> std::io::Result<usize> {
                self.0 += 1;
                piece[0] = b'x';
                match self.0 {
                    1 | 3 => Ok(1),
                    2 => Err(std::io::ErrorKind::Interrupted.into()),
                    _ => Err(std::io::ErrorKind::UnexpectedEof.into()),
                }
            }
        }
        let flag = CancelFlag::default();
        assert_eq!(body(&b"whole"[..], LONGEST, &flag), (b"whole".to_vec(), None));
        let (read, cut_short) = body(Torn(0), LONGEST, &flag);
        assert_eq!((read.as_slice(), cut_short.is_some()), (&b"xx"[..], true));
        let longest = std::io::repeat(b'x').take(LONGEST as u64);
        assert_eq!(body(longest, LONGEST, &flag).1, None);
        assert!(body(std::io::repeat(b'x'), LONGEST, &flag).1.is_some());
        flag.cancel();
        assert!(body(std::io::repeat(b'x'), LONGEST, &flag).1.is_some());
    }

    #[test]
    fn waiting_ends_with_its_time_or_when_cancelled() {
        let (sender, steps) = channel();
        let cancel = CancelFlag::default();
        let short = Duration::from_millis(20);
        assert_eq!(wait(&steps, short, &cancel), Err(TransportError::Lost(NO_ANSWER.to_owned())));
        // Status and headers came, the body did not.
        let limited = Response { status: 429, ..Response::default() };
        assert!(sender.send(Step::Head(limited)).is_ok());
        let response = wait(&steps, short, &cancel).unwrap();
        assert_eq!((response.status, response.cut_short.is_some()), (429, true));
        let (cancelled, begin) = (cancel.clone(), Instant::now());
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(100));
            cancelled.cancel();
        });
        let error = wait(&steps, Duration::from_hours(1), &cancel).unwrap_err();
        assert!(error.into_message().contains("interrupted"));
        assert!(begin.elapsed() < Duration::from_secs(30));
        drop(sender);
    }
}
