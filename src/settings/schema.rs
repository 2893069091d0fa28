//! The keys of configuration files. Any other key is refused, with its line and the nearest name.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use toml::de::{DeTable, DeValue};

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}{}: {problem}", file.display(), line.map_or_else(String::new, |line| format!(":{line}")))]
pub struct BadConfig {
    /// The file.
    pub file: PathBuf,
    /// The line, counted from 1; none where it is the file as a whole.
    pub line: Option<usize>,
    /// What is wrong there. Holds no token.
    pub problem: String,
}

/// The keys that a table may have.
pub(super) struct Schema {
    /// Each key, and the schema of the table that is its value, if it is one.
    pub(super) keys: &'static [(&'static str, Option<&'static Schema>)],
    /// Keys of another file, and the explanation in the error about one of them here.
    pub(super) foreign: Option<(&'static Schema, &'static str)>,
}

/// The keys of one `[[rules]]`.
const RULE: Schema = Schema {
    keys: &[
        ("id", None),
        ("description", None),
        ("regex", None),
        ("keywords", None),
        ("entropy", None),
        ("secret_group", None),
        ("positive", None),
        ("negative", None),
    ],
    foreign: None,
};

/// The keys of one `[[allowlists]]`.
const ALLOWLIST: Schema = Schema {
    keys: &[("description", None), ("paths", None), ("regexes", None), ("sha256", None), ("commits", None)],
    foreign: None,
};

/// The keys of `[limits]`: how far containers are opened.
const LIMITS: Schema = Schema {
    keys: &[
        ("max_expansion", None),
        ("max_ratio", None),
        ("ratio_after", None),
        ("max_entries", None),
        ("max_seconds", None),
        ("max_memory", None),
    ],
    foreign: None,
};

/// The keys of the user's file: the long names of the flags whose defaults they are, and the tables of a project's file.
pub(super) const USER: Schema = Schema {
    keys: &[
        ("format", None),
        ("threads", None),
        ("exclude", None),
        ("min_confidence", None),
        ("max_file_size", None),
        ("max_archive_depth", None),
        ("max_decode_depth", None),
        ("host", None),
        ("api_url", None),
        ("ca_cert", None),
        ("ledger", None),
        ("key", None),
        ("seal_to", None),
        ("ledger_password_file", None),
        ("intake_token_file", None),
        ("egress", None),
        ("auth_token_file", None),
        ("timeout", None),
        ("min_interval", None),
        ("revoke_confidence", None),
        ("max_revoke", None),
        ("enqueue_only", None),
        ("limits", Some(&LIMITS)),
        ("rules", Some(&RULE)),
        ("allowlists", Some(&ALLOWLIST)),
    ],
    foreign: None,
};

/// The keys of a project's file.
pub(super) const PROJECT: Schema = Schema {
    keys: &[("exclude", None), ("rules", Some(&RULE)), ("allowlists", Some(&ALLOWLIST))],
    foreign: Some((
        &USER,
        "cannot be set by a scanned tree, which must not aim or switch off the revoker: it belongs into your own \
         configuration ($XDG_CONFIG_HOME/stanch/config.toml, or --config FILE)",
    )),
};

/// What is wrong with a file whose bytes are no text.
pub(super) const NO_TEXT: &str = "is text in none of UTF-8, UTF-16 and UTF-32";

/// A configuration file that was read, and is not yet parsed.
pub(super) struct ConfigText<'a> {
    pub(super) file: &'a Path,
    pub(super) text: &'a str,
    /// Takes tokens out of what an error quotes.
    pub(super) redact: &'a dyn Fn(&str) -> String,
}

impl ConfigText<'_> {
    /// Parses the text as a `T`, after refusing every key that `schema` does not have.
    pub(super) fn parse<T: DeserializeOwned>(&self, schema: &Schema) -> Result<T, BadConfig> {
        let table = DeTable::parse(self.text).map_err(|error| self.syntax(&error))?;
        self.check(table.get_ref(), schema)?;
        toml::from_str(self.text).map_err(|error| self.syntax(&error))
    }

    /// An error about the line at this byte offset.
    pub(super) fn error_at(&self, offset: usize, problem: &str) -> BadConfig {
        let before = self.text.as_bytes().get(..offset).unwrap_or_default();
        let line = memchr::memchr_iter(b'\n', before).count() + 1;
        // Whoever wrote the file must not be able to add lines of their own to the error.
        let problem = (self.redact)(problem).replace('\n', " ");
        BadConfig { file: self.file.to_owned(), line: Some(line), problem }
    }

    /// An error about the first `[[name]]`, where it concerns the table as a whole.
    pub(super) fn error_in_table(&self, name: &str, problem: &str) -> BadConfig {
        self.error_at(self.text.find(&format!("[[{name}]]")).unwrap_or(0), problem)
    }

    fn syntax(&self, error: &toml::de::Error) -> BadConfig {
        self.error_at(error.span().map_or(0, |span| span.start), error.message())
    }

    fn check(&self, table: &DeTable<'_>, schema: &Schema) -> Result<(), BadConfig> {
        // In the order of the file, so that the first mistake is the one that is reported.
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        for (key, value) in entries {
            let name: &str = key.get_ref();
            let Some((_, below)) = schema.keys.iter().find(|(known, _)| *known == name) else {
                return Err(self.error_at(key.span().start, &unknown_key(name, schema)));
            };
            if let Some(below) = below {
                self.check_value(value.get_ref(), below)?;
            }
        }
        Ok(())
    }

    fn check_value(&self, value: &DeValue<'_>, schema: &Schema) -> Result<(), BadConfig> {
        match value {
            DeValue::Table(table) => self.check(table, schema),
            DeValue::Array(values) => {
                values.iter().try_for_each(|value| self.check_value(value.get_ref(), schema))
            }
            _ => Ok(()),
        }
    }
}

fn unknown_key(name: &str, schema: &Schema) -> String {
    if let Some((other, explanation)) = &schema.foreign
        && other.keys.iter().any(|(known, _)| *known == name)
    {
        return format!("`{name}` {explanation}");
    }
    let names = || schema.keys.iter().map(|(known, _)| *known);
    match nearest(name, names()) {
        Some(near) => format!("unknown key `{name}`: did you mean `{near}`?"),
        None => format!("unknown key `{name}`: known here are {}", names().collect::<Vec<_>>().join(", ")),
    }
}

/// The most similar name, if any is similar.
pub(super) fn nearest<'n>(name: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    // A key that is typed as its flag is (with `-`) is nearest to the same with `_`.
    let name = name.replace('-', "_").to_lowercase();
    names
        .map(|known| (strsim::jaro_winkler(&name, known), known))
        .filter(|(similarity, _)| *similarity > 0.8)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    const INNER: Schema = Schema { keys: &[("paths", None)], foreign: None };
    const USER: Schema = Schema { keys: &[("host", None)], foreign: None };
    const OUTER: Schema = Schema {
        keys: &[("exclude", None), ("lists", Some(&INNER))],
        foreign: Some((&USER, "belongs elsewhere")),
    };

    fn problem(text: &str) -> String {
        let config = ConfigText { file: Path::new("f"), text, redact: &|text| text.replace("secret", "…") };
        match config.parse::<toml::Table>(&OUTER) {
            Ok(_) => String::new(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn mistakes_are_reported_with_line_and_nearest_name() {
        for (text, expected) in [
            ("exclude = []\n[[lists]]\npaths = 1\n", ""),
            ("\nexcludes = []", "f:2: unknown key `excludes`: did you mean `exclude`?"),
            ("[[lists]]\npath = []", "f:2: unknown key `path`: did you mean `paths`?"),
            ("lists = [{ paht = 1 }]", "f:1: unknown key `paht`: did you mean `paths`?"),
            ("zzz = 1", "f:1: unknown key `zzz`: known here are exclude, lists"),
            ("zzz = 1\nhost = 2", "f:1: unknown key `zzz`: known here are exclude, lists"),
            ("\n\nhost = 2", "f:3: `host` belongs elsewhere"),
            ("secret = 1", "f:1: unknown key `…`: known here are exclude, lists"),
        ] {
            assert_eq!(problem(text), expected, "{text}");
        }
        assert!(problem("exclude = [\n").starts_with("f:"));
    }
}
