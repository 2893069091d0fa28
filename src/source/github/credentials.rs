//! What authenticates: a token that stays the same, or one that is made anew before it expires.

use std::sync::Arc;

use super::api::ApiError;
use crate::token::{Fingerprint, Token};

/// Where the credential of a call comes from.
pub trait Credentials: Send + Sync {
    /// The token to show now; good for some minutes at least.
    fn token(&self) -> Result<Arc<Token>, ApiError>;

    /// The token is not taken any more. Returns whether another one may be: it is made when it is asked for.
    fn renew(&self) -> bool {
        false
    }

    /// Every token this has given out, by fingerprint: all of them are this machine's own, and never revoked.
    fn given_out(&self) -> Vec<Fingerprint>;
}

/// A token that stays the same as long as the run takes.
pub struct StaticCredential(Arc<Token>);

impl StaticCredential {
    /// Shows this token.
    pub fn new(token: Token) -> Self {
        StaticCredential(Arc::new(token))
    }
}

impl Credentials for StaticCredential {
    fn token(&self) -> Result<Arc<Token>, ApiError> {
        Ok(Arc::clone(&self.0))
    }

    fn given_out(&self) -> Vec<Fingerprint> {
        vec![self.0.fingerprint()]
    }
}
