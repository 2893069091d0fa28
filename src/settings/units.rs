//! Sizes and durations as people write them, on the command line and in configuration files.

use std::time::Duration;

/// Text that is not a duration.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a length of time: write seconds, or as in 500ms, 90s, 10m, 2h30m")]
pub struct BadDuration(String);

/// In seconds: longer than anybody waits, and short enough to be added to any date.
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

/// Text that is not a size.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a size: use bytes, or a number with K, M, G or T (1024 at a time), as in 10M")]
pub struct BadSize(String);

/// Reads `512`, `10k`, `1.5M`, `2GiB`: bytes, with steps of 1024.
pub fn parse_size(text: &str) -> Result<u64, BadSize> {
    let bad = || BadSize(text.to_owned());
    let lower = text.trim().to_ascii_lowercase();
    let digits = lower.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let power = match &lower[digits.len()..] {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 1,
        "m" | "mb" | "mib" => 2,
        "g" | "gb" | "gib" => 3,
        "t" | "tb" | "tib" => 4,
        _ => return Err(bad()),
    };
    let unit = 1024_u64.pow(power);
    let digits = digits.trim_end();
    if let Ok(whole) = digits.parse::<u64>() {
        return whole.checked_mul(unit).ok_or_else(bad);
    }
    let number: f64 = digits.parse().map_err(|_| bad())?;
    if !(0.0..1e6).contains(&number) {
        return Err(bad());
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "checked to be small and positive just above"
    )]
    Ok((number * unit as f64) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
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

    #[test]
    fn sizes() {
        for (text, bytes) in [
            ("0", 0),
            ("512", 512),
            ("10k", 10_240),
            ("1.5M", 1_572_864),
            ("2GiB", 2 << 30),
            ("1 T", 1 << 40),
        ] {
            assert_eq!(parse_size(text).ok(), Some(bytes), "{text}");
        }
        for text in ["", "k", "10x", "-1", "1e99", "99999999999T", "NaN", "é"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }
}
