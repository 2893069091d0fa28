//! The real binary on real files: one test binary, so that it links once.

mod contract;
mod own;
mod reach;
mod support;
mod sweep;
mod tls;
