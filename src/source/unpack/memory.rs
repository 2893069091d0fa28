//! The memory that decoders and buffers of one file hold, counted against the limit; much of it only with a permit.

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::sync::Arc;

use super::semaphore::{Permit, Semaphore};

/// Bytes that any file may hold without a permit.
pub(super) const WITHOUT_PERMIT: u64 = 10 * 1024 * 1024;

/// What one file of a source holds.
pub(super) struct Memory {
    held: Cell<u64>,
    most: u64,
    semaphore: Arc<Semaphore>,
    permit: RefCell<Option<Permit>>,
}

impl Memory {
    /// Room for `most` bytes.
    pub(super) fn new(most: u64, semaphore: &Arc<Semaphore>) -> Rc<Self> {
        let semaphore = Arc::clone(semaphore);
        Rc::new(Memory { held: Cell::new(0), most, semaphore, permit: RefCell::new(None) })
    }

    /// How much may still be reserved.
    pub(super) fn left(&self) -> u64 {
        self.most.saturating_sub(self.held.get())
    }

    /// Reserves memory, waiting for other files where it is much. An error of kind `OutOfMemory` where the limit is
    /// less than that.
    pub(super) fn reserve(self: &Rc<Self>, bytes: u64) -> io::Result<Reservation> {
        let mut reservation = Reservation { memory: Rc::clone(self), bytes: 0 };
        reservation.grow_to(bytes)?;
        Ok(reservation)
    }
}

/// Memory that was reserved; given back when dropped.
pub(super) struct Reservation {
    memory: Rc<Memory>,
    bytes: u64,
}

impl Reservation {
    /// Reserves more, where this is less than `bytes`.
    pub(super) fn grow_to(&mut self, bytes: u64) -> io::Result<()> {
        if bytes <= self.bytes {
            return Ok(());
        }
        let memory = &*self.memory;
        let held = memory.held.get().saturating_add(bytes - self.bytes);
        if held > memory.most {
            return Err(io::Error::new(
                io::ErrorKind::OutOfMemory,
                format!("needs {bytes} bytes of memory to be unpacked"),
            ));
        }
        if held > WITHOUT_PERMIT && memory.permit.borrow().is_none() {
            let permit = memory.semaphore.acquire();
            *memory.permit.borrow_mut() = Some(permit);
        }
        memory.held.set(held);
        self.bytes = bytes;
        Ok(())
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.memory.held.set(self.memory.held.get() - self.bytes);
    }
}

/// How many bytes of a window are reserved at a time.
const STEP: u64 = 1024 * 1024;

/// The window of a decoder: how far back it refers. A header may declare a gigabyte for a few bytes (`zstd --long=30`), and
/// the decoders touch no more of it than they have filled: so only that is reserved.
pub(super) struct Window {
    reservation: Reservation,
    declared: u64,
    overhead: u64,
}

impl Window {
    /// A window of so many bytes, of a decoder that needs `overhead` beside it.
    pub(super) fn new(memory: &Rc<Memory>, declared: u64, overhead: u64) -> io::Result<Self> {
        let reservation = memory.reserve(declared.min(STEP).saturating_add(overhead))?;
        Ok(Window { reservation, declared, overhead })
    }

    /// Reserves what the decoder holds once `out` bytes came out of it.
    pub(super) fn fill(&mut self, out: u64) -> io::Result<()> {
        let filled = out.checked_next_multiple_of(STEP).unwrap_or(out).min(self.declared);
        self.reservation.grow_to(filled.saturating_add(self.overhead))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1024 * 1024;

    #[test]
    fn a_window_takes_what_came_out_and_never_more_than_it_declares() {
        let memory = Memory::new(64 * MIB, &Arc::new(Semaphore::new()));
        let mut wide = Window::new(&memory, 1 << 30, MIB).expect("little");
        assert_eq!(memory.held.get(), 2 * MIB);
        wide.fill(20 * MIB + 1).expect("enough");
        assert_eq!(memory.held.get(), 22 * MIB);
        let mut small = Window::new(&memory, 4 * MIB, 0).expect("little");
        small.fill(1 << 40).expect("no more than declared");
        assert_eq!(memory.held.get(), 26 * MIB);
        assert_eq!(wide.fill(60 * MIB).map_err(|error| error.kind()), Err(io::ErrorKind::OutOfMemory));
        drop(wide);
        assert_eq!(memory.held.get(), 4 * MIB);
    }
}
