//! A git server on loopback: `git http-backend` (git-http-backend(1)) behind a small HTTP server, which misbehaves on command.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::super::url::CloneUrl;

/// How the server behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    Well,
    /// Answers with this status and nothing else.
    Status(u16),
    /// Refuses whoever does not show this in `authorization`.
    Asks(String),
    /// Never answers a request for objects.
    Hangs,
    /// Sends what is no pack.
    Garbage,
    /// Breaks off after so many bytes of objects.
    BreaksAfter(usize),
    /// Sends this many bytes of objects, and then nothing more, without an end.
    StopsAfter(usize),
}

/// A request: its first line, and its `authorization`.
pub(super) type Seen = (String, Option<String>);

pub(super) struct Server {
    directory: tempfile::TempDir,
    port: u16,
    manner: Arc<Mutex<Manner>>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    pub(super) fn new() -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let server = Server {
            directory: tempfile::tempdir().expect("a directory"),
            port: listener.local_addr().expect("an address").port(),
            manner: Arc::new(Mutex::new(Manner::Well)),
            seen: Arc::default(),
        };
        let (manner, seen) = (Arc::clone(&server.manner), Arc::clone(&server.seen));
        let root = server.directory.path().to_owned();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (manner, seen, root) = (manner.lock().unwrap().clone(), Arc::clone(&seen), root.clone());
                thread::spawn(move || answer(stream, &manner, &seen, &root));
            }
        });
        server
    }

    pub(super) fn behave(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
    }

    pub(super) fn url(&self, name: &str) -> CloneUrl {
        CloneUrl::parse(&format!("http://127.0.0.1:{}/{name}.git", self.port)).expect("an address")
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(format!("{name}.git"))
    }

    /// The requests since this was asked last.
    pub(super) fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }

    /// A new empty repository.
    pub(super) fn repository(&self, name: &str, options: &[&str]) -> Upstream {
        let path = self.directory.path().join(format!("{name}.git"));
        std::fs::create_dir_all(&path).expect("a directory");
        let upstream = Upstream { path };
        upstream.git(&[&["init", "-q", "--bare", "-b", "main"], options].concat());
        upstream.git(&["config", "uploadpack.allowAnySHA1InWant", "true"]);
        upstream
    }
}

/// A repository of the server.
pub(super) struct Upstream {
    pub(super) path: PathBuf,
}

impl Upstream {
    pub(super) fn git(&self, arguments: &[&str]) -> String {
        self.git_with_input(arguments, b"")
    }

    pub(super) fn git_with_input(&self, arguments: &[&str], input: &[u8]) -> String {
        let mut command = git_command(&self.path);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.spawn().expect("git runs");
        child.stdin.take().expect("piped").write_all(input).expect("git reads");
        let output = child.wait_with_output().expect("git ends");
        assert!(output.status.success(), "git {arguments:?}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// A commit with one file.
    pub(super) fn commit(&self, content: &[u8], parents: &[&str]) -> String {
        let blob = self.git_with_input(&["hash-object", "-w", "--stdin"], content);
        let tree = self.git_with_input(&["mktree"], format!("100644 blob {blob}\tfile\n").as_bytes());
        let parents: Vec<&str> = parents.iter().flat_map(|parent| ["-p", parent]).collect();
        self.git(&[&["commit-tree", "-m", "message", &tree], parents.as_slice()].concat())
    }

    pub(super) fn set(&self, name: &str, id: &str) {
        self.git(&["update-ref", name, id]);
    }
}

/// Git with nothing of the user's.
pub(super) fn git_command(directory: &Path) -> Command {
    let mut command = Command::new("git");
    command.current_dir(directory).env_clear().envs([
        ("PATH", std::env::var("PATH").expect("a path").as_str()),
        ("HOME", "/nonexistent"),
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_AUTHOR_NAME", "A U Thor"),
        ("GIT_AUTHOR_EMAIL", "author@example.com"),
        ("GIT_COMMITTER_NAME", "C O Mitter"),
        ("GIT_COMMITTER_EMAIL", "committer@example.com"),
        ("GIT_AUTHOR_DATE", "1700000000 +0000"),
        ("GIT_COMMITTER_DATE", "1700000000 +0000"),
    ]);
    command
}

struct Request {
    line: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    fn read(stream: &TcpStream) -> Option<Request> {
        let mut from = BufReader::new(stream);
        let line = read_line(&mut from)?;
        let mut headers = Vec::new();
        loop {
            let header = read_line(&mut from)?;
            let Some((name, value)) = header.split_once(':') else { break };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut request = Request { line, headers, body: Vec::new() };
        if request.header("transfer-encoding").is_some() {
            loop {
                let len = usize::from_str_radix(&read_line(&mut from)?, 16).ok()?;
                let mut chunk = vec![0; len + 2];
                from.read_exact(&mut chunk).ok()?;
                request.body.extend_from_slice(&chunk[..len]);
                if len == 0 {
                    break;
                }
            }
        } else if let Some(len) = request.header("content-length") {
            request.body = vec![0; len.parse().ok()?];
            from.read_exact(&mut request.body).ok()?;
        }
        Some(request)
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn wants_objects(&self) -> bool {
        self.line.starts_with("POST") && self.body.windows(13).any(|bytes| bytes == b"command=fetch")
            || self.header("content-encoding").is_some()
    }
}

fn read_line(from: &mut BufReader<&TcpStream>) -> Option<String> {
    let mut line = String::new();
    from.read_line(&mut line).ok().filter(|len| *len > 0)?;
    Some(line.trim_end().to_owned())
}

fn answer(mut stream: TcpStream, manner: &Manner, seen: &Mutex<Vec<Seen>>, root: &Path) {
    let Some(request) = Request::read(&stream) else { return };
    let shown = request.header("authorization").map(str::to_owned);
    seen.lock().unwrap().push((request.line.clone(), shown.clone()));
    let refusal = |status: u16| {
        format!(
            "HTTP/1.1 {status} X\r\nwww-authenticate: Basic realm=\"x\"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        )
    };
    let head = b"HTTP/1.1 200 OK\r\nconnection: close\r\n";
    let mut sent = Vec::new();
    match manner {
        Manner::Status(status) => sent = refusal(*status).into_bytes(),
        Manner::Asks(expected) if shown.as_ref() != Some(expected) => sent = refusal(401).into_bytes(),
        Manner::Hangs if request.wants_objects() => forever(&mut stream),
        Manner::Garbage if request.wants_objects() => {
            sent.extend_from_slice(head);
            sent.extend_from_slice(b"content-type: application/x-git-upload-pack-result\r\n\r\n000dpackfile\n0011\x01PACKgarbage0000");
        }
        manner => {
            let answer = backend(&request, root);
            // How CGI says that it is no 200 (RFC 3875, section 6.3.3).
            match answer.strip_prefix(b"Status: ") {
                Some(rest) => sent
                    .extend_from_slice(&[b"HTTP/1.1 ", &rest[..3], b" X\r\nconnection: close\r\n"].concat()),
                None => sent.extend_from_slice(head),
            }
            let end = match manner {
                Manner::BreaksAfter(len) | Manner::StopsAfter(len) if request.wants_objects() => *len,
                _ => answer.len(),
            };
            // What is broken off was to be longer.
            if end < answer.len() {
                sent.extend_from_slice(format!("content-length: {}\r\n", answer.len()).as_bytes());
            }
            sent.extend_from_slice(&answer[..end.min(answer.len())]);
        }
    }
    // The client may have gone.
    let _ = stream.write_all(&sent);
    if matches!(manner, Manner::StopsAfter(_)) && request.wants_objects() {
        forever(&mut stream);
    }
}

/// Until the client goes.
fn forever(stream: &mut TcpStream) {
    let _ = stream.set_read_timeout(Some(Duration::from_mins(1)));
    let _ = stream.read(&mut [0]);
}

/// The answer of git-http-backend(1), headers first.
fn backend(request: &Request, root: &Path) -> Vec<u8> {
    let mut words = request.line.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let body = root.join(format!("body-{}", std::ptr::from_ref(request).addr()));
    std::fs::write(&body, &request.body).expect("written");
    let mut command = git_command(root);
    command.arg("http-backend").envs([
        ("GIT_PROJECT_ROOT", root.to_str().expect("text")),
        ("GIT_HTTP_EXPORT_ALL", "1"),
        ("REQUEST_METHOD", method),
        ("PATH_INFO", path),
        ("QUERY_STRING", query),
        ("CONTENT_TYPE", request.header("content-type").unwrap_or_default()),
        ("HTTP_CONTENT_ENCODING", request.header("content-encoding").unwrap_or_default()),
        ("GIT_PROTOCOL", request.header("git-protocol").unwrap_or_default()),
        ("CONTENT_LENGTH", &request.body.len().to_string()),
    ]);
    let output = command.stdin(File::open(&body).expect("a file")).stderr(Stdio::null()).output();
    let _ = std::fs::remove_file(&body);
    output.expect("git runs").stdout
}
