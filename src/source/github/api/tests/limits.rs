//! The limits are held: what counts is what arrives at the server.

use std::sync::Mutex;
use std::sync::atomic::AtomicI64;
use std::time::Instant;

use jiff::Timestamp;

use super::*;

fn in_seconds(seconds: i64) -> String {
    (Timestamp::now().as_second() + seconds).to_string()
}

/// Asks from many threads at once.
fn ask_from(api: &Api, threads: usize, each: usize) {
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                for _ in 0..each {
                    get(api, "/x").unwrap();
                }
            });
        }
    });
}

#[test]
fn eight_requests_at_once_are_the_most() {
    let (now, most) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let (inside, seen) = (Arc::clone(&now), Arc::clone(&most));
    let server = Server::new(move |_| {
        seen.fetch_max(inside.fetch_add(1, Relaxed) + 1, Relaxed);
        std::thread::sleep(Duration::from_millis(20));
        inside.fetch_sub(1, Relaxed);
        Answer::json(200, &json!([]))
    });
    ask_from(&api(&server), 24, 4);
    assert_eq!(server.asked().len(), 96);
    assert!((2..=8).contains(&most.load(Relaxed)), "{most:?}");
}

#[test]
fn no_more_is_sent_than_remains() {
    // A window of three seconds holds seven requests; what comes beyond them is a violation.
    const WINDOW: i64 = 3;
    let (left, overdrawn) = (AtomicI64::new(7), Arc::new(AtomicU32::new(0)));
    let (reset, violations) = (Mutex::new(0), Arc::clone(&overdrawn));
    let server = Server::new(move |_| {
        let now = Timestamp::now().as_second();
        let mut reset = reset.lock().unwrap();
        if now >= *reset {
            *reset = now + WINDOW;
            left.store(7, Relaxed);
        }
        let remaining = left.fetch_sub(1, Relaxed) - 1;
        let answer = if remaining < 0 {
            violations.fetch_add(1, Relaxed);
            Answer::error(403, "API rate limit exceeded")
        } else {
            Answer::json(200, &json!([]))
        };
        answer
            .with("x-ratelimit-limit", "7")
            .with("x-ratelimit-remaining", remaining.max(0).to_string())
            .with("x-ratelimit-reset", reset.to_string())
            .with("x-ratelimit-resource", "core")
    });
    let waits = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&waits);
    let api = api(&server).watched_by(Box::new(move |wait| told.lock().unwrap().push(wait.clone())));
    ask_from(&api, 10, 2);
    assert_eq!((server.asked().len(), overdrawn.load(Relaxed)), (20, 0));
    let waits = waits.lock().unwrap();
    let is_quota =
        |wait: &&Wait| matches!(wait, Wait::Until(_, WaitReason::Quota(resource)) if resource == "core");
    // Ten threads wait, and each wait is told once; a clock may tick between two answers.
    assert!((2..=6).contains(&waits.iter().filter(is_quota).count()), "{waits:?}");
    assert!(waits.contains(&Wait::Over), "{waits:?}");
}

#[test]
fn a_limit_counts_for_its_resource_only() {
    let server = Server::new(|asked| {
        let resource = if asked.path().starts_with("/search/") { "search" } else { "core" };
        let remaining = if resource == "search" { "0" } else { "9" };
        Answer::json(200, &json!([]))
            .with("x-ratelimit-remaining", remaining)
            .with("x-ratelimit-reset", in_seconds(3600))
            .with("x-ratelimit-resource", resource)
    });
    let options = options(&server);
    let api = api_with(&options);
    get(&api, "/search/issues?q=x").unwrap();
    get(&api, "/x").unwrap();
    // The next search would wait for an hour, and stops waiting when the run is cancelled.
    std::thread::scope(|scope| {
        let search = scope.spawn(|| get(&api, "/search/issues?q=y"));
        std::thread::sleep(Duration::from_millis(100));
        options.cancel.cancel();
        assert_eq!(search.join().unwrap(), Err(ApiError::Interrupted));
    });
    assert_eq!(server.count("/search/"), 1);
}

#[test]
fn a_secondary_limit_stops_all_and_the_request_is_sent_again() {
    for (status, header, message) in [
        (403, ("retry-after", "1"), "You have exceeded a secondary rate limit"),
        (403, ("x-nothing", ""), "You have exceeded a secondary rate limit"),
        (429, ("retry-after", "1"), ""),
        (429, ("x-nothing", ""), ""),
        (403, ("x-ratelimit-remaining", "0"), "API rate limit exceeded"),
    ] {
        let server = counting(move |number, _| match number {
            0 | 1 => Answer::error(status, message).with(header.0, header.1),
            _ => Answer::json(200, &json!({"a": 1})),
        });
        assert_eq!(get(&api(&server), "/x"), Ok(json!({"a": 1})), "{status} {header:?}");
        assert_eq!(server.count("/x"), 3);
    }
}

#[test]
fn what_is_asked_for_is_waited() {
    let answered = Arc::new(Mutex::new(Vec::new()));
    let times = Arc::clone(&answered);
    let server = counting(move |number, _| {
        times.lock().unwrap().push(Instant::now());
        match number {
            0 => Answer::error(429, "").with("retry-after", "1"),
            _ => Answer::json(200, &json!([])),
        }
    });
    ask_from(&api(&server), 4, 1);
    let answered = answered.lock().unwrap();
    assert_eq!(answered.len(), 5);
    let first = answered[0];
    assert!(answered[1..].iter().all(|time| time.duration_since(first) >= Duration::from_millis(990)));
}

#[test]
fn a_limit_without_end_ends_the_call() {
    let server = Server::new(|_| Answer::error(429, "Slow down"));
    let error = get(&api(&server), "/x").unwrap_err();
    assert!(matches!(error, ApiError::Server { status: 429, .. }), "{error}");
    assert_eq!(server.count("/x"), 31);
}

#[test]
fn changes_go_one_by_one_and_not_too_fast() {
    let times = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&times);
    let server = Server::new(move |_| {
        let began = Instant::now();
        std::thread::sleep(Duration::from_millis(20));
        notes.lock().unwrap().push((began, Instant::now()));
        Answer::json(200, &json!({}))
    });
    let min_interval = Duration::from_millis(60);
    let api = api_with(&ApiOptions { min_interval, ..options(&server) });
    std::thread::scope(|scope| {
        for _ in 0..5 {
            scope.spawn(|| api.send_json(Method::Patch, "/x", &json!({})).unwrap());
        }
    });
    let mut times = times.lock().unwrap().clone();
    times.sort();
    assert_eq!(times.len(), 5);
    for two in times.windows(2) {
        assert!(two[1].0.duration_since(two[0].1) >= min_interval, "{two:?}");
    }
}

#[test]
fn a_question_in_graphql_is_no_change_and_its_limit_is_one() {
    let server = counting(|number, _| match number {
        0 => Answer::json(200, &json!({"errors": [{"type": "RATE_LIMITED", "message": "x"}]}))
            .with("x-ratelimit-remaining", "0")
            .with("x-ratelimit-reset", in_seconds(1))
            .with("x-ratelimit-resource", "graphql"),
        _ => Answer::json(200, &json!({"data": {}})),
    });
    let api = api_with(&ApiOptions { min_interval: Duration::from_hours(1), ..options(&server) });
    for _ in 0..2 {
        let answer = api.send_json(Method::Post, api.graphql_path(), &json!({"query": "x"})).unwrap();
        assert_eq!(answer, json!({"data": {}}));
    }
    assert_eq!(server.count("/graphql"), 3);
}
