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
    let double = |bytes: &[u8]| u32::from(word(&bytes[..2])) | u32::from(word(&bytes[2..])) << 16;
    let lines: [&dyn Fn(usize, &[u8]) -> String; 19] = [
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
        &|at, row| format!("{at:08x}: {}  {}", joined(row, 4, &low_first), text(row)),
        &|at, row| format!("{at:08x}: {}  {}", joined(row, 1, &|byte| format!("{:08b}", byte[0])), text(row)),
        &|at, row| format!("{at:08x}: {}  {}", hex(row), text(row)),
        &|at, row| format!("{at:07x} {}", joined(row, 2, &|pair| format!("  {:05}", word(pair)))),
        &|at, row| format!("{at:07o} {}", joined(row, 2, &|pair| format!("{:5}", word(pair)))),
        &|at, row| format!("{at:07o} {}", joined(row, 4, &|bytes| format!("{:10}", double(bytes)))),
        &|at, row| format!("{at:07o} {}", joined(row, 4, &|bytes| format!("{:011o}", double(bytes)))),
        // PowerShell's Format-Hex, and certutil.
        &|at, row| format!("{at:08X}   {:<47}  {}\r", joined(row, 1, &hex).to_uppercase(), text(row)),
        &|at, row| format!("{at:016X} {:<47} {}\r", joined(row, 1, &hex).to_uppercase(), text(row)),
        &|at, row| {
            format!(
                "{at:04x}\t{}  {}   {}\r",
                joined(&row[..8], 1, &hex),
                joined(&row[8..], 1, &hex),
                text(row)
            )
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

/// A dump of `od -tu1`, in whose lines what is repeated is left out.
fn decimal_dump(bytes: &[u8]) -> String {
    let mut lines = String::new();
    let mut before: &[u8] = &[];
    for (n, row) in bytes.chunks(16).enumerate() {
        let is_repeated = row == before;
        let line = || row.iter().map(|byte| format!(" {byte:3}")).collect::<String>();
        match (is_repeated, lines.ends_with("*\n")) {
            (true, true) => {}
            (true, false) => lines += "*\n",
            (false, _) => lines += &format!("{:07o}{}\n", 16 * n, line()),
        }
        before = row;
    }
    lines
}

#[test]
fn a_dump_is_read_to_its_end_whatever_its_lines_look_like() {
    for token in tokens() {
        // Of the first line, every number could be one of two hexadecimal digits.
        let shown =
            format!("GH_TOKEN GH_TOKE{}{token} {} {token}\n", "a".repeat(100), "words ".repeat(9_000));
        let found: Vec<_> = certain_in(decimal_dump(shown.as_bytes()).as_bytes());
        // Behind 32 KiB, offsets in octal do not begin with two zeros.
        assert_eq!(found.iter().filter(|(text, ..)| *text == token).count(), 2, "{token}");
        assert_eq!(found.len(), 2);
    }
}

#[test]
fn of_several_formats_in_a_dump_the_first_is_read() {
    for token in tokens() {
        let shown = format!("first {token} last {}", ".".repeat(16));
        let dump = dump(&shown.as_bytes()[..shown.len() / 16 * 16], &|at, row| {
            let cells: String = row.iter().map(|byte| format!("   {}", char::from(*byte))).collect();
            let hex: String = row.iter().map(|byte| format!("  {byte:02x}")).collect();
            format!("{at:07o}{cells}\n       {hex}")
        });
        let found: Vec<_> =
            certain_in(dump.as_bytes()).into_iter().map(|(text, _, names)| (text, names)).collect();
        assert_eq!(found, [(token, vec!["hexdump"])]);
    }
}

#[test]
fn a_dump_is_read_whatever_its_first_lines_are() {
    let xxd = |at: usize, row: &[u8]| {
        let groups: String = row
            .chunks(2)
            .map(|pair| format!(" {}", pair.iter().map(|byte| format!("{byte:02x}")).collect::<String>()))
            .collect();
        let text: String = row.iter().map(|byte| char::from(*byte)).collect();
        format!("{at:08x}:{groups:<40}  {text}")
    };
    for token in tokens() {
        let shown = format!("first {token} last {}", ".".repeat(16));
        let dump = dump(&shown.as_bytes()[..shown.len() / 16 * 16], &xxd);
        // A short file that was dumped before it, of any length.
        for length in 1..48 {
            let first: Vec<u8> = (b'a'..=b'z').cycle().take(length).collect();
            let rows: String = first.chunks(16).enumerate().map(|(n, row)| xxd(16 * n, row) + "\n").collect();
            assert_eq!(certain_in(format!("{rows}{dump}").as_bytes()).len(), 1, "{length}\n{rows}{dump}");
        }
        for first in [
            "00000000: 6162 6364...",
            "00000000: 12",
            "deadbeef: 12 34 file",
            "00000000: 0000 0000 0000 0000  ....\n*",
        ] {
            assert_eq!(certain_in(format!("{first}\n{dump}").as_bytes()).len(), 1, "{first}\n{dump}");
        }
    }
}

#[test]
fn only_what_is_certain_is_read_from_a_dump() {
    let token = &tokens()[0];
    let wrong = format!("{}{}", &token[..token.len() - 1], if token.ends_with('0') { '1' } else { '0' });
    for text in [wrong, format!("{token}x{}", &token[4..])] {
        let shown = format!("first {text} last {}", ".".repeat(16));
        let found = hits(decimal_dump(shown.as_bytes()).as_bytes());
        assert!(found.iter().all(|hit| hit.2 == Confidence::Certain), "{text}");
    }
}
