use super::*;
use crate::blob::Origin;

fn add(findings: &Findings, rule: &Arc<str>, path: &str, offset: u64) {
    findings.add(sighting(rule, Kind::pat()), location(path, offset));
}

fn sighting(rule: &Arc<str>, kind: Kind) -> Sighting<'_> {
    let text = b"ghp_placeholder";
    Sighting { text, rule, kind, confidence: Confidence::Likely, reason: "", owner_id: None }
}

fn location(path: &str, offset: u64) -> Location {
    Location::new(Origin::file(path), offset, 1, offset + 1, Vec::new())
}

fn suppressed(path: &str, offset: u64, set_by: SetBy) -> Location {
    let suppression = Suppression { kind: SuppressionKind::Allowlist, set_by, detail: Arc::from("") };
    location(path, offset).with(|details| details.suppressed = Some(suppression))
}

#[test]
fn one_unsuppressed_location_is_enough_even_when_it_is_not_kept() {
    let rule = Arc::from("github-pat");
    for unsuppressed in [0, 50, 150, 249] {
        let findings = Findings::default();
        for offset in 0..250 {
            let location = if offset == unsuppressed {
                location("a", offset)
            } else {
                suppressed("a", offset, SetBy::User)
            };
            findings.add(sighting(&rule, Kind::pat()), location);
        }
        assert_eq!(findings.finish().0[0].suppressed, None, "unsuppressed at {unsuppressed}");
    }
    let findings = Findings::default();
    for offset in (0..250).rev() {
        let set_by = if offset == 70 { SetBy::Tree } else { SetBy::User };
        findings.add(sighting(&rule, Kind::pat()), suppressed("a", offset, set_by));
    }
    let suppression = findings.finish().0.remove(0).suppressed;
    assert_eq!(suppression.map(|one| one.set_by), Some(SetBy::Tree));
}

#[test]
fn an_unsuppressed_version_counts_when_the_one_reported_is_suppressed() {
    let rule = Arc::from("github-pat");
    let version =
        |object: &str, location: Location| location.with(|details| details.object = Some(object.to_owned()));
    for (first, other, expected) in [
        (suppressed("", 0, SetBy::Tree), suppressed("", 0, SetBy::Tree), true),
        (suppressed("", 0, SetBy::Tree), location("", 0), false),
    ] {
        let mut findings = Findings::keeping_all();
        findings.add(sighting(&rule, Kind::pat()), version("1", first));
        findings.add(sighting(&rule, Kind::pat()), version("2", other));
        findings.replace_locations(&mut |_, mut locations| {
            locations.retain(|location| location.details().object.as_deref() == Some("1"));
            (locations, 1)
        });
        assert_eq!(findings.finish().0[0].suppressed.is_some(), expected);
    }
}

#[test]
fn a_custom_rule_does_not_replace_the_built_in_one() {
    let (custom, built_in) = (Arc::from("mine"), Arc::from("github-pat"));
    for order in [
        [(&custom, Kind::OTHER), (&built_in, Kind::pat())],
        [(&built_in, Kind::pat()), (&custom, Kind::OTHER)],
    ] {
        let findings = Findings::default();
        for (rule, kind) in order {
            findings.add(sighting(rule, kind), location("a", 0));
        }
        let found = findings.finish().0.remove(0);
        assert_eq!((&*found.rule, found.token.kind()), ("github-pat", Kind::pat()));
    }
}

#[test]
fn one_finding_a_token_and_a_hundred_locations() {
    let rule = Arc::from("github-pat");
    let (forwards, backwards) = (Findings::default(), Findings::default());
    for offset in 0..250 {
        add(&forwards, &rule, "a", offset);
        add(&backwards, &rule, "a", 249 - offset);
    }
    for findings in [forwards, backwards] {
        let (found, _) = findings.finish();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].locations.len(), MAX_LOCATIONS);
        assert_eq!(found[0].locations.last().map(|location| location.offset), Some(99));
        assert_eq!(found[0].more_locations, 150);
    }
}

#[test]
fn the_same_location_counts_once() {
    let rule = Arc::from("github-pat");
    let findings = Findings::default();
    add(&findings, &rule, "a", 7);
    add(&findings, &rule, "a", 7);
    let (found, _) = findings.finish();
    assert_eq!((found[0].locations.len(), found[0].more_locations), (1, 0));
}

#[test]
fn lookalikes_beyond_many_are_only_counted() {
    let rule = Arc::from("github-pat");
    let findings = Findings::default();
    for n in 0..50_010_u64 {
        let text = format!("ghp_{n}").into_bytes();
        let confidence = Confidence::Lookalike;
        findings.add(Sighting { text: &text, confidence, ..sighting(&rule, Kind::pat()) }, location("a", n));
    }
    add(&findings, &rule, "b", 0);
    let (found, faults) = findings.finish();
    assert_eq!((found.len(), found[0].confidence), (50_001, Confidence::Likely));
    let [fault] = &faults[..] else { panic!("{faults:?}") };
    assert_eq!(fault.kind, crate::blob::FaultKind::PassedOver);
    assert!(fault.reason.starts_with("10 more lookalikes"), "{}", fault.reason);
}
