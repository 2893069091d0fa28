//! One binary for all integration tests: it links once, and what they share is never unused.

mod contract;
mod own;
mod reach;
mod support;
