//! What nobody should send: half bodies, garbage, too much of anything, and senders that take their time.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::Instant;

use serde_json::json;

use super::{AT_ONCE, await_accepted, minted};
use crate::support::fixture::Fixture;
use crate::support::intake::{BOTH, ENQUEUE, PATIENCE, Serve, lines};
use crate::support::mint::Kind;

fn post(len: usize, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST /v1/tokens HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {ENQUEUE}\r\nContent-Length: {len}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

#[test]
fn the_line_that_is_wrong_is_refused_and_the_others_are_taken() {
    let mut fixture = Fixture::new(9200);
    let serve = Serve::start(&fixture, &AT_ONCE);
    let [good, other] = std::array::from_fn(|_| fixture.mint.token(Kind::Pat));
    let lookalike = fixture.mint.lookalike("ghp_");
    let body = [
        json!({"token": good}).to_string().into_bytes(),
        b"garbage".to_vec(),
        json!({"token": lookalike}).to_string().into_bytes(),
        b"".to_vec(),
        b"{\"token\": \"\xff\xfe\"}".to_vec(),
        json!({"token": other, "x": 1e308}).to_string().into_bytes(),
        format!("{{\"token\": \"{other}\", \"token\": \"{other}\"}}").into_bytes(),
        json!({"token": other, "place": "x".repeat(20_000)}).to_string().into_bytes(),
        json!({"token": other, "host": "https://evil.example"}).to_string().into_bytes(),
        json!({"sealed": "AAAA", "sha256": "0".repeat(64), "kind": "github-pat"}).to_string().into_bytes(),
        [json!({"token": other}).to_string().as_bytes(), b"\r"].concat(),
    ]
    .join(&b'\n');
    let answer = serve.raw(&post(body.len(), &body)).expect("an answer");
    assert_eq!(answer.status, 202, "{}", answer.body);
    let taken = answer.json();
    let refused: Vec<u64> = taken["refused"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|line| line["line"].as_u64())
        .collect();
    assert_eq!((&taken["accepted"], refused), (&json!(2), vec![2, 3, 5, 6, 7, 8, 9, 10]), "{taken}");
    for token in [&good, &other, &lookalike] {
        assert!(!answer.body.contains(&token[6..]), "a token was quoted");
    }
    await_accepted(&fixture, 2, &serve);
    serve.stop();
}

#[test]
fn a_request_that_is_wrong_is_refused_whole() {
    let mut fixture = Fixture::new(9201);
    let serve = Serve::start(&fixture, &["--no-drain"]);
    let tokens = minted(&mut fixture, 2);
    let whole = lines(&tokens);
    // Half a body, and then nobody is there any more.
    let mut stream = TcpStream::connect(serve.address).expect("it listens");
    stream.write_all(&post(whole.len(), &whole.as_bytes()[..whole.len() / 2 + 40])).expect("sent");
    stream.shutdown(std::net::Shutdown::Write).expect("ended");
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    assert!(!answer.contains(" 202 "), "half a body was taken: {answer}");
    for (request, status) in [
        (post(0, b""), 400),
        (post(3, b"\n\n\n"), 400),
        (post(9 * 1024 * 1024, b"{}"), 413),
        (post(10_001 * 3, &b"{}\n".repeat(10_001)), 413),
        (b"GARBAGE\r\n\r\n".to_vec(), 400),
        (b"POST /v1/tokens HTTP/1.1\r\nContent-Length: x\r\n\r\n".to_vec(), 400),
        (format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(100_000)).into_bytes(), 414),
        (format!("GET /healthz HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(100)).into_bytes(), 431),
    ] {
        let answer = serve.raw(&request);
        let beginning = String::from_utf8_lossy(&request[..request.len().min(60)]).into_owned();
        // Where it has not read all of a request, closing the connection may take the answer with it.
        let told = answer.map(|answer| answer.status);
        assert!(told == Some(status) || told.is_none() && request.len() > 60_000, "{beginning}: {told:?}");
    }
    // In pieces, without a length.
    let chunked = format!(
        "POST /v1/tokens HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: bearer {BOTH}\r\n\
         Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{whole}\r\n0\r\n\r\n",
        whole.len()
    );
    let answer = serve.raw(chunked.as_bytes()).expect("an answer");
    assert_eq!((answer.status, &answer.json()["accepted"]), (202, &json!(2)), "none was taken before");
    serve.stop();
}

#[test]
fn whoever_takes_his_time_keeps_nobody_else_waiting() {
    let mut fixture = Fixture::new(9202);
    let serve = Serve::start(&fixture, &AT_ONCE);
    let head = post(1000, b"{\"tok");
    let mut slow: Vec<TcpStream> = (0..200)
        .map(|number: usize| {
            let mut stream = TcpStream::connect(serve.address).expect("it listens");
            stream.set_read_timeout(Some(PATIENCE)).expect("set");
            // Some say nothing, some stop in the head, some in the body.
            stream.write_all(&head[..[0, 20, head.len()][number % 3]]).expect("sent");
            stream
        })
        .collect();
    let tokens = minted(&mut fixture, 3);
    assert_eq!(serve.enqueue(&tokens)["accepted"], 3);
    await_accepted(&fixture, 3, &serve);
    assert_eq!(serve.try_ask("GET /readyz", None, "").map(|answer| answer.status), Some(200));
    // One that says nothing, and one that stops in the head: their connections are closed.
    for stream in slow.iter_mut().take(2) {
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(
            answer.is_empty() || answer.starts_with(b"HTTP/1.1 408"),
            "{}",
            String::from_utf8_lossy(&answer)
        );
    }
    drop(slow);
    serve.stop();
}

#[test]
fn too_many_connections_and_requests_are_told_to_come_back() {
    let fixture = Fixture::new(9203);
    let serve = Serve::start(&fixture, &["--no-drain"]);
    let idle: Vec<TcpStream> = (0..300).filter_map(|_| TcpStream::connect(serve.address).ok()).collect();
    let since = Instant::now();
    let crowded = loop {
        let answer = serve.try_ask("GET /healthz", None, "").expect("an answer");
        if answer.status != 200 || since.elapsed() > PATIENCE {
            break answer;
        }
    };
    assert_eq!(crowded.status, 503, "{}", crowded.body);
    assert!(crowded.head.contains("retry-after: 5"), "{}", crowded.head);
    drop(idle);
    // Strangers are slowed down, and those who are known are not.
    let guess =
        || serve.try_ask("GET /metrics", Some("Bearer guess-0123456789"), "").map(|answer| answer.status);
    let guess_often = || (0..100).filter_map(|_| guess()).collect::<Vec<u16>>();
    let statuses: Vec<u16> = thread::scope(|scope| {
        let guessing: Vec<_> = (0..8).map(|_| scope.spawn(guess_often)).collect();
        guessing.into_iter().flat_map(|guesses| guesses.join().expect("guessed")).collect()
    });
    assert!(statuses.contains(&401) && statuses.contains(&429), "{statuses:?}");
    assert_eq!(serve.ask("GET /metrics", BOTH, "").status, 200);
    serve.stop();
}
