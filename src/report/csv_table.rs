//! Rows of CSV (RFC 4180), each cell safe to open in a spreadsheet.

use std::io::{self, Write};

use crate::text::spreadsheet_cell;

/// A table that is written row by row.
pub struct CsvTable<W: Write>(::csv::Writer<W>);

impl<W: Write> CsvTable<W> {
    /// Begins with the names of the columns.
    pub fn new(out: W, header: &[&str]) -> io::Result<Self> {
        let mut table = ::csv::Writer::from_writer(out);
        table.write_record(header).map_err(io_error)?;
        Ok(CsvTable(table))
    }

    /// Writes a row.
    pub fn row<'a>(&mut self, cells: impl IntoIterator<Item = &'a String>) -> io::Result<()> {
        let cells = cells.into_iter().map(|cell| spreadsheet_cell(cell).into_owned());
        self.0.write_record(cells).map_err(io_error)
    }

    /// Writes what is not yet written.
    pub fn finish(mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// The writer's own error: that a pipe was closed must be told from other trouble, and the conversion that the crate offers
/// hides the kind.
fn io_error(error: ::csv::Error) -> io::Error {
    match error.into_kind() {
        ::csv::ErrorKind::Io(error) => error,
        kind => io::Error::other(format!("{kind:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pipe whose reader is gone.
    struct Closed;

    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_closed_pipe_is_known_as_one() {
        // More than the writer keeps before it writes.
        let cell = "x".repeat(100_000);
        let written = CsvTable::new(Closed, &["a"]).and_then(|mut table| table.row([&cell]));
        assert_eq!(written.map_err(|error| error.kind()), Err(io::ErrorKind::BrokenPipe));
    }
}
