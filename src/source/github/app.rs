//! A GitHub App as the credential: it signs for itself with its private key, and is given a token for an hour.
//!
//! <https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/authenticating-as-a-github-app-installation>

mod error;
mod key;
mod minted;
mod signed;
#[cfg(test)]
mod tests;

pub use error::AppError;
pub use minted::{AppCredential, AppOptions, Installation};
