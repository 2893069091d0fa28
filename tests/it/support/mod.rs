//! What every capability's tests need.

pub mod cmd;
pub mod mint;
