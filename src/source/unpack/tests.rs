//! Every container, written here and read back: whole, nested, cut off, and hostile.

mod bombs;
mod damaged;
mod disk_images;
mod disks;
mod fair;
mod gaps;
mod nested;
mod odd_tar;
mod odd_zip;
mod ordinary;
mod pack;
mod squashfs;
mod squashfs_image;
mod support;
