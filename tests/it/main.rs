//! The real binary on real files: one test binary, so that it links once.

mod action;
mod answers;
mod cases;
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
mod reference;
mod reports;
mod revoke;
mod revoke_hosts;
mod support;
mod suppress;
mod sweep;
mod terminal;
mod tls;
mod trail;
