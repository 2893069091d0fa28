//! Repositories made by the installed git, and scanned.

mod by_id;
mod copies;
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
