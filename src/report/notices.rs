//! Letters to those whose tokens were found: what, where, what was done about it and when, and what they have to do. Of a
//! token that names no owner, those are told in whose repository it was found. No letter holds a whole token.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::labels::Fate;
use super::owners::{self, Owner};
use super::{Report, labels};
use crate::finding::{Finding, Location};
use crate::revocation::{Revocation, State};
use crate::text::grouped;
use crate::text::printable;
use crate::token::Kind;

/// How many places of a token are listed.
const MAX_LOCATIONS: usize = 20;

/// What stands between two letters.
const RULE: &str = "------------------------------------------------------------------------";

/// A token, and those of its places that a letter is about.
type Found<'a> = (&'a Finding, Vec<&'a Location>);

struct Notice<'a> {
    to: String,
    /// What the tokens are to the reader.
    whose: Whose<'a>,
    tokens: Vec<Found<'a>>,
}

enum Whose<'a> {
    /// They are the reader's.
    Yours,
    /// They were found in this repository, or other root.
    Within(&'a str),
}

pub(super) fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let owners = owners::owners(report);
    let (unknown, known): (Vec<_>, Vec<_>) = owners.into_iter().partition(Owner::is_unknown);
    let known = known.into_iter().map(|owner| of_owner(report, owner));
    let unknown = unknown.iter().flat_map(|owner| by_root(report, &owner.tokens));
    for (n, notice) in known.chain(unknown).enumerate() {
        if n > 0 {
            writeln!(out, "\n{RULE}\n")?;
        }
        letter(report, &notice, out)?;
    }
    Ok(())
}

fn of_owner<'a>(report: &Report<'a>, owner: Owner<'a>) -> Notice<'a> {
    let to = match (owner.login, owner.id) {
        (Some(login), Some(id)) => format!("{login} (GitHub user id {id})"),
        (Some(login), None) => login.to_owned(),
        (None, id) => format!("the user with the GitHub id {}", id.unwrap_or_default()),
    };
    let tokens = owner.tokens.into_iter().map(|finding| (finding, report.locations(finding))).collect();
    Notice { to, whose: Whose::Yours, tokens }
}

/// Letters about tokens that name no owner: one for each root that they are in.
fn by_root<'a>(report: &Report<'a>, findings: &[&'a Finding]) -> Vec<Notice<'a>> {
    let mut roots: BTreeMap<&str, Vec<Found<'a>>> = BTreeMap::new();
    for finding in findings {
        for location in report.locations(finding) {
            let tokens = roots.entry(report.roots.given(location)).or_default();
            match tokens.last_mut().filter(|(last, _)| std::ptr::eq(*last, *finding)) {
                Some((_, locations)) => locations.push(location),
                None => tokens.push((finding, vec![location])),
            }
        }
    }
    let notice = |(root, tokens): (&'a str, _)| {
        let root = if matches!(root, "" | ".") { "what was scanned" } else { root };
        Notice { to: format!("those who look after {root}"), whose: Whose::Within(root), tokens }
    };
    roots.into_iter().map(notice).collect()
}

fn letter(report: &Report<'_>, notice: &Notice<'_>, out: &mut dyn Write) -> io::Result<()> {
    let count = counted(notice.tokens.len(), "token");
    let (were, them) = if notice.tokens.len() == 1 { ("was", "it") } else { ("were", "them") };
    writeln!(out, "To: {}", printable(&notice.to))?;
    match notice.whose {
        Whose::Yours => {
            writeln!(out, "Subject: {count} of yours {were} found where others can read {them}\n")?;
            writeln!(out, "{count} of yours {were} found where others can read {them}. Whoever has read a")?;
            writeln!(out, "token can act as you until it is revoked.\n")?;
        }
        Whose::Within(root) => {
            let root = printable(root);
            writeln!(out, "Subject: {count} {were} found in {root}\n")?;
            writeln!(out, "{count} {were} found in {root}. Whoever has read a token can act as its")?;
            writeln!(out, "owner until it is revoked. Nothing in it says whose it is.\n")?;
        }
    }
    for (n, found) in notice.tokens.iter().enumerate() {
        token(report, n + 1, found, out)?;
    }
    to_do(notice, out)
}

fn token(
    report: &Report<'_>,
    n: usize,
    (finding, locations): &Found<'_>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let what = printable(report.description(finding));
    writeln!(out, "{n}. {} ({what})", printable(&finding.token.redacted()))?;
    writeln!(out, "   sha256 {}", finding.token.fingerprint().hex())?;
    for location in locations.iter().take(MAX_LOCATIONS) {
        place(report, location, out)?;
    }
    let more = finding.more_locations + locations.len().saturating_sub(MAX_LOCATIONS) as u64;
    if more > 0 {
        writeln!(out, "   and in {} more", grouped(more))?;
    }
    if let Some(grants) = labels::grants(finding) {
        writeln!(out, "   when it was asked: {grants}")?;
    }
    writeln!(out, "   {}\n", done(finding.revocation.as_ref()))
}

fn place(report: &Report<'_>, location: &Location, out: &mut dyn Write) -> io::Result<()> {
    let path = printable(&report.path(location));
    if labels::has_lines(location) {
        write!(out, "   {path}:{}", location.line)?;
    } else {
        write!(out, "   {path} ({})", labels::place_kind(location).replace('-', " "))?;
    }
    if let Some(commit) = &location.details().commit {
        let date = location.details().date.as_deref().unwrap_or_default();
        let day = date.get(..10).map(|day| format!(" of {}", printable(day))).unwrap_or_default();
        write!(out, ", commit {}{day}", printable(commit.get(..10).unwrap_or(commit)))?;
    }
    writeln!(out)?;
    for url in labels::url(location).into_iter().chain(labels::pull_request(location)) {
        writeln!(out, "     {url}")?;
    }
    Ok(())
}

/// What was done about a token, and when.
fn done(revocation: Option<&Revocation>) -> String {
    let Some(Revocation { state, at, request_id, .. }) = revocation else {
        return "Nothing was done about it yet: it has to be taken for usable.".to_owned();
    };
    let request = request_id.as_deref().map(|id| format!(" (request {})", printable(id)));
    let request = request.unwrap_or_default();
    match state {
        State::Queued => format!("It waits to be revoked since {at}."),
        State::Sent => format!("It was sent to GitHub to be revoked at {at}; no answer is known yet."),
        State::Accepted => {
            format!("GitHub took it to be revoked at {at}{request}. Nobody has seen yet that it is dead.")
        }
        State::Confirmed => format!("It is revoked: it was seen dead at {at}."),
        State::Dead => format!("It was dead already when it was asked at {at}."),
        State::Refused => format!("GitHub refused at {at}{request} to revoke it: it may still be used."),
        State::Unsupported => {
            "GitHub's API does not revoke tokens of this type: it may still be used.".to_owned()
        }
        State::Own => "It is what the search itself signed in with, and was not revoked.".to_owned(),
        State::Held => format!("It was not revoked ({at}): it may be none. Whoever knows it should say."),
        State::Withdrawn => format!("It was taken back at {at}, and not revoked: it may still be used."),
    }
}

fn to_do(notice: &Notice<'_>, out: &mut dyn Write) -> io::Result<()> {
    let any = |test: &dyn Fn(&Finding) -> bool| notice.tokens.iter().any(|(finding, _)| test(finding));
    let is = |wanted: Fate| move |finding: &Finding| labels::fate(finding) == wanted;
    writeln!(out, "What you have to do:")?;
    if matches!(notice.whose, Whose::Within(_)) {
        writeln!(out, "- Find out whose tokens these are, and tell them.")?;
    }
    writeln!(out, "- Replace each where it is used.")?;
    if any(&|finding| is(Fate::Open)(finding) && finding.token.kind() != Kind::OTHER) {
        writeln!(out, "- End each that may still be used, now: in GitHub's settings, under Developer")?;
        writeln!(out, "  settings > Personal access tokens, or under Applications for those of an app.")?;
    }
    if any(&|finding| finding.token.kind() == Kind::OTHER) {
        writeln!(out, "- End what is no token of GitHub's at whoever issued it.")?;
    }
    if any(&is(Fate::Accepted)) {
        writeln!(out, "- See there that those which GitHub took are gone.")?;
    }
    let ends = |finding: &Finding| finding.token.kind().ends_authorization() && !is(Fate::Open)(finding);
    if any(&ends) {
        writeln!(out, "- Authorize the apps again whose tokens were ended, if you still use them.")?;
    }
    writeln!(out, "- Look through the security log in GitHub's settings for what was done with them.")?;
    writeln!(out, "- Take them out of the places above. That alone ends no token.")
}

fn counted(count: usize, noun: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{} {noun}{s}", grouped(count as u64))
}
