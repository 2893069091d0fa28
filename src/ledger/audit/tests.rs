use super::*;

fn event(batch: u64) -> Event {
    Event::Lost { batch, tokens: 3 }
}

fn trail(records: u64) -> (Vec<String>, Head) {
    let mut head = Head::default();
    let lines = (0..records).map(|batch| append(&mut head, Timestamp::UNIX_EPOCH, &event(batch))).collect();
    (lines, head)
}

fn verify(lines: &[String], end: &Head) -> Result<(), BrokenTrail> {
    let mut verifier = Verifier::default();
    lines.iter().try_for_each(|line| verifier.check(line))?;
    verifier.ends_at(end)
}

#[test]
fn a_trail_holds() {
    let (lines, head) = trail(5);
    assert_eq!(verify(&lines, &head), Ok(()));
    assert_eq!(
        lines[0].split("\"hash\"").next(),
        Some(r#"{"at":"1970-01-01T00:00:00Z","batch":0,"event":"lost","#)
    );
    assert!(lines[0].contains(GENESIS));
}

#[test]
fn the_hash_is_that_of_the_record_without_it() {
    // As a script would check it: take the hash out of the line, hash the rest.
    let (lines, head) = trail(1);
    let bare = lines[0].replace(&format!("\"hash\":\"{}\",", head.hash), "");
    assert_eq!(Fingerprint::of(bare.as_bytes()).hex(), head.hash);
}

#[test]
fn every_change_is_found_where_it_was_made() {
    let (lines, head) = trail(5);
    for at in 0..5 {
        let mut changed = lines.clone();
        changed[at] = changed[at].replace("\"tokens\":3", "\"tokens\":2");
        assert_eq!(verify(&changed, &head).map_err(|broken| broken.seq), Err(at as u64 + 1));
        let mut missing = lines.clone();
        missing.remove(at);
        assert_eq!(verify(&missing, &head).map_err(|broken| broken.seq), Err(at as u64 + 1));
        let mut twice = lines.clone();
        twice.insert(at, lines[at].clone());
        assert_eq!(verify(&twice, &head).map_err(|broken| broken.seq), Err(at as u64 + 2));
        let mut blank = lines.clone();
        blank[at].push(' ');
        assert_eq!(verify(&blank, &head).map_err(|broken| broken.seq), Err(at as u64 + 1));
    }
}

#[test]
fn a_forged_end_is_found() {
    let (lines, _) = trail(5);
    let (_, other) = trail(6);
    assert_eq!(verify(&lines, &other).map_err(|broken| broken.seq), Err(6));
    assert_eq!(verify(&[], &Head::default()), Ok(()));
}

#[test]
fn keys_are_sorted_at_every_depth() {
    let value = serde_json::json!({"b": {"d": 1, "c": [2, {"f": null, "e": "\u{1}\"é"}]}, "a": true});
    assert_eq!(canonical(&value), r#"{"a":true,"b":{"c":[2,{"e":"\u0001\"é","f":null}],"d":1}}"#);
}

#[test]
fn many_fingerprints_are_recorded_by_their_digest() {
    let mut digest = Digest::default();
    let all: Vec<Fingerprint> = (0..1001_u32).map(|n| Fingerprint::of(&n.to_le_bytes())).collect();
    all[..1000].iter().for_each(|fingerprint| digest.add(fingerprint));
    let (sum, tokens) = digest.clone().finish();
    assert_eq!(
        (tokens.len(), sum),
        (1000, Fingerprint::of(&all[..1000].iter().flat_map(|f| f.0).collect::<Vec<_>>()).hex())
    );
    digest.add(&all[1000]);
    assert_eq!(digest.finish().1, Vec::<String>::new());
}

#[test]
fn the_names_of_events_are_the_format_of_the_trail() {
    let change = Event::StateChange {
        host: "api.example.test".into(),
        state: "dead",
        reason: String::new(),
        count: 0,
        digest: String::new(),
        tokens: Vec::new(),
    };
    assert_eq!(
        append(&mut Head::default(), Timestamp::UNIX_EPOCH, &change).split("\"hash\"").next(),
        Some(r#"{"at":"1970-01-01T00:00:00Z","count":0,"digest":"","event":"mark","#)
    );
}
