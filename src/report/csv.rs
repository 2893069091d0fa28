//! CSV with a header, one place a row, safe to open in a spreadsheet.

use std::borrow::Cow;
use std::io::{self, Write};

use super::{Report, words};
use crate::finding::{Finding, Location};

const HEADER: [&str; 19] = [
    "rule",
    "confidence",
    "token",
    "sha256",
    "owner_id",
    "revocable",
    "suppressed",
    "revocation",
    "path",
    "line",
    "column",
    "offset",
    "kind",
    "decoded",
    "commit",
    "author",
    "date",
    "object",
    "reason",
];

pub(super) fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut table = ::csv::Writer::from_writer(out);
    table.write_record(HEADER)?;
    for finding in report.shown() {
        for place in &finding.locations {
            table.write_record(row(report, finding, place).iter().map(|cell| defused(cell).into_owned()))?;
        }
    }
    table.flush()
}

fn row(report: &Report<'_>, finding: &Finding, place: &Location) -> [String; 19] {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let silence = place.suppressed.as_ref().map(|silence| words::silencer_word(silence.by));
    [
        finding.rule.to_string(),
        finding.confidence.as_str().to_owned(),
        report.token(finding),
        finding.token.fingerprint().hex(),
        finding.owner_id.map(|id| id.to_string()).unwrap_or_default(),
        finding.revocable().to_string(),
        silence.unwrap_or_default().to_owned(),
        finding.revocation.as_ref().map(|revocation| revocation.state.to_string()).unwrap_or_default(),
        report.path(place),
        place.line.to_string(),
        place.column.to_string(),
        place.offset.to_string(),
        words::part(place.kind).to_owned(),
        place.decoded.join(" of "),
        text(&place.commit),
        text(&place.author),
        text(&place.date),
        text(&place.object),
        finding.reason.to_owned(),
    ]
}

/// A cell that a spreadsheet takes for text. What starts like a formula would be run: paths and authors are hostile.
fn defused(cell: &str) -> Cow<'_, str> {
    let formula = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];
    if cell.starts_with(formula) { Cow::Owned(format!("'{cell}")) } else { Cow::Borrowed(cell) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_become_text() {
        for cell in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1"] {
            assert_eq!(defused(cell), format!("'{cell}"));
        }
        assert_eq!(defused("a=1"), "a=1");
    }
}
