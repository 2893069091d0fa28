//! What the tests stand on: a mint for tokens, a GitHub on loopback, a home without a machine around it.

pub mod cmd;
pub mod github;
pub mod http;
pub mod mint;
