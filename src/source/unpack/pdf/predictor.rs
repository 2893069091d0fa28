//! Predictors: rows of bytes as differences to the row above or to the byte in front (ISO 32000-1, 7.4.4.4).

use std::io::{self, Read};

use super::lexer::Value;

/// No row is longer in practice, in bytes.
const MAX_ROW: usize = 1024 * 1024;

/// How rows are made.
pub(super) struct Predictor {
    /// Whether each row begins with a byte that names its own filter (PNG's), or all are differences to the byte in front (TIFF's).
    png: bool,
    /// How many bytes a row has, and a pixel.
    row: usize,
    pixel: usize,
}

impl Predictor {
    /// That of the parameters of a filter; none where nothing is predicted, or in a way that no text is.
    pub(super) fn of(parameters: &Value) -> Option<Predictor> {
        let png = match parameters.number(b"Predictor")? {
            2 => false,
            10..=15 => true,
            _ => return None,
        };
        let number = |name: &[u8], default| usize::try_from(parameters.number(name).unwrap_or(default)).ok();
        let (colors, bits) = (number(b"Colors", 1)?, number(b"BitsPerComponent", 8)?);
        let pixel_bits = colors.checked_mul(bits)?;
        let row = number(b"Columns", 1)?.checked_mul(pixel_bits)?.div_ceil(8);
        // Differences of parts of bytes are a picture's.
        let fits = (1..=MAX_ROW).contains(&row) && (png || bits == 8);
        fits.then_some(Predictor { png, row, pixel: pixel_bits.div_ceil(8).max(1) })
    }
}

/// A reader of what was predicted.
pub(super) struct Predicted<'r> {
    reader: &'r mut dyn Read,
    predictor: &'r Predictor,
    /// The row now being read, and the one above it.
    row: Vec<u8>,
    above: Vec<u8>,
    given: usize,
}

impl<'r> Predicted<'r> {
    pub(super) fn new(reader: &'r mut dyn Read, predictor: &'r Predictor) -> Self {
        Predicted { reader, predictor, row: Vec::new(), above: vec![0; predictor.row], given: 0 }
    }

    /// Reads the next row; whether there is one.
    fn next_row(&mut self) -> io::Result<bool> {
        let &Predictor { png, row, pixel } = self.predictor;
        let mut kind = [0];
        if png && self.reader.read(&mut kind)? == 0 {
            return Ok(false);
        }
        if self.row.len() == row {
            std::mem::swap(&mut self.row, &mut self.above);
        }
        self.row.clear();
        self.given = 0;
        let outcome = (&mut *self.reader).take(row as u64).read_to_end(&mut self.row);
        let kind = if png { kind[0] } else { 1 };
        for at in 0..self.row.len() {
            let left = at.checked_sub(pixel);
            let before = left.and_then(|left| self.row.get(left)).copied().unwrap_or(0);
            let above = self.above.get(at).copied().unwrap_or(0);
            let corner = left.and_then(|left| self.above.get(left)).copied().unwrap_or(0);
            let predicted = match kind {
                1 => before,
                2 => above,
                3 => before.midpoint(above),
                4 => paeth(before, above, corner),
                _ => 0,
            };
            if let Some(byte) = self.row.get_mut(at) {
                *byte = byte.wrapping_add(predicted);
            }
        }
        match outcome {
            Err(error) if self.row.is_empty() => Err(error),
            _ => Ok(!self.row.is_empty()),
        }
    }
}

impl Read for Predicted<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.given == self.row.len() && !self.next_row()? {
            return Ok(0);
        }
        let ready = self.row.get(self.given..).unwrap_or_default();
        let len = ready.len().min(buf.len());
        buf[..len].copy_from_slice(&ready[..len]);
        self.given += len;
        Ok(len)
    }
}

/// The neighbour that is nearest to their sum (PNG specification, "Filter type 4: Paeth").
fn paeth(before: u8, above: u8, corner: u8) -> u8 {
    let [a, b, c] = [before, above, corner].map(i16::from);
    let sum = a + b - c;
    let [to_a, to_b, to_c] = [a, b, c].map(|value| (sum - value).abs());
    if to_a <= to_b && to_a <= to_c {
        before
    } else if to_b <= to_c {
        above
    } else {
        corner
    }
}
