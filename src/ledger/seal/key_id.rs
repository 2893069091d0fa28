//! Which key something was sealed to.

use std::fmt;

/// The length of a key's id, in bytes.
pub(super) const KEY_ID_LEN: usize = 8;

/// Which of its keys something was sealed to: a hash of the key, which reveals nothing of it. Shown in hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; KEY_ID_LEN]);

impl KeyId {
    /// The id of these bytes, as a ledger keeps it.
    pub fn new(bytes: [u8; KEY_ID_LEN]) -> Self {
        KeyId(bytes)
    }

    /// The beginning of a hash.
    pub(super) fn of_digest(digest: &[u8; 32]) -> Self {
        let mut id = [0; KEY_ID_LEN];
        id.copy_from_slice(&digest[..KEY_ID_LEN]);
        KeyId(id)
    }

    /// Its bytes, for a ledger to keep.
    pub fn bytes(&self) -> [u8; KEY_ID_LEN] {
        self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_shown_in_hexadecimal() {
        let id = KeyId::new([0, 1, 0xab, 0xff, 4, 5, 6, 7]);
        assert_eq!(
            (id.to_string(), format!("{id:?}")),
            ("0001abff04050607".into(), "KeyId(0001abff04050607)".into())
        );
    }
}
