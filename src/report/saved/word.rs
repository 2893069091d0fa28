//! Words that the program itself knows as constants, read back from a report.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

/// The same word as one that lives as long as the program: reasons, encodings and formats are constants where they are found.
/// There are a few dozen of them, and no more than a report has, so that keeping them costs nothing.
pub(super) fn interned(word: &str) -> &'static str {
    static WORDS: Mutex<Option<HashSet<&'static str>>> = Mutex::new(None);
    if word.is_empty() {
        return "";
    }
    let mut words = WORDS.lock().unwrap_or_else(PoisonError::into_inner);
    let words = words.get_or_insert_default();
    if let Some(known) = words.get(word) {
        return known;
    }
    let kept: &'static str = Box::leak(word.into());
    words.insert(kept);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_kept_once() {
        let (one, again) = (interned("base64"), interned("base64"));
        assert!(std::ptr::eq(one, again));
        assert_eq!((interned("hex"), interned("")), ("hex", ""));
    }
}
