//! A runner against an intake that is scripted: what it answers, and what it was sent.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use super::*;
use crate::finding::Confidence;
use crate::ledger::address::{LedgerAccess, Secret};
use crate::ledger::decision::testing::decision;
use crate::ledger::seal::{KeyRing, PrivateKey};
use crate::ledger::wire::{IntakeKey, TokenLine};
use crate::ledger::{check_writable, open};
use crate::token::Token;

const HOST: &str = "https://api.github.com";

type TestResult = Result<(), Box<dyn std::error::Error>>;
type Answer = Box<dyn Fn(&Asked) -> Option<String> + Send>;

/// A request as it came in.
#[derive(Clone, Debug, Default)]
struct Asked {
    line: String,
    bearer: String,
    body: String,
}

/// An intake that answers as `answer` says; nothing, where that says nothing.
struct Intake {
    url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Intake {
    fn new(answer: Answer) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let notes = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let Some(request) = read(&stream) else { continue };
                let reply = answer(&request);
                notes.lock().expect("nobody panicked").push(request);
                if let Some(reply) = reply {
                    let _ = (&stream).write_all(reply.as_bytes());
                }
            }
        });
        Intake { url, asked }
    }

    /// One that takes everything, and gives out this key.
    fn willing(key: &PublicKey) -> Self {
        let key = key.clone();
        Intake::new(Box::new(move |asked| Some(willing(&key, asked))))
    }

    fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("nobody panicked").clone()
    }

    /// The lines that were handed over.
    fn lines(&self) -> Vec<TokenLine> {
        let posts = self.asked().into_iter().filter(|asked| asked.line.starts_with("POST /v1/tokens "));
        let lines = posts.flat_map(|asked| asked.body.lines().map(str::to_owned).collect::<Vec<_>>());
        lines.map(|line| serde_json::from_str(&line).expect("a line")).collect()
    }
}

fn read(stream: &TcpStream) -> Option<Asked> {
    let (mut reader, mut asked, mut length) = (BufReader::new(stream), Asked::default(), 0);
    reader.read_line(&mut asked.line).ok()?;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().ok()?,
            "authorization" => value.clone_into(&mut asked.bearer),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    asked.body = String::from_utf8(body).ok()?;
    Some(asked)
}

fn reply(status: u16, body: &str) -> String {
    format!("HTTP/1.1 {status} Scripted\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}

fn willing(key: &PublicKey, asked: &Asked) -> String {
    if asked.line.starts_with("GET /v1/key ") {
        let key = IntakeKey { public_key: key.to_string(), hosts: vec![HOST.to_owned()] };
        return reply(200, &serde_json::to_string(&key).expect("JSON"));
    }
    let lines = asked.body.lines().count();
    reply(202, &format!(r#"{{"accepted": {lines}, "known": 0, "refused": []}}"#))
}

fn address(url: &str, home: &Path) -> LedgerAddress {
    let access = LedgerAccess {
        secret: Some(Secret::new("runner-of-the-tests")),
        state_dir: Some(home.into()),
        ..LedgerAccess::default()
    };
    LedgerAddress::parse(url.as_ref()).expect("an address").with_access(access)
}

fn tokens(count: usize) -> Vec<Token> {
    let text = |number| format!("{}{number:036}", Kind::pat().prefix());
    (0..count).map(|number| Token::new(Kind::pat(), text(number).as_bytes())).collect()
}

fn enqueue(ledger: &mut dyn Ledger, tokens: &[Token]) -> Result<Enqueued, LedgerError> {
    let sealer = ledger.sealer(HOST)?;
    let entry = |token: &Token| {
        Ok(Entry {
            fingerprint: token.fingerprint(),
            kind: token.kind(),
            confidence: Confidence::Certain,
            state: State::Queued,
            location: "a.txt:1".to_owned(),
            sealed: sealer.seal(token)?,
        })
    };
    let entries: Vec<Entry> = tokens.iter().map(entry).collect::<Result<_, LedgerError>>()?;
    ledger.enqueue(HOST, &decision(), &mut entries.into_iter(), &Timestamp::now)
}

#[test]
fn what_is_handed_over_is_sealed_and_only_the_key_opens_it() -> TestResult {
    let (key, home) = (PrivateKey::generate()?, tempfile::tempdir()?);
    let intake = Intake::willing(&key.public());
    let mut ledger = open(&address(&intake.url, home.path()))?;
    let enqueued = enqueue(ledger.as_mut(), &tokens(3))?;
    assert_eq!(enqueued, Enqueued { queued: 3, ..Enqueued::default() });
    assert_eq!(ledger.spooled(), None);
    assert!(intake.asked().iter().all(|asked| asked.bearer == "Bearer runner-of-the-tests"));
    let opener = [key].into_iter().collect::<KeyRing>().opener(HOST);
    for (line, token) in intake.lines().iter().zip(tokens(3)) {
        assert!(line.token.is_none());
        assert_eq!(
            (line.sha256.as_deref(), line.kind.as_deref(), line.host.as_deref(), line.by.as_deref()),
            (Some(token.fingerprint().hex().as_str()), Some("github-pat"), Some(HOST), Some("me@here"))
        );
        let sealed = STANDARD.decode(line.sealed.as_deref().unwrap_or_default())?;
        assert_eq!(
            opener.open(token.kind(), token.fingerprint(), &sealed)?.fingerprint(),
            token.fingerprint()
        );
    }
    Ok(())
}

#[test]
fn many_tokens_go_in_several_requests_and_each_line_is_accounted_for() -> TestResult {
    let (key, home) = (PrivateKey::generate()?.public(), tempfile::tempdir()?);
    let answering = key.clone();
    let intake = Intake::new(Box::new(move |asked| {
        let lines = asked.body.lines().count();
        Some(if asked.line.starts_with("POST") && lines > 1 {
            let refused = r#"[{"line": 2, "reason": "no room\nfor it"}]"#;
            reply(202, &format!(r#"{{"accepted": {}, "known": 1, "refused": {refused}}}"#, lines - 2))
        } else {
            willing(&answering, asked)
        })
    }));
    let mut ledger = open(&address(&intake.url, home.path()))?;
    let refused = enqueue(ledger.as_mut(), &tokens(4001)).expect_err("two lines were refused");
    let message = refused.to_string();
    assert!(message.contains("did not take 2 of the tokens: no room for it"), "{message}");
    assert_eq!(intake.asked().iter().filter(|asked| asked.line.starts_with("POST")).count(), 3);
    assert_eq!(intake.lines().len(), 4001);
    Ok(())
}

#[test]
fn what_an_intake_that_is_away_does_not_take_waits_here_and_goes_first_next_time() -> TestResult {
    let (key, home) = (PrivateKey::generate()?.public(), tempfile::tempdir()?);
    let (away, answering) = (Arc::new(Mutex::new(None)), key.clone());
    let how = Arc::clone(&away);
    let intake = Intake::new(Box::new(move |asked| match how.lock().expect("nobody panicked").clone() {
        None => Some(willing(&answering, asked)),
        Some(answer) => answer,
    }));
    let address = address(&intake.url, home.path());
    // The key is remembered from this.
    enqueue(open(&address)?.as_mut(), &tokens(1))?;
    let half = "HTTP/1.1 202 Accepted\r\nContent-Length: 99\r\n\r\n{\"accepted\"".to_owned();
    let ways = [None, Some(half), Some(reply(503, "")), Some(reply(202, "<html>a portal</html>"))];
    for (number, way) in ways.into_iter().enumerate() {
        *away.lock().expect("nobody panicked") = Some(way);
        let mut ledger = open(&address)?;
        let enqueued = enqueue(ledger.as_mut(), &tokens(2 + number));
        if number == 3 {
            // A portal gives out no key either: whether that is the intake is not known, and nothing is sealed for it.
            assert!(enqueued.is_err());
            continue;
        }
        assert_eq!(enqueued?, Enqueued::default());
        let spooled = ledger.spooled().expect("it was away");
        assert_eq!(spooled.tokens, 2 + number as u64);
        assert_eq!(ledger.waiting(HOST)?.values().sum::<u64>(), 2 + number as u64, "each token once");
        check_writable(&address)?;
    }
    let still_away = deliver(&address, &BTreeSet::new(), &Timestamp::now)?;
    assert!(still_away.delivered == 0 && still_away.left == 4 && still_away.why.is_some(), "{still_away:?}");
    *away.lock().expect("nobody panicked") = None;
    let before = intake.lines().len();
    assert_eq!(
        deliver(&address, &BTreeSet::new(), &Timestamp::now)?,
        Delivery { delivered: 4, unsettled: true, ..Delivery::default() }
    );
    assert_eq!(intake.lines().len() - before, 4);
    assert_eq!(spool_status(&address)?.map(|status| (status.tokens, status.refused)), Some((0, 0)));
    assert_eq!(deliver(&address, &BTreeSet::new(), &Timestamp::now)?, Delivery::default());
    Ok(())
}

#[test]
fn without_a_key_nothing_is_kept_and_that_is_said() -> TestResult {
    let home = tempfile::tempdir()?;
    let address = address("http://127.0.0.1:1", home.path());
    check_writable(&address)?;
    let error = enqueue(open(&address)?.as_mut(), &tokens(1)).expect_err("there is no key");
    assert!(matches!(error, LedgerError::Intake(IntakeFault::NotSpooled { .. })), "{error}");
    assert!(error.to_string().contains("--seal-to"), "{error}");
    assert_eq!(spool_status(&address)?.map(|status| status.tokens), Some(0));
    Ok(())
}

#[test]
fn another_key_than_the_pinned_one_is_refused_and_the_pinned_one_serves_while_the_intake_is_away()
-> TestResult {
    let (key, home) = (PrivateKey::generate()?.public(), tempfile::tempdir()?);
    let pin = home.path().join("pinned.pub");
    std::fs::write(&pin, key.to_string())?;
    let pinned = |url: &str| match address(url, home.path()) {
        LedgerAddress::Intake(mut intake) => {
            intake.access.seal_to = Some(pin.clone());
            LedgerAddress::Intake(intake)
        }
        other => other,
    };
    let other = Intake::willing(&PrivateKey::generate()?.public());
    for error in [
        check_writable(&pinned(&other.url)).expect_err("another key"),
        enqueue(open(&pinned(&other.url))?.as_mut(), &tokens(1)).expect_err("another key"),
    ] {
        assert!(matches!(error, LedgerError::NotPinned { .. }), "{error}");
    }
    assert_eq!(other.lines().len(), 0);
    let away = pinned("http://127.0.0.1:1");
    let mut ledger = open(&away)?;
    enqueue(ledger.as_mut(), &tokens(2))?;
    assert_eq!(ledger.spooled().map(|spooled| spooled.tokens), Some(2));
    Ok(())
}

#[test]
fn who_may_not_is_told_so_and_a_redirect_is_not_followed() -> TestResult {
    let home = tempfile::tempdir()?;
    let nowhere = Intake::willing(&PrivateKey::generate()?.public());
    let location =
        format!("HTTP/1.1 307 Moved\r\nLocation: {}/v1/key\r\nContent-Length: 0\r\n\r\n", nowhere.url);
    for (answer, is_expected) in [
        (
            reply(401, r#"{"error": "no such token"}"#),
            (|error| matches!(error, LedgerError::Denied { .. })) as fn(&_) -> bool,
        ),
        (reply(403, r#"{"error": "not to enqueue"}"#), |error| matches!(error, LedgerError::Denied { .. })),
        (location, |error| matches!(error, LedgerError::Intake(IntakeFault::NoIntake { .. }))),
        (reply(200, "<html>hello</html>"), |error| {
            matches!(error, LedgerError::Intake(IntakeFault::NoIntake { .. }))
        }),
        (reply(404, "no such page"), |error| {
            matches!(error, LedgerError::Intake(IntakeFault::NoIntake { .. }))
        }),
        (reply(404, r#"{"error": "no key"}"#), |error| {
            matches!(error, LedgerError::Intake(IntakeFault::NoKey { .. }))
        }),
    ] {
        let told = answer.clone();
        let intake = Intake::new(Box::new(move |_| Some(told.clone())));
        let address = address(&intake.url, home.path());
        for error in [
            check_writable(&address).expect_err("it cannot be used"),
            enqueue(open(&address)?.as_mut(), &tokens(1)).expect_err("it cannot be used"),
        ] {
            assert!(is_expected(&error), "{answer}: {error}");
        }
        assert_eq!(intake.lines().len(), 0);
    }
    assert_eq!(nowhere.asked().len(), 0);
    Ok(())
}

#[test]
fn a_spooled_line_that_is_refused_is_kept_apart_and_does_not_hold_up_the_others() -> TestResult {
    let (key, home) = (PrivateKey::generate()?.public(), tempfile::tempdir()?);
    let intake = Intake::new(Box::new(move |asked| {
        Some(match asked.body.lines().count() {
            0 => willing(&key, asked),
            1 => reply(400, r#"{"error": "not a line"}"#),
            lines => reply(
                202,
                &format!(
                    r#"{{"accepted": {}, "known": 0, "refused": [{{"line": 1, "reason": "old key"}}]}}"#,
                    lines - 1
                ),
            ),
        })
    }));
    let address = address(&intake.url, home.path());
    let LedgerAddress::Intake(of_intake) = &address else { panic!("no intake") };
    let spool = Spool::of(of_intake)?;
    let lines = |count: u64| lines::Lines { text: "{}\n".repeat(usize::try_from(count).unwrap_or(0)), count };
    for count in [1, 3, 2] {
        spool.add(&lines(count), Timestamp::now())?;
    }
    let delivery = deliver(&address, &BTreeSet::new(), &Timestamp::now)?;
    assert_eq!((delivery.delivered, delivery.refused, delivery.left), (3, 3, 0));
    assert!(delivery.reasons.contains("old key") || delivery.reasons.contains("not a line"), "{delivery:?}");
    assert_eq!(spool.status()?.refused, 3);
    assert_eq!(deliver(&address, &BTreeSet::new(), &Timestamp::now)?, Delivery::default());
    Ok(())
}

#[test]
fn the_state_of_a_token_is_asked_for_and_garbage_is_no_state() -> TestResult {
    let home = tempfile::tempdir()?;
    let token = tokens(1).remove(0).fingerprint();
    let told = move |host: &str, kind: &str, state: &str| {
        let sha256 = token.hex();
        reply(
            200,
            &format!(
                r#"{{"sha256": "{sha256}", "host": "{host}", "kind": "{kind}", "state": "{state}", "at": "2026-11-29T12:00:00Z", "request_id": "A:B"}}"#
            ),
        )
    };
    let ask = |answer: String| -> Result<Option<TokenRecord>, Box<dyn std::error::Error>> {
        let intake = Intake::new(Box::new(move |_| Some(answer.clone())));
        Ok(open(&address(&intake.url, home.path()))?.token(HOST, &token)?)
    };
    let record = ask(told(HOST, "github-pat", "accepted"))?.expect("it is known");
    assert_eq!(
        (record.state, record.kind, record.request_id.as_deref()),
        (State::Accepted, Kind::pat(), Some("A:B"))
    );
    assert_eq!(ask(told("https://ghes.example/api/v3", "github-pat", "accepted"))?, None);
    assert_eq!(ask(reply(404, r#"{"error": "never queued here"}"#))?, None);
    for garbage in
        [told(HOST, "github-pat", "lost"), told(HOST, "none", "queued"), reply(200, "{}"), reply(404, "?")]
    {
        assert!(ask(garbage).is_err());
    }
    let away = open(&address("http://127.0.0.1:1", home.path()))?.token(HOST, &token);
    assert!(matches!(away, Err(LedgerError::Unreachable { .. })));
    Ok(())
}

#[test]
fn what_an_intake_cannot_do_is_said_and_not_pretended() -> TestResult {
    let home = tempfile::tempdir()?;
    let address = address("http://127.0.0.1:1", home.path());
    let mut ledger = open(&address)?;
    assert!(matches!(ledger.head(), Err(LedgerError::IntakeOnly { .. })));
    assert!(matches!(ledger.release(HOST, "me", &Timestamp::now), Err(LedgerError::IntakeOnly { .. })));
    assert!(!ledger.check().problems.is_empty());
    let without = LedgerAddress::parse("https://intake.example.test".as_ref())?;
    let error = open(&without).err().ok_or("there is no token")?;
    assert!(error.to_string().contains("STANCH_INTAKE_TOKEN"), "{error}");
    Ok(())
}
