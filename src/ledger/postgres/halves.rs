//! The halves of batches that were invalid, or failed.

use super::db::{Db, int, typed};
use super::error::{PgError, PgResult};
use crate::ledger::bisect::Group;

/// The group that a group is a half of a batch with.
pub(super) fn sibling(db: &mut Db<'_>, group: Group) -> PgResult<Option<i64>> {
    let found =
        db.row("SELECT sibling FROM stanch.bisect_group WHERE id = $1", typed![int(group) => INT8])?;
    found.map_or(Ok(None), |row| Ok(row.try_get(0)?))
}

/// An invalid token was found in this group: whether its sibling holds one, too, is not known any more.
pub(super) fn unlink_sibling(db: &mut Db<'_>, group: Group) -> PgResult<()> {
    if group == 0 {
        return Ok(());
    }
    let unlink = "UPDATE stanch.bisect_group SET sibling = NULL WHERE sibling = $1";
    db.execute(unlink, typed![int(group) => INT8]).map(drop)
}

/// Splits tokens into two groups, each the other's sibling.
pub(super) fn halve(db: &mut Db<'_>, tokens: &[i64]) -> PgResult<()> {
    let mut insert = |sibling: Option<i64>| -> PgResult<i64> {
        let made = db.returning(
            "INSERT INTO stanch.bisect_group (sibling) VALUES ($1) RETURNING id",
            typed![sibling => INT8],
        )?;
        Ok(made.first().ok_or(PgError::Raced)?.try_get(0)?)
    };
    let one = insert(None)?;
    let two = insert(Some(one))?;
    let link = "UPDATE stanch.bisect_group SET sibling = $2 WHERE id = $1";
    db.execute(link, typed![one => INT8, two => INT8])?;
    let (left, right) = tokens.split_at(tokens.len() / 2);
    for (half, group) in [(left, one), (right, two)] {
        let set = "UPDATE stanch.token SET bisect_group = $2 WHERE id = ANY($1)";
        db.execute(set, typed![half => INT8_ARRAY, group => INT8])?;
    }
    Ok(())
}
