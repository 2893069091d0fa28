//! The bytes of tokens on their way into a request.
//!
//! Whatever a token is copied into here wipes itself; the buffers of TLS behind it do not.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use reqwest::header::HeaderValue;
use zeroize::Zeroizing;

use crate::token::Token;

#[expect(
    clippy::disallowed_methods,
    reason = "the one door: a token leaves for the API it is to be revoked at"
)]
fn text_of(token: &Token) -> &str {
    token.reveal()
}

/// `{"field":["…"]}`, in a buffer that never grows (growing leaves a copy behind) and wipes itself.
pub(super) fn json_list(field: &str, tokens: &[Token]) -> Bytes {
    // At worst each byte becomes `\u00xx` (RFC 8259, section 7); then the quotes and the comma.
    let size: usize = tokens.iter().map(|token| text_of(token).len() * 6 + 3).sum();
    let mut body = Zeroizing::new(Vec::with_capacity(size + field.len() * 6 + 16));
    body.push(b'{');
    // Writing a text to a Vec cannot fail.
    let _ = serde_json::to_writer(&mut *body, field);
    body.extend_from_slice(b":[");
    for (index, token) in tokens.iter().enumerate() {
        if index > 0 {
            body.push(b',');
        }
        let _ = serde_json::to_writer(&mut *body, text_of(token));
    }
    body.extend_from_slice(b"]}");
    Bytes::from_owner(body)
}

/// `Bearer TOKEN`, marked so that nobody prints it. `None` where no header can carry the token.
pub(super) fn bearer(token: &Token) -> Option<HeaderValue> {
    let text = text_of(token);
    let mut value = Zeroizing::new(Vec::with_capacity(text.len() + 7));
    value.extend_from_slice(b"Bearer ");
    value.extend_from_slice(text.as_bytes());
    let mut value = HeaderValue::from_maybe_shared(Bytes::from_owner(value)).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// What stands behind `Authorization: basic` (RFC 7617): `USER:TOKEN` in base64, in a buffer that wipes itself. For `git`, which
/// is given it by its environment. `None` where the user's name has a colon, at which it would end.
pub fn basic_credential(user: &str, token: &Token) -> Option<Zeroizing<String>> {
    if user.contains(':') {
        return None;
    }
    let text = text_of(token);
    let mut plain = Zeroizing::new(Vec::with_capacity(user.len() + 1 + text.len()));
    plain.extend_from_slice(user.as_bytes());
    plain.push(b':');
    plain.extend_from_slice(text.as_bytes());
    // Never grown, so that no copy is left in memory.
    let mut encoded = Zeroizing::new(String::with_capacity(plain.len().div_ceil(3) * 4));
    STANDARD.encode_string(&*plain, &mut encoded);
    Some(encoded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::Kind;

    #[test]
    fn the_body_is_json_and_does_not_outgrow_its_buffer() {
        let tokens: Vec<Token> = ["ghp_a", "quote\"back\\slash\u{1}", "\u{1f511}"]
            .map(|text| Token::new(Kind::OTHER, text.as_bytes()))
            .into_iter()
            .collect();
        let body: serde_json::Value = serde_json::from_slice(&json_list("credentials", &tokens)).unwrap();
        assert_eq!(
            body,
            serde_json::json!({"credentials": ["ghp_a", "quote\"back\\slash\u{1}", "\u{1f511}"]})
        );
    }

    #[test]
    fn the_header_hides_what_it_carries() {
        let value = bearer(&Token::new(Kind::OTHER, b"hunter2")).unwrap();
        assert_eq!(value.as_bytes(), b"Bearer hunter2");
        assert!(!format!("{value:?}").contains("hunter2"));
        assert!(bearer(&Token::new(Kind::OTHER, b"line\nbreak")).is_none());
    }

    #[test]
    fn a_basic_credential_is_what_the_rfc_has() {
        let of = |user| basic_credential(user, &Token::new(Kind::OTHER, b"open sesame"));
        assert_eq!(of("Aladdin").as_deref().map(String::as_str), Some("QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
        assert!(of("x:y").is_none());
    }
}
