//! Every token of a large page, packed: a line each, compressed, for the page's own script.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;

use super::table;
use crate::finding::{Confidence, Finding, Location};
use crate::report::{Report, labels};
use crate::text::printable;

/// How many digits of a hash there are: enough for `.stanchignore`, and all of them would fill half of the page.
const SHORT: usize = 16;

/// The levels of confidence, surest first, by whose position they are sorted.
const LEVELS: [Confidence; 3] = [Confidence::Certain, Confidence::Likely, Confidence::Lookalike];

/// What fields of the lines stand for.
#[derive(Serialize)]
struct Names {
    levels: [Confidence; 3],
    types: Vec<String>,
    /// A state in words, and the class of its look.
    states: Vec<(String, &'static str)>,
    /// What owners are called, by their ids.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    logins: BTreeMap<u32, String>,
}

/// Where more findings are listed than stand in the page as rows, writes an element that holds all of them in base64: a line of JSON that says what fields stand for, then the lines, in
/// gzip (RFC 1952), which browsers decompress by themselves (<https://compression.spec.whatwg.org/>).
pub(super) fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let findings: Vec<&Finding> = report.listed().collect();
    if findings.len() <= table::MAX_WRITTEN {
        return Ok(());
    }
    let logins = logins(&findings);
    let mut names = Names { levels: LEVELS, types: Vec::new(), states: Vec::new(), logins };
    let mut known = HashMap::new();
    let mut lines = Vec::new();
    for finding in findings {
        line(report, finding, &mut names, &mut known, &mut lines)?;
    }
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    serde_json::to_writer(&mut packed, &names)?;
    packed.write_all(b"\n")?;
    packed.write_all(&lines)?;
    writeln!(out, r#"<div id="data" hidden>{}</div>"#, STANDARD.encode(packed.finish()?))
}

fn logins(findings: &[&Finding]) -> BTreeMap<u32, String> {
    let login = |finding: &&Finding| Some((finding.owner_id?, printable(finding.owner_login.as_deref()?)));
    findings.iter().filter_map(login).collect()
}

/// The positions of names that were given out.
type Known = HashMap<(&'static str, String), usize>;

fn line(
    report: &Report<'_>,
    finding: &Finding,
    names: &mut Names,
    known: &mut Known,
    out: &mut Vec<u8>,
) -> io::Result<()> {
    let level = LEVELS.iter().position(|level| *level == finding.confidence).unwrap_or_default();
    let kind = *known.entry(("type", report.description(finding).to_owned())).or_insert_with_key(|key| {
        names.types.push(printable(&key.1));
        names.types.len() - 1
    });
    let (state, look, at) = table::state(report, finding);
    let state = *known.entry((look, state)).or_insert_with_key(|key| {
        names.states.push((printable(&key.1), key.0));
        names.states.len() - 1
    });
    let locations = report.locations(finding);
    let place = locations.first().map(|location| place(report, location)).unwrap_or_default();
    let owner = finding.owner_id.map(|id| id.to_string()).unwrap_or_default();
    // Behind the rest, so that a page without links has nothing of them.
    let url = locations.first().and_then(|location| labels::url(location));
    let url = url.map(|url| format!("\t{url}")).unwrap_or_default();
    writeln!(
        out,
        "{level}\t{}\t{kind}\t{place}\t{}\t{}\t{owner}\t{state}\t{}\t{}{url}",
        printable(&finding.token.redacted()),
        table::places(finding),
        printable(table::first_date(finding)),
        printable(&at),
        &finding.token.fingerprint().hex()[..SHORT]
    )
}

fn place(report: &Report<'_>, location: &Location) -> String {
    let path = printable(&report.path(location));
    if labels::has_lines(location) {
        format!("{path}:{}:{}", location.line, location.column)
    } else {
        format!("{path} ({})", labels::place_kind(location)).trim_start().to_owned()
    }
}
