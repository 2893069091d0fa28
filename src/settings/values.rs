//! How values are written in configuration files: functions for serde's `deserialize_with`.

use std::time::Duration;

use serde::{Deserialize, Deserializer};

use super::units::{parse_duration, parse_size};
use crate::finding::Confidence;
use crate::provider::Egress;
use crate::report::Format;

/// A format of reports, by its name.
pub(super) fn format<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Format>, D::Error> {
    one_of(deserializer, &|text| Format::from_name(text).ok_or_else(Format::names))
}

/// A level of confidence, by its name.
pub(super) fn confidence<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Confidence>, D::Error> {
    let all = [Confidence::Certain, Confidence::Likely, Confidence::Lookalike];
    one_of(deserializer, &|text| {
        all.into_iter()
            .find(|level| level.as_str() == text)
            .ok_or_else(|| all.map(Confidence::as_str).join(", "))
    })
}

/// The name of an egress.
pub(super) fn egress<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Egress>, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(serde::de::Error::custom)
}

/// One of several names; where it is none of them, `read` lists them.
fn one_of<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    read: &dyn Fn(&str) -> Result<T, String>,
) -> Result<Option<T>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let read = read(&text).map_err(|names| format!("`{text}` is none of {names}"));
    read.map(Some).map_err(serde::de::Error::custom)
}

/// TOML has numbers, and people write units.
#[derive(Deserialize)]
#[serde(untagged)]
enum NumberOrText {
    Number(u64),
    Text(String),
}

/// Bytes: a number, or text as [`parse_size`] reads it.
pub(super) fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    match NumberOrText::deserialize(deserializer)? {
        NumberOrText::Number(bytes) => Ok(Some(bytes)),
        NumberOrText::Text(text) => parse_size(&text).map(Some).map_err(serde::de::Error::custom),
    }
}

/// A duration: a number of seconds, or text as [`parse_duration`] reads it.
pub(super) fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    match NumberOrText::deserialize(deserializer)? {
        NumberOrText::Number(seconds) => Ok(Some(Duration::from_secs(seconds))),
        NumberOrText::Text(text) => parse_duration(&text).map(Some).map_err(serde::de::Error::custom),
    }
}

/// A duration: text as [`parse_duration`] reads it.
pub(super) fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    parse_duration(&String::deserialize(deserializer)?).map(Some).map_err(serde::de::Error::custom)
}
