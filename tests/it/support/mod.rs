//! What every capability's tests need.

pub(crate) mod cmd;
pub(crate) mod fixture;
pub(crate) mod github;
#[cfg(unix)]
pub(crate) mod github_source;
pub(crate) mod http;
#[cfg(unix)]
pub(crate) mod intake;
pub(crate) mod mint;
#[cfg(unix)]
#[path = "../../support/pg_proxy.rs"]
pub(crate) mod pg_proxy;
#[cfg(unix)]
#[path = "../../support/postgres.rs"]
#[allow(dead_code, reason = "the library's tests use the rest")]
pub(crate) mod postgres;
pub(crate) mod raw;
pub(crate) mod row_mac;
pub(crate) mod script;
pub(crate) mod scripted_intake;
