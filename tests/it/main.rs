//! The real binary on real files: one test binary, so that it links once.

mod action;
mod answers;
mod configuration;
mod contract;
mod damage;
mod docs;
mod git;
mod history;
mod hook;
mod killswitch;
mod manual;
mod own;
mod quota;
mod reach;
mod reports;
mod revoke;
mod support;
mod suppress;
mod sweep;
mod terminal;
mod tls;
mod trail;
