//! Errors of PostgreSQL as those of a ledger, each with what to do, and which of them pass.

use std::error::Error as _;

use postgres::error::SqlState;

use crate::ledger::error::LedgerError;

/// What can go wrong within a transaction.
#[derive(Debug)]
pub(super) enum PgError {
    /// What the server or the connection says.
    Postgres(postgres::Error),
    /// Another transaction was faster: this one has to begin anew.
    Raced,
    /// What is there is not what was written.
    Damaged(String),
    /// An error of the ledger that no repetition changes.
    Ledger(LedgerError),
}

pub(super) type PgResult<T> = Result<T, PgError>;

impl From<postgres::Error> for PgError {
    fn from(error: postgres::Error) -> Self {
        PgError::Postgres(error)
    }
}

impl From<LedgerError> for PgError {
    fn from(error: LedgerError) -> Self {
        PgError::Ledger(error)
    }
}

/// What a failure means for the transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Remedy {
    /// Begin it anew, at once.
    Again,
    /// Begin it anew on another connection, when there is one.
    Reconnect,
    /// Nothing: it fails.
    None,
}

impl PgError {
    /// What may help.
    pub(super) fn remedy(&self) -> Remedy {
        let error = match self {
            PgError::Postgres(error) => error,
            PgError::Raced => return Remedy::Again,
            PgError::Damaged(_) | PgError::Ledger(_) => return Remedy::None,
        };
        let Some(code) = error.code() else {
            // Of the client itself. A value that is not of the type that was asked for is no matter of the connection.
            let is_value = error.to_string().starts_with("error deserializing column");
            return if is_value { Remedy::None } else { Remedy::Reconnect };
        };
        match code.code() {
            // https://www.postgresql.org/docs/current/errcodes-appendix.html: serialization_failure, deadlock_detected.
            "40001" | "40P01" => Remedy::Again,
            // A server that became a standby, or was told to refuse writes: another one may be the primary by now;
            // too_many_connections, insufficient_resources; idle timeouts; a server that stops, starts or crashed.
            "25006" | "53300" | "25P03" | "57P01" | "57P02" | "57P03" | "57P05" => Remedy::Reconnect,
            // Connection exceptions, and what pgbouncer says when its server is away.
            code if code.starts_with("08") => Remedy::Reconnect,
            _ => Remedy::None,
        }
    }

    /// As one that says what to do.
    pub(super) fn into_ledger_error(self, ledger: &str) -> LedgerError {
        let ledger = ledger.to_owned();
        let error = match self {
            PgError::Postgres(error) => error,
            PgError::Raced => return LedgerError::Locked { ledger },
            PgError::Damaged(detail) => return LedgerError::Damaged { ledger, detail },
            PgError::Ledger(error) => return error,
        };
        let detail = detail(&error);
        let Some(code) = error.code() else {
            if detail.contains("password missing") || detail.contains("authentication") {
                return LedgerError::Denied { ledger, detail };
            }
            return LedgerError::Unreachable { ledger, detail };
        };
        match code.code() {
            // lock_not_available, deadlock_detected, serialization_failure.
            "55P03" | "40P01" | "40001" => LedgerError::Locked { ledger },
            // query_canceled: it took longer than it may.
            "57014" => LedgerError::Unreachable { ledger, detail },
            "25006" => LedgerError::ReadOnly { ledger },
            // disk_full, out_of_memory.
            "53100" | "53200" => LedgerError::Full { ledger },
            "58030" => LedgerError::Storage { ledger, detail },
            "XX001" | "XX002" => LedgerError::Damaged { ledger, detail },
            // undefined_table, invalid_schema_name.
            "42P01" | "3F000" => LedgerError::NotPrepared { ledger },
            "42501" => LedgerError::Denied { ledger, detail },
            code if code.starts_with("28") || code == SqlState::INVALID_CATALOG_NAME.code() => {
                LedgerError::Denied { ledger, detail }
            }
            code if code.starts_with("53")
                || code.starts_with("57P")
                || code.starts_with("08")
                || code == "25P03" =>
            {
                LedgerError::Unreachable { ledger, detail }
            }
            _ => LedgerError::Backend { ledger, detail },
        }
    }
}

/// What the server says, or what lies behind a failed connection, on one line.
fn detail(error: &postgres::Error) -> String {
    if let Some(error) = error.as_db_error() {
        return error.message().to_owned();
    }
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

/// An error of the client as a text.
pub(super) fn text_of(error: &postgres::Error) -> String {
    detail(error)
}
