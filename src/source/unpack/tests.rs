//! Every container, written here and read back: whole, nested, cut off, and hostile.

mod behind;
mod bombs;
mod compressors;
mod damaged;
mod fair;
mod gaps;
mod nested;
mod odd_tar;
mod odd_zip;
mod ordinary;
mod pack;
mod pack_rare;
mod seen_as_bytes;
mod support;
