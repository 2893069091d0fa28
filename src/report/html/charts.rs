//! The charts of the page: bars in SVG, without inline styles, which the page's content security policy forbids.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use jiff::Timestamp;

use crate::finding::Finding;
use crate::report::Report;
use crate::report::labels::{self, Fate, fate};
use crate::text::grouped;
use crate::text::xml_escaped;

/// How many bars a chart has at most.
const MAX_BARS: usize = 10;

/// With more months than this, the bars of the timeline are years.
const MAX_MONTHS: usize = 48;

pub(super) fn write(report: &Report<'_>, counted: &[&Finding], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<h2>At a glance</h2>\n<div class=\"charts\">")?;
    bars("By type", counted, out, |finding| vec![report.description(finding).to_owned()])?;
    bars("By state of revocation", counted, out, |finding| {
        vec![
            finding
                .revocation
                .as_ref()
                .map_or("not asked for", |revocation| revocation.state.as_str())
                .to_owned(),
        ]
    })?;
    bars("By path", counted, out, |finding| {
        let mut paths: Vec<String> = report
            .locations(finding)
            .into_iter()
            .map(|location| report.path(location))
            .map(|path| if path.is_empty() { "(commits, tags and refs)".to_owned() } else { path })
            .collect();
        paths.sort_unstable();
        paths.dedup();
        paths
    })?;
    if counted.iter().any(|finding| report.repository_of(finding).is_some()) {
        bars("By repository", counted, out, |finding| {
            let names = report.locations(finding).into_iter().filter_map(|place| report.repository(place));
            let names: BTreeSet<&str> = names.collect();
            names.into_iter().map(str::to_owned).collect()
        })?;
    }
    if counted.iter().any(|finding| labels::owner(finding).is_some()) {
        bars("By owner (GitHub user id)", counted, out, |finding| {
            vec![labels::owner(finding).unwrap_or_else(|| "not told by the token".to_owned())]
        })?;
    }
    timeline(counted, out)?;
    revocations(counted, out)?;
    writeln!(out, "</div>")
}

/// Draws how many tokens have each of the labels that `labels` returns for them, most frequent first.
fn bars(
    title: &str,
    counted: &[&Finding],
    out: &mut dyn Write,
    labels: impl Fn(&Finding) -> Vec<String>,
) -> io::Result<()> {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for label in counted.iter().flat_map(|finding| labels(finding)) {
        *counts.entry(label).or_default() += 1;
    }
    let mut counts: Vec<(String, u64)> = counts.into_iter().collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let others = counts.len().saturating_sub(MAX_BARS);
    counts.truncate(MAX_BARS);
    let most = counts.iter().map(|(_, count)| *count).max().unwrap_or(1);
    writeln!(out, r#"<div class="chart"><h3>{title}</h3><table class="bars"><tbody>"#)?;
    for (label, count) in counts {
        let width = count * 100 / most;
        writeln!(
            out,
            r#"<tr><td>{}</td><td><svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true"><rect width="{width}" height="10"/></svg></td><td class="number">{}</td></tr>"#,
            xml_escaped(&label),
            grouped(count)
        )?;
    }
    writeln!(out, "</tbody></table>")?;
    if others > 0 {
        writeln!(out, r#"<p class="faint">and {others} more</p>"#)?;
    }
    writeln!(out, "</div>")
}

/// How many tokens were first committed in each month.
fn timeline(counted: &[&Finding], out: &mut dyn Write) -> io::Result<()> {
    let mut counts: BTreeMap<(i32, i32), u64> = BTreeMap::new();
    for month in counted.iter().filter_map(|finding| first_month(finding)) {
        *counts.entry(month).or_default() += 1;
    }
    let (Some((first, _)), Some((last, _))) = (counts.first_key_value(), counts.last_key_value()) else {
        return Ok(());
    };
    let (first, last) = (*first, *last);
    let by_year = (last.0 - first.0) * 12 + last.1 - first.1 >= i32::try_from(MAX_MONTHS).unwrap_or(i32::MAX);
    let bars: Vec<(String, u64)> = if by_year {
        (first.0..=last.0)
            .map(|year| {
                (format!("{year}"), counts.range((year, 1)..=(year, 12)).map(|(_, count)| count).sum())
            })
            .collect()
    } else {
        (first.0 * 12 + first.1 - 1..last.0 * 12 + last.1)
            .map(|month| (month / 12, month % 12 + 1))
            .map(|month| (format!("{}-{:02}", month.0, month.1), counts.get(&month).copied().unwrap_or(0)))
            .collect()
    };
    let bars: Vec<Bar> = bars.into_iter().map(|(label, count)| (label, [0, count])).collect();
    draw("When they were committed first", &bars, out)
}

/// Year and month of the earliest commit that a token is known to be in.
fn first_month(finding: &Finding) -> Option<(i32, i32)> {
    let dates = finding.locations.iter().filter_map(|location| location.details().date.as_deref());
    let mut parts = dates.min()?.splitn(3, '-');
    let (year, month) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    // A commit may claim any date, and a chart of ten thousand years shows nothing.
    ((1970..2200).contains(&year) && (1..=12).contains(&month)).then_some((year, month))
}

/// A label, and two counts that are drawn on top of each other: what is seen dead, and what is not.
type Bar = (String, [u64; 2]);

/// When GitHub took them, and which of them are seen dead.
fn revocations(counted: &[&Finding], out: &mut dyn Write) -> io::Result<()> {
    let at = |finding: &Finding| finding.revocation.as_ref().map(|revocation| revocation.at.as_second());
    let ended: Vec<(i64, Fate)> = counted
        .iter()
        .filter_map(|finding| Some((at(finding)?, fate(finding))).filter(|(_, fate)| *fate != Fate::Open))
        .collect();
    let times = || ended.iter().map(|(at, _)| *at);
    let (Some(first), Some(last)) = (times().min(), times().max()) else { return Ok(()) };
    // Hours of two days, days of two months, else weeks, as many as there is room for.
    let units = [(3600, "%m-%d %H:00"), (86_400, "%m-%d"), (604_800, "%Y-%m-%d")];
    let fits = |unit: i64| last / unit - first / unit < i64::try_from(MAX_MONTHS).unwrap_or(i64::MAX);
    let (unit, form) =
        units.into_iter().find(|(unit, _)| fits(*unit)).unwrap_or((last - first + 1, "%Y-%m-%d"));
    let bars: Vec<Bar> = (first / unit..=last / unit)
        .map(|n| {
            let of =
                |wanted| ended.iter().filter(|(at, fate)| at / unit == n && *fate == wanted).count() as u64;
            let label = Timestamp::from_second(n * unit).map(|at| at.strftime(form).to_string());
            (label.unwrap_or_default(), [of(Fate::Revoked), of(Fate::Accepted)])
        })
        .collect();
    draw("When GitHub took them (UTC): seen dead, and accepted only", &bars, out)
}

fn draw(title: &str, bars: &[Bar], out: &mut dyn Write) -> io::Result<()> {
    let most = bars.iter().map(|(_, [dead, other])| dead + other).max().unwrap_or(1).max(1);
    let pitch = (900 / bars.len().max(1)).min(60);
    // Every bar has a label where there is room, else every so many.
    let label_step = 60_usize.div_ceil(pitch.max(1));
    writeln!(out, r#"<div class="chart wide"><h3>{title}</h3>"#)?;
    writeln!(out, r#"<svg class="time" viewBox="0 0 920 150" role="img" aria-label="{title}">"#)?;
    for (n, (label, [dead, other])) in bars.iter().enumerate() {
        let (x, count) = (10 + n * pitch, dead + other);
        let bar = (pitch * 4 / 5).max(1);
        let middle = x + bar / 2;
        let mut top = 125;
        for (part, class) in [(*dead, "dead"), (*other, "")].into_iter().filter(|(part, _)| *part > 0) {
            let height = (part * 105 / most).max(1);
            top -= height;
            writeln!(
                out,
                r#"<rect class="{class}" x="{x}" y="{top}" width="{bar}" height="{height}"><title>{label}: {part}</title></rect>"#
            )?;
        }
        if count > 0 {
            writeln!(out, r#"<text x="{middle}" y="{}">{}</text>"#, top.saturating_sub(4), grouped(count))?;
        }
        if n % label_step == 0 {
            writeln!(out, r#"<text x="{middle}" y="141">{label}</text>"#)?;
        }
    }
    writeln!(out, "</svg></div>")
}
