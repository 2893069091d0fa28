//! Repositories made by the real git, scanned here.

mod hiding;
mod naive;
mod support;
