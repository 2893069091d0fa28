//! The table of gaps: what may stand between two characters of a token.

use super::{Cut, Walk, line, literal, markup};

impl Walk<'_> {
    /// What the gap here is, and its width. The first that fits is taken: they differ in what they begin with, but for a
    /// quotation mark or a backslash, which mean more at the end of a line.
    pub(super) fn gap(&mut self) -> Option<(Cut, usize)> {
        let rest = self.bytes.get(self.at..)?;
        if let Some(ends) = line::line_end(rest) {
            let next = self.at + ends.width;
            self.lines += ends.lines;
            // Of the first characters, no more may depend on what is far from them: see `MATCH_CONTEXT`.
            let is_first = self.at - self.start < super::FIRST;
            let lookback = if is_first { super::FIRST_LOOKBACK } else { line::MAX_LOOKBACK };
            let own = line::start(self.bytes, self.start, lookback);
            let margin = line::margin(self.bytes, own..self.start, next, self.lines);
            return Some((Cut::Lines, ends.width + margin));
        }
        if let Some(between) = literal::between(rest) {
            self.is_ambiguous |= between.without_prefix.is_some();
            let other = between.without_prefix.filter(|_| !self.letters_are_prefix);
            return Some((Cut::Literals, other.unwrap_or(between.width)));
        }
        markup::gap(rest).map(|width| (Cut::Markup, width))
    }
}
