//! Lines for a terminal, broken between words.

use std::io;

use terminal_size::{Width, terminal_size_of};

/// How far the second line of a message is indented.
const INDENT: &str = "  ";

/// A narrower terminal breaks its lines as it likes.
const NARROWEST: usize = 40;

/// A message for standard error: broken where it is a terminal, as it is where it is none. `before` characters stand in
/// front of it.
pub(super) fn for_stderr(text: &str, before: usize) -> String {
    let width = terminal_size_of(io::stderr()).map(|(Width(columns), _)| usize::from(columns));
    match width.filter(|width| *width >= NARROWEST) {
        Some(width) => wrapped(text, width, before),
        None => text.to_owned(),
    }
}

/// The text in lines of at most `width` characters, but for words that are longer; `before` are in front of the first one.
fn wrapped(text: &str, width: usize, before: usize) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut column = before;
    for (n, line) in text.split('\n').enumerate() {
        if n > 0 {
            out.push('\n');
            column = 0;
        }
        let start = line.len() - line.trim_start().len();
        out.push_str(&line[..start]);
        column += start;
        let indent = format!("{}{INDENT}", &line[..start]);
        for (n, word) in words(&line[start..]).into_iter().enumerate() {
            let length = word.chars().count();
            if n > 0 && column + 1 + length > width {
                out.push('\n');
                out.push_str(&indent);
                column = indent.len();
            } else if n > 0 {
                out.push(' ');
                column += 1;
            }
            out.push_str(word);
            column += length;
        }
    }
    out
}

/// The words of a line. What stands between backquotes is one of them: a command is copied as a whole.
fn words(line: &str) -> Vec<&str> {
    let (mut words, mut start, mut quoted) = (Vec::new(), 0, false);
    for (at, character) in line.char_indices() {
        match character {
            '`' => quoted = !quoted,
            ' ' if !quoted => {
                words.push(&line[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    words.push(&line[start..]);
    words
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_break_between_words_and_are_indented() {
        assert_eq!(wrapped("one two three four", 9, 0), "one two\n  three\n  four");
        assert_eq!(wrapped("one two", 9, 4), "one\n  two", "behind a label");
        assert_eq!(wrapped("  because: of it", 12, 0), "  because:\n    of it");
        assert_eq!(wrapped("a\nb", 9, 0), "a\nb");
        assert_eq!(wrapped("run `stanch resume --x` now", 12, 0), "run\n  `stanch resume --x`\n  now");
        assert_eq!(
            wrapped("by type             1  x", 30, 0),
            "by type             1  x",
            "a table stays one"
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_word_is_lost(text in "[a-z`é ]{0,60}", width in 4_usize..40) {
            let broken = wrapped(&text, width, 0);
            let same = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            prop_assert_eq!(same(&broken), same(&text));
            for line in broken.lines().filter(|line| !line.contains('`')) {
                let words = line.split_whitespace().count();
                prop_assert!(line.trim_end().chars().count() <= width || words == 1, "{:?}", line);
            }
        }
    }
}
