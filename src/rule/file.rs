//! The rule files, as they are written: `build.rs` makes Rust of them, so that nothing is parsed when the program runs.
//! A file that contradicts itself is an error of the build.
//!
//! Part of `build.rs`, and of the program's tests: nothing here may name the rest of the crate.

use std::collections::HashSet;
use std::fmt::Write as _;

use toml::{Table, Value};

/// The largest harm rank; `Kind::LEAST_HARM` is the same.
const LEAST_HARM: usize = 9;

/// The rules of these files as an expression of Rust, a `Vec<Rule>`.
pub(crate) fn to_rust<'t>(texts: impl IntoIterator<Item = &'t str>) -> Result<String, String> {
    let mut rules = String::new();
    let mut ids = HashSet::new();
    for text in texts {
        let mut file = Keys(text.parse().map_err(|error: toml::de::Error| error.to_string())?);
        let provider = file.text("provider")?;
        let Some(Value::Array(listed)) = file.0.remove("rules") else {
            return Err("it needs `rules`, tables".to_owned());
        };
        file.end()?;
        for rule in listed {
            let Value::Table(rule) = rule else { return Err("a rule is a table".to_owned()) };
            let rule = RuleText::read(rule)?;
            if let Some(problem) = rule.problem() {
                return Err(format!("rule `{}`: {problem}", rule.id));
            }
            rule.write(&provider, ids.len(), &mut rules).map_err(|error| error.to_string())?;
            if !ids.insert(rule.id.clone()) {
                return Err(format!("rule `{}`: there is another rule with this id", rule.id));
            }
        }
    }
    Ok(format!("vec![\n{rules}]\n"))
}

/// One `[[rules]]`.
struct RuleText {
    id: String,
    description: String,
    prefix: String,
    regex: String,
    length: usize,
    longest: usize,
    /// The variant of `Checksum`.
    checksum: &'static str,
    /// The variant of `RevokedBy`.
    revoked_by: &'static str,
    harm_rank: usize,
    single_use: bool,
    ends_authorization: bool,
    names_owner: bool,
    stateless: bool,
    positive: Vec<String>,
    negative: Vec<String>,
}

impl RuleText {
    fn read(table: Table) -> Result<Self, String> {
        let mut keys = Keys(table);
        let rule = RuleText {
            id: keys.text("id")?,
            description: keys.text("description")?,
            prefix: keys.text("prefix")?,
            regex: keys.text("regex")?,
            length: keys.number("length")?,
            longest: keys.number("longest")?,
            checksum: keys
                .one_of("checksum", &[("crc32-base62", "Crc32Base62"), ("sha256-base32", "Sha256Base32")])?,
            revoked_by: keys.one_of("revoked_by", &[("batch", "Batch"), ("self", "Itself")])?,
            harm_rank: keys.number("harm_rank")?,
            single_use: keys.flag("single_use")?,
            ends_authorization: keys.flag("ends_authorization")?,
            names_owner: keys.flag("names_owner")?,
            stateless: keys.flag("stateless")?,
            positive: keys.texts("positive")?,
            negative: keys.texts("negative")?,
        };
        keys.end()?;
        Ok(rule)
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
        (self.harm_rank > LEAST_HARM).then_some("its harm rank is more than 9")
    }

    /// The rule as Rust. Examples keep their `~`: the program should not contain tokens either.
    fn write(&self, provider: &str, position: usize, out: &mut String) -> std::fmt::Result {
        let RuleText { id, description, prefix, length, longest, checksum, revoked_by, .. } = self;
        let RuleText { harm_rank, single_use, ends_authorization, names_owner, stateless, .. } = self;
        let RuleText { regex, positive, negative, .. } = self;
        writeln!(
            out,
            "Rule {{ id: Arc::from({id:?}), description: {description:?}, prefix: {prefix:?}, \
             shape: Shape::new({:?}), length: {length}, longest: {longest}, checksum: Checksum::{checksum}, \
             positive: &{positive:?}, negative: &{negative:?}, \
             kind: Kind::new(&KindInfo {{ rule_id: {id:?}, prefix: {prefix:?}, position: {position}, \
             length: {length}, provider: Some({provider:?}), revoked_by: Some(RevokedBy::{revoked_by}), \
             harm_rank: {harm_rank}, single_use: {single_use}, ends_authorization: {ends_authorization}, \
             names_owner: {names_owner}, stateless: {stateless} }}) }},",
            format!("^(?-u:{regex})"),
        )
    }
}

/// A table whose keys are taken out one by one, so that the unknown ones are left.
struct Keys(Table);

impl Keys {
    fn text(&mut self, key: &str) -> Result<String, String> {
        match self.0.remove(key) {
            Some(Value::String(text)) => Ok(text),
            _ => Err(format!("it needs `{key}`, a text")),
        }
    }

    fn texts(&mut self, key: &str) -> Result<Vec<String>, String> {
        let Some(Value::Array(texts)) = self.0.remove(key) else {
            return Err(format!("it needs `{key}`, a list of texts"));
        };
        let texts = texts.into_iter().map(|text| text.as_str().map(str::to_owned));
        texts.collect::<Option<_>>().ok_or_else(|| format!("`{key}` is a list of texts"))
    }

    fn number(&mut self, key: &str) -> Result<usize, String> {
        let number = self.0.remove(key).as_ref().and_then(Value::as_integer);
        number.and_then(|number| number.try_into().ok()).ok_or_else(|| format!("it needs `{key}`, a number"))
    }

    /// A flag, which is false where it is not stated.
    fn flag(&mut self, key: &str) -> Result<bool, String> {
        let flag = self.0.remove(key).unwrap_or(Value::Boolean(false));
        flag.as_bool().ok_or_else(|| format!("`{key}` is true or false"))
    }

    /// One of several words, each with what Rust calls it.
    fn one_of(&mut self, key: &str, words: &[(&str, &'static str)]) -> Result<&'static str, String> {
        let text = self.text(key)?;
        let known = words.iter().find(|(word, _)| *word == text);
        known.map(|(_, variant)| *variant).ok_or_else(|| format!("`{key}` cannot be `{text}`"))
    }

    fn end(&self) -> Result<(), String> {
        self.0.keys().next().map_or(Ok(()), |key| Err(format!("unknown key `{key}`")))
    }
}
