//! A text that is said to be a token, judged by itself: nothing is around it, and nothing of it is left over.

use super::classify::{classify_proven, classify_unproven};
use crate::finding::Confidence;
use crate::rule;
use crate::token::{Kind, Token};

/// What a text is that is said to be a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judged {
    /// Its kind.
    pub kind: Kind,
    /// How sure that is.
    pub confidence: Confidence,
    /// Why it is no surer; empty where certain.
    pub reason: &'static str,
}

/// Judges a text; none where no built-in rule takes the whole of it.
pub fn judge(text: &[u8]) -> Option<Judged> {
    rule::built_in().iter().filter(|rule| text.starts_with(rule.prefix.as_bytes())).find_map(|rule| {
        let text = text.get(..text.len().min(rule.longest + 1))?;
        let whole = |len: usize| len == text.len();
        let proven = classify_proven(rule, text).filter(|found| whole(found.len));
        let found =
            proven.or_else(|| classify_unproven(rule, text, None).filter(|found| whole(found.len)))?;
        Some(Judged { kind: rule.kind, confidence: found.confidence, reason: found.reason })
    })
}

/// Judges a token that somebody else sealed: what it is said to be may be wrong.
#[expect(clippy::disallowed_methods, reason = "a token that others sealed is proven before it is sent")]
pub fn judge_token(token: &Token) -> Option<Judged> {
    judge(token.reveal().as_bytes()).filter(|judged| judged.kind == token.kind())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checksum::crc32_base62;

    fn minted(prefix: &str) -> String {
        let body = "aB3dE5gH7jK9mN1pQ3rS5tU7vW9xY1";
        format!("{prefix}{body}{}", String::from_utf8_lossy(&crc32_base62(body.as_bytes())))
    }

    #[test]
    fn a_token_is_judged_by_all_of_it() {
        let token = minted("ghp_");
        let judged = judge(token.as_bytes()).expect("a token");
        assert_eq!((judged.kind, judged.confidence), (Kind::pat(), Confidence::Certain));
        let mut wrong = token.clone();
        wrong.replace_range(4..5, "b");
        assert_eq!(judge(wrong.as_bytes()).map(|judged| judged.confidence), Some(Confidence::Lookalike));
        for text in [format!(" {token}"), format!("{token}\n"), format!("{token} {token}"), String::new()] {
            assert_eq!(judge(text.as_bytes()), None, "{} bytes", text.len());
        }
        assert_eq!(judge(b"hunter2"), None);
        // A longer one cannot be tested, and says so.
        let longer = judge(format!("{token}zZ9").as_bytes()).expect("the shape of one");
        assert_eq!(longer.confidence, Confidence::Likely);
        assert!(!longer.reason.is_empty());
        assert_eq!(judge([token.as_str(), &"a1B".repeat(10_000)].concat().as_bytes()), None);
    }

    #[test]
    fn a_sealed_token_of_another_kind_than_it_is_said_to_be_is_none() {
        let text = minted("gho_");
        let of = |kind| judge_token(&Token::new(kind, text.as_bytes())).map(|judged| judged.kind);
        assert_eq!(of(rule::kind("github-oauth").expect("a rule")), rule::kind("github-oauth"));
        assert_eq!(of(Kind::pat()), None);
    }
}
