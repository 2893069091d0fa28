//! The parts of the SARIF 2.1.0 object model (section 3) that are used. Field names are the standard's.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::finding::Confidence;
use crate::revocation::Revocation;
use crate::text::uri_path;

/// The schema that the log conforms to.
pub(super) const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

#[derive(Serialize)]
pub(super) struct Log<'a> {
    #[serde(rename = "$schema")]
    pub(super) schema: &'static str,
    pub(super) version: &'static str,
    pub(super) runs: [Run<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Run<'a> {
    pub(super) tool: Tool<'a>,
    pub(super) invocations: [Invocation<'a>; 1],
    pub(super) original_uri_base_ids: BTreeMap<&'static str, UriBase>,
    pub(super) results: Vec<ResultRow<'a>>,
}

#[derive(Serialize)]
pub(super) struct Tool<'a> {
    pub(super) driver: Driver<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Driver<'a> {
    pub(super) name: &'static str,
    pub(super) version: &'static str,
    pub(super) semantic_version: &'static str,
    pub(super) rules: Vec<Rule<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Rule<'a> {
    pub(super) id: &'a str,
    pub(super) name: String,
    pub(super) short_description: Message,
    pub(super) full_description: Message,
    pub(super) help: Message,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) help_uri: Option<&'static str>,
    pub(super) default_configuration: RuleConfiguration,
    pub(super) properties: RuleProperties,
}

#[derive(Serialize)]
pub(super) struct RuleConfiguration {
    pub(super) level: Level,
}

/// What GitHub filters and sorts alerts by: `tags[]`, `precision` and `security-severity`.
#[derive(Serialize)]
pub(super) struct RuleProperties {
    pub(super) tags: [&'static str; 3],
    pub(super) precision: &'static str,
    #[serde(rename = "security-severity")]
    pub(super) severity: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    Error,
    Warning,
    Note,
}

#[derive(Serialize)]
pub(super) struct Message {
    pub(super) text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) markdown: Option<String>,
}

impl Message {
    pub(super) fn new(text: &str) -> Self {
        Message { text: text.to_owned(), markdown: None }
    }
}

#[derive(Serialize)]
pub(super) struct UriBase {
    pub(super) description: Message,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Invocation<'a> {
    pub(super) execution_successful: bool,
    pub(super) start_time_utc: String,
    pub(super) end_time_utc: String,
    pub(super) tool_execution_notifications: Vec<Notification<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) properties: Option<InvocationProperties<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InvocationProperties<'a> {
    /// The head of the ledger's audit trail after the run.
    pub(super) audit_head: &'a str,
}

#[derive(Serialize)]
pub(super) struct Notification<'a> {
    pub(super) descriptor: Descriptor<'a>,
    pub(super) level: Level,
    pub(super) message: Message,
}

#[derive(Serialize)]
pub(super) struct Descriptor<'a> {
    pub(super) id: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ResultRow<'a> {
    pub(super) rule_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rule_index: Option<usize>,
    pub(super) level: Level,
    pub(super) message: Message,
    pub(super) locations: Vec<ResultLocation<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) related_locations: Vec<ResultLocation<'a>>,
    pub(super) partial_fingerprints: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) suppressions: Option<Vec<SuppressionRow>>,
    /// Where the first location is in a browser.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hosted_viewer_uri: Option<&'a str>,
    pub(super) properties: ResultProperties<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ResultProperties<'a> {
    /// The rule that found it: a result that does not count is under another.
    pub(super) rule: &'a str,
    pub(super) confidence: Confidence,
    pub(super) hashed_token: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) owner_id: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) owner_login: Option<&'a str>,
    pub(super) revocable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) revocation: Option<&'a Revocation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) commit: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) author: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) date: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pull_request: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub(super) decoded: &'a [&'static str],
}

#[derive(PartialEq, Eq, Serialize)]
pub(super) struct SuppressionRow {
    pub(super) kind: &'static str,
    pub(super) justification: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ResultLocation<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<usize>,
    pub(super) physical_location: PhysicalLocation,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) logical_locations: Option<Vec<LogicalLocation>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) properties: Option<LocationProperties<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LocationProperties<'a> {
    /// Where it is in a browser.
    pub(super) url: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PhysicalLocation {
    pub(super) artifact_location: ArtifactLocation,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) region: Option<Region>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ArtifactLocation {
    pub(super) uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) uri_base_id: Option<&'static str>,
}

impl ArtifactLocation {
    /// A file by its path: a URI of its own where that is absolute, else one relative to `base`.
    pub(super) fn new(path: &str, base: &'static str) -> Self {
        if path.starts_with('/') {
            return ArtifactLocation { uri: format!("file://{}", uri_path(path)), uri_base_id: None };
        }
        ArtifactLocation { uri: uri_path(path), uri_base_id: Some(base) }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Region {
    pub(super) start_line: u64,
    pub(super) start_column: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) byte_offset: Option<u64>,
}

#[derive(Serialize)]
pub(super) struct LogicalLocation {
    pub(super) kind: &'static str,
    pub(super) name: String,
}

/// A time as SARIF has it (section 3.9): UTC, to the millisecond.
pub(super) fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_uris() {
        assert_eq!(ArtifactLocation::new("a b/é#?.txt!in", "R").uri, "a%20b/%C3%A9%23%3F.txt!in");
        let absolute = ArtifactLocation::new("/srv/x y", "R");
        assert_eq!((&*absolute.uri, absolute.uri_base_id), ("file:///srv/x%20y", None));
        assert_eq!(ArtifactLocation::new("a:b", "R").uri, "a%3Ab");
    }
}
