//! The real binary on real files: one test binary, so that it links once.

mod answers;
mod contract;
mod damage;
mod killswitch;
mod own;
mod quota;
mod reach;
mod revoke;
mod support;
mod sweep;
mod terminal;
mod tls;
mod trail;
