//! Repositories made by the installed git, and scanned.

mod by_id;
mod copies;
mod damage;
mod locations;
mod random;
mod range;
mod repos;
mod staged;
mod support;
