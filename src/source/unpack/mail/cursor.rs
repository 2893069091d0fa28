//! Where the reading of a mail stands: its lines, and the boundaries that are waited for.

use std::io::Read;

use super::begins::is_from_line;
use super::lines::{Lines, trimmed};

/// How deep multiparts are nested at most.
const MAX_BOUNDARIES: usize = 64;

/// What ends a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The line of the multipart with this index before another of its parts, or behind the last one (RFC 2046, 5.1.1).
    Boundary { index: usize, is_last: bool },
    /// The line before the next message of a mailbox.
    Message,
    /// The end of all.
    All,
}

/// The lines of a mail.
pub(super) struct Cursor<'r> {
    lines: Lines<'r>,
    /// Of the multiparts that are open, the innermost last.
    boundaries: Vec<Vec<u8>>,
    is_mailbox: bool,
    /// Whether the line before was blank.
    behind_blank: bool,
}

impl<'r> Cursor<'r> {
    pub(super) fn new(reader: &'r mut dyn Read, is_mailbox: bool) -> Self {
        let lines = Lines::new(reader);
        Cursor { lines, boundaries: Vec::new(), is_mailbox, behind_blank: false }
    }

    /// Whether many messages are in it.
    pub(super) fn is_mailbox(&self) -> bool {
        self.is_mailbox
    }

    /// Waits for this boundary too; whether there may be one more.
    pub(super) fn open(&mut self, boundary: Vec<u8>) -> bool {
        let may = self.boundaries.len() < MAX_BOUNDARIES;
        if may {
            self.boundaries.push(boundary);
        }
        may
    }

    /// Passes the line that ended a part: those multiparts are closed that ended with it.
    pub(super) fn pass(&mut self, end: End) {
        match end {
            End::Boundary { index, is_last } => self.boundaries.truncate(index + usize::from(!is_last)),
            End::Message => self.boundaries.clear(),
            End::All => {}
        }
        self.advance();
    }

    /// The line there is; empty at the end of all.
    pub(super) fn line(&self) -> &[u8] {
        self.lines.line()
    }

    /// That line, and what is known of those behind it.
    pub(super) fn ahead(&self) -> &[u8] {
        self.lines.ahead()
    }

    /// Whether that line is one from its beginning on.
    pub(super) fn begins_line(&self) -> bool {
        self.lines.begins()
    }

    /// Goes on to the next line.
    pub(super) fn advance(&mut self) {
        self.behind_blank = trimmed(self.lines.line()).is_empty();
        self.lines.advance();
    }

    /// What ends the part, if this line does.
    pub(super) fn end(&self) -> Option<End> {
        let line = self.lines.line();
        if line.is_empty() {
            return Some(End::All);
        }
        if !self.lines.begins() {
            return None;
        }
        if self.is_mailbox && self.behind_blank && is_from_line(line) {
            return Some(End::Message);
        }
        let delimiter = line.strip_prefix(b"--")?;
        self.boundaries.iter().enumerate().rev().find_map(|(index, boundary)| {
            let rest = delimiter.strip_prefix(boundary.as_slice())?.trim_ascii_end();
            let is_last = rest == b"--";
            (is_last || rest.is_empty()).then_some(End::Boundary { index, is_last })
        })
    }
}
