//! Statements on a connection: unnamed ones with the types of their parameters, so that none has to be prepared and any
//! connection pool will do, one that hands out connections by the transaction (pgbouncer) too.

use postgres::types::{ToSql, Type};
use postgres::{Client, Row};

use super::error::PgResult;

/// A parameter with its type.
pub(super) type Param<'a> = (&'a (dyn ToSql + Sync), Type);

/// Parameters with their types: `typed![host => INT8, kinds => TEXT_ARRAY]`.
macro_rules! typed {
    ($($value:expr => $type:ident),* $(,)?) => {
        &[$((&$value as &(dyn postgres::types::ToSql + Sync), postgres::types::Type::$type)),*]
    };
}
pub(super) use typed;

/// A connection in a transaction.
pub(super) struct Db<'a> {
    client: &'a mut Client,
    /// Whether anything was changed in it.
    pub(super) changed: bool,
}

impl<'a> Db<'a> {
    pub(super) fn new(client: &'a mut Client) -> Self {
        Db { client, changed: false }
    }

    /// All rows of a query.
    pub(super) fn rows(&mut self, sql: &str, params: &[Param<'_>]) -> PgResult<Vec<Row>> {
        Ok(self.client.query_typed(sql, params)?)
    }

    /// The row of a query that has one at the most.
    pub(super) fn row(&mut self, sql: &str, params: &[Param<'_>]) -> PgResult<Option<Row>> {
        Ok(self.client.query_typed_opt(sql, params)?)
    }

    /// The one number of a query that has a row in any case.
    pub(super) fn number(&mut self, sql: &str, params: &[Param<'_>]) -> PgResult<i64> {
        Ok(self.client.query_typed_one(sql, params)?.try_get(0)?)
    }

    /// Changes something; returns how many rows.
    pub(super) fn execute(&mut self, sql: &str, params: &[Param<'_>]) -> PgResult<u64> {
        self.changed = true;
        Ok(self.client.execute_typed(sql, params)?)
    }

    /// Changes something, and returns the rows it is told.
    pub(super) fn returning(&mut self, sql: &str, params: &[Param<'_>]) -> PgResult<Vec<Row>> {
        self.changed = true;
        self.rows(sql, params)
    }
}

/// A count or a number of the ledger as the database has it.
pub(super) fn int<N: TryInto<i64>>(number: N) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

/// The same, back.
pub(super) fn uint(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}
