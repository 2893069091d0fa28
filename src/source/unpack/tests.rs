//! Every container, written here and read back: whole, nested, cut off, and hostile.

mod bombs;
mod damaged;
mod fair;
mod gaps;
mod git;
mod git_writers;
mod nested;
mod odd_tar;
mod odd_zip;
mod ordinary;
mod pack;
mod support;
