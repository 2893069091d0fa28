//! A self-contained page for people who respond to an incident: what leaked, where, since when, and whether it is revoked.
//! It never contains a whole token, even with `--show-secrets`: such pages are handed on.

mod charts;
mod covered;
mod packed;
mod table;

use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::labels::Fate;
use super::{Report, Summary, labels};
use crate::finding::{Confidence, Finding};
use crate::text::grouped;
use crate::text::xml_escaped;

const STYLE: &str = include_str!("html/style.css");
const SCRIPT: &str = include_str!("html/script.js");

pub(super) fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let counted: Vec<&Finding> = report.counted().collect();
    head(report, out)?;
    headline(report, &counted, out)?;
    cards(report.summary, &counted, out)?;
    if !counted.is_empty() {
        charts::write(report, &counted, out)?;
        steps(out)?;
    }
    table::owners(report, out)?;
    table::tokens(report, out)?;
    packed::write(report, out)?;
    covered::write(report, out)?;
    table::faults(report, out)?;
    writeln!(out, "<script>{SCRIPT}</script>\n</body>\n</html>")
}

fn head(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let (style, script) = (hash(STYLE), hash(SCRIPT));
    // Nothing is loaded and nothing runs but this file's own style and script, named by their hashes, so a path cannot become
    // a script (Content Security Policy Level 3, <https://www.w3.org/TR/CSP3/>).
    let policy = format!(
        "default-src 'none'; style-src '{style}'; script-src '{script}'; base-uri 'none'; form-action 'none'"
    );
    let at = report.time.1.strftime("%Y-%m-%d %H:%M UTC");
    writeln!(
        out,
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="generator" content="stanch {version}">
<title>Leaked GitHub tokens, {at}</title>
<style>{STYLE}</style>
</head>
<body>"#,
        version = env!("CARGO_PKG_VERSION"),
    )
}

/// A hash source of a content security policy.
fn hash(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text)))
}

fn headline(report: &Report<'_>, counted: &[&Finding], out: &mut dyn Write) -> io::Result<()> {
    let at = report.time.1.strftime("%Y-%m-%d %H:%M UTC");
    writeln!(out, "<h1>Leaked GitHub tokens</h1>")?;
    writeln!(out, r#"<p class="faint">{at}, stanch {}</p>"#, env!("CARGO_PKG_VERSION"))?;
    let of = |fate| counted.iter().filter(|finding| labels::fate(finding) == fate).count();
    let (revoked, accepted, open) = (of(Fate::Revoked), of(Fate::Accepted), of(Fate::Open));
    match counted.len() {
        0 => writeln!(out, r#"<p><span class="good">No token was found</span> that counts.</p>"#)?,
        count => {
            let (s, were) = if count == 1 { ("", "was") } else { ("s", "were") };
            write!(
                out,
                r#"<p><span class="certain">{} token{s}</span> {were} found. "#,
                grouped(count as u64)
            )?;
            let is = |n: usize| if n == 1 { "1 is".to_owned() } else { format!("{} are", grouped(n as u64)) };
            if revoked > 0 {
                write!(out, r#"<span class="good">{} revoked: seen dead.</span> "#, is(revoked))?;
            }
            if accepted > 0 {
                write!(
                    out,
                    r#"<span class="taken">{} accepted by GitHub</span>, which says so of any token: <code>--confirm</code> asks until they are dead. "#,
                    is(accepted)
                )?;
            }
            if open > 0 {
                write!(out, "{} open: whoever has read them can use them.", is(open))?;
            }
            writeln!(out, "</p>")?;
        }
    }
    if report.summary.incomplete() || report.summary.shallow {
        writeln!(
            out,
            r#"<p class="likely">Not everything could be looked into: see the end of this page.</p>"#
        )?;
    }
    if let Some(head) = &report.summary.audit_head {
        writeln!(
            out,
            r#"<p class="faint">The ledger's audit trail after this run: <code>{}</code></p>"#,
            xml_escaped(head)
        )?;
    }
    writeln!(
        out,
        r#"<p class="faint">Tokens are shown by their beginning and end only. A token's SHA-256 in base64 is what GitHub's audit log calls <code>hashed_token</code>.</p>"#
    )
}

fn cards(summary: &Summary, counted: &[&Finding], out: &mut dyn Write) -> io::Result<()> {
    let certain = counted.iter().filter(|finding| finding.confidence == Confidence::Certain).count();
    let locations: u64 =
        counted.iter().map(|finding| finding.locations.len() as u64 + finding.more_locations).sum();
    writeln!(out, r#"<div class="cards">"#)?;
    let mut card = |number: u64, class: &str, label: &str| {
        let class = if number == 0 { "" } else { class };
        writeln!(
            out,
            r#"<div class="card"><b class="{class}">{}</b><span>{label}</span></div>"#,
            grouped(number)
        )
    };
    card(counted.len() as u64, "certain", "tokens that count")?;
    card(certain as u64, "certain", "certain: their checksum holds")?;
    card(counted.len() as u64 - certain as u64, "likely", "likely: right shape, no proof")?;
    let of = |fate| counted.iter().filter(|finding| labels::fate(finding) == fate).count() as u64;
    card(of(Fate::Revoked), "good", "revoked: seen dead")?;
    card(of(Fate::Accepted), "taken", "accepted by GitHub, not seen dead")?;
    card(of(Fate::Open), "certain", "open")?;
    card(locations, "", "places they stand in")?;
    card(summary.suppressed, "", "suppressed")?;
    if summary.suppressed_by_tree > 0 {
        card(summary.suppressed_by_tree, "likely", "of those by the scanned tree itself")?;
    }
    card(summary.lookalikes, "", "lookalikes: placeholders, not counted")?;
    if summary.objects > 0 {
        card(summary.objects, "", "git objects looked into")?;
        card(summary.commits, "", "commits among them")?;
    }
    if summary.files > 0 || summary.objects == 0 {
        card(summary.files, "", "files looked into")?;
    }
    card(summary.unreadable - summary.bytes_only, "likely", "places that could not be read")?;
    if summary.bytes_only > 0 {
        card(summary.bytes_only, "likely", "places seen as bytes only")?;
    }
    writeln!(out, "</div>")
}

fn steps(out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<h2>What to do</h2>\n<p>{}</p>", xml_escaped(labels::REMEDY))?;
    writeln!(
        out,
        r#"<p>Revoking cannot be undone, and the owner is told by e-mail. For <code>gho_</code>, <code>ghu_</code> and <code>ghr_</code> tokens it ends the user's whole authorization of that app. <span class="screen"><a href="{}" rel="noreferrer">How GitHub revokes credentials</a></span></p>"#,
        labels::HELP_URL
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn style_and_script_do_not_end_their_elements() {
        for text in [STYLE, SCRIPT] {
            assert!(!text.contains("</"));
        }
        assert!(!SCRIPT.contains("innerHTML") && !STYLE.contains("url("));
    }
}
