//! Who is asked whether something suppresses a token.

use super::location::Location;
use super::suppression::Suppression;

/// All that may decide whether a token is suppressed at a location.
pub struct SuppressionContext<'a> {
    /// The token.
    pub token: &'a [u8],
    /// The line it starts on, or as much of it as is at hand.
    pub line: &'a [u8],
    /// The location.
    pub location: &'a Location,
}

/// Decides which findings are suppressed. Asked for hits only, from many threads.
pub trait Suppressor: Sync {
    /// What suppresses the token at this location, if anything does.
    fn suppression(&self, context: &SuppressionContext<'_>) -> Option<Suppression>;
}
