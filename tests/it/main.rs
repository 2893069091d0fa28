//! The real binary on real files: one test binary, so that it links once.

mod action;
mod allow;
mod answers;
mod audit;
mod cases;
mod closed_pipe;
mod configuration;
mod containers;
mod contract;
mod crafted_trees;
mod damage;
mod deploy;
mod docs;
#[cfg(unix)]
mod fleet;
mod generate;
mod git;
mod git_inside;
#[cfg(unix)]
mod github;
#[cfg(unix)]
mod github_scripted;
mod growth;
mod history;
mod homes;
mod hook;
mod hook_called;
mod hook_files;
mod hook_kept;
mod hook_managers;
mod hook_merge;
#[cfg(unix)]
mod install;
mod kill_switch;
#[cfg(unix)]
mod kills;
mod ledger;
#[cfg(unix)]
mod ledger_copy;
mod lfs;
mod local_credentials;
mod messages;
mod outage;
#[cfg(unix)]
mod pg_proxy;
mod plan;
#[cfg(unix)]
mod postgres;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod power_cut;
mod provider;
mod push;
mod queue;
mod quota;
mod reference;
mod reports;
#[cfg(unix)]
mod repositories;
mod revoke;
mod revoke_hosts;
mod runner;
#[cfg(unix)]
mod runner_serve;
mod scan;
#[cfg(unix)]
mod serve;
mod shallow;
#[cfg(unix)]
mod shards;
mod shared_queue;
mod signal;
mod status;
mod support;
mod suppress;
mod terminal;
mod tls;
mod unsuppressed;
mod wire;
