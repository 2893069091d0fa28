use std::io::Write as _;
use std::sync::Mutex;

use serde_json::json;

use super::*;
use crate::blob::Fault;
use crate::coverage::SurfaceCount;
use crate::finding::Finding;
use crate::source::github::archive::Spool;
use crate::source::github::runs::tests::search;
use crate::source::github::testing::{Answer, Asked, Server, found, octo, places, token};

/// A zip of these files, stored as they are.
pub(crate) fn zip(files: &[(&str, &str)]) -> Vec<u8> {
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in files {
        writer.start_file(*name, stored).expect("a member");
        writer.write_all(content.as_bytes()).expect("written");
    }
    writer.finish().expect("a zip").into_inner()
}

/// Elsewhere, where logs and artifacts are kept.
fn kept(asked: &Asked) -> Answer {
    let path = asked.path().trim_start_matches('/').replace('/', "-");
    Answer::bytes(302, Vec::new()).with("location", format!("http://{}/kept/{path}", asked.host()))
}

fn read(server: &Server, since: Option<Timestamp>) -> (SurfaceRead, Vec<Finding>, Vec<Fault>) {
    let (api, repository) = (server.api(), octo());
    let spool = Spool::new(std::env::temp_dir(), 1 << 30);
    let actions = Actions { api: &api, repository: &repository, since, spool, downloads: 3 };
    let mut surface = SurfaceRead::default();
    let (findings, faults) = found(|sink| surface = actions.read_logs(sink));
    (surface, findings, faults)
}

fn now() -> i64 {
    Timestamp::now().as_second()
}

/// A log of run `run`, attempt `attempt`, which holds the token of that number.
fn log(n: u32) -> Vec<u8> {
    zip(&[("0_build.txt", "nothing"), ("build/1_step.txt", &format!("one\ntwo {}\n", token(n)))])
}

#[test]
fn every_attempt_of_every_run_is_read_and_elsewhere_no_credential_is_shown() {
    let created = vec![now() - 200, now() - 100];
    let server = Server::new(move |asked| match asked.path() {
        "/repos/octo/hello/actions/runs" => search(&created, asked, |id, run| {
            run["run_attempt"] = json!(if id == 2 { 3 } else { 1 });
        }),
        "/kept/repos-octo-hello-actions-runs-2-attempts-1-logs" => Answer::bytes(200, log(21)),
        "/kept/repos-octo-hello-actions-runs-2-attempts-3-logs" => Answer::bytes(200, log(23)),
        "/kept/repos-octo-hello-actions-runs-1-attempts-1-logs" => Answer::bytes(200, log(11)),
        "/repos/octo/hello/actions/runs/2/attempts/2/logs" => Answer::error(410, "expired"),
        _ => kept(asked),
    });
    let (surface, findings, faults) = read(&server, None);
    assert_eq!(
        places(&findings),
        [
            "octo/hello/actions/runs/1/attempts/1/logs.zip!build/1_step.txt:2:5",
            "octo/hello/actions/runs/2/attempts/1/logs.zip!build/1_step.txt:2:5",
            "octo/hello/actions/runs/2/attempts/3/logs.zip!build/1_step.txt:2:5",
        ]
    );
    assert_eq!((surface.count.read, surface.count.expired, surface.count.failed), (3, 1, 0));
    assert!(faults.is_empty(), "{faults:?}");
    for asked in server.asked() {
        assert_eq!(asked.is_authenticated(), !asked.path().starts_with("/kept/"), "{}", asked.target);
    }
}

#[test]
fn a_download_that_breaks_off_is_begun_again_and_leaves_nothing_behind() {
    let left = Mutex::new(2);
    let created = vec![now() - 100];
    let server = Server::new(move |asked| match asked.path() {
        "/repos/octo/hello/actions/runs" => search(&created, asked, |_, _| {}),
        path if path.starts_with("/kept/") => {
            let mut left = left.lock().expect("alone");
            let breaks_after = (*left > 0).then_some(60);
            *left -= i32::from(*left > 0);
            Answer { breaks_after, ..Answer::bytes(200, log(1)) }
        }
        _ => kept(asked),
    });
    let (surface, findings, faults) = read(&server, None);
    assert_eq!((surface.count.read, surface.count.failed, findings.len()), (1, 0, 1));
    assert!(faults.is_empty(), "{faults:?}");
    assert_eq!(server.count("/attempts/1/logs"), 3, "its address is asked for anew each time");
}

#[test]
fn one_that_always_breaks_off_is_told_and_the_others_are_read() {
    let created = vec![now() - 100, now() - 90];
    let server = Server::new(move |asked| match asked.path() {
        "/repos/octo/hello/actions/runs" => search(&created, asked, |_, _| {}),
        path if path.starts_with("/kept/") => {
            let breaks_after = path.contains("runs-1-").then_some(60);
            Answer { breaks_after, ..Answer::bytes(200, log(1)) }
        }
        _ => kept(asked),
    });
    let (surface, findings, faults) = read(&server, None);
    assert_eq!((surface.count.read, surface.count.failed, findings.len()), (1, 1, 1));
    // That the zip has no end is told as well.
    let path = "octo/hello/actions/runs/1/attempts/1/logs.zip";
    assert!(!faults.is_empty() && faults.iter().all(|fault| fault.path.starts_with(path)), "{faults:?}");
    assert!(surface.reason.is_some_and(|reason| reason.contains("broke off 3 times")));
}

/// The server says that there is more, and there never is; or the end of the zip is lost.
#[test]
fn what_came_of_one_that_always_breaks_off_is_scanned() {
    let large = "x".repeat(300 * 1024);
    let (first, second) = (format!("{}\n", token(1)), format!("{}\n", token(2)));
    let large = zip(&[("1_large.txt", large.as_str()), ("2_first.txt", &first), ("3_second.txt", &second)]);
    let cut = large.windows(11).position(|bytes| bytes == b"3_second.tx").expect("a member");
    for (bytes, breaks_after, expected) in
        [(log(1), log(1).len(), 1), (large.clone(), large.len(), 2), (large, cut, 1)]
    {
        let created = vec![now() - 100];
        let times = Mutex::new(0);
        let server = Server::new(move |asked| match asked.path() {
            "/repos/octo/hello/actions/runs" => search(&created, asked, |_, _| {}),
            path if path.starts_with("/kept/") => {
                // The first time there is the most of it.
                let mut times = times.lock().expect("alone");
                *times += 1;
                let breaks_after = if *times == 1 { breaks_after } else { 10 };
                let mut body = bytes.clone();
                body.extend([0; 500]);
                Answer { breaks_after: Some(breaks_after), ..Answer::bytes(200, body) }
            }
            _ => kept(asked),
        });
        let (surface, findings, faults) = read(&server, None);
        assert_eq!((surface.count.read, surface.count.failed, findings.len()), (0, 1, expected));
        let reason = "broke off 3 times, the last time so: ";
        let reason = faults.iter().find(|fault| fault.reason.contains(reason)).expect("a fault");
        assert!(reason.reason.ends_with(&format!("the {breaks_after} bytes of it that came were scanned")));
        assert!(surface.reason.is_some_and(|reason| reason.contains("were scanned")));
    }
}

#[test]
fn what_is_no_zip_is_scanned_and_told() {
    let created = vec![now() - 100];
    let server = Server::new(move |asked| match asked.path() {
        "/repos/octo/hello/actions/runs" => search(&created, asked, |_, _| {}),
        path if path.starts_with("/kept/") => {
            Answer::bytes(200, format!("<html>{}</html>", token(1)).into_bytes())
        }
        _ => kept(asked),
    });
    let (surface, findings, faults) = read(&server, None);
    assert_eq!((surface.count.read, surface.count.failed, findings.len()), (0, 1, 1));
    assert!(faults[0].reason.contains("no zip"), "{faults:?}");
}

#[test]
fn a_run_under_way_has_no_log_yet_and_is_told_of() {
    let created = vec![now() - 100];
    let server = Server::new(move |asked| match asked.path() {
        "/repos/octo/hello/actions/runs" => search(&created, asked, |_, run| {
            run["status"] = json!("in_progress");
        }),
        _ => Answer::error(404, "Not Found"),
    });
    let (surface, _, faults) = read(&server, None);
    let count = SurfaceCount { pending: 1, ..SurfaceCount::default() };
    assert_eq!(surface, SurfaceRead { count, reason: None });
    assert_eq!(faults.len(), 1);
    assert_eq!(faults[0].kind, FaultKind::PassedOver);
    assert!(faults[0].reason.contains("has not ended"));
}

#[test]
fn runs_of_many_years_are_not_all_asked_for() {
    // Ten of this month, and one an hour for half a year, three years ago.
    let old = now() - 3 * 365 * 86_400;
    let created: Vec<i64> =
        (0..4000).map(|n| old + n * 3600).chain((0..10).map(|n| now() - 1000 + n)).collect();
    let server = Server::new(move |asked| match asked.path() {
        "/repos/octo/hello/actions/runs" => search(&created, asked, |_, _| {}),
        path if path.starts_with("/kept/") => Answer::bytes(200, log(1)),
        path if (4001..=4010).any(|id| path.contains(&format!("/runs/{id}/"))) => kept(asked),
        _ => Answer::error(410, "expired"),
    });
    let (surface, _, faults) = read(&server, None);
    assert_eq!((surface.count.read, surface.count.expired, surface.count.failed), (10, 4000, 0));
    assert!(faults.is_empty(), "{faults:?}");
    let asked = server.count("/logs");
    assert!(asked < 20, "{asked} logs were asked for");
}

#[test]
fn a_list_that_is_not_given_is_told() {
    let server = Server::new(|_| Answer::error(404, "Not Found"));
    let (surface, _, faults) = read(&server, None);
    assert_eq!((surface.count.failed, faults.len()), (1, 1));
    assert_eq!(faults[0].path, "octo/hello/actions/runs");
    assert!(surface.reason.is_some());
}

#[test]
fn a_run_that_is_asked_to_end_asks_for_nothing_more() {
    let created: Vec<i64> = (0..50).map(|n| now() - 100 + n).collect();
    let server = Server::new(move |asked| search(&created, asked, |_, _| {}));
    let (api, repository) = (server.api(), octo());
    let spool = Spool::new(std::env::temp_dir(), 1 << 30);
    let actions = Actions { api: &api, repository: &repository, since: None, spool, downloads: 3 };
    let mut surface = SurfaceRead::default();
    let (_, faults) = found(|sink| {
        sink.meter().cancel_flag().cancel();
        surface = actions.read_logs(sink);
    });
    assert_eq!((surface, faults), (SurfaceRead::default(), Vec::new()));
    assert_eq!(server.count("/logs"), 0);
}

#[test]
fn a_run_that_cannot_be_read_does_not_hide_the_others() {
    let created = vec![now() - 300, now() - 200, now() - 100];
    let server = Server::new(move |asked| match asked.path() {
        "/repos/octo/hello/actions/runs" => search(&created, asked, |id, run| {
            if id == 2 {
                run["created_at"] = json!("yesterday");
            }
        }),
        path if path.contains("/kept/") => Answer::bytes(200, zip(&[("0_build.txt", "no token")])),
        _ => kept(asked),
    });
    let (surface, _, faults) = read(&server, None);
    assert_eq!((surface.count.read, surface.count.failed), (2, 1), "{faults:?}");
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(faults[0].reason.starts_with("id 2: it is listed in no form"), "{faults:?}");
}
