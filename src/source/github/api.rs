//! GitHub's REST API, as a source asks it: always with the credential, within its limits, page by page.

mod backwards;
mod calls;
mod client;
mod download;
mod error;
mod exchange;
mod limiter;
mod link;
mod page_store;
mod pages;
mod quota;
mod refused;
mod row;
#[cfg(test)]
mod tests;
mod wait;

pub use client::{Api, ApiOptions, Counts};
pub use download::Download;
pub use error::{ApiError, Refusal};
pub use page_store::PageStore;
pub(super) use row::Row;
pub use wait::{Wait, WaitReason, Watch};
