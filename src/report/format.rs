//! The table of formats: what each is called, which files are written in it, what writes it.

use std::io::{self, Write};
use std::path::Path;

use super::{
    Palette, Report, covered, csv, github, gitlab, html, json, junit, notices, owners, pretty, sarif,
};

/// How a report is written down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For people.
    #[default]
    Pretty,
    /// One JSON document.
    Json,
    /// One finding a line, then one line of summary.
    Jsonl,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// A table, one location a row.
    Csv,
    /// GitHub Actions' workflow commands.
    Github,
    /// GitLab's secret detection report.
    Gitlab,
    /// `JUnit` XML, one test case a token.
    Junit,
    /// A page that needs nothing but itself.
    Html,
    /// A table of the tokens' owners.
    Owners,
    /// A letter for each owner.
    Notices,
    /// A table of what a sweep of repositories has looked at.
    Coverage,
}

/// A row of the table.
struct Entry {
    format: Format,
    name: &'static str,
    /// The lowercase name of a file that is always in this format.
    file_name: Option<&'static str>,
    /// The lowercase endings of files in this format, without the first dot. Of several that fit, the longest decides.
    extensions: &'static [&'static str],
    render: fn(&Report<'_>, &Palette, &mut dyn Write) -> io::Result<()>,
}

/// Every format, in the order of the enum.
static FORMATS: [Entry; Format::ALL.len()] = [
    Entry {
        format: Format::Pretty,
        name: "pretty",
        file_name: None,
        extensions: &["txt", "text", "log"],
        render: pretty::write,
    },
    Entry {
        format: Format::Json,
        name: "json",
        file_name: None,
        extensions: &["json"],
        render: |report, _, out| json::document(report, out),
    },
    Entry {
        format: Format::Jsonl,
        name: "jsonl",
        file_name: None,
        extensions: &["jsonl", "ndjson"],
        render: |report, _, out| json::lines(report, out),
    },
    Entry {
        format: Format::Sarif,
        name: "sarif",
        file_name: None,
        extensions: &["sarif", "sarif.json"],
        render: |report, _, out| sarif::write(report, out),
    },
    Entry {
        format: Format::Csv,
        name: "csv",
        file_name: None,
        extensions: &["csv"],
        render: |report, _, out| csv::write(report, out),
    },
    Entry {
        format: Format::Github,
        name: "github",
        file_name: None,
        extensions: &[],
        render: |report, _, out| github::write(report, out),
    },
    Entry {
        format: Format::Gitlab,
        name: "gitlab",
        // https://docs.gitlab.com/user/application_security/secret_detection/pipeline/
        file_name: Some("gl-secret-detection-report.json"),
        extensions: &[],
        render: |report, _, out| gitlab::write(report, out),
    },
    Entry {
        format: Format::Junit,
        name: "junit",
        file_name: None,
        extensions: &["xml"],
        render: |report, _, out| junit::write(report, out),
    },
    Entry {
        format: Format::Html,
        name: "html",
        file_name: None,
        extensions: &["html", "htm"],
        render: |report, _, out| html::write(report, out),
    },
    Entry {
        format: Format::Owners,
        name: "owners",
        file_name: None,
        extensions: &[],
        render: |report, _, out| owners::write(report, out),
    },
    Entry {
        format: Format::Notices,
        name: "notices",
        file_name: None,
        extensions: &[],
        render: |report, _, out| notices::write(report, out),
    },
    Entry {
        format: Format::Coverage,
        name: "coverage",
        file_name: None,
        extensions: &[],
        render: |report, _, out| covered::csv(report, out),
    },
];

impl Format {
    /// Every format, in the order that help shows them.
    pub const ALL: [Format; 12] = [
        Format::Pretty,
        Format::Json,
        Format::Jsonl,
        Format::Sarif,
        Format::Csv,
        Format::Github,
        Format::Gitlab,
        Format::Junit,
        Format::Html,
        Format::Owners,
        Format::Notices,
        Format::Coverage,
    ];

    fn entry(self) -> &'static Entry {
        &FORMATS[self as usize]
    }

    /// The word that names it on the command line.
    pub fn name(self) -> &'static str {
        self.entry().name
    }

    /// The format of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        FORMATS.iter().find(|entry| entry.name == name).map(|entry| entry.format)
    }

    /// All names, for messages.
    pub fn names() -> String {
        Format::ALL.map(Format::name).join(", ")
    }

    /// The format of the files that are called so: by the whole name, else by the extension, in either case.
    pub fn from_path(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.to_ascii_lowercase();
        if let Some(entry) = FORMATS.iter().find(|entry| entry.file_name == Some(&name)) {
            return Some(entry.format);
        }
        let ends_with =
            |extension: &str| name.strip_suffix(extension).is_some_and(|stem| stem.ends_with('.'));
        FORMATS
            .iter()
            .flat_map(|entry| entry.extensions.iter().map(|extension| (*extension, entry.format)))
            .filter(|(extension, _)| ends_with(extension))
            .max_by_key(|(extension, _)| extension.len())
            .map(|(_, format)| format)
    }
}

/// Writes `report` to `out` in the given format. Only [`Format::Pretty`] uses the palette.
pub fn render(format: Format, report: &Report<'_>, palette: &Palette, out: &mut dyn Write) -> io::Result<()> {
    (format.entry().render)(report, palette, out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_has_its_row() {
        for format in Format::ALL {
            assert_eq!(format.entry().format, format);
            assert_eq!(Format::from_name(format.name()), Some(format));
        }
    }

    #[test]
    fn a_file_name_tells_the_format() {
        for (name, format) in [
            ("a.json", Some(Format::Json)),
            ("a.sarif.json", Some(Format::Sarif)),
            ("A.SARIF", Some(Format::Sarif)),
            ("out/gl-secret-detection-report.json", Some(Format::Gitlab)),
            ("a.ndjson", Some(Format::Jsonl)),
            (".csv", Some(Format::Csv)),
            ("junit.xml", Some(Format::Junit)),
            ("a.htm", Some(Format::Html)),
            ("a.log", Some(Format::Pretty)),
            ("json", None),
            ("ajson", None),
            ("a.pdf", None),
            ("..", None),
        ] {
            assert_eq!(Format::from_path(Path::new(name)), format, "{name}");
        }
    }
}
