//! `status` adds up: every state, all hosts, and each host by itself.

use serde_json::Value;

use crate::support::fixture::Fixture;
use crate::support::github::{Flavour, GitHub, Misbehaviour};
use crate::support::mint::Kind;

#[test]
fn the_tokens_of_all_hosts_are_counted() {
    let mut fixture = Fixture::new(8101);
    let waits = [fixture.mint.token(Kind::Pat), fixture.mint.token(Kind::OAuth)];
    let (sent, held) = (fixture.mint.token(Kind::Pat), fixture.mint.stateless());
    fixture.sandbox.write("one", waits.join("\n"));
    fixture.sandbox.write("two", format!("{sent}\n{held}"));
    fixture.github.misbehave(Misbehaviour::SecondaryLimit { retry_after: Some(1800) });
    assert_eq!(fixture.run(&["revoke", "--yes", "one"]).code, 3);
    let second = GitHub::start(Flavour::DotCom);
    let ledger = fixture.ledger();
    let ledger = ledger.to_str().expect("text");
    let aim = ["--api-url", &second.api_url(), "--ledger", ledger];
    let there = fixture.sandbox.run(&[&["revoke", "--yes", "two"], &aim[..]].concat());
    assert_eq!(there.code, 3, "{}", there.stderr);

    let status = fixture.status();
    let counts = |status: &Value| {
        [
            "queued",
            "sent",
            "accepted",
            "confirmed",
            "dead",
            "refused",
            "unsupported",
            "own",
            "held",
            "withdrawn",
        ]
        .map(|state| status[state].as_u64().expect("a number"))
    };
    assert_eq!(counts(&status), [2, 0, 1, 0, 0, 0, 0, 0, 1, 0]);
    let hosts = status["hosts"].as_array().expect("hosts");
    assert_eq!(hosts.len(), 2);
    for (url, right) in [
        (fixture.github.api_url(), [2, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        (second.api_url(), [0, 0, 1, 0, 0, 0, 0, 0, 1, 0]),
    ] {
        let host = hosts.iter().find(|host| host["host"] == url.as_str()).expect("an entry");
        assert_eq!(counts(host), right, "{url}");
        assert_eq!((&host["requests_last_hour"], &host["limit"]), (&1.into(), &60.into()));
        assert!(host.get("hosts").is_none());
    }
    assert!(hosts[0]["next_slot"].is_string() && hosts[1]["next_slot"].is_null(), "{status}");

    let pretty = fixture.sandbox.run(&["status", "--ledger", ledger]).stdout;
    for shown in [
        "queued       2\n",
        "held         1\n",
        "oldest       waits since",
        "1 accepted, 1 held",
        "less than an hour",
    ] {
        assert!(pretty.contains(shown), "no {shown:?} in\n{pretty}");
    }
}
