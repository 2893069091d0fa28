//! Tokens as lists of numbers, as digits over several lines, and in dumps.

use super::*;

#[test]
fn lists_of_numbers_in_every_notation() {
    let forms: [(&dyn Fn(u8) -> String, &str, &str, usize); 20] = [
        (&|b| format!("{b}"), ", ", "char-codes", 0),
        (&|b| format!("{b}"), ",\n    ", "char-codes", 0),
        (&|b| format!("{b}"), " ", "char-codes", 0),
        (&|b| format!("{b}u8"), ", ", "char-codes", 0),
        (&|b| format!("(byte) {b}"), ", ", "char-codes", 7),
        (&|b| format!("chr({b})"), " . ", "char-codes", 4),
        (&|b| format!("CHR({b})"), "||", "char-codes", 4),
        (&|b| format!("[char]{b}"), "+", "char-codes", 6),
        (&|b| format!("0x{b:02x}"), ", ", "char-codes", 2),
        (&|b| format!("0X{b:02X}"), ",", "char-codes", 2),
        (&|b| format!("0x{b:02x}"), ",\n\t", "char-codes", 2),
        (&|b| format!("(byte)0x{b:02x}"), ", ", "char-codes", 8),
        (&|b| format!("U+{b:04X}"), " ", "char-codes", 4),
        (&|b| format!("0{b:03o}"), ", ", "char-codes", 1),
        (&|b| format!("{b:03o}"), " ", "char-codes", 0),
        (&|b| format!("{b:08b}"), " ", "char-codes", 0),
        (&|b| format!("0b{b:08b}"), ", ", "char-codes", 2),
        (&|b| format!("{b:02x}"), ",", "char-codes", 0),
        (&|b| format!("{b:02x}"), "-", "hex", 0),
        (&|b| format!("{b:02X}"), ":", "hex", 0),
    ];
    for (number, separator, name, start) in forms {
        for token in tokens() {
            let list = token.bytes().map(number).collect::<Vec<_>>().join(separator);
            let expected = [(token.clone(), 5 + start, vec![name])];
            assert_eq!(certain_in(format!("x = [{list}]").as_bytes()), expected, "{list}");
        }
    }
}

#[test]
fn hexadecimal_digits_over_several_lines() {
    for token in tokens() {
        let hex: String = token.bytes().map(|byte| format!("{byte:02x}")).collect();
        for width in [5, 20, 31, 60] {
            let lines: Vec<_> = hex.as_bytes().chunks(width).map(String::from_utf8_lossy).collect();
            for gap in ["\n", "\r\n", "\\\n", "\n    ", "\"\n  \""] {
                let text = format!("x = \"{}\"", lines.join(gap));
                assert_eq!(certain_in(text.as_bytes()), [(token.clone(), 5, vec!["hex"])], "{width} {gap:?}");
            }
        }
    }
}

#[test]
fn dumps_of_every_format() {
    let joined = |row: &[u8], width: usize, each: &dyn Fn(&[u8]) -> String| {
        row.chunks(width).map(each).collect::<Vec<_>>().join(" ")
    };
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let low_first = |bytes: &[u8]| bytes.iter().rev().map(|byte| format!("{byte:02x}")).collect::<String>();
    let text = |row: &[u8]| {
        row.iter().map(|byte| char::from(*byte)).map(|c| if c < ' ' { '.' } else { c }).collect::<String>()
    };
    let octal = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:03o}")).collect::<String>();
    let word = |pair: &[u8]| u16::from_le_bytes([pair[0], pair.get(1).copied().unwrap_or(0)]);
    let lines: [&dyn Fn(usize, &[u8]) -> String; 9] = [
        &|at, row| format!("{at:08x}: {:<39}  {}", joined(row, 2, &hex), text(row)),
        &|at, row| format!("{at:08x}  {:<47}  |{}|", joined(row, 1, &hex), text(row)),
        &|at, row| format!("{at:07o} {}", joined(row, 1, &hex)),
        &|at, row| format!("{at:07x} {}", joined(row, 2, &low_first)),
        &|at, row| format!("{at:07o} {}", joined(row, 8, &low_first)),
        &|at, row| format!("{at:07o} {}", joined(row, 2, &|pair| format!("{:06o}", word(pair)))),
        &|at, row| format!("{at:07o} {}", joined(row, 1, &octal)),
        &|at, row| format!("{at:07o} {}", row.iter().map(|byte| format!("{byte:4}")).collect::<String>()),
        &|at, row| {
            let cell = |byte: &u8| {
                if *byte == b'\n' { "  \\n".to_owned() } else { format!("   {}", char::from(*byte)) }
            };
            format!("{at:07o}{}", row.iter().map(cell).collect::<String>())
        },
    ];
    for (n, line) in lines.into_iter().enumerate() {
        for token in tokens() {
            for shift in 0..16 {
                let shown = format!("first line\n{}{token}\nlast\n", "x".repeat(shift));
                let mut padded = shown.into_bytes();
                padded.resize(padded.len().next_multiple_of(16), b'.');
                let found: Vec<_> = certain_in(dump(&padded, line).as_bytes())
                    .into_iter()
                    .map(|(text, _, names)| (text, names))
                    .collect();
                assert_eq!(found, [(token.clone(), vec!["hexdump"])], "format {n}, shifted by {shift}");
            }
        }
    }
}
