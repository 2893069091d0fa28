//! Text as a part of other formats: nothing in it ends the part it stands in, or is run.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::printable::printable;

/// [`printable`] text for the content and the quoted attributes of XML and HTML: no mark-up, and none of the code points
/// that XML 1.0 leaves out (production `Char`, <https://www.w3.org/TR/xml/#charsets>).
pub(crate) fn xml_escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in printable(text).chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            _ => out.push(character),
        }
    }
    out
}

/// [`printable`] text for a cell of a Markdown table: every ASCII character but letters, digits, blanks, `/`, `.` and `-`
/// is a numeric character reference, so nothing in it is mark-up, a mention or the end of the cell
/// (<https://github.github.com/gfm/#entity-and-numeric-character-references>).
pub(crate) fn markdown_cell(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in printable(text).chars() {
        if character.is_ascii_alphanumeric() || " /.-".contains(character) || !character.is_ascii() {
            out.push(character);
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "&#{};", u32::from(character));
        }
    }
    out
}

/// A cell that a spreadsheet takes for text: one that starts like a formula gets an apostrophe in front of it, because a
/// formula would be run (<https://owasp.org/www-community/attacks/CSV_Injection>). Quoting is the CSV writer's task.
pub(crate) fn spreadsheet_cell(cell: &str) -> Cow<'_, str> {
    let formula = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];
    if cell.starts_with(formula) { Cow::Owned(format!("'{cell}")) } else { Cow::Borrowed(cell) }
}

/// The data of a workflow command, `::command::data`: one line, whatever line ends the text has. The escapes are those of
/// `escapeData` in <https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts>.
pub(crate) fn workflow_data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a workflow command's property, `::command name=value::`: nothing in it ends the value or the properties.
/// The escapes are those of `escapeProperty` in the same file.
pub(crate) fn workflow_property(text: &str) -> String {
    workflow_data(text).replace(':', "%3A").replace(',', "%2C")
}

/// Plain text for a SARIF message, in which `[text](target)` would be an embedded link (SARIF 2.1.0, section 3.11.6).
pub(crate) fn sarif_message(text: &str) -> String {
    text.replace('[', "\\[").replace(']', "\\]")
}

/// A path as part of a URI: every byte but the unreserved characters (RFC 3986, section 2.3), `/` and `!` is
/// percent-encoded.
pub(crate) fn uri_path(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/!".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_hostile_is_mark_up() {
        assert_eq!(
            xml_escaped("<a b=\"'\">&\x00\u{ffff}"),
            "&lt;a b=&quot;&#39;&quot;&gt;&amp;\\u{0}\u{fffd}"
        );
    }

    #[test]
    fn nothing_in_a_path_ends_a_command_or_a_cell() {
        assert_eq!(workflow_property("a:b,c%\n::error::x"), "a%3Ab%2Cc%25%0A%3A%3Aerror%3A%3Ax");
        assert_eq!(markdown_cell("a|`<b>"), "a&#124;&#96;&#60;b&#62;");
    }

    #[test]
    fn formulas_become_text() {
        for cell in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1"] {
            assert_eq!(spreadsheet_cell(cell), format!("'{cell}"));
        }
        assert_eq!(spreadsheet_cell("a=1"), "a=1");
    }

    #[test]
    fn paths_become_parts_of_uris() {
        assert_eq!(uri_path("a b/é#?.txt!in"), "a%20b/%C3%A9%23%3F.txt!in");
    }
}
