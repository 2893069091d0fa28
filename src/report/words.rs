//! What several formats say in the same words.

use crate::blob::LocationKind;
use crate::finding::{Finding, Location, Suppression, SuppressionKind};
use crate::text::printable;
use crate::token::{Fingerprint, Kind};

/// Where GitHub tells how leaked credentials are revoked.
pub(super) const HELP: &str = "https://docs.github.com/en/rest/credentials/revoke";

/// What to do about any token of GitHub's.
pub(super) const REMEDY: &str = "Treat the token as known to others. Replace it where it is used, then revoke it: its \
                                 owner can in GitHub's settings, and anybody who has it through GitHub's credential \
                                 revocation API. Taking the text away does not end the token.";

/// What to do about a secret that a rule of the configuration found.
pub(super) const OWN_REMEDY: &str = "Treat the secret as known to others: replace it where it is used, then end it at \
                                     whoever issued it. Taking the text away does not end the secret.";

/// What silenced a finding.
pub(super) fn silencer(silence: &Suppression) -> String {
    let what = &silence.what;
    match silence.by {
        SuppressionKind::Baseline => "the baseline".to_owned(),
        SuppressionKind::IgnoreFile => format!(".stanchignore ({what})"),
        SuppressionKind::AllowComment => format!("a comment on the same line ({what})"),
        SuppressionKind::Allowlist => format!("an allowlist ({what})"),
    }
}

/// The word for a silencer in tables.
pub(super) const fn silencer_word(by: SuppressionKind) -> &'static str {
    match by {
        SuppressionKind::Baseline => "baseline",
        SuppressionKind::IgnoreFile => "ignore-file",
        SuppressionKind::AllowComment => "allow-comment",
        SuppressionKind::Allowlist => "allowlist",
    }
}

/// The word for a part of a place, as JSON has it.
pub(super) const fn part(kind: LocationKind) -> &'static str {
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

/// Whether line and column of a place are those of the file at its path.
pub(super) const fn has_lines(kind: LocationKind) -> bool {
    matches!(kind, LocationKind::Content)
}

/// What to do about a finding.
pub(super) fn remedy(finding: &Finding) -> &'static str {
    if finding.token.kind() == Kind::OTHER { OWN_REMEDY } else { REMEDY }
}

/// What makes a place the same one in a later run: the token and the file. The line may move.
pub(super) fn identity(finding: &Finding, path: &str) -> Fingerprint {
    let mut text = finding.token.fingerprint().hex();
    text.push('\n');
    text.push_str(path);
    Fingerprint::of(text.as_bytes())
}

/// The places of a finding, gathered by file, in the order of their first place.
pub(super) fn by_file(
    finding: &Finding,
    name: impl Fn(&Location) -> String,
) -> Vec<(String, Vec<&Location>)> {
    let mut files: Vec<(String, Vec<&Location>)> = Vec::new();
    for place in &finding.locations {
        let name = name(place);
        match files.iter_mut().find(|(known, _)| *known == name) {
            Some((_, places)) => places.push(place),
            None => files.push((name, vec![place])),
        }
    }
    files
}

/// Text that XML and HTML can hold: no control characters, no mark-up, none of the code points XML leaves out.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in printable(text).chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            _ => out.push(character),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_hostile_is_mark_up() {
        assert_eq!(escaped("<a b=\"'\">&\x00\u{ffff}"), "&lt;a b=&quot;&#39;&quot;&gt;&amp;\\u{0}\u{fffd}");
    }
}
