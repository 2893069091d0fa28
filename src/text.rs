//! Foreign text made safe to show and to keep.
//!
//! Paths, commit messages, author names and what servers answer are written by others, and may be written against the
//! reader. Everything that a person or a machine reads of them goes through one of these functions:
//!
//! | function | for | what never comes out |
//! |---|---|---|
//! | `printable` | terminals | control, direction and invisible characters, line ends |
//! | `one_line` | messages of servers | the same, tokens, more than the limit |
//! | `redacted` | the ledger | the same, tokens, more than the limit |
//! | `path_text` | paths that are not UTF-8 | bytes that are not UTF-8 |
//! | `without_redacted_parts` | people who may see no part of a token | what is left of a redacted token |
//! | `xml_escaped` | XML and HTML | mark-up, characters XML leaves out |
//! | `markdown_cell` | cells of Markdown tables | mark-up, the end of the cell |
//! | `spreadsheet_cell` | CSV | formulas |
//! | `workflow_data`, `workflow_property` | GitHub Actions' workflow commands | the end of the command |
//! | `sarif_message` | messages in SARIF | embedded links |
//! | `uri_path` | URIs | reserved characters but `/` and `!` |
//!
//! `grouped` and `counted` write numbers. `unicode` makes text of a file's bytes, whichever of Unicode's encodings they are in.

mod markup;
mod number;
mod printable;
mod redact;
mod unicode;

pub(crate) use markup::{
    markdown_cell, sarif_message, spreadsheet_cell, uri_path, workflow_data, workflow_property, xml_escaped,
};
pub(crate) use number::{counted, grouped};
pub(crate) use printable::{path_text, printable};
pub(crate) use redact::{MESSAGE_LIMIT, one_line, redacted, without_redacted_parts};
pub(crate) use unicode::unicode;

#[cfg(test)]
mod tests;
