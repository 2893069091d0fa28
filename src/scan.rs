//! Between sources and findings: what sources hand over is run through the detector, gathered and counted.

mod blob_start;
mod collector;
mod git_data;
mod line_ends;
mod line_index;
mod lines;
mod parts;
mod windows;
mod with_root;

pub use collector::Collector;
pub use with_root::WithRoot;
