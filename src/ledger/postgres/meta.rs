//! What a ledger says of itself: a few values by name.

use super::db::{Db, typed};
use super::error::PgResult;

/// What the ledger says of itself.
pub(super) fn meta(db: &mut Db<'_>, name: &str) -> PgResult<Option<String>> {
    let found = db.row("SELECT value FROM stanch.meta WHERE name = $1", typed![name => TEXT])?;
    found.map(|row| Ok(row.try_get(0)?)).transpose()
}

/// Changes one of these values.
pub(super) fn set(db: &mut Db<'_>, name: &str, value: &str) -> PgResult<()> {
    let set =
        "INSERT INTO stanch.meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = $2";
    db.execute(set, typed![name => TEXT, value => TEXT]).map(drop)
}
