//! The middle of the house: what sources hand over goes through the detector into the findings, and is counted.

mod collector;
mod lines;
mod with_root;

pub use collector::Collector;
pub use with_root::WithRoot;
