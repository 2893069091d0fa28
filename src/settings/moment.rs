//! Points in time as people write them.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

/// Text that is no point in time.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{0}` is no date: write 2026-01-31, a time as in 2026-01-31T12:00:00Z, or how long ago, as in 30d, 2w, 12h"
)]
pub struct BadMoment(String);

/// A point in time, and how it was written: `30d` is another one for each run, and means the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// As it was written.
    pub text: String,
    /// When it is.
    pub at: Timestamp,
}

/// Reads `2026-01-31` (from its beginning in UTC), `2026-01-31T12:00:00Z`, `30d` (ago).
pub fn parse_moment(text: &str) -> Result<Moment, BadMoment> {
    let at = moment(text, Timestamp::now())?;
    Ok(Moment { text: text.trim().to_owned(), at })
}

fn moment(text: &str, now: Timestamp) -> Result<Timestamp, BadMoment> {
    let bad = || BadMoment(text.to_owned());
    let text = text.trim();
    if let Ok(time) = text.parse() {
        return Ok(time);
    }
    if let Ok(date) = text.parse::<Date>() {
        return Ok(date.to_zoned(TimeZone::UTC).map_err(|_| bad())?.timestamp());
    }
    let ago: Span = text.parse().map_err(|_| bad())?;
    if ago.is_negative() {
        return Err(bad());
    }
    let then = now.to_zoned(TimeZone::UTC).checked_sub(ago).map_err(|_| bad())?;
    Ok(then.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_date_a_time_or_so_long_ago() {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().expect("a time");
        let read = |text: &str| moment(text, now).map(|moment| moment.to_string()).ok();
        for (text, expected) in [
            ("2026-01-31", "2026-01-31T00:00:00Z"),
            ("2026-01-31T12:00:00+02:00", "2026-01-31T10:00:00Z"),
            ("30d", "2026-01-30T12:00:00Z"),
            ("2w", "2026-02-15T12:00:00Z"),
            ("12h", "2026-03-01T00:00:00Z"),
            ("1mo", "2026-02-01T12:00:00Z"),
        ] {
            assert_eq!(read(text).as_deref(), Some(expected), "{text}");
        }
        for text in ["", "yesterday", "30", "-30d", "2026-13-01", "31.01.2026"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
