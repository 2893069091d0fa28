//! Wording that several formats share.

use crate::blob::LocationKind;
use crate::finding::{Confidence, Finding, Suppression, SuppressionKind};
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

/// Whether line and column of a location are those of the file at its path.
pub(super) const fn has_lines(kind: LocationKind) -> bool {
    matches!(kind, LocationKind::Content)
}

#[cfg(test)]
mod tests {
    use super::*;

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
