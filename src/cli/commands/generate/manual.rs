//! The sections of a man page that the parser does not know: man-pages(7).

use std::io::{self, Write};

use crate::cli::exit::EXIT_CODES;
use crate::settings::env::VARIABLES;
use crate::settings::{CONFIG, IGNORE};

/// The program's files, and what is in them.
const FILES: [(&str, &str); 6] = [
    (
        "$XDG_CONFIG_HOME/stanch/config.toml",
        "Your own configuration; ~/.config where the variable is not set.",
    ),
    (
        "$XDG_STATE_HOME/stanch/ledger.db",
        "The ledger: what waits, what was sent, the audit trail; ~/.local/state where the variable is not set.",
    ),
    ("$XDG_STATE_HOME/stanch/ledger.db.key", "The key that tokens in the ledger are sealed with."),
    (
        CONFIG,
        "A scanned tree's own rules, allowlists and exclusions. It can set no host, ledger, credential or policy.",
    ),
    (IGNORE, "A scanned tree's own hashes and globs of what is suppressed."),
    (".pre-commit-config.yaml", "Where the pre-commit framework is told to run it."),
];

/// Writes the sections behind a page.
pub(super) fn sections(page: &mut dyn Write) -> io::Result<()> {
    writeln!(page, ".SH \"EXIT STATUS\"")?;
    for row in EXIT_CODES {
        entry(page, &row.exit.code().to_string(), &row.readme.replace('`', ""))?;
    }
    writeln!(page, ".SH ENVIRONMENT")?;
    for variable in VARIABLES {
        let below = variable.flag.map(|flag| format!("; {flag} goes before it")).unwrap_or_default();
        entry(page, variable.name, &format!("{}{below}.", capitalized(variable.purpose)))?;
    }
    writeln!(page, ".SH FILES")?;
    FILES.iter().try_for_each(|(file, what)| entry(page, file, what))
}

/// A word in bold, and what it means.
fn entry(page: &mut dyn Write, word: &str, meaning: &str) -> io::Result<()> {
    writeln!(page, ".TP\n\\fB{}\\fR\n{}", escaped(word), escaped(meaning))
}

/// Text as groff(7) takes it: a backslash begins an escape, a dot or an apostrophe at the beginning of a line a request, and
/// a bare `-` is a hyphen.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-").replace('~', "\\(ti");
    if text.starts_with(['.', '\'']) { format!("\\&{text}") } else { text }
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_is_a_request() {
        assert_eq!(escaped(".stanch.toml"), "\\&.stanch.toml");
        assert_eq!(escaped("a\\b --c"), "a\\eb \\-\\-c");
    }
}
