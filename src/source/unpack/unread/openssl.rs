//! What `openssl enc` writes with -salt, which is the default (openssl-enc(1)): `Salted__`, eight bytes of salt, and what is encrypted;
//! with -a all of it in base64.

/// Whether a file begins so.
pub(super) fn begins(head: &[u8]) -> bool {
    match head.strip_prefix(b"Salted__") {
        Some(rest) => rest.len() > 8 && !is_text(rest),
        None => is_base64(head),
    }
}

/// Whether bytes may be text: salt and what is encrypted are as good as random.
fn is_text(bytes: &[u8]) -> bool {
    let is_word = |text: &str| !text.chars().any(|char| char.is_control() && !char.is_whitespace());
    match std::str::from_utf8(bytes) {
        Ok(text) => is_word(text),
        // A character may be cut off.
        Err(error) => {
            error.error_len().is_none()
                && std::str::from_utf8(&bytes[..error.valid_up_to()]).is_ok_and(is_word)
        }
    }
}

/// `Salted__` in base64, and a salt behind it.
fn is_base64(head: &[u8]) -> bool {
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    head.starts_with(b"U2FsdGVkX1") && head.get(10..32).is_some_and(|salt| salt.iter().all(is_digit))
}
