//! Every container, written here and read back: whole, nested, cut off, and hostile.

mod bombs;
mod each;
mod nested;
mod odd_tar;
mod odd_zip;
mod pack;
mod support;
mod torn;
