//! Lists, page by page.

use std::ops::ControlFlow;

use super::*;

/// Three pages of one entry each, linked as GitHub does.
fn paged(asked: &Asked) -> Answer {
    let page: u32 = asked.query("page").and_then(|page| page.parse().ok()).unwrap_or(1);
    let answer = Answer::json(200, &json!([page]));
    let link = |page: u32, rel: &str| {
        format!("<http://{}{API}{}?per_page=100&page={page}>; rel=\"{rel}\"", asked.host(), asked.path())
    };
    match page {
        1 | 2 => answer.with("link", format!("{}, {}", link(1, "first"), link(page + 1, "next"))),
        _ => answer.with("link", link(1, "first")),
    }
}

fn read(api: &Api, path: &str) -> Result<Vec<u32>, ApiError> {
    let mut entries = Vec::new();
    api.pages(path, &mut |page: Vec<u32>| {
        entries.extend(page);
        ControlFlow::Continue(())
    })?;
    Ok(entries)
}

fn read_cached(api: &Api, path: &str) -> Result<Vec<u32>, ApiError> {
    let mut entries = Vec::new();
    api.pages_cached(path, &mut |page: Vec<u32>| {
        entries.extend(page);
        ControlFlow::Continue(())
    })?;
    Ok(entries)
}

#[test]
fn all_pages_are_read_until_nobody_wants_more() {
    let server = Server::new(paged);
    let api = api(&server);
    assert_eq!(read(&api, "/x"), Ok(vec![1, 2, 3]));
    assert_eq!(server.asked()[0].target, "/x?per_page=100");
    let mut pages = 0;
    api.pages_secret("/x", &mut |_: Vec<u32>| {
        pages += 1;
        ControlFlow::Break(())
    })
    .unwrap();
    assert_eq!((pages, server.asked().len()), (1, 4));
}

#[test]
fn pages_in_a_circle_or_elsewhere_are_an_error() {
    let circle = |asked: &Asked| {
        let other = if asked.target.contains("page=2") { 3 } else { 2 };
        Answer::json(200, &json!([1])).with("link", format!("<{API}/x?page={other}>; rel=\"next\""))
    };
    let server = Server::new(circle);
    assert!(matches!(read(&api(&server), "/x"), Err(ApiError::Misled(_))));
    assert_eq!(server.asked().len(), 3);

    let other = Server::new(|_| Answer::json(200, &json!([])));
    let target = format!("<{}{API}/x>; rel=\"next\"", other.url);
    let server = Server::new(move |_| Answer::json(200, &json!([1])).with("link", target.clone()));
    assert!(matches!(read(&api(&server), "/x"), Err(ApiError::Misled(_))));
    assert!(other.asked().is_empty());
}

#[test]
fn pages_without_an_end_that_have_nothing_on_them_are_an_error() {
    let page = |asked: &Asked| asked.query("page").and_then(|page| page.parse().ok()).unwrap_or(1_u32);
    let endless = move |asked: &Asked| {
        let next = format!("<{API}/x?page={}>; rel=\"next\"", page(asked) + 1);
        Answer::json(200, &json!([])).with("link", next)
    };
    let server = Server::new(endless);
    let Err(ApiError::Misled(told)) = read(&api(&server), "/x") else { panic!("it was believed") };
    assert!(told.contains("nothing on it"), "{told}");
    assert_eq!(server.asked().len(), 10);
    // A server that leaves out what one may not see has such pages among others.
    let gaps = move |asked: &Asked| match page(asked) {
        12 => Answer::json(200, &json!([12])),
        page if page % 5 == 0 => Answer { body: b"[1]".to_vec(), ..endless(asked) },
        _ => endless(asked),
    };
    let server = Server::new(gaps);
    assert_eq!(read(&api(&server), "/x"), Ok(vec![1, 1, 12]));
}

#[test]
fn what_has_not_changed_is_kept() {
    let server = Server::new(|asked| {
        let etag = format!("\"{}\"", asked.target.len());
        if asked.head.contains(&format!("\nif-none-match: {etag}")) {
            return Answer::bytes(304, Vec::new());
        }
        paged(asked).with("etag", etag)
    });
    let directory = tempfile::tempdir().unwrap();
    for (round, unchanged) in [(1, 0), (2, 3)] {
        let api = api(&server).with_pages(PageStore::open(directory.path()).unwrap());
        assert_eq!(read_cached(&api, "/x"), Ok(vec![1, 2, 3]), "{round}");
        assert_eq!(api.counts(), Counts { requests: 3, unchanged }, "{round}");
    }
    // What is damaged is asked for again.
    for file in std::fs::read_dir(directory.path()).unwrap() {
        std::fs::write(file.unwrap().path(), "{").unwrap();
    }
    let api = api(&server).with_pages(PageStore::open(directory.path()).unwrap());
    assert_eq!(read_cached(&api, "/x"), Ok(vec![1, 2, 3]));
    assert_eq!(api.counts().unchanged, 0);
}

#[test]
fn of_secrets_nothing_is_kept() {
    let server = Server::new(|_| Answer::json(200, &json!([1])).with("etag", "\"1\""));
    let directory = tempfile::tempdir().unwrap();
    let api = api(&server).with_pages(PageStore::open(directory.path()).unwrap());
    api.pages_secret("/x", &mut |_: Vec<u32>| ControlFlow::Continue(())).unwrap();
    read(&api, "/x").unwrap();
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn a_not_modified_that_nobody_asked_for_is_no_page() {
    let server = Server::new(|_| Answer::bytes(304, Vec::new()));
    let directory = tempfile::tempdir().unwrap();
    let api = api(&server).with_pages(PageStore::open(directory.path()).unwrap());
    assert!(matches!(read_cached(&api, "/x"), Err(ApiError::Malformed(_))));
    assert!(matches!(read(&api, "/x"), Err(ApiError::Malformed(_))));
}
