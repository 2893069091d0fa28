use std::collections::HashSet;

use serde_json::{Value, json};

use super::*;
use crate::source::github::testing::{Answer, Asked, Server, octo};

/// The runs that these seconds name, searched as GitHub does: a thousand results, a hundred a page, the newest first.
pub(crate) fn search(created: &[i64], asked: &Asked, change: impl Fn(u64, &mut Value)) -> Answer {
    let (from, to) = asked.query("created").and_then(|range| range.split_once("..")).expect("a range");
    let second = |text: &str| text.parse::<Timestamp>().expect("a time").as_second();
    let within = second(from)..=second(to);
    let runs = created.iter().enumerate().rev().filter(|(_, at)| within.contains(at));
    let total = runs.clone().count();
    let page: usize = asked.query("page").and_then(|page| page.parse().ok()).expect("a page");
    let given = runs.take(1000).skip((page - 1) * 100).take(100).map(|(n, at)| {
        let id = n as u64 + 1;
        let mut run = json!({
            "id": id, "run_attempt": 1, "status": "completed",
            "created_at": Timestamp::from_second(*at).expect("a time"),
        });
        change(id, &mut run);
        run
    });
    Answer::json(200, &json!({"total_count": total, "workflow_runs": given.collect::<Vec<_>>()}))
}

fn server(created: Vec<i64>) -> Server {
    Server::new(move |asked| search(&created, asked, |_, _| {}))
}

/// All ids that a search gives, in its order, and how many are unlisted.
fn ids(server: &Server, since: Option<Timestamp>) -> (Vec<u64>, u64) {
    let (api, name, mut ids, mut unlisted) = (server.api(), octo(), Vec::new(), 0);
    let mut search = RunSearch::new(&api, &name, since);
    let outcome = search.each(&mut |portion| {
        ids.extend(portion.runs.iter().map(|run| run.id));
        unlisted += portion.unlisted;
        ControlFlow::Continue(())
    });
    outcome.expect("searched");
    (ids, unlisted)
}

#[test]
fn few_runs_are_one_search() {
    let server = server((0..250).map(|n| 1_700_000_000 + n * 60).collect());
    assert_eq!(ids(&server, None), ((1..=250).rev().collect(), 0));
    assert_eq!(server.asked().len(), 3);
}

#[test]
fn many_runs_are_searched_in_ranges_and_each_is_given_once() {
    // Evenly, and many at once.
    let mut created: Vec<i64> = (0..3000).map(|n| 1_500_000_000 + n * 40_000).collect();
    created.extend((0..1800).map(|n| 1_600_000_000 + n / 600));
    created.sort_unstable();
    let server = server(created);
    assert_eq!(ids(&server, None), ((1..=4800).rev().collect(), 0));
    let asked = server.asked().len();
    assert!(asked < 48 + 100, "{asked} calls");
}

#[test]
fn more_runs_in_one_second_than_a_search_gives_are_counted() {
    let server = server(vec![1_700_000_000; 1300]);
    let (ids, unlisted) = ids(&server, None);
    assert_eq!((ids.iter().collect::<HashSet<_>>().len(), unlisted), (1000, 300));
}

#[test]
fn what_was_run_again_since_then_is_wanted_too() {
    let since: Timestamp = "2026-01-31T00:00:00Z".parse().expect("a time");
    let day = |days: i64| since.as_second() - days * 86_400;
    let created = vec![day(100), day(20), day(10), day(-1)];
    let server = Server::new(move |asked| {
        search(&created, asked, |id, run| {
            if id == 2 {
                run["run_started_at"] = json!("2026-02-02T00:00:00Z");
            }
        })
    });
    assert_eq!(ids(&server, Some(since)), (vec![4, 2], 0));
}

#[test]
fn runs_that_move_to_another_page_meanwhile_are_not_lost() {
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    // One of the first page is deleted after that was read: the others move up, one of them to the first page.
    let calls = AtomicUsize::new(0);
    let server = Server::new(move |asked| {
        let all: Vec<i64> = (0..200).map(|n| 1_700_000_000 + n).collect();
        let left = if calls.fetch_add(1, Relaxed) == 0 { &all[..] } else { &all[..199] };
        search(left, asked, |_, _| {})
    });
    let (ids, unlisted) = ids(&server, None);
    assert_eq!((ids.len(), unlisted), (200, 0));
}

#[test]
fn a_server_that_repeats_itself_comes_to_an_end() {
    let server = Server::new(|_| {
        let run = json!({"id": 1, "created_at": "2026-01-01T00:00:00Z"});
        Answer::json(200, &json!({"total_count": 900, "workflow_runs": [run]}))
    });
    assert_eq!(ids(&server, None), (vec![1], 899));
    assert!(server.asked().len() < 20);
}
