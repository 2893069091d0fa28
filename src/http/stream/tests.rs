use std::io::Write as _;
use std::net::TcpListener;
use std::thread;

use super::super::{Body, Client, Method, Options, Request};
use super::*;

/// A client of a server that does this with its one connection.
fn client(serve: impl FnOnce(&mut std::net::TcpStream) + Send + 'static) -> (Client, CancelFlag) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() > 0 {
            head.push(byte[0]);
        }
        serve(&mut stream);
    });
    let cancel = CancelFlag::default();
    let timeout = Duration::from_millis(300);
    let options = Options { base_url, ca_cert: None, timeout, cancel: cancel.clone() };
    (Client::reading(&options, 1000).unwrap(), cancel)
}

fn get(client: &Client) -> Result<Stream, TransportError> {
    let path = "/x".to_owned();
    client.stream(&Request {
        method: Method::Get,
        path,
        headers: Vec::new(),
        bearer: None,
        body: Body::Empty,
    })
}

fn send(stream: &mut std::net::TcpStream, text: &str) {
    stream.write_all(text.as_bytes()).unwrap();
    stream.flush().unwrap();
}

#[test]
fn a_long_body_comes_whole() {
    const LENGTH: usize = 3_000_000;
    let (client, _) = client(|stream| {
        send(stream, &format!("HTTP/1.1 200 OK\r\ncontent-length: {LENGTH}\r\n\r\n"));
        let body: Vec<u8> = (0..=250).cycle().take(LENGTH).collect();
        stream.write_all(&body).unwrap();
    });
    let mut stream = get(&client).unwrap();
    assert_eq!((stream.head.status, stream.length()), (200, Some(LENGTH as u64)));
    let mut body = Vec::new();
    stream.body.read_to_end(&mut body).unwrap();
    assert!(body.len() == LENGTH && body.into_iter().eq((0..=250).cycle().take(LENGTH)));
}

#[test]
fn a_body_that_is_torn_has_no_end() {
    for head in ["content-length: 9", "transfer-encoding: chunked"] {
        let (client, _) = client(move |stream| {
            let body = if head.contains("chunked") { "5\r\nwhole\r\n" } else { "whole" };
            send(stream, &format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{body}"));
        });
        let mut stream = get(&client).unwrap();
        let mut body = Vec::new();
        let error = stream.body.read_to_end(&mut body).unwrap_err();
        assert!(error.to_string().contains("broke"), "{head}: {error}");
        assert_eq!(body, b"whole");
        // It stays so.
        assert!(stream.body.read(&mut [0]).is_err());
    }
}

#[test]
fn a_server_that_stands_still_is_an_error() {
    let (client, _) = client(|stream| {
        send(stream, "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf");
        thread::sleep(Duration::from_secs(20));
    });
    let mut stream = get(&client).unwrap();
    let mut body = Vec::new();
    assert!(stream.body.read_to_end(&mut body).is_err());
    assert_eq!(body, b"half");
}

#[test]
fn slow_is_not_still() {
    let (client, _) = client(|stream| {
        send(stream, "HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n");
        for _ in 0..8 {
            thread::sleep(Duration::from_millis(100));
            send(stream, "x");
        }
    });
    let mut body = String::new();
    get(&client).unwrap().body.read_to_string(&mut body).unwrap();
    assert_eq!(body, "xxxxxxxx");
}

#[test]
fn a_cancelled_run_ends_the_reading() {
    let (client, cancel) = client(|stream| {
        send(stream, "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf");
        thread::sleep(Duration::from_secs(20));
    });
    let mut stream = get(&client).unwrap();
    cancel.cancel();
    let error = stream.body.read_to_end(&mut Vec::new()).unwrap_err();
    assert!(error.to_string().contains("interrupted"), "{error}");
}

#[test]
fn no_head_in_time_is_no_answer() {
    let (client, _) = client(|_| thread::sleep(Duration::from_secs(20)));
    assert!(matches!(get(&client), Err(TransportError::Lost(_))));
}

#[test]
fn an_error_is_read_as_a_whole() {
    let (client, _) = client(|stream| {
        send(stream, "HTTP/1.1 404 Not Found\r\ncontent-length: 5\r\nx-a: b\r\n\r\nwords");
    });
    let response = get(&client).unwrap().into_response(1000);
    assert_eq!((response.status, response.body.as_slice()), (404, &b"words"[..]));
    assert_eq!((response.header("x-a"), &response.cut_short), (Some("b"), &None));
}
