//! `-r [FORMAT=]PATH`: a report, and where it is written.

use std::ffi::OsString;
use std::path::Path;
use std::str::FromStr;

use super::input::Destination;
use super::schema::nearest;
use crate::report::Format;

/// A report to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportTarget {
    /// Its format.
    pub format: Format,
    /// Where it goes.
    pub destination: Destination,
}

/// A report that cannot be written as asked.
#[derive(Debug, thiserror::Error)]
pub enum BadReportTarget {
    /// Two reports are to go to the same file.
    #[error("two reports cannot both be written to {0}")]
    Twice(String),
    /// No path.
    #[error("there is no path in `{0}`")]
    NoPath(String),
    /// The path's extension is that of no format.
    #[error("the extension of `{0}` names no format: write FORMAT={0}, with one of {known}", known = Format::names())]
    NoFormat(String),
    /// The text before `=` is no format.
    #[error("`{name}` is no format{hint}; there are {known}", known = Format::names())]
    Unknown {
        /// The text.
        name: String,
        /// The format with the most similar name, as a question.
        hint: String,
    },
}

impl ReportTarget {
    /// Refuses two reports in one file: the second would be all that is left.
    pub fn distinct(targets: &[ReportTarget]) -> Result<(), BadReportTarget> {
        for (n, target) in targets.iter().enumerate() {
            let Destination::Path(path) = &target.destination else { continue };
            let taken = targets[..n].iter().any(|other| other.destination == target.destination);
            if taken && !path.starts_with("/dev") {
                return Err(BadReportTarget::Twice(path.display().to_string()));
            }
        }
        Ok(())
    }
}

impl FromStr for ReportTarget {
    type Err = BadReportTarget;

    fn from_str(text: &str) -> Result<Self, BadReportTarget> {
        let (format, path) = match text.split_once('=') {
            Some((name, path)) if may_be_format(name) => {
                let known = Format::from_name(&name.to_ascii_lowercase());
                (Some(known.ok_or_else(|| unknown(name))?), path)
            }
            _ => (None, text),
        };
        if path.is_empty() {
            return Err(BadReportTarget::NoPath(text.to_owned()));
        }
        let format = format.or_else(|| Format::from_path(Path::new(path)));
        let format = format.ok_or_else(|| BadReportTarget::NoFormat(path.to_owned()))?;
        Ok(ReportTarget { format, destination: Destination::from(OsString::from(path)) })
    }
}

fn unknown(name: &str) -> BadReportTarget {
    let near = nearest(name, Format::ALL.iter().map(|format| format.name()));
    let hint = near.map_or_else(String::new, |near| format!(" (did you mean `{near}`?)"));
    BadReportTarget::Unknown { name: name.to_owned(), hint }
}

/// Whether this could be meant as a format rather than as the beginning of a path.
fn may_be_format(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_is_named_or_follows_from_the_extension() {
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
            let destination = Destination::from(OsString::from(path));
            let target = text.parse::<ReportTarget>().ok();
            assert_eq!(target, Some(ReportTarget { format, destination }), "{text}");
        }
    }

    #[test]
    fn a_file_holds_one_report() {
        let targets = |texts: &[&str]| {
            texts.iter().map(|text| text.parse().expect("a target")).collect::<Vec<ReportTarget>>()
        };
        assert!(ReportTarget::distinct(&targets(&["json=a", "sarif=a"])).is_err());
        assert!(
            ReportTarget::distinct(&targets(&["json=a", "sarif=b", "csv=/dev/null", "html=/dev/null"]))
                .is_ok()
        );
    }

    #[test]
    fn a_missing_format_is_asked_for() {
        for (text, expected) in [
            ("out", "write FORMAT=out, with one of pretty, json"),
            ("out.pdf", "FORMAT=out.pdf"),
            ("-", "FORMAT=-"),
            ("srif=out.json", "did you mean `sarif`?"),
            ("json=", "no path"),
            ("", "no path"),
        ] {
            let error = text.parse::<ReportTarget>().expect_err(expected).to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
