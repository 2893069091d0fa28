//! The rule files, as they are written: `rules/*.toml`, compiled into the program.

use std::collections::HashSet;
use std::sync::Arc;

use include_dir::{Dir, include_dir};
use serde::Deserialize;

use super::error::Error;
use super::{Checksum, Rule, Rules, Shape};
use crate::token::{Kind, KindInfo, RevokedBy};

/// The directory of rule files: a new one is compiled in without being named anywhere.
static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/rules");

/// The rules of a provider that exists in tests only: what it takes to add one.
#[cfg(test)]
const ACME: &str = include_str!("acme.toml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    /// The provider that issued what these rules find.
    provider: String,
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
    revoked_by: RawRevokedBy,
    harm_rank: u8,
    #[serde(default)]
    single_use: bool,
    #[serde(default)]
    ends_authorization: bool,
    #[serde(default)]
    names_owner: bool,
    #[serde(default)]
    stateless: bool,
    positive: Vec<String>,
    negative: Vec<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum RawRevokedBy {
    Batch,
    #[serde(rename = "self")]
    Itself,
}

/// The rules of every file, the files in the order of their names.
pub(super) fn built_in() -> Result<Rules, Error> {
    let mut files: Vec<_> = FILES.files().collect();
    files.sort_by_key(|file| file.path());
    let texts = files.into_iter().filter_map(include_dir::File::contents_utf8);
    #[cfg(test)]
    let texts = texts.chain([ACME]);
    parse_all(texts)
}

/// The rules of these files.
pub(super) fn parse_all<'t>(texts: impl IntoIterator<Item = &'t str>) -> Result<Rules, Error> {
    let mut rules: Vec<Rule> = Vec::new();
    let mut ids = HashSet::new();
    for text in texts {
        let file: RuleFile = toml::from_str(text)?;
        for raw in file.rules {
            if !ids.insert(raw.id.clone()) {
                return Err(Error::contradiction(&raw.id, "there is another rule with this id"));
            }
            rules.push(raw.into_rule(&file.provider, rules.len())?);
        }
    }
    Ok(Rules(rules))
}

impl RawRule {
    fn into_rule(self, provider: &str, position: usize) -> Result<Rule, Error> {
        if let Some(problem) = self.problem() {
            return Err(Error::contradiction(&self.id, problem));
        }
        let kind = Kind::new(KindInfo {
            rule_id: self.id.clone().into(),
            prefix: self.prefix.clone().into(),
            position,
            length: self.length,
            provider: Some(provider.to_owned().into()),
            revoked_by: Some(match self.revoked_by {
                RawRevokedBy::Batch => RevokedBy::Batch,
                RawRevokedBy::Itself => RevokedBy::Itself,
            }),
            harm_rank: self.harm_rank,
            single_use: self.single_use,
            ends_authorization: self.ends_authorization,
            names_owner: self.names_owner,
            stateless: self.stateless,
        });
        let examples = |texts: Vec<String>| texts.into_iter().map(|text| text.replace('~', "")).collect();
        Ok(Rule {
            id: Arc::from(self.id),
            description: self.description,
            kind,
            prefix: self.prefix,
            shape: Shape::new(&self.regex),
            length: self.length,
            longest: self.longest,
            checksum: self.checksum,
            positive: examples(self.positive),
            negative: examples(self.negative),
        })
    }

    /// What is wrong with a rule, as far as its own fields show.
    fn problem(&self) -> Option<&'static str> {
        // Ids are words of the ledger's tables and of reports.
        if self.id.is_empty() || !self.id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return Some("an id is made of letters, digits and `-`");
        }
        if self.prefix.len() < 3 || !self.prefix.is_ascii() {
            return Some("its prefix needs three ASCII characters at least");
        }
        if !self.regex.starts_with(&self.prefix) {
            return Some("its expression does not start with its prefix");
        }
        if self.positive.is_empty() || self.negative.is_empty() {
            return Some("it needs positive and negative examples");
        }
        if self.longest < self.length {
            return Some("its longest match is shorter than its token");
        }
        (self.harm_rank > Kind::LEAST_HARM).then_some("its harm rank is more than 9")
    }
}
