//! One page that needs nothing but itself, for a responder to hand on: what leaked, where, since when, and what became
//! of it. It never holds a token, whatever was asked for elsewhere.

mod charts;
mod table;

use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::words::{self, escaped};
use super::{Report, Summary};
use crate::finding::Finding;

const STYLE: &str = include_str!("html/style.css");
const SCRIPT: &str = include_str!("html/script.js");

pub(super) fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let told: Vec<&Finding> = report.shown().filter(|finding| finding.counts()).collect();
    head(report, out)?;
    headline(report, &told, out)?;
    cards(report.summary, &told, out)?;
    if !told.is_empty() {
        charts::write(report, &told, out)?;
        steps(out)?;
    }
    table::tokens(report, out)?;
    table::faults(report, out)?;
    writeln!(out, "<script>{SCRIPT}</script>\n</body>\n</html>")
}

fn head(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let (style, script) = (hash(STYLE), hash(SCRIPT));
    // Nothing is loaded and nothing runs but what stands in this file: a path in it cannot become a script.
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

/// A hash as a content security policy names it.
fn hash(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text)))
}

fn headline(report: &Report<'_>, told: &[&Finding], out: &mut dyn Write) -> io::Result<()> {
    let at = report.time.1.strftime("%Y-%m-%d %H:%M UTC");
    writeln!(out, "<h1>Leaked GitHub tokens</h1>")?;
    writeln!(out, r#"<p class="faint">{at}, stanch {}</p>"#, env!("CARGO_PKG_VERSION"))?;
    let ended = told.iter().filter(|finding| table::ended(finding)).count();
    match told.len() {
        0 => writeln!(out, r#"<p><span class="good">No token was found</span> that counts.</p>"#)?,
        n => {
            let (s, were) = if n == 1 { ("", "was") } else { ("s", "were") };
            let open = n - ended;
            write!(out, r#"<p><span class="certain">{n} token{s}</span> {were} found. "#)?;
            if open == 0 {
                writeln!(out, r#"<span class="good">GitHub has taken every one for revocation.</span></p>"#)?;
            } else {
                let are = if open == 1 { "1 is" } else { &format!("{open} are") };
                writeln!(out, "{are} not known to be revoked: whoever has read them can use them.</p>")?;
            }
        }
    }
    if report.summary.incomplete() || report.summary.shallow {
        writeln!(
            out,
            r#"<p class="likely">Not everything could be looked into: see the end of this page.</p>"#
        )?;
    }
    writeln!(
        out,
        r#"<p class="faint">Tokens are shown by their beginning and end only. A token's SHA-256 in base64 is what GitHub's audit log calls <code>hashed_token</code>.</p>"#
    )
}

fn cards(summary: &Summary, told: &[&Finding], out: &mut dyn Write) -> io::Result<()> {
    let certain =
        told.iter().filter(|finding| finding.confidence == crate::finding::Confidence::Certain).count();
    let places: u64 =
        told.iter().map(|finding| finding.locations.len() as u64 + finding.more_locations).sum();
    writeln!(out, r#"<div class="cards">"#)?;
    let mut card = |number: u64, class: &str, words: &str| {
        let class = if number == 0 { "" } else { class };
        writeln!(out, r#"<div class="card"><b class="{class}">{number}</b><span>{words}</span></div>"#)
    };
    card(told.len() as u64, "certain", "tokens that count")?;
    card(certain as u64, "certain", "certain: their checksum holds")?;
    card(told.len() as u64 - certain as u64, "likely", "likely: right shape, no proof")?;
    card(places, "", "places they stand in")?;
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
    card(summary.unreadable, "likely", "places that could not be read")?;
    writeln!(out, "</div>")
}

fn steps(out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<h2>What to do</h2>\n<p>{}</p>", escaped(words::REMEDY))?;
    writeln!(
        out,
        r#"<p>Revoking cannot be undone, and the owner is told by e-mail. For <code>gho_</code>, <code>ghu_</code> and <code>ghr_</code> tokens it ends the user's whole authorization of that app. <span class="screen"><a href="{}" rel="noreferrer">How GitHub revokes credentials</a></span></p>"#,
        words::HELP
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn style_and_script_can_stand_in_a_page() {
        for text in [STYLE, SCRIPT] {
            assert!(!text.contains("</"), "it would end its own element");
        }
        assert!(!SCRIPT.contains("innerHTML") && !STYLE.contains("url("));
    }
}
