use super::*;
use crate::token::RevokedBy;

const GITHUB: &str = include_str!("../../rules/github.toml");

fn parse(text: &str) -> Result<Rules, Error> {
    file::parse_all([text])
}

#[test]
fn githubs_rules_are_the_six() {
    let ids: Vec<&str> =
        kinds().filter(|kind| kind.provider() == Some("github")).map(Kind::rule_id).collect();
    assert_eq!(
        ids,
        [
            "github-pat",
            "github-fine-grained-pat",
            "github-oauth",
            "github-app-user-token",
            "github-app-installation-token",
            "github-refresh-token"
        ]
    );
    assert!(built_in().compile().is_ok());
}

#[test]
fn kinds_know_their_rules() {
    for one in kinds() {
        assert_eq!(kind(one.rule_id()), Some(one));
        assert_eq!(kind_of(one.prefix()), one);
        assert!(one < Kind::OTHER);
    }
    assert!(kinds().is_sorted());
    assert_eq!((kind("custom"), kind_of("hunter2")), (None, Kind::OTHER));
    assert_eq!(Kind::OTHER.revoked_by(), None);
    assert_eq!(Kind::app_installation().revoked_by(), Some(RevokedBy::Itself));
    assert!(!Kind::refresh().can_check_liveness() && !Kind::OTHER.can_check_liveness());
}

#[test]
fn contradictions_are_refused() {
    for (from, to) in [
        ("prefix = \"ghp_\"", "prefix = \"gho_\""),
        ("id = \"github-oauth\"", "id = \"github-pat\""),
        ("id = \"github-pat\"", "id = \"github'pat\""),
        ("length = 40", "length = 400"),
        ("harm_rank = 0", "harm_rank = 10"),
    ] {
        let wrong = GITHUB.replacen(from, to, 1);
        assert!(matches!(parse(&wrong), Err(Error::Contradiction { .. })), "{to}");
    }
    let wrong_regex = GITHUB.replacen("ghp_[A-Za-z0-9]{16,}", "ghp_[", 1);
    let rules = parse(&wrong_regex).expect("the form is right");
    assert!(matches!(rules.compile(), Err(Error::Regex { .. })));
    let unknown_key = GITHUB.replacen("description", "describtion", 1);
    assert!(matches!(parse(&unknown_key), Err(Error::Syntax(_))));
}
