//! What every capability's tests need.

pub(crate) mod cmd;
pub(crate) mod fixture;
pub(crate) mod github;
pub(crate) mod http;
pub(crate) mod mint;
pub(crate) mod raw;
pub(crate) mod row_mac;
pub(crate) mod script;
