//! `&#103;&#x68;`: character references of HTML and XML
//! (<https://html.spec.whatwg.org/multipage/syntax.html#character-references>).

use super::hex;

/// How many zeros in front of a number are read.
const MAX_ZEROS: usize = 8;

/// The encoded character that `rest` starts with: decimal, hexadecimal, leading zeros, `&lowbar;`; or the ampersand
/// of a reference that was itself escaped.
pub(super) fn first_char(rest: &[u8]) -> Option<(u8, usize)> {
    match rest {
        [b'&', b'#', b'x' | b'X', number @ ..] => {
            let zeros = zeros(number);
            match &number[zeros..] {
                [high, low, b';', ..] => hex::pair(*high, *low).map(|byte| (byte, 6 + zeros)),
                [low, b';', ..] => hex::pair(b'0', *low).map(|byte| (byte, 5 + zeros)),
                [b';', ..] if zeros > 0 => Some((0, 4 + zeros)),
                _ => None,
            }
        }
        [b'&', b'#', number @ ..] => {
            let zeros = zeros(number);
            let number = &number[zeros..];
            let digits = number.iter().take(4).take_while(|byte| byte.is_ascii_digit()).count();
            if number.get(digits) != Some(&b';') {
                return None;
            }
            let code = number[..digits].iter().fold(0_u16, |code, digit| code * 10 + u16::from(digit - b'0'));
            Some((u8::try_from(code).ok()?, 3 + zeros + digits))
        }
        [b'&', b'a', b'm', b'p', b';', ..] => Some((b'&', 5)),
        [b'&', b'l', b'o', b'w', b'b', b'a', b'r', b';', ..] => Some((b'_', 8)),
        _ => None,
    }
}

fn zeros(number: &[u8]) -> usize {
    number.iter().take(MAX_ZEROS).take_while(|byte| **byte == b'0').count()
}
