//! What every capability's tests need.

pub mod cmd;
pub mod front;
pub mod github;
pub mod http;
pub mod mint;
pub mod script;
