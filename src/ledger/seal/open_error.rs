//! Why a sealed token does not open.

use crate::token::Fingerprint;

/// Why a sealed text does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// It, its row, its queue or the key was changed.
    #[error(
        "the sealed token of sha256 {0:?} cannot be opened, it is not what was sealed for this queue; scan again to queue it \
         anew"
    )]
    Changed(Fingerprint),
    /// It was sealed with another key.
    #[error(
        "the sealed token of sha256 {0:?} cannot be opened, it was sealed with another key; scan again to queue it anew"
    )]
    OtherKey(Fingerprint),
    /// Its format is not known here.
    #[error(
        "the sealed token of sha256 {0:?} cannot be opened, its format is not known to this version; update stanch, or scan \
         again to queue it anew"
    )]
    Version(Fingerprint),
}

impl OpenError {
    /// The token.
    pub fn fingerprint(&self) -> Fingerprint {
        match self {
            OpenError::Changed(token) | OpenError::OtherKey(token) | OpenError::Version(token) => *token,
        }
    }
}
