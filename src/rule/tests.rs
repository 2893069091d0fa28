use super::*;

const GITHUB: &str = include_str!("../../rules/github.toml");

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
    assert!(kinds().all(|kind| kind.harm_rank() <= Kind::LEAST_HARM));
    assert_eq!((kind("custom"), kind_of("hunter2")), (None, Kind::OTHER));
    assert_eq!(Kind::OTHER.revoked_by(), None);
    assert_eq!(Kind::app_installation().revoked_by(), Some(RevokedBy::Itself));
    assert!(!Kind::refresh().can_check_liveness() && !Kind::OTHER.can_check_liveness());
}

#[test]
fn contradictions_are_refused() {
    assert!(file::to_rust([GITHUB]).is_ok());
    for (from, to, word) in [
        ("prefix = \"ghp_\"", "prefix = \"gho_\"", "start with its prefix"),
        ("id = \"github-oauth\"", "id = \"github-pat\"", "another rule"),
        ("id = \"github-pat\"", "id = \"github'pat\"", "letters, digits"),
        ("length = 40", "length = 400", "shorter than its token"),
        ("harm_rank = 0", "harm_rank = 10", "more than 9"),
        ("harm_rank = 0", "harm_rank = -1", "`harm_rank`"),
        ("\"batch\"", "\"both\"", "`revoked_by` cannot be `both`"),
        ("names_owner = true", "names_owner = 1", "`names_owner` is true or false"),
        ("description", "describtion", "needs `description`"),
        ("length", "size = 40\nlength", "unknown key `size`"),
        ("provider", "title = \"GitHub\"\nprovider", "unknown key `title`"),
        ("[[rules]]", "[[rules]", "TOML parse error"),
    ] {
        let (before, rules) = GITHUB.split_at(GITHUB.find("\nprovider").expect("it names its provider"));
        let problem = file::to_rust([&*format!("{before}{}", rules.replacen(from, to, 1))]);
        assert!(problem.as_ref().is_err_and(|problem| problem.contains(word)), "{to}: {problem:?}");
    }
    assert!(file::to_rust([GITHUB, GITHUB]).is_err());
}

#[test]
fn an_expression_that_is_none_is_named_with_its_rule() {
    let mut rules: Vec<Rule> = include!(concat!(env!("OUT_DIR"), "/rules.rs"));
    rules[0].shape = Shape::new("ghp_[");
    let error = Rules(rules).compile().expect_err("a bracket is open");
    assert!(error.to_string().starts_with("rule `github-pat`: regex parse error"), "{error}");
}
