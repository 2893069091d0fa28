//! A second provider, from a text to `accepted`: found, planned, queued, and sent within that provider's own limits.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use super::*;
use crate::blob::Origin;
use crate::checksum::crc32_base62;
use crate::detect::{Detector, Window};
use crate::finding::{Findings, Location};
use crate::ledger::decision;
use crate::policy::{Choice, Plan, Policy, PolicyContext};
use crate::provider::github::host::{Host, HostChoice};
use crate::provider::{self, Connection};
use crate::rule;

/// A valid token of this prefix, the same for the same number.
fn mint(prefix: &str, number: u32) -> String {
    let body = &Fingerprint::of(&number.to_le_bytes()).hex()[..30];
    format!("{prefix}{body}{}", String::from_utf8_lossy(&crc32_base62(body.as_bytes())))
}

/// The keys of each request that arrived.
type Requests = Arc<Mutex<Vec<Vec<String>>>>;

/// Acme's API on this machine: it takes everything. Returns its address.
fn serve(requests: &Requests) -> Checked<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}", listener.local_addr()?);
    let requests = Arc::clone(requests);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let keys = read_keys(&stream).unwrap_or_default();
            // Before the answer: whoever has it may look at once.
            requests.lock().unwrap_or_else(PoisonError::into_inner).push(keys);
            let _ = (&stream).write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        }
    });
    Ok(url)
}

fn read_keys(stream: &TcpStream) -> Checked<Vec<String>> {
    let mut reader = BufReader::new(stream);
    let (mut line, mut length) = (String::new(), 0);
    reader.read_line(&mut line)?;
    assert_eq!(line.trim_end(), "POST /v1/keys/revoke HTTP/1.1");
    while line.trim_end() != "" {
        line.clear();
        reader.read_line(&mut line)?;
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let body: serde_json::Value = serde_json::from_slice(&body)?;
    let keys = body["keys"].as_array().ok_or("no list of keys")?;
    Ok(keys.iter().filter_map(|key| key.as_str().map(str::to_owned)).collect())
}

/// Everything the detector finds in a text.
fn find(text: &str) -> Vec<crate::finding::Finding> {
    let findings = Findings::default();
    Detector::new(rule::built_in()).scan(&Window::whole(text.as_bytes()), &mut |hit| {
        let offset = hit.span.start as u64;
        findings.add(hit.sighting(), Location::new(Origin::file("keys.env"), offset, 1, 1, Vec::new()));
    });
    findings.finish().0
}

#[test]
fn a_second_provider_revokes_its_tokens_within_its_own_limits() -> Checked {
    let keys: Vec<String> = (0..65).map(|number| mint("acme_", number)).collect();
    let other = mint("ghp_", 0);
    let findings = find(&format!("KEYS={}\nTOKEN={other}\n", keys.join(",")));
    assert_eq!(findings.len(), 66);

    let acme = rule::kind("acme-key").ok_or("a rule of acme's")?;
    let provider = provider::for_kind(acme).ok_or("a provider of acme's kind")?;
    let requests = Requests::default();
    let choice = HostChoice { api_url: Some(serve(&requests)?), ..HostChoice::default() };
    let revoker = provider::connect(provider, Connection::new(Host::choose(&choice)?))?;
    let limits = revoker.limits();
    assert_eq!((limits.max_batch, limits.per_hour, limits.revocable_kinds()), (10, 5, vec![acme]));

    let context = PolicyContext {
        doubtful: &|_| false,
        counted: Confidence::Likely,
        kinds: &limits.revocable_kinds(),
        own: &|_| false,
        known: &|_| None,
    };
    let plan = Plan::new(&findings, &Policy::default(), &context, BTreeMap::new());
    let count = |state| plan.choices.iter().filter(|choice| choice.state == state).count();
    assert_eq!((count(State::Queued), count(State::Unsupported)), (65, 1));

    let fixture = Fixture::new()?;
    let entries = plan.choices.iter().map(|Choice { finding, state, .. }| {
        entry(&fixture.sealer, &finding.token, finding.confidence, *state, "keys.env:1")
    });
    enqueue(&mut fixture.ledger.another(), &limits.host, &decision(), entries, &|| fixture.clock.now())?;
    let (mut ledger, progress) = (fixture.ledger.another(), Progress::default());
    let mut run_once = |options: &Options| {
        let context = Context {
            ledger: &mut ledger,
            opener: &fixture.opener,
            revoker: &*revoker,
            clock: &fixture.clock,
            cancel: &fixture.cancel,
            progress: &progress,
            notify: &|_| {},
            screen: None,
        };
        run(context, options)
    };
    // Five requests of ten, and the hour is full; the others go in the next one.
    let first = run_once(&options())?;
    assert_eq!((first.end, first.counts.accepted), (EndReason::Later(WaitReason::Quota), 50));
    let second = run_once(&patient())?;
    assert_eq!((second.end, second.host_status.accepted), (EndReason::Done, 65));

    let requests = requests.lock().unwrap_or_else(PoisonError::into_inner);
    assert_eq!(requests.iter().map(Vec::len).collect::<Vec<_>>(), [10, 10, 10, 10, 10, 10, 5]);
    let mut sent: Vec<&String> = requests.iter().flatten().collect();
    let mut keys: Vec<&String> = keys.iter().collect();
    sent.sort();
    keys.sort();
    assert_eq!(sent, keys);
    for finding in findings.iter().filter(|finding| finding.token.kind() == acme) {
        let known = fixture.ledger.token(&limits.host, &finding.token.fingerprint())?;
        assert_eq!(known.map(|known| known.state), Some(State::Accepted));
    }
    Ok(())
}
