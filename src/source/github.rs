//! GitHub as a source: the repositories, wikis and gists of organizations and users, what was deleted there, logs and
//! artifacts of Actions, and alerts of secret scanning.
//!
//! What it looks at is listed by the REST API ([`Api`]), and fetched by the system's `git`. The credential is shown to the
//! API and to `git` only: never to where a download is redirected.

mod account;
mod actions;
mod advice;
mod alert_ref;
mod alerts;
mod api;
mod app;
mod archive;
mod artifacts;
mod credentials;
mod deleted;
mod disk_budget;
mod enterprise;
mod links;
mod listed;
mod listing;
mod logins;
mod logs;
mod mirror;
mod names;
mod numbered;
mod resolve;
mod runs;
mod tally;
mod target;
#[cfg(test)]
mod testing;

pub use actions::Actions;
pub use alert_ref::AlertRef;
pub use alerts::{Alerts, AlertsRead};
pub use api::{Api, ApiError, ApiOptions, Counts, Download, PageStore, Refusal, Wait, WaitReason, Watch};
pub use app::{AppCredential, AppError, AppOptions, Installation};
pub use archive::Spool;
pub use artifacts::ArtifactsRead;
pub use credentials::{Credentials, StaticCredential};
pub use deleted::{Deleted, deleted};
pub use disk_budget::{DiskBudget, Reservation};
pub use links::{Links, web_base};
pub use listed::{AlertScope, Gist, Listed, Repository};
pub use listing::{Listing, ListingOptions};
pub use logins::Logins;
pub use mirror::{
    BadUrl, CloneUrl, Git, GitError, GitOptions, Limits, Mirror, MirrorPlace, MirrorRefs, Remote,
};
pub use names::RepositoryName;
pub use resolve::{Resolved, resolution_comment, resolve};
pub use tally::SurfaceRead;
pub use target::{BadTarget, Target};
