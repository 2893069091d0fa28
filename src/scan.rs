//! The middle of the house: what sources hand over goes through the detector into the findings, and is counted.

mod meter;

pub use meter::Meter;
