//! Who is asked whether something suppresses a token.

use std::ops::Range;

use super::location::Location;
use super::searched::Searched;
use super::suppression::Suppression;

/// A line, or as much of it as is taken around a token: a line may be a whole file, and full of tokens.
#[derive(Clone, Copy)]
pub struct Line<'a> {
    text: &'a [u8],
    start: usize,
    end: usize,
    searched: &'a Searched,
}

impl<'a> Line<'a> {
    /// A part of a text; `searched` is the same for all lines of that text.
    pub fn new(text: &'a [u8], part: Range<usize>, searched: &'a Searched) -> Self {
        Line { text, start: part.start, end: part.end, searched }
    }

    /// What `find` finds first on the line. It is called with the text that the line is in and a part of the line, and what
    /// it finds must not depend on that part.
    pub fn first<T>(&self, find: impl FnOnce(&'a [u8], Range<usize>) -> Option<(usize, T)>) -> Option<T> {
        let found = self.searched.first(self.start..self.end, |part| find(self.text, part));
        found.map(|(_, found)| found)
    }
}

/// All that may decide whether a token is suppressed at a location.
pub struct SuppressionContext<'a> {
    /// The token.
    pub token: &'a [u8],
    /// The line it starts on.
    pub line: Line<'a>,
    /// The location.
    pub location: &'a Location,
}

/// Decides which findings are suppressed. Asked for hits only, from many threads.
pub trait Suppressor: Sync {
    /// What suppresses the token at this location, if anything does.
    fn suppression(&self, context: &SuppressionContext<'_>) -> Option<Suppression>;
}
