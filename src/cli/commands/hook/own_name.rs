//! What a hook knows of itself: its name, by which some tell what they are to do, and its directory, in which some find the rest
//! of what they run. A hook that is kept must not miss it.

/// Where a hook can be kept so that it does what it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keep {
    /// Beside ours, under another name.
    Beside,
    /// Under its own name, in a directory of its own.
    UnderItsName,
    /// It needs both its name and its directory.
    Nowhere,
}

/// Ways to say one's own path in shells, Perl, Ruby, Python, PHP and Node.
const SELF: [&str; 9] =
    ["$0", "${0", "__file__", "__FILE__", "__filename", "argv[0]", "argv[1]", "PROGRAM_NAME", "BASH_SOURCE"];

/// Ways to say no more than the directory: they are taken out before [`SELF`] is looked for. `$0` is a whole line in awk.
const DIRECTORY: [&str; 9] = [
    "dirname \"$0\"",
    "dirname $0",
    "dirname -- \"$0\"",
    "${0%/*}",
    "dirname \"${BASH_SOURCE[0]}\"",
    "dirname ${BASH_SOURCE[0]}",
    "dirname -- \"${BASH_SOURCE[0]}\"",
    "dirname \"$BASH_SOURCE\"",
    "print $0",
];

/// Ways to take the name out of a path, in languages in which the path is a variable.
const NAME: [&str; 6] = ["basename", ".name", ".stem", "endswith", "endsWith", "$0"];

/// Ways to a directory above one's own.
const ABOVE: [&str; 5] = ["..", ".parent.parent", ".parents", "dirname(os.path.dirname", "git-dir"];

impl Keep {
    /// Where to keep a hook with this text.
    pub(super) fn of(text: &[u8]) -> Self {
        // A program may tell by its name what it is to do, and nobody can see.
        if !text.starts_with(b"#!") && memchr::memchr(0, text).is_some() {
            return Keep::UnderItsName;
        }
        let text = String::from_utf8_lossy(text);
        let mut rest = text.to_string();
        for way in DIRECTORY {
            rest = rest.replace(way, "");
        }
        let has = |text: &str, ways: &[&str]| ways.iter().any(|way| text.contains(way));
        let names_itself =
            has(&rest, &SELF) && (has(&rest, &NAME) || rest.contains("${0") || rest.contains("BASH_SOURCE"));
        let uses_directory = rest.len() < text.len() && text.contains("dirname") || text.contains("${0%/*}");
        let uses_directory = uses_directory || text.contains(".parent") || text.contains("dirname(");
        match (names_itself, uses_directory && has(&text, &ABOVE)) {
            (false, _) => Keep::Beside,
            (true, false) => Keep::UnderItsName,
            (true, true) => Keep::Nowhere,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hooks_are_kept_where_they_know_themselves() {
        for (text, expected) in [
            ("#!/bin/sh\nmake lint\n", Keep::Beside),
            ("#!/bin/sh\ncd \"$(dirname \"$0\")/../..\"\nmake lint\n", Keep::Beside),
            ("#!/bin/sh\n. \"${0%/*}/common.sh\"\n", Keep::Beside),
            ("#!/bin/sh\nawk '{ print $0 }' f\n", Keep::Beside),
            ("#!/usr/bin/env python3\nROOT = os.path.dirname(__file__)\n", Keep::Beside),
            ("#!/bin/sh\nn=$(basename \"$0\")\n", Keep::UnderItsName),
            ("#!/bin/sh\necho ${0##*/}\n", Keep::UnderItsName),
            ("#!/bin/sh\nfor h in \"$0\".d/*; do \"$h\"; done\n", Keep::UnderItsName),
            ("#!/bin/sh\ncase \"$0\" in */pre-commit) make ;; esac\n", Keep::UnderItsName),
            ("#!/usr/bin/env ruby\nhook = File.basename($0)\n", Keep::UnderItsName),
            ("#!/usr/bin/env python3\nif Path(__file__).name == 'pre-commit': x()\n", Keep::UnderItsName),
            ("#!/usr/bin/perl\nx() if $0 =~ m{/pre-commit$};\n", Keep::UnderItsName),
            ("\u{7f}ELF\0\0", Keep::UnderItsName),
            ("#!/bin/sh\ncd \"$(dirname \"$0\")/../..\"\nrun \"$(basename \"$0\")\"\n", Keep::Nowhere),
        ] {
            assert_eq!(Keep::of(text.as_bytes()), expected, "{text}");
        }
    }
}
