//! The middle of the house: what sources hand over goes through the detector into the findings, and is counted.

mod labelled;
mod lines;
mod meter;
mod net;

pub use labelled::Labelled;
pub use meter::{Meter, Reading};
pub use net::Net;
