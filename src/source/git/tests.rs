//! Repositories made by the real git, scanned here.

mod damage;
mod hiding;
mod naive;
mod range;
mod repos;
mod staged;
mod support;
