//! Wording that several formats share.

use crate::blob::LocationKind;
use crate::finding::{Confidence, Finding, Location, Suppression, SuppressionKind};
use crate::revocation::State;
use crate::text::printable;
use crate::token::Kind;

/// Where GitHub documents how leaked credentials are revoked.
pub(super) const HELP_URL: &str = "https://docs.github.com/en/rest/credentials/revoke";

/// What to do about any token of GitHub's.
pub(super) const REMEDY: &str = "Treat the token as known to others. Replace it where it is used, then revoke it: its \
                                 owner can in GitHub's settings, and anybody who has it through GitHub's credential \
                                 revocation API. Taking the text away does not end the token.";

/// What to do about a secret that a custom rule found.
pub(super) const CUSTOM_REMEDY: &str = "Treat the secret as known to others: replace it where it is used, then end it at \
                                        whoever issued it. Taking the text away does not end the secret.";

/// What to do about what does not count.
pub(super) const NOT_COUNTED_REMEDY: &str =
    "Nothing has to be done about it: it is listed so that nothing is hidden.";

/// What a certain finding has instead of a reason for doubt.
const CHECKSUM_HOLDS: &str = "its checksum holds";

/// What to do about a finding.
pub(super) fn remedy(finding: &Finding) -> &'static str {
    if finding.token.kind() == Kind::OTHER { CUSTOM_REMEDY } else { REMEDY }
}

/// Why we are as sure of a finding as we are.
pub(super) fn reason(finding: &Finding) -> &'static str {
    if finding.reason.is_empty() { CHECKSUM_HOLDS } else { finding.reason }
}

/// What suppresses a finding: `.stanchignore (fixtures/)`.
pub(super) fn suppressed_by(suppression: &Suppression) -> String {
    let detail = &suppression.detail;
    match suppression.kind {
        SuppressionKind::Baseline => "the baseline".to_owned(),
        SuppressionKind::IgnoreFile => format!(".stanchignore ({detail})"),
        SuppressionKind::AllowComment => format!("a comment on the same line ({detail})"),
        SuppressionKind::Allowlist => format!("an allowlist ({detail})"),
    }
}

/// What became of a token, as far as it matters to whoever responds to a leak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It was seen dead.
    Revoked,
    /// GitHub has taken it for revocation; it says so of tokens that never existed, too.
    Accepted,
    /// Whoever has read it can use it, as far as is known.
    Open,
}

/// What became of a token.
pub(super) fn fate(finding: &Finding) -> Fate {
    match finding.revocation.as_ref().map(|revocation| revocation.state) {
        Some(State::Confirmed | State::Dead) => Fate::Revoked,
        Some(State::Accepted) => Fate::Accepted,
        _ => Fate::Open,
    }
}

/// Why a finding does not count where findings below `least` do not; `None` where it does.
pub(super) fn not_counted_because(finding: &Finding, least: Confidence) -> Option<String> {
    if let Some(suppression) = &finding.suppressed {
        return Some(format!("suppressed by {}", suppressed_by(suppression)));
    }
    let (sure, asked) = (finding.confidence, least.as_str());
    match sure {
        _ if sure >= least => None,
        Confidence::Lookalike => Some(format!("a lookalike: {}", finding.reason)),
        _ => Some(format!("{}, and not {asked}: {}", sure.as_str(), finding.reason)),
    }
}

/// What a token told before it was revoked: `scopes repo, admin:org; expires 2026-12-01T12:00:00Z`.
pub(super) fn grants(finding: &Finding) -> Option<String> {
    let grants = finding.revocation.as_ref()?.grants.as_deref()?;
    let scopes = grants.scopes_text().map(|scopes| format!("scopes {}", printable(&scopes)));
    let end = grants.expires_at.map(|at| format!("expires {at}"));
    let told: Vec<String> = [scopes, end].into_iter().flatten().collect();
    (!told.is_empty()).then(|| told.join("; "))
}

/// The word for the part of a file or git object, as it is serialized.
pub(super) const fn location_kind(kind: LocationKind) -> &'static str {
    match kind {
        LocationKind::Content => "content",
        LocationKind::FileName => "file-name",
        LocationKind::SymlinkTarget => "symlink-target",
        LocationKind::CommitMessage => "commit-message",
        LocationKind::TagMessage => "tag-message",
        LocationKind::Note => "note",
        LocationKind::RefName => "ref-name",
        LocationKind::CommitAuthor => "commit-author",
    }
}

/// An address that a report links to: one of the web, of letters that end no attribute and no cell. It may come from a server.
pub(super) fn web_address(url: Option<&String>) -> Option<&str> {
    let url = url?;
    let is_web = url.starts_with("https://") || url.starts_with("http://");
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"\"'<>`|\\[]{}^".contains(&byte);
    (is_web && url.bytes().all(is_plain)).then_some(url)
}

/// Where a location is in a browser.
pub(super) fn url(location: &Location) -> Option<&str> {
    web_address(location.details().url.as_ref())
}

/// Where the pull request of a location is.
pub(super) fn pull_request(location: &Location) -> Option<&str> {
    web_address(location.details().pull_request.as_ref())
}

/// The owner that a token names: the id, and the login where the API has told it.
pub(super) fn owner(finding: &Finding) -> Option<String> {
    let login = finding.owner_login.as_deref();
    match (finding.owner_id, login) {
        (Some(id), Some(login)) => Some(format!("{id} ({login})")),
        (Some(id), None) => Some(id.to_string()),
        (None, login) => login.map(str::to_owned),
    }
}

/// Whether line and column of a location are those of the file at its path.
pub(super) fn has_lines(location: &Location) -> bool {
    location.kind == LocationKind::Content && !is_on_page(location)
}

/// A location in a line: the root that it names, the path, and the line where it has one.
pub fn place_in_a_line(location: &Location) -> String {
    let root = location.details().root.as_deref().map(|root| format!("{}/", root.trim_end_matches('/')));
    let line = if is_on_page(location) { String::new() } else { format!(":{}", location.line) };
    format!("{}{}{line}", root.unwrap_or_default(), location.path)
}

/// What a location is for people: its kind, or the page that it is on.
pub(super) fn place_kind(location: &Location) -> &'static str {
    if is_on_page(location) { "page" } else { location_kind(location.kind) }
}

/// Whether a location is a page of the web: an alert, or an issue, a discussion or a comment that one tells of. Only these have an
/// address without being of a git object or of what Actions keeps.
fn is_on_page(location: &Location) -> bool {
    let details = location.details();
    let is_of_git = details.commit.is_some() || details.object.is_some();
    location.kind == LocationKind::Content
        && details.url.is_some()
        && !is_of_git
        && !location.path.starts_with("actions/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blob::Origin;

    #[test]
    fn only_addresses_of_the_web_are_linked_to() {
        for (url, is_linked) in [
            ("https://github.com/octo/a/blob/00/a%20b#L3", true),
            ("http://127.0.0.1:1/x?plain=1", true),
            ("javascript:alert(1)", false),
            ("https://x/\" onclick=\"alert(1)", false),
            ("https://x/<b>", false),
            ("https://x/a b", false),
            ("https://x/\u{202e}", false),
            ("https://x/a|b", false),
            ("//x", false),
        ] {
            assert_eq!(web_address(Some(&url.to_owned())).is_some(), is_linked, "{url}");
        }
    }

    #[test]
    fn a_page_has_no_lines() {
        let at = |path: &str, url: Option<&str>, object: Option<&str>| {
            let (url, object) = (url.map(str::to_owned), object.map(str::to_owned));
            Location::new(Origin { object, url, ..Origin::file(path) }, 0, 1, 1, Vec::new())
        };
        let url = Some("https://github.com/octo/a/issues/3#issue-1");
        for (page, place) in [
            (true, at("issues/3#issue-1", url, None)),
            (true, at("secret-scanning/alerts/3", url, None)),
            (false, at("src/a.env", url, Some("ab"))),
            (false, at("actions/runs/1/attempts/1/logs.zip!0_build.txt", url, None)),
            (false, at("issues/3#issue-1", None, None)),
        ] {
            let told = (has_lines(&place), place_kind(&place));
            assert_eq!(told, if page { (false, "page") } else { (true, "content") }, "{}", place.path);
            assert_eq!(place_in_a_line(&place).ends_with(":1"), !page, "{}", place.path);
        }
    }

    #[test]
    fn every_format_uses_the_words_of_json() {
        for kind in [
            LocationKind::Content,
            LocationKind::FileName,
            LocationKind::SymlinkTarget,
            LocationKind::CommitMessage,
            LocationKind::TagMessage,
            LocationKind::Note,
            LocationKind::RefName,
            LocationKind::CommitAuthor,
        ] {
            assert_eq!(serde_json::to_value(kind).expect("a word"), location_kind(kind));
        }
    }
}
