//! Passwords and bearer tokens that are kept in files.

use std::path::Path;

use super::address::Secret;
use super::seal::{KeyFileError, KeyTextError, read_private_text};

impl Secret {
    /// The secret in a file that nobody else can read: its text, without blanks and line ends around it.
    ///
    /// # Errors
    /// A [`KeyFileError`] that says why there is none.
    pub fn read(path: &Path) -> Result<Self, KeyFileError> {
        let text = read_private_text(path)?;
        match text.trim() {
            "" => Err(KeyFileError::Content { path: path.into(), problem: KeyTextError::Empty }),
            secret => Ok(Secret::new(secret)),
        }
    }
}
