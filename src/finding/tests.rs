use super::*;

fn sight(findings: &Findings, rule: &Arc<str>, path: &str, offset: u64) {
    findings.add(seen(rule, Kind::pat()), place(path, offset));
}

fn seen(rule: &Arc<str>, kind: Kind) -> Sighting<'_> {
    let text = b"ghp_placeholder";
    Sighting { text, rule, kind, confidence: Confidence::Likely, reason: "", owner_id: None }
}

fn place(path: &str, offset: u64) -> Location {
    Location::new(Origin::file(path), offset, 1, offset + 1, Vec::new())
}

fn silenced(path: &str, offset: u64, from: SetBy) -> Location {
    let silence = Suppression { by: SuppressionKind::Allowlist, from, what: Arc::from("") };
    Location { suppressed: Some(silence), ..place(path, offset) }
}

#[test]
fn one_live_place_keeps_a_token_live_even_when_it_is_not_kept() {
    let rule = Arc::from("github-pat");
    for live in [0, 50, 150, 249] {
        let findings = Findings::default();
        for offset in 0..250 {
            let place = if offset == live { place("a", offset) } else { silenced("a", offset, SetBy::User) };
            findings.add(seen(&rule, Kind::pat()), place);
        }
        assert_eq!(findings.finish().0[0].suppressed, None, "live at {live}");
    }
    let findings = Findings::default();
    for offset in (0..250).rev() {
        let from = if offset == 70 { SetBy::Tree } else { SetBy::User };
        findings.add(seen(&rule, Kind::pat()), silenced("a", offset, from));
    }
    let silence = findings.finish().0.remove(0).suppressed;
    assert_eq!(silence.map(|silence| silence.from), Some(SetBy::Tree));
}

#[test]
fn a_version_left_out_keeps_a_token_live_when_the_one_told_is_silenced() {
    let rule = Arc::from("github-pat");
    let version = |object: &str, place: Location| Location { object: Some(object.to_owned()), ..place };
    for (first, other, suppressed) in [
        (silenced("", 0, SetBy::Tree), silenced("", 0, SetBy::Tree), true),
        (silenced("", 0, SetBy::Tree), place("", 0), false),
    ] {
        let mut findings = Findings::keeping_all();
        findings.add(seen(&rule, Kind::pat()), version("1", first));
        findings.add(seen(&rule, Kind::pat()), version("2", other));
        findings.relocate(&mut |mut places| {
            places.retain(|place| place.object.as_deref() == Some("1"));
            (places, 1)
        });
        assert_eq!(findings.finish().0[0].suppressed.is_some(), suppressed);
    }
}

#[test]
fn a_rule_of_ones_own_does_not_take_a_github_token_away() {
    let (own, built_in) = (Arc::from("mine"), Arc::from("github-pat"));
    for order in
        [[(&own, Kind::OTHER), (&built_in, Kind::pat())], [(&built_in, Kind::pat()), (&own, Kind::OTHER)]]
    {
        let findings = Findings::default();
        for (rule, kind) in order {
            findings.add(seen(rule, kind), place("a", 0));
        }
        let found = findings.finish().0.remove(0);
        assert_eq!((&*found.rule, found.token.kind()), ("github-pat", Kind::pat()));
    }
}

#[test]
fn one_finding_a_token_and_a_hundred_places() {
    let rule = Arc::from("github-pat");
    let (forwards, backwards) = (Findings::default(), Findings::default());
    for offset in 0..250 {
        sight(&forwards, &rule, "a", offset);
        sight(&backwards, &rule, "a", 249 - offset);
    }
    for findings in [forwards, backwards] {
        let (found, _) = findings.finish();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].locations.len(), LOCATIONS_KEPT);
        assert_eq!(found[0].locations.last().map(|place| place.offset), Some(99));
        assert_eq!(found[0].more_locations, 150);
    }
}

#[test]
fn the_same_place_counts_once() {
    let rule = Arc::from("github-pat");
    let findings = Findings::default();
    sight(&findings, &rule, "a", 7);
    sight(&findings, &rule, "a", 7);
    let (found, _) = findings.finish();
    assert_eq!((found[0].locations.len(), found[0].more_locations), (1, 0));
}
