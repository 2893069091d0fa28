//! Reading a ledger's audit trail: all of it in order, and whether its hash chains hold. A ledger in a file has one chain, one that
//! machines share has one for each handle that wrote.

mod merge;
mod verify;

pub use self::merge::{export, export_since};
pub use self::verify::{TrailError, Verified, verify, verify_with};

use super::Ledger;
use super::error::LedgerError;

/// How many records are read at a time: a long export must not lock out those who write.
const TRAIL_PAGE: usize = 256;

/// Calls `visit` with every record of a chain behind number `after`, oldest first.
fn walk<E: From<LedgerError>>(
    ledger: &dyn Ledger,
    writer: &str,
    mut after: u64,
    mut visit: impl FnMut(&str) -> Result<(), E>,
) -> Result<(), E> {
    loop {
        let page = ledger.trail(writer, after, TRAIL_PAGE)?;
        for line in &page {
            visit(line)?;
            after += 1;
        }
        if page.len() < TRAIL_PAGE {
            return Ok(());
        }
    }
}
