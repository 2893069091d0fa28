//! Every container, written here and read back: whole, nested, cut off, and hostile.

mod as_they_are;
mod asars;
mod bombs;
mod cabs;
mod compound;
mod cpios;
mod damaged;
mod fair;
mod gaps;
mod isos;
mod nested;
mod odd_tar;
mod odd_zip;
mod ordinary;
mod pack;
mod support;
