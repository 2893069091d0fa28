//! What a snapshot has that neither the disk has now, nor the snapshot before it: all else was read there.

use std::io;

use super::super::pieces::{Data, Layout, Piece};
use super::super::random_access::RandomAccess;
use super::tables::Tables;

/// How much around a change is read, too, in bytes: a file that was deleted is only partly overwritten.
const AROUND: u64 = 1024 * 1024;

/// A snapshot, without what is read elsewhere.
pub(super) struct Changed {
    /// The snapshot itself.
    own: Tables,
    /// Those with which it is compared.
    others: [Tables; 2],
    /// Up to where nothing changes, as far as is known, and where the last change ended.
    same_until: u64,
    last_change: u64,
}

impl Changed {
    /// A snapshot, and those that were read before.
    pub(super) fn new([own, first, second]: [Tables; 3]) -> Self {
        Changed { own, others: [first, second], same_until: 0, last_change: 0 }
    }

    /// What the snapshot has at `offset`, and whether one of the others has the same there.
    fn compare(&mut self, file: &mut RandomAccess<'_>, offset: u64) -> io::Result<(Piece, bool)> {
        let mut piece = self.own.piece(file, offset)?;
        let mut same = matches!(piece.data, Data::Hole | Data::Missing(_));
        for other in &mut self.others {
            let theirs = other.piece(file, offset)?;
            if !same && theirs.data == piece.data {
                (same, piece.len) = (true, piece.len.min(theirs.len));
                break;
            }
            // They may be the same again behind that.
            if !matches!(piece.data, Data::Hole | Data::Missing(_)) {
                piece.len = piece.len.min(theirs.len);
            }
        }
        Ok((piece, same))
    }

    /// From `offset` on, how far nothing changes: no further than need be.
    fn find_change(&mut self, file: &mut RandomAccess<'_>, offset: u64) -> io::Result<u64> {
        let mut at = self.same_until.max(offset);
        while at < self.own.size() && at - offset <= 2 * AROUND {
            let (piece, same) = self.compare(file, at)?;
            if !same {
                break;
            }
            at += piece.len;
        }
        self.same_until = at;
        Ok(at)
    }
}

impl Layout for Changed {
    fn size(&self) -> u64 {
        self.own.size()
    }

    fn piece(&mut self, file: &mut RandomAccess<'_>, offset: u64) -> io::Result<Piece> {
        let (piece, same) = self.compare(file, offset)?;
        if !same {
            self.last_change = offset.saturating_add(piece.len);
            return Ok(piece);
        }
        let near_before = self.last_change > 0 && offset < self.last_change.saturating_add(AROUND);
        let change = self.find_change(file, offset)?;
        let near_behind = change < self.own.size() && change - offset <= AROUND;
        if near_before || near_behind {
            let until = if near_behind { change } else { self.last_change.saturating_add(AROUND) };
            return Ok(Piece { len: piece.len.min(until - offset).max(1), ..piece });
        }
        // Nothing to read up to a little before the next change.
        let until = if change < self.own.size() { change - AROUND } else { change };
        Ok(Piece { len: until - offset, data: Data::Hole })
    }
}
