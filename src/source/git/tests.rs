//! Repositories made by the installed git, and scanned.

mod by_id;
mod copies;
mod crafted_deltas;
mod damage;
mod locations;
mod nested;
mod random;
mod range;
mod reflogs;
mod repos;
mod rev_list;
mod shallow;
mod staged;
mod support;
