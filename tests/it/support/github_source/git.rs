//! `git` over smart HTTP, by the installed `git http-backend` (`git-http-backend(1)`).

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::http::Reply;
use super::serve::Shared;
use super::state::Noted;
use super::trouble::Trouble;
use super::wire::{self, Incoming};

/// Whether a path is one of a repository that is cloned.
pub(super) fn is_git(path: &str) -> bool {
    path.contains(".git/")
}

/// Answers, and ends the connection.
pub(super) fn serve(shared: &Shared, stream: &TcpStream, incoming: &Incoming) {
    let (status, trouble) = admission(shared, incoming);
    let owner = incoming.path().split('/').nth(1).unwrap_or_default();
    let is_fetch = memchr::memmem::find(&incoming.body, b"command=fetch").is_some();
    match trouble {
        Some(Trouble::Hang) => shared.hang(),
        // Only where objects are asked for: the refs before them are as they are.
        Some(Trouble::Bomb) if is_fetch => bomb(shared, stream),
        Some(Trouble::Torn) if is_fetch => {
            let _ = wire::write_head(stream, 200, &fetch_headers());
            let _ = (&*stream).write_all(&[pack_head(), vec![0; 100]].concat());
        }
        Some(Trouble::Garbage) => {
            let _ = wire::write_head(stream, 200, &fetch_headers());
            let _ = (&*stream).write_all(b"fffe\0\x1b]0;not the protocol\x07".repeat(100).as_slice());
        }
        Some(Trouble::Close) => {}
        None | Some(Trouble::Bomb | Trouble::Torn | Trouble::Late(_)) if status == 200 => {
            if let Some(Trouble::Late(delay)) = trouble {
                std::thread::sleep(delay);
            }
            backend(shared, stream, incoming);
        }
        Some(trouble) if status == 200 || status == 404 => match trouble.reply(owner) {
            Some(reply) => refused(&trouble, reply, owner).with("Connection", "close").write(stream),
            None => shared.misbehave(stream, &trouble),
        },
        _ => {
            let challenge = ("WWW-Authenticate", "Basic realm=\"GitHub\"".to_owned());
            let length = ("Content-Length", "0".to_owned());
            let _ =
                wire::write_head(stream, status, &[challenge, length, ("Connection", "close".to_owned())]);
        }
    }
}

/// What GitHub's git servers say where its API says something else: text, which git shows.
fn refused(trouble: &Trouble, reply: Reply, owner: &str) -> Reply {
    let text = match trouble {
        Trouble::Sso => format!(
            "The `{owner}' organization has enabled or enforced SAML SSO. To access\nthis repository, you must use the \
             HTTPS remote with a personal access token\nthat has been authorized for this organization.\n"
        ),
        Trouble::IpAllowList => {
            "The repository owner has an IP allow list enabled, and 127.0.0.1 is not permitted to access this repository.\n"
                .to_owned()
        }
        Trouble::Permissions => "Write access to repository not granted.\n".to_owned(),
        Trouble::Blocked => "Repository unavailable due to DMCA takedown.\n".to_owned(),
        Trouble::Status(404, _) => "Repository not found.\n".to_owned(),
        _ => return reply,
    };
    Reply {
        status: reply.status,
        headers: vec![("Content-Type", "text/plain; charset=utf-8".to_owned())],
        body: text,
    }
}

/// Notes the request; whether it may come in, and what it meets.
fn admission(shared: &Shared, incoming: &Incoming) -> (u16, Option<Trouble>) {
    let mut state = shared.state();
    let path = incoming.path().to_owned();
    let credential = incoming.request.header("authorization").and_then(basic);
    let authenticated =
        credential.as_ref().is_some_and(|(user, password)| user == "x-access-token" && state.knows(password));
    let name = path.trim_start_matches('/').split(".git/").next().unwrap_or_default();
    let (owner, repository) = name.split_once('/').unwrap_or_default();
    let repository = repository.strip_suffix(".wiki").unwrap_or(repository);
    let private = state.world.repository(owner, repository).is_some_and(|repository| repository.private);
    let is_there = shared.root.join(format!("{name}.git")).is_dir();
    // What is private does not exist for others; and a wrong credential is worse than none.
    let status = match (authenticated, credential.is_some()) {
        (false, true) => 401,
        (false, false) if private || !is_there => 401,
        _ if is_there => 200,
        _ => 404,
    };
    if incoming.query().contains("ghp_") || path.contains('@') {
        state.violations.push("git was given a credential in an address".to_owned());
    }
    let trouble = state.troubles.take(&path);
    state.noted.push(Noted { request: incoming.request.clone(), path, status, authenticated });
    (status, trouble)
}

/// User and password of `Basic BASE64`.
fn basic(header: &str) -> Option<(String, String)> {
    let (scheme, encoded) = header.split_once(' ')?;
    let decoded = STANDARD.decode(encoded.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    let text = String::from_utf8(decoded).ok()?;
    text.split_once(':').map(|(user, password)| (user.to_owned(), password.to_owned()))
}

/// What the backend says, passed on.
fn backend(shared: &Shared, stream: &TcpStream, incoming: &Incoming) {
    let mut command = Command::new("git");
    command
        .arg("http-backend")
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_PROJECT_ROOT", &shared.root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("PATH_INFO", incoming.path())
        .env("QUERY_STRING", incoming.query())
        .env("REQUEST_METHOD", &incoming.request.method)
        .env("CONTENT_LENGTH", incoming.body.len().to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    for (header, variable) in [
        ("content-type", "CONTENT_TYPE"),
        ("content-encoding", "HTTP_CONTENT_ENCODING"),
        ("git-protocol", "GIT_PROTOCOL"),
    ] {
        if let Some(value) = incoming.request.header(header) {
            command.env(variable, value);
        }
    }
    let Ok(mut child) = command.spawn() else { return };
    // What it does not read of the request, it does not need.
    let _ = child.stdin.take().map(|mut stdin| stdin.write_all(&incoming.body));
    if let Some(output) = child.stdout.take() {
        let _ = pass_on(BufReader::new(output), stream);
    }
    let _ = child.kill();
    let _ = child.wait();
}

/// From CGI (RFC 3875) to HTTP: its status is a header.
fn pass_on(mut output: BufReader<std::process::ChildStdout>, mut stream: &TcpStream) -> std::io::Result<()> {
    let (mut status, mut headers) = (200, vec![("Connection".to_owned(), "close".to_owned())]);
    let mut line = String::new();
    while output.read_line(&mut line)? > 0 && !line.trim_end().is_empty() {
        if let Some((name, value)) = line.trim_end().split_once(':') {
            match name {
                "Status" => status = value.trim().get(..3).and_then(|code| code.parse().ok()).unwrap_or(500),
                _ => headers.push((name.to_owned(), value.trim().to_owned())),
            }
        }
        line.clear();
    }
    let headers: Vec<(&str, String)> =
        headers.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
    wire::write_head(stream, status, &headers).ok_or(std::io::ErrorKind::BrokenPipe)?;
    let mut piece = vec![0; 1 << 16];
    loop {
        let read = output.read(&mut piece)?;
        if read == 0 {
            return Ok(());
        }
        stream.write_all(&piece[..read])?;
    }
}

fn fetch_headers() -> [(&'static str, String); 2] {
    let kind = "application/x-git-upload-pack-result".to_owned();
    [("Content-Type", kind), ("Connection", "close".to_owned())]
}

/// A line of the protocol (gitprotocol-common(5)).
fn packet(bytes: &[u8]) -> Vec<u8> {
    [format!("{:04x}", bytes.len() + 4).as_bytes(), bytes].concat()
}

/// The beginning of a pack with one object, a blob of a TiB (gitformat-pack(5)), as protocol version 2 sends it.
fn pack_head() -> Vec<u8> {
    let pack =
        [&b"\x01PACK\0\0\0\x02\0\0\0\x01"[..], &[0xb0, 0x80, 0x80, 0x80, 0x80, 0x40], &[0x78, 0x01]].concat();
    [packet(b"packfile\n"), packet(&pack)].concat()
}

/// A blob that goes on and on, and that does not compress.
fn bomb(shared: &Shared, mut stream: &TcpStream) {
    let _ = wire::write_head(stream, 200, &fetch_headers());
    let mut written = stream.write_all(&pack_head());
    let mut seed = 1_u64;
    while written.is_ok() && !shared.has_stopped() {
        let noise = (0..7_000).flat_map(|_| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            seed.to_be_bytes()
        });
        // A stored block of deflate (RFC 1951).
        let block: Vec<u8> = [1, 0]
            .into_iter()
            .chain(56_000_u16.to_le_bytes())
            .chain((!56_000_u16).to_le_bytes())
            .chain(noise)
            .collect();
        written = stream.write_all(&packet(&block));
    }
}
