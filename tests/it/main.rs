//! The real binary on real files: one test binary, so that it links once.

mod action;
mod answers;
mod client;
mod configuration;
mod contract;
mod damage;
mod docs;
mod git;
mod history;
mod hook;
mod killswitch;
mod local_credentials;
mod manual;
mod quota;
mod reports;
mod revoke;
mod silence;
mod support;
mod sweep;
mod terminal;
mod tls;
mod trail;
