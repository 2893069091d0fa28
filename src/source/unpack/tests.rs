//! Every container, written here and read back: whole, nested, cut off, and hostile.

#![allow(
    clippy::format_collect,
    clippy::format_push_string,
    clippy::type_complexity,
    clippy::similar_names,
    reason = "examples are written out, one a line"
)]

mod behind;
mod bombs;
mod carved;

mod as_they_are;
mod asars;
mod browser_caches;
mod cabs;
mod compound;
mod cpios;

mod compressors;
mod damaged;
mod disk_images;
mod disks;
mod fair;
mod gaps;
mod git;

mod http;

mod leveldb;
mod mail;

mod git_writers;

mod isos;
mod nested;
mod odd_tar;
mod odd_zip;
mod ordinary;
mod pack;
mod pcap;
mod pdf;
mod pdf_encrypted;
mod pdf_fonts;
mod records;

mod pst;
mod sqlite;

mod pack_rare;
mod seen_as_bytes;

mod squashfs;
mod squashfs_image;
mod support;
mod tables;
