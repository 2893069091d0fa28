//! The real `stanch serve`, and as much HTTP as it takes to talk to it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use super::fixture::Fixture;

/// How long anything is waited for: far longer than it takes.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) const ENQUEUE: &str = "enqueue-token-0123456789";
pub(crate) const READ: &str = "read-token-0123456789abc";
pub(crate) const BOTH: &str = "both-token-0123456789abc";

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// In small letters, as it came.
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {} {}", self.status, self.body))
    }

    fn parse(bytes: &[u8]) -> Option<Answer> {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some(Answer { status, head: head.to_ascii_lowercase(), body: body.to_owned() })
    }
}

/// A server that was started.
pub(crate) struct Serve {
    child: Child,
    pub(crate) address: SocketAddr,
    lines: Arc<Mutex<Vec<String>>>,
    reader: Option<JoinHandle<()>>,
}

/// Writes the file of bearer tokens.
pub(crate) fn bearers(fixture: &Fixture, text: &str) -> PathBuf {
    let path = fixture.sandbox.path().join("bearers");
    std::fs::write(&path, text).expect("a file");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("set");
    path
}

impl Serve {
    /// One that takes tokens in at a port of its own, and drains unless `arguments` say otherwise.
    pub(crate) fn start(fixture: &Fixture, arguments: &[&str]) -> Serve {
        let text = format!("# who\n{ENQUEUE} enqueue ci\n{READ} read\n{BOTH} enqueue,read gitlab\n");
        let bearers = bearers(fixture, &text);
        let bearers = bearers.to_str().expect("a path of text");
        let usual = ["serve", "--listen", "127.0.0.1:0", "--intake-tokens", bearers];
        Serve::spawn(fixture, &[&usual, arguments].concat())
    }

    /// One with just these arguments; `address` is of use where it listens.
    pub(crate) fn spawn(fixture: &Fixture, arguments: &[&str]) -> Serve {
        Serve::launch(fixture.command(arguments), arguments.contains(&"--listen"))
    }

    /// One that a command starts.
    pub(crate) fn launch(mut command: Command, listens: bool) -> Serve {
        let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
        let mut child = child.expect("the program starts");
        let lines: Arc<Mutex<Vec<String>>> = Arc::default();
        let (stderr, into) = (child.stderr.take().expect("piped"), Arc::clone(&lines));
        let reader = thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                into.lock().expect("nobody panicked").push(line);
            }
        });
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut serve = Serve { child, address: nowhere, lines, reader: Some(reader) };
        if listens {
            let line = serve.await_line("listening at ");
            let address = line.rsplit(' ').next().and_then(|address| address.parse().ok());
            serve.address = address.expect("an address");
        } else {
            serve.await_line("draining");
        }
        serve
    }

    /// What it has said so far.
    pub(crate) fn said(&self) -> String {
        self.lines.lock().expect("nobody panicked").join("\n")
    }

    /// Waits for a line with this in it.
    pub(crate) fn await_line(&mut self, text: &str) -> String {
        let since = Instant::now();
        loop {
            let known = self.lines.lock().expect("nobody panicked").clone();
            if let Some(line) = known.iter().find(|line| line.contains(text)) {
                return line.clone();
            }
            let ended = self.child.try_wait().expect("a process");
            assert!(
                ended.is_none() && since.elapsed() < PATIENCE,
                "no `{text}` ({ended:?}): {}",
                self.said()
            );
            thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).expect("a process")), signal).expect("a signal");
    }

    /// Waits for its end. The code, and what it said; none where a signal ended it.
    pub(crate) fn wait(mut self) -> (Option<i32>, String) {
        let since = Instant::now();
        while self.child.try_wait().expect("a process").is_none() {
            assert!(since.elapsed() < PATIENCE, "it does not end: {}", self.said());
            thread::sleep(Duration::from_millis(20));
        }
        let code = self.child.wait().expect("it ended").code();
        if let Some(reader) = self.reader.take() {
            reader.join().expect("read");
        }
        (code, self.said())
    }

    /// Ends it as a service manager does. It has to end well.
    pub(crate) fn stop(self) -> String {
        self.signal(Signal::SIGTERM);
        let (code, said) = self.wait();
        assert_eq!(code, Some(0), "{said}");
        said
    }

    /// Sends bytes, whatever they are, and reads until the server closes the connection.
    pub(crate) fn raw(&self, bytes: &[u8]) -> Option<Answer> {
        let mut stream = TcpStream::connect(self.address).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).expect("set");
        stream.write_all(bytes).ok()?;
        let mut answer = Vec::new();
        // It may be closed with something unread, which is a reset.
        let _ = stream.read_to_end(&mut answer);
        Answer::parse(&answer)
    }

    /// A request with this `Authorization`, or without one; none where the server went away.
    pub(crate) fn try_ask(&self, line: &str, authorization: Option<&str>, body: &str) -> Option<Answer> {
        let authorization = authorization.map(|value| format!("Authorization: {value}\r\n"));
        self.raw(
            format!(
                "{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{}Content-Length: {}\r\n\r\n{body}",
                authorization.unwrap_or_default(),
                body.len()
            )
            .as_bytes(),
        )
    }

    /// The same with a bearer token. There has to be an answer.
    pub(crate) fn ask(&self, line: &str, bearer: &str, body: &str) -> Answer {
        let answer = self.try_ask(line, Some(&format!("Bearer {bearer}")), body);
        answer.unwrap_or_else(|| panic!("no answer to {line}: {}", self.said()))
    }

    /// Hands tokens over, which have to be taken.
    pub(crate) fn enqueue(&self, tokens: &[String]) -> Value {
        let answer = self.ask("POST /v1/tokens", ENQUEUE, &lines(tokens));
        assert_eq!(answer.status, 202, "{}", answer.body);
        answer.json()
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A line for each token.
pub(crate) fn lines(tokens: &[String]) -> String {
    let lines =
        tokens.iter().map(|token| format!("{}\n", serde_json::json!({"token": token, "place": "a/b:1"})));
    lines.collect()
}
