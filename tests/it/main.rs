//! The real binary on real files: one test binary, so that it links once.

mod configuration;
mod contract;
mod manual;
mod own;
mod reach;
mod reports;
mod silence;
mod support;
mod sweep;
mod tls;
