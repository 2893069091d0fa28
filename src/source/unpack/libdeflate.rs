//! The only code that is not checked by the compiler: a deflate stream that is wholly in memory, inflated at once by libdeflate.
//!
//! It takes two thirds of the time that zlib takes for a small stream (`zip of 10,000` and `10,000 gzip files` of
//! `benches/containers.rs`), and most compressed files are small. The safe wrapper, `libdeflater`, does not return where the
//! stream ends; what is behind it must be scanned.
#![expect(unsafe_code, reason = "calls into C, each with its proof")]

use std::cell::RefCell;
use std::ptr::NonNull;

use libdeflate_sys::{
    libdeflate_alloc_decompressor, libdeflate_decompressor, libdeflate_deflate_decompress_ex,
    libdeflate_free_decompressor, libdeflate_result_LIBDEFLATE_SUCCESS,
};

thread_local! {
    /// One a thread; none where there was no memory for it.
    static INFLATER: RefCell<Option<Inflater>> = RefCell::new(Inflater::new());
}

/// Inflates the stream that begins `input`, if it is whole and fits into `output`: how many bytes it has, and how many came
/// out. `output` holds anything where it does not.
pub(super) fn inflate(input: &[u8], output: &mut [u8]) -> Option<(usize, usize)> {
    INFLATER.with_borrow_mut(|inflater| inflater.as_mut()?.inflate(input, output))
}

/// Owns what it points to, which nothing else does.
struct Inflater(NonNull<libdeflate_decompressor>);

impl Inflater {
    fn new() -> Option<Self> {
        // SAFETY: takes nothing. What is returned is null, or belongs to the caller until it is freed.
        NonNull::new(unsafe { libdeflate_alloc_decompressor() }).map(Inflater)
    }

    fn inflate(&mut self, input: &[u8], output: &mut [u8]) -> Option<(usize, usize)> {
        let (mut consumed, mut produced) = (0, 0);
        // SAFETY: the decompressor was allocated in `new` and is freed in `drop` only, and `&mut self` keeps any other call off it.
        // Pointers and lengths are those of two slices, the one written to being borrowed mutably, so they are valid and do
        // not overlap; libdeflate reads and writes within these lengths only (libdeflate.h). The last two pointers are to
        // locals.
        let result = unsafe {
            libdeflate_deflate_decompress_ex(
                self.0.as_ptr(),
                input.as_ptr().cast(),
                input.len(),
                output.as_mut_ptr().cast(),
                output.len(),
                &raw mut consumed,
                &raw mut produced,
            )
        };
        (result == libdeflate_result_LIBDEFLATE_SUCCESS).then_some((consumed, produced))
    }
}

impl Drop for Inflater {
    fn drop(&mut self) {
        // SAFETY: allocated in `new`, not freed before, and not used after.
        unsafe { libdeflate_free_decompressor(self.0.as_ptr()) }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_stream_ends_where_it_ends() {
        let plain = b"what was packed, what was packed".repeat(50);
        let mut packed = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
        packed.write_all(&plain).expect("memory");
        let packed = packed.finish().expect("memory");
        let mut output = vec![0; 4096];
        for behind in [&b""[..], b"\0", b"behind it"] {
            let input = [&packed[..], behind].concat();
            assert_eq!(inflate(&input, &mut output), Some((packed.len(), plain.len())));
            assert_eq!(&output[..plain.len()], plain);
        }
        assert_eq!(inflate(&packed[..packed.len() - 1], &mut output), None, "it is cut off");
        assert_eq!(inflate(&packed, &mut output[..plain.len() - 1]), None, "there is no room");
        assert_eq!(inflate(&packed, &mut output[..plain.len()]), Some((packed.len(), plain.len())));
        assert_eq!(inflate(&[], &mut []), None);
    }
}
