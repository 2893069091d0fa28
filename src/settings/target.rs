//! `-r [FORMAT=]PATH`: which report goes where.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::strict::nearest;
use crate::report::Format;

/// A report to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// In this form.
    pub format: Format,
    /// To this file; `-` is standard output.
    pub path: PathBuf,
}

/// A report that cannot be written as asked.
#[derive(Debug, thiserror::Error)]
pub enum BadTarget {
    /// Two reports are to go to the same file.
    #[error("two reports cannot both be written to {0}")]
    Twice(String),
    /// No path.
    #[error("there is no path in `{0}`")]
    NoPath(String),
    /// The path's ending tells no format.
    #[error("`{0}` does not tell its format: write FORMAT={0}, with one of {known}", known = Format::names())]
    NoFormat(String),
    /// What stands before `=` is no format.
    #[error("`{word}` is no format{hint}; there are {known}", known = Format::names())]
    Unknown {
        /// The word.
        word: String,
        /// The format it is nearest to, as a question.
        hint: String,
    },
}

impl Target {
    /// Refuses two reports in one file: the second would be all that is left.
    pub fn distinct(targets: &[Target]) -> Result<(), BadTarget> {
        let stream = |path: &Path| path == Path::new("-") || path.starts_with("/dev");
        for (n, target) in targets.iter().enumerate() {
            if !stream(&target.path) && targets[..n].iter().any(|other| other.path == target.path) {
                return Err(BadTarget::Twice(target.path.display().to_string()));
            }
        }
        Ok(())
    }
}

impl FromStr for Target {
    type Err = BadTarget;

    fn from_str(text: &str) -> Result<Self, BadTarget> {
        let (format, path) = match text.split_once('=') {
            Some((word, path)) if is_word(word) => {
                let known = Format::from_name(&word.to_ascii_lowercase());
                (Some(known.ok_or_else(|| unknown(word))?), path)
            }
            _ => (None, text),
        };
        if path.is_empty() {
            return Err(BadTarget::NoPath(text.to_owned()));
        }
        let told = format.or_else(|| Format::from_path(Path::new(path)));
        let format = told.ok_or_else(|| BadTarget::NoFormat(path.to_owned()))?;
        Ok(Target { format, path: PathBuf::from(path) })
    }
}

fn unknown(word: &str) -> BadTarget {
    let near = nearest(word, Format::ALL.iter().map(|format| format.name()));
    let hint = near.map_or_else(String::new, |near| format!(" (did you mean `{near}`?)"));
    BadTarget::Unknown { word: word.to_owned(), hint }
}

/// Whether this could be meant as a format rather than as the beginning of a path.
fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_is_said_or_told_by_the_ending() {
        for (text, format, path) in [
            ("json=/dev/null", Format::Json, "/dev/null"),
            ("JSON=x", Format::Json, "x"),
            ("out.sarif", Format::Sarif, "out.sarif"),
            ("a.SARIF.json", Format::Sarif, "a.SARIF.json"),
            ("dir/a=b.csv", Format::Csv, "dir/a=b.csv"),
            ("junit=a=b", Format::Junit, "a=b"),
            ("x.ndjson", Format::Jsonl, "x.ndjson"),
            ("x.xml", Format::Junit, "x.xml"),
            ("x.htm", Format::Html, "x.htm"),
            ("x.txt", Format::Pretty, "x.txt"),
            ("gl-secret-detection-report.json", Format::Gitlab, "gl-secret-detection-report.json"),
            ("csv=-", Format::Csv, "-"),
        ] {
            assert_eq!(text.parse::<Target>().ok(), Some(Target { format, path: path.into() }), "{text}");
        }
    }

    #[test]
    fn a_file_holds_one_report() {
        let targets = |texts: &[&str]| {
            texts.iter().map(|text| text.parse().expect("a target")).collect::<Vec<Target>>()
        };
        assert!(Target::distinct(&targets(&["json=a", "sarif=a"])).is_err());
        assert!(
            Target::distinct(&targets(&["json=a", "sarif=b", "csv=/dev/null", "html=/dev/null"])).is_ok()
        );
    }

    #[test]
    fn what_cannot_be_told_is_asked_for() {
        for (text, told) in [
            ("out", "write FORMAT=out, with one of pretty, json"),
            ("out.pdf", "FORMAT=out.pdf"),
            ("-", "FORMAT=-"),
            ("srif=out.json", "did you mean `sarif`?"),
            ("json=", "no path"),
            ("", "no path"),
        ] {
            let error = text.parse::<Target>().expect_err(told).to_string();
            assert!(error.contains(told), "{error} says {told}");
        }
    }
}
