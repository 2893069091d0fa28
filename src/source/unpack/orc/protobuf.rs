//! Protocol Buffers' wire format (<https://protobuf.dev/programming-guides/encoding/>).

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value<'b> {
    Number(u64),
    Bytes(&'b [u8]),
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// The fields of a message, as far as they make sense.
pub(super) fn fields(mut rest: &[u8]) -> impl Iterator<Item = (u64, Value<'_>)> {
    std::iter::from_fn(move || {
        let tag = varint(&mut rest)?;
        let mut take = |len: usize| {
            let (bytes, behind) = rest.split_at_checked(len)?;
            rest = behind;
            Some(bytes)
        };
        let value = match tag & 7 {
            0 => Value::Number(varint(&mut rest)?),
            1 => Value::Bytes(take(8)?),
            2 => {
                let len = usize::try_from(varint(&mut rest)?).ok()?;
                let (bytes, behind) = rest.split_at_checked(len)?;
                rest = behind;
                Value::Bytes(bytes)
            }
            5 => Value::Bytes(take(4)?),
            _ => return None,
        };
        Some((tag >> 3, value))
    })
}

/// Numbers one behind the other.
pub(super) fn numbers(mut packed: &[u8]) -> impl Iterator<Item = u64> {
    std::iter::from_fn(move || varint(&mut packed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_told_apart() {
        let bytes = [8, 0x96, 1, 0x12, 2, b'a', b'b', 0x1d, 1, 2, 3, 4, 0x82, 0xf4, 3, 1, b'x'];
        let found: Vec<_> = fields(&bytes).collect();
        let expected = [
            (1, Value::Number(150)),
            (2, Value::Bytes(b"ab")),
            (3, Value::Bytes(&[1, 2, 3, 4])),
            (8000, Value::Bytes(b"x")),
        ];
        assert_eq!(found, expected);
        assert_eq!(fields(&bytes[..6]).count(), 1, "cut off");
        assert_eq!(numbers(&[1, 0x96, 1]).collect::<Vec<_>>(), [1, 150]);
    }
}
