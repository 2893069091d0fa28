//! The only type that holds a secret, and the two forms of one that may be shown: its fingerprint and its redacted form.

mod fingerprint;
mod kind;

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};

pub use fingerprint::{BadHash, Fingerprint, HashPrefix};
pub use kind::{Kind, KindInfo, RevokedBy};

/// A token: the one type that holds a secret.
///
/// It cannot be cloned or serialized, `Debug` and `Display` redact, and the text is wiped when it is dropped.
pub struct Token {
    kind: Kind,
    fingerprint: Fingerprint,
    text: Text,
}

/// What is known of a token's text.
enum Text {
    Whole(SecretString),
    /// As a report printed it.
    Redacted(Box<str>),
}

impl Token {
    /// Takes a token's text; bytes that are not UTF-8 (only a custom rule can match such) are replaced.
    pub fn new(kind: Kind, text: &[u8]) -> Self {
        Token {
            kind,
            fingerprint: Fingerprint::of(text),
            text: Text::Whole(SecretString::from(String::from_utf8_lossy(text).into_owned())),
        }
    }

    /// A token that a report tells of, which has its redacted form only: nothing can be done with it but to report it again.
    pub fn reported(kind: Kind, fingerprint: Fingerprint, redacted: &str) -> Self {
        Token { kind, fingerprint, text: Text::Redacted(redacted.into()) }
    }

    /// What kind of token this is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The SHA-256 of the token.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// The prefix and the last six characters, the middle left out.
    #[expect(clippy::disallowed_methods, reason = "what leaves this function is redacted")]
    pub fn redacted(&self) -> String {
        match &self.text {
            Text::Whole(text) => redact(self.kind, text.expose_secret()),
            Text::Redacted(text) => text.to_string(),
        }
    }

    /// The secret itself; the redacted form of one that a report told of. Linted: every caller has to say why it may.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one reader of the secret, itself disallowed elsewhere"
    )]
    pub fn reveal(&self) -> &str {
        match &self.text {
            Text::Whole(text) => text.expose_secret(),
            Text::Redacted(text) => text,
        }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({:?}, {:?})", self.kind, self.fingerprint)
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.redacted())
    }
}

/// The public form of a token: `ghp_…0mLq17`. A short secret of a custom rule shows nothing of itself.
fn redact(kind: Kind, text: &str) -> String {
    let prefix = kind.prefix();
    if text.len() < prefix.len() + 16 || !text.is_ascii() {
        return format!("{prefix}…");
    }
    let tail = if kind == Kind::OTHER { 3 } else { 6 };
    format!("{prefix}…{}", &text[text.len() - tail..])
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACEHOLDER: &str = "ghp_16C7e42F292c6912E7710c838347Ae178B4a";

    #[test]
    fn debug_and_display_redact() {
        let token = Token::new(Kind::pat(), PLACEHOLDER.as_bytes());
        assert_eq!(token.to_string(), "ghp_…178B4a");
        assert!(!format!("{token:?}").contains("178B4a"));
    }

    #[test]
    fn a_reported_token_is_what_the_report_says() {
        let token = Token::new(Kind::pat(), PLACEHOLDER.as_bytes());
        let again = Token::reported(token.kind(), token.fingerprint(), &token.redacted());
        assert_eq!(again.redacted(), token.redacted());
        assert_eq!(again.fingerprint(), token.fingerprint());
        assert!(!format!("{again:?}").contains("178B4a"));
    }

    #[test]
    fn short_secrets_show_nothing() {
        assert_eq!(Token::new(Kind::OTHER, b"hunter2").to_string(), "…");
    }
}
