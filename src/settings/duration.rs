//! Lengths of time as people write them.

use std::time::Duration;

/// A length of time that is none.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a length of time: write seconds, or as in 500ms, 90s, 10m, 2h30m")]
pub struct BadDuration(String);

/// Longer than anybody waits, and short enough to be added to any date.
const LONGEST: f64 = 10.0 * 366.0 * 24.0 * 3600.0;

/// Reads `90`, `0.5` (seconds), `500ms`, `10m`, `2h30m`.
pub fn parse_duration(text: &str) -> Result<Duration, BadDuration> {
    let bad = || BadDuration(text.to_owned());
    let text = text.trim();
    let length = if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        let seconds: f64 = text.parse().map_err(|_| bad())?;
        Duration::try_from_secs_f64(seconds).map_err(|_| bad())?
    } else {
        let length: jiff::SignedDuration = text.parse().map_err(|_| bad())?;
        Duration::try_from(length).map_err(|_| bad())?
    };
    if length.as_secs_f64() > LONGEST { Err(bad()) } else { Ok(length) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time() {
        for (text, millis) in [
            ("0", 0),
            ("90", 90_000),
            ("0.25", 250),
            ("500ms", 500),
            ("10m", 600_000),
            ("2h30m", 9_000_000),
            ("1h 5s", 3_605_000),
            ("0s", 0),
        ] {
            assert_eq!(parse_duration(text).ok(), Some(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", ".", "-1", "-5s", "1 year", "x", "1e9", "99999999999", "10mm", "é"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}
