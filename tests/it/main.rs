//! The real binary on real files: one test binary, so that it links once.

mod action;
mod answers;
mod audit;
mod cases;
mod configuration;
mod contract;
mod damage;
mod docs;
mod generate;
mod git;
mod history;
mod hook;
mod kill_switch;
mod local_credentials;
mod plan;
mod provider;
mod quota;
mod reference;
mod reports;
mod revoke;
mod revoke_hosts;
mod scan;
mod support;
mod suppress;
mod terminal;
mod tls;
