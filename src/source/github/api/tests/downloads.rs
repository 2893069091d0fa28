//! Downloads: redirected, and without the credential.

use std::io::Read as _;

use super::*;

/// An API that redirects to another server.
fn redirecting_to(target: String) -> Server {
    Server::new(move |_| Answer::bytes(302, Vec::new()).with("location", target.clone()))
}

fn download(api: &Api) -> Result<std::io::Result<Vec<u8>>, ApiError> {
    let mut body = Vec::new();
    let read = api.download("/logs")?.body.read_to_end(&mut body);
    Ok(read.map(|_| body))
}

#[test]
fn the_credential_is_not_shown_where_a_download_is_kept() {
    let store = Server::new(|asked| match asked.path() {
        "/file" => Answer::bytes(302, Vec::new()).with("location", "/moved?sig=1"),
        _ => Answer::bytes(200, b"content".to_vec()),
    });
    let server = redirecting_to(format!("{}/file?sig=1", store.url));
    let api = api(&server);
    assert_eq!(download(&api).unwrap().unwrap(), b"content");
    assert_eq!(api.download("/logs").unwrap().length, Some(7));
    assert!(server.asked().iter().all(Asked::is_authenticated));
    assert_eq!(store.asked().len(), 4);
    assert!(!store.asked().iter().any(Asked::is_authenticated));
    assert_eq!(api.counts().requests, 2);
}

#[test]
fn a_file_that_the_api_gives_itself_is_taken() {
    let server = Server::new(|_| Answer::bytes(200, b"content".to_vec()));
    assert_eq!(download(&api(&server)).unwrap().unwrap(), b"content");
}

#[test]
fn a_download_that_breaks_is_no_file() {
    let torn = || Answer { breaks_after: Some(3), ..Answer::bytes(200, b"content".to_vec()) };
    let store = Server::new(move |_| torn());
    let server = redirecting_to(format!("{}/file", store.url));
    assert!(download(&api(&server)).unwrap().is_err());
}

#[test]
fn an_address_that_has_ended_is_asked_for_again() {
    let store = counting(|number, _| match number {
        0 => Answer::bytes(403, b"<Error>Signature expired</Error>".to_vec()),
        1 => Answer::bytes(503, Vec::new()),
        _ => Answer::bytes(200, b"content".to_vec()),
    });
    let server = redirecting_to(format!("{}/file", store.url));
    assert_eq!(download(&api(&server)).unwrap().unwrap(), b"content");
    assert_eq!(server.asked().len(), 3);
}

#[test]
fn what_is_kept_no_more_is_gone() {
    let store = Server::new(|_| Answer::bytes(404, Vec::new()));
    let server = redirecting_to(format!("{}/file", store.url));
    assert_eq!(download(&api(&server)).unwrap_err().refusal(), Some(Refusal::Gone));
    let server = Server::new(|_| Answer::error(410, "Gone"));
    assert_eq!(download(&api(&server)).unwrap_err().refusal(), Some(Refusal::Gone));
}

#[test]
fn no_download_leaves_this_machine_in_the_clear_or_goes_round_for_ever() {
    let circle = Server::new(|_| Answer::bytes(302, Vec::new()).with("location", "/again"));
    for target in [
        "http://192.0.2.1/file".to_owned(),
        "ftp://127.0.0.1/file".to_owned(),
        "http://me:secret@127.0.0.1/file".to_owned(),
        format!("{}/file", circle.url),
    ] {
        let error = download(&api(&redirecting_to(target.clone()))).unwrap_err();
        assert!(matches!(&error, ApiError::Misled(why) if !why.contains("secret")), "{target}: {error}");
    }
    assert_eq!(circle.asked().len(), 3);
}
