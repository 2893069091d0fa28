//! Rules of the configuration's own, for secrets of no provider known here. They are reported, and never revoked.

use std::collections::HashSet;
use std::sync::Arc;

use regex::bytes::{Regex, RegexBuilder};
use serde::Deserialize;

use super::bounds::{Bounds, SizeBudget};
use super::error::Error;
use crate::finding::Scope;

/// How many bytes each thread keeps for an expression at most, and for all rules of a file together: what it has worked out so
/// far, so that it is fast.
const MAX_CACHE: usize = 2 << 20;
const ALL_CACHES: usize = 16 << 20;
const MIN_CACHE: usize = 32 << 10;

/// The shortest keyword, in bytes: shorter ones are everywhere and filter nothing out.
const SHORTEST_KEYWORD: usize = 2;

/// One `[[rules]]` of a configuration file, as it is written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawCustomRule {
    id: String,
    #[serde(default)]
    description: String,
    regex: String,
    #[serde(default)]
    keywords: Vec<String>,
    entropy: Option<f64>,
    secret_group: Option<usize>,
    #[serde(default)]
    positive: Vec<String>,
    #[serde(default)]
    negative: Vec<String>,
}

/// A rule of the configuration's own.
#[derive(Clone, Debug)]
pub struct CustomRule {
    /// The id reports carry.
    pub id: Arc<str>,
    /// What it finds, for people.
    pub description: String,
    /// The shape, tried where a keyword stands nearby. ASCII classes; `(?u:…)` for others.
    pub regex: Regex,
    /// Literals, of either case, one of which stands in or near every match. Never empty.
    pub keywords: Vec<String>,
    /// The least Shannon entropy of the secret, in bits a character.
    pub entropy: f64,
    /// The capture group that is the secret; without one, the first that took part, else the whole match.
    pub secret_group: Option<usize>,
    /// Texts in which it must find something. Never empty.
    pub positive: Vec<String>,
    /// Texts in which it must find nothing.
    pub negative: Vec<String>,
    /// The inputs it holds for, where it is of their project's own configuration.
    pub scope: Option<Arc<Scope>>,
    /// Whether it may take any time.
    pub any_time: bool,
}

impl CustomRule {
    /// Compiles the rules of a configuration file, as far as its bounds allow; an id may be there once and must not be one of
    /// the program's.
    pub fn compile_all(
        raw: Vec<RawCustomRule>,
        scope: Option<&Scope>,
        bounds: &Bounds,
    ) -> Result<Vec<Self>, Error> {
        check_bounds(&raw, bounds)?;
        let mut ids = HashSet::new();
        for rule in &raw {
            if !ids.insert(rule.id.clone()) {
                return Err(Error::contradiction(&rule.id, "there is another rule with this id"));
            }
        }
        let scope = scope.cloned().map(Arc::new);
        let cache = (ALL_CACHES / raw.len().max(1)).clamp(MIN_CACHE, MAX_CACHE);
        let mut sizes = bounds.sizes();
        let compile = |rule| CustomRule::compile(rule, scope.clone(), &mut sizes, cache);
        let mut rules: Vec<_> = raw.into_iter().map(compile).collect::<Result<_, _>>()?;
        for rule in &mut rules {
            rule.any_time = bounds.any_time;
        }
        Ok(rules)
    }

    fn compile(
        raw: RawCustomRule,
        scope: Option<Arc<Scope>>,
        sizes: &mut SizeBudget,
        cache: usize,
    ) -> Result<Self, Error> {
        if let Some(problem) = problem(&raw) {
            return Err(Error::contradiction(&raw.id, problem));
        }
        let mut builder = RegexBuilder::new(&raw.regex);
        builder.unicode(false).dfa_size_limit(cache);
        let regex = sizes
            .compile(|size| builder.clone().size_limit(size).build())
            .map_err(|source| Error::Regex { id: raw.id.clone(), source: Box::new(source) })?;
        if raw.secret_group.is_some_and(|group| group >= regex.captures_len()) {
            return Err(Error::contradiction(&raw.id, "its expression has no group of that `secret_group`"));
        }
        if regex.is_match(b"") {
            return Err(Error::contradiction(&raw.id, "its expression matches the empty text"));
        }
        let examples = |texts: Vec<String>| texts.into_iter().map(|text| text.replace('~', "")).collect();
        Ok(CustomRule {
            description: if raw.description.is_empty() { raw.id.clone() } else { raw.description },
            id: Arc::from(raw.id),
            regex,
            keywords: raw.keywords,
            entropy: raw.entropy.unwrap_or_default(),
            secret_group: raw.secret_group,
            positive: examples(raw.positive),
            negative: examples(raw.negative),
            scope,
            any_time: true,
        })
    }
}

/// Refuses what a file may not bring.
fn check_bounds(raw: &[RawCustomRule], bounds: &Bounds) -> Result<(), Error> {
    bounds.check_count(raw.len(), "rules").map_err(Error::TooMuch)?;
    let each = |texts: fn(&RawCustomRule) -> &[String]| raw.iter().flat_map(texts).map(String::as_str);
    bounds.check_text(raw.iter().map(|rule| &*rule.regex), "expressions").map_err(Error::TooMuch)?;
    bounds.check_text(each(|rule| &rule.keywords), "keywords").map_err(Error::TooMuch)?;
    bounds.check_text(each(|rule| &rule.positive), "positive examples").map_err(Error::TooMuch)?;
    bounds.check_text(each(|rule| &rule.negative), "negative examples").map_err(Error::TooMuch)
}

/// What is wrong with a rule before its expression is looked at.
fn problem(raw: &RawCustomRule) -> Option<&'static str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if raw.id.is_empty() || !raw.id.chars().all(plain) {
        return Some("an id is made of letters, digits, `-` and `_`");
    }
    if super::kind(&raw.id).is_some() {
        return Some("this id belongs to a rule that comes with the program");
    }
    if raw.keywords.is_empty() {
        return Some("it needs `keywords`: literals one of which stands in or near every match");
    }
    if raw.keywords.iter().any(|keyword| keyword.len() < SHORTEST_KEYWORD) {
        return Some("a keyword needs two characters at least");
    }
    if raw.entropy.is_some_and(|bits| !(0.0..=8.0).contains(&bits)) {
        return Some("`entropy` is bits a character: from 0 to 8");
    }
    raw.positive.is_empty().then_some("it needs a `positive` example: a text in which it finds something")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compile(extra: &str) -> Result<Vec<CustomRule>, String> {
        #[derive(Deserialize)]
        struct File {
            rules: Vec<RawCustomRule>,
        }
        let text = format!("[[rules]]\n{extra}");
        let file: File = toml::from_str(&text).map_err(|error| error.to_string())?;
        CustomRule::compile_all(file.rules, None, &Bounds::USER).map_err(|error| error.to_string())
    }

    const GOOD: &str = "id = 'mine'\nregex = 'k_([a-z]+)'\nkeywords = ['k_']\npositive = ['k_~abc']\n";

    #[test]
    fn a_rule_needs_only_what_it_needs() {
        let rules = compile(GOOD).expect("a good rule");
        assert_eq!((&*rules[0].description, &*rules[0].positive[0]), ("mine", "k_abc"));
    }

    #[test]
    fn rules_that_cannot_work_are_refused_with_the_reason() {
        for (from, to, word) in [
            ("id = 'mine'", "id = 'github-pat'", "comes with the program"),
            ("id = 'mine'", "id = 'a b'", "letters, digits"),
            ("['k_']", "[]", "keywords"),
            ("['k_']", "['']", "two characters"),
            ("'k_([a-z]+)'", "'k_('", "regex parse error"),
            ("'k_([a-z]+)'", "'[a-z]*'", "empty text"),
            ("['k_~abc']", "[]", "positive"),
            ("regex", "secret_group = 2\nregex", "secret_group"),
            ("regex", "entropy = 9.0\nregex", "entropy"),
            ("regex", "regexx = ''\nregex", "unknown field"),
            ("'k_([a-z]+)'", "'(?:a{1000}){1000}'", "size"),
        ] {
            let error = compile(&GOOD.replace(from, to)).expect_err(word);
            assert!(error.contains(word), "{error}: {word}");
        }
        assert!(compile(&format!("{GOOD}[[rules]]\n{GOOD}")).is_err_and(|error| error.contains("another")));
    }
}
