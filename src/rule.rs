//! Rules as data: every file of `rules/` becomes [`Rule`]s when the program is built, and a rule that contradicts itself
//! is refused there.

mod bounds;
mod custom;
mod error;
#[cfg(test)]
mod file;
#[cfg(test)]
pub(crate) mod testing;

use std::sync::{Arc, LazyLock, OnceLock};

use regex::bytes::Regex;

use crate::token::{Kind, KindInfo, RevokedBy};

pub use bounds::{Bounds, SizeBudget};
pub use custom::{CustomRule, RawCustomRule};
pub use error::Error;

/// What proves a match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checksum {
    /// The last six characters are base62 of the CRC-32 of those between prefix and them. GitHub describes it in
    /// <https://github.blog/2021-04-05-behind-githubs-new-authentication-token-formats/>.
    Crc32Base62,
    /// Eight characters, sixteen before the end, are base32 of the SHA-256 of all before them. GitHub documents it
    /// nowhere; it was recomputed on published tokens, which are the positive examples of the rule.
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

/// A regular expression over raw bytes, compiled when the first prefix asks for it: most runs never do, and a hook
/// must not wait for it.
#[derive(Debug)]
pub struct Shape {
    /// Anchored, and over bytes.
    pattern: &'static str,
    compiled: OnceLock<Option<Regex>>,
}

impl Shape {
    const fn new(pattern: &'static str) -> Self {
        Shape { pattern, compiled: OnceLock::new() }
    }

    /// How long the match at the start of `bytes` is. `Rules::compile` has shown that there is an expression.
    pub fn len_at_start(&self, bytes: &[u8]) -> Option<usize> {
        let compiled = self.compiled.get_or_init(|| Regex::new(self.pattern).ok());
        Some(compiled.as_ref()?.find(bytes)?.end())
    }
}

/// One kind of token: how to find it, how to prove it.
#[derive(Debug)]
pub struct Rule {
    /// The id reports carry.
    pub id: Arc<str>,
    /// What it finds, for people.
    pub description: &'static str,
    /// What kind of token that is, who revokes it and how.
    pub kind: Kind,
    /// The literal a match starts with: what the prefilter looks for.
    pub prefix: &'static str,
    /// The shape, anchored at the prefix.
    pub shape: Shape,
    /// The length of a whole token today, in bytes.
    pub length: usize,
    /// The most bytes a match may span.
    pub longest: usize,
    /// What proves it.
    pub checksum: Checksum,
    positive: &'static [&'static str],
    negative: &'static [&'static str],
}

impl Rule {
    /// Texts in which it must find a token.
    pub fn positive(&self) -> Vec<String> {
        examples(self.positive)
    }

    /// Texts in which it must find none (a lookalike is none).
    pub fn negative(&self) -> Vec<String> {
        examples(self.negative)
    }
}

/// The program holds examples as its files do, each with a `~` in it: no scanner takes either for a leak.
fn examples(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| text.replace('~', "")).collect()
}

/// A set of rules that agree with themselves and each other.
#[derive(Debug)]
pub struct Rules(Vec<Rule>);

impl Rules {
    /// Compiles every shape now, for those who want to know that it can be done.
    pub fn compile(&self) -> Result<(), Error> {
        self.iter().try_for_each(|rule| {
            let compiled = Regex::new(rule.shape.pattern);
            compiled
                .map(drop)
                .map_err(|source| Error::Regex { id: rule.id.to_string(), source: Box::new(source) })
        })
    }

    /// Each of them, in the order of the files.
    pub fn iter(&self) -> std::slice::Iter<'_, Rule> {
        self.0.iter()
    }

    /// One of them by its index in that order.
    pub fn get(&self, index: usize) -> Option<&Rule> {
        self.0.get(index)
    }
}

impl<'a> IntoIterator for &'a Rules {
    type Item = &'a Rule;
    type IntoIter = std::slice::Iter<'a, Rule>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// The rules that come with the program.
pub fn built_in() -> &'static Rules {
    static BUILT_IN: LazyLock<Rules> = LazyLock::new(|| {
        // Written by `build.rs`.
        #[cfg(not(test))]
        let rules = include!(concat!(env!("OUT_DIR"), "/rules.rs"));
        #[cfg(test)]
        let rules = include!(concat!(env!("OUT_DIR"), "/test_rules.rs"));
        Rules(rules)
    });
    &BUILT_IN
}

/// Every kind of token the rules of the program find, in their order.
pub fn kinds() -> impl Iterator<Item = Kind> + Clone {
    built_in().iter().map(|rule| rule.kind)
}

/// The kind that the rule with this id finds.
pub fn kind(id: &str) -> Option<Kind> {
    kinds().find(|kind| kind.rule_id() == id)
}

/// The kind whose prefix a token's text has; [`Kind::OTHER`] if it has none.
pub fn kind_of(text: &str) -> Kind {
    kinds().find(|kind| text.starts_with(kind.prefix())).unwrap_or(Kind::OTHER)
}

#[cfg(test)]
mod tests;
