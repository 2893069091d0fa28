//! Rules as data: `rules/*.toml` becomes [`Rule`]s, and a rule that contradicts its own examples is refused.

mod custom;

use std::sync::{Arc, OnceLock};

use regex::bytes::Regex;
use serde::Deserialize;

use crate::token::Kind;

pub use custom::{CustomRule, RawCustomRule};

/// The rules that come with the program.
const BUILT_IN: &str = include_str!("../rules/github.toml");

/// Why a set of rules cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not the TOML that was expected.
    #[error("the rules cannot be read: {0}")]
    Syntax(#[from] toml::de::Error),
    /// The shape of a rule is no regular expression.
    #[error("rule `{id}`: {source}")]
    Regex {
        /// The rule.
        id: String,
        /// What the expression's parser says.
        source: Box<regex::Error>,
    },
    /// A rule that cannot find anything, or not what it says.
    #[error("rule `{id}`: {problem}")]
    Contradiction {
        /// The rule.
        id: String,
        /// What is wrong with it.
        problem: String,
    },
}

/// What proves a match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Checksum {
    /// The last six characters are base62 of the CRC-32 of those between prefix and them.
    Crc32Base62,
    /// Eight characters, sixteen before the end, are base32 of the SHA-256 of all before them.
    Sha256Base32,
}

impl Checksum {
    /// The word the rules use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Checksum::Crc32Base62 => "crc32-base62",
            Checksum::Sha256Base32 => "sha256-base32",
        }
    }
}

/// What ends a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RevokedBy {
    /// `POST /credentials/revoke`, in a batch.
    CredentialsRevoke,
    /// `DELETE /installation/token`, by itself.
    InstallationTokenDelete,
}

impl RevokedBy {
    /// The request that ends such a token.
    pub const fn as_str(self) -> &'static str {
        match self {
            RevokedBy::CredentialsRevoke => "POST /credentials/revoke",
            RevokedBy::InstallationTokenDelete => "DELETE /installation/token",
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    rules: Vec<RawRule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRule {
    id: String,
    description: String,
    prefix: String,
    regex: String,
    length: usize,
    longest: usize,
    checksum: Checksum,
    revoked_by: RevokedBy,
    positive: Vec<String>,
    negative: Vec<String>,
}

/// A regular expression over raw bytes, compiled when the first prefix asks for it: most runs never do, and a hook
/// must not wait for it.
#[derive(Debug)]
pub struct Shape {
    pattern: String,
    compiled: OnceLock<Option<Regex>>,
}

impl Shape {
    fn new(pattern: &str) -> Self {
        Shape { pattern: format!("^(?-u:{pattern})"), compiled: OnceLock::new() }
    }

    /// How long the match at the start of `bytes` is. `Rules::compile` has shown that there is an expression.
    pub fn len_at_start(&self, bytes: &[u8]) -> Option<usize> {
        let compiled = self.compiled.get_or_init(|| Regex::new(&self.pattern).ok());
        Some(compiled.as_ref()?.find(bytes)?.end())
    }
}

/// One kind of token: how to find it, how to prove it, what ends it.
#[derive(Debug)]
pub struct Rule {
    /// The id reports carry.
    pub id: Arc<str>,
    /// What it finds, in words.
    pub description: String,
    /// What kind of token that is.
    pub kind: Kind,
    /// The literal a match starts with: what the prefilter looks for.
    pub prefix: String,
    /// The shape, anchored at the prefix.
    pub shape: Shape,
    /// The length of a whole token today.
    pub length: usize,
    /// The most bytes a match may span.
    pub longest: usize,
    /// What proves it.
    pub checksum: Checksum,
    /// What ends it.
    pub revoked_by: RevokedBy,
    /// Texts in which it must find a token.
    pub positive: Vec<String>,
    /// Texts in which it must find none (a lookalike is none).
    pub negative: Vec<String>,
}

/// The rules in force, each found to agree with its own form.
#[derive(Debug)]
pub struct Rules(Vec<Rule>);

impl Rules {
    /// The six rules for GitHub's tokens.
    pub fn built_in() -> Result<Self, Error> {
        Rules::parse(BUILT_IN)
    }

    fn parse(text: &str) -> Result<Self, Error> {
        let file: RuleFile = toml::from_str(text)?;
        file.rules.into_iter().map(Rule::try_from).collect::<Result<_, _>>().map(Rules)
    }

    /// Compiles every shape now, for those who want to know that it can be done.
    pub fn compile(&self) -> Result<(), Error> {
        self.iter().try_for_each(|rule| {
            let compiled = Regex::new(&rule.shape.pattern);
            compiled
                .map(drop)
                .map_err(|source| Error::Regex { id: rule.id.to_string(), source: Box::new(source) })
        })
    }

    /// Each of them, in the order of the file.
    pub fn iter(&self) -> std::slice::Iter<'_, Rule> {
        self.0.iter()
    }

    /// One of them by its place in that order.
    pub fn get(&self, at: usize) -> Option<&Rule> {
        self.0.get(at)
    }
}

impl<'a> IntoIterator for &'a Rules {
    type Item = &'a Rule;
    type IntoIter = std::slice::Iter<'a, Rule>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl TryFrom<RawRule> for Rule {
    type Error = Error;

    fn try_from(raw: RawRule) -> Result<Self, Error> {
        let wrong = |problem: String| Error::Contradiction { id: raw.id.clone(), problem };
        let kind = Kind::from_rule_id(&raw.id)
            .ok_or_else(|| wrong("the program knows no kind of token by this id".into()))?;
        if raw.prefix != kind.prefix() {
            return Err(wrong(format!("its tokens start with `{}`", kind.prefix())));
        }
        if raw.positive.is_empty() || raw.negative.is_empty() {
            return Err(wrong("it needs positive and negative examples".into()));
        }
        if raw.longest < raw.length {
            return Err(wrong("its longest match is shorter than its token".into()));
        }
        let examples = |texts: Vec<String>| texts.into_iter().map(|text| text.replace('~', "")).collect();
        Ok(Rule {
            id: Arc::from(raw.id),
            description: raw.description,
            kind,
            prefix: raw.prefix,
            shape: Shape::new(&raw.regex),
            length: raw.length,
            longest: raw.longest,
            checksum: raw.checksum,
            revoked_by: raw.revoked_by,
            positive: examples(raw.positive),
            negative: examples(raw.negative),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_rules_are_the_six() {
        let rules = Rules::built_in().expect("they come with the program");
        let kinds: Vec<Kind> = rules.iter().map(|rule| rule.kind).collect();
        assert_eq!(kinds, Kind::GITHUB);
        assert!(rules.compile().is_ok());
    }

    #[test]
    fn contradictions_are_refused() {
        let wrong_prefix = BUILT_IN.replacen("prefix = \"ghp_\"", "prefix = \"gho_\"", 1);
        assert!(matches!(Rules::parse(&wrong_prefix), Err(Error::Contradiction { .. })));
        let wrong_regex = BUILT_IN.replacen("ghp_[A-Za-z0-9]{16,}", "ghp_[", 1);
        let rules = Rules::parse(&wrong_regex).expect("the form is right");
        assert!(matches!(rules.compile(), Err(Error::Regex { .. })));
        let unknown_key = BUILT_IN.replacen("description", "describtion", 1);
        assert!(matches!(Rules::parse(&unknown_key), Err(Error::Syntax(_))));
    }
}
