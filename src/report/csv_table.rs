//! Rows of CSV (RFC 4180), each cell safe to open in a spreadsheet.

use std::io::{self, Write};

use crate::text::spreadsheet_cell;

/// A table that is written row by row.
pub struct CsvTable<W: Write>(::csv::Writer<W>);

impl<W: Write> CsvTable<W> {
    /// Begins with the names of the columns.
    pub fn new(out: W, header: &[&str]) -> io::Result<Self> {
        let mut table = ::csv::Writer::from_writer(out);
        table.write_record(header)?;
        Ok(CsvTable(table))
    }

    /// Writes a row.
    pub fn row<'a>(&mut self, cells: impl IntoIterator<Item = &'a String>) -> io::Result<()> {
        let cells = cells.into_iter().map(|cell| spreadsheet_cell(cell).into_owned());
        Ok(self.0.write_record(cells)?)
    }

    /// Writes what is not yet written.
    pub fn finish(mut self) -> io::Result<()> {
        self.0.flush()
    }
}
