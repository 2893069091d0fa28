//! The real binary on real files: one test binary, so that it links once.

mod support;
mod sweep;
