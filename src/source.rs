//! A place on this machine, and the sources in it.

pub mod git;
