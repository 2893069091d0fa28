//! `stanch --version -v`: which build this is.

use std::ffi::OsString;

/// Whether the arguments are `--version` and `--verbose` in any of their spellings, and nothing else. The version alone is
/// printed by the parser.
pub(super) fn is_asked_in_full(arguments: impl Iterator<Item = OsString>) -> bool {
    let (mut version, mut verbose) = (false, false);
    for argument in arguments {
        match argument.to_str() {
            Some("-V" | "--version") => version = true,
            Some("-v" | "--verbose") => verbose = true,
            Some("-Vv" | "-vV") => (version, verbose) = (true, true),
            _ => return false,
        }
    }
    version && verbose
}

/// The version, the commit it was built from and the machine it was built for.
pub(super) fn in_full() -> String {
    let commit = match env!("STANCH_COMMIT") {
        "" => "not known",
        commit => commit,
    };
    format!("stanch {}\ncommit {commit}\ntarget {}\n", env!("CARGO_PKG_VERSION"), env!("STANCH_TARGET"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_these_two_flags_ask_for_it() {
        for (arguments, full) in [
            ("--version -v", true),
            ("-v --version", true),
            ("-V --verbose", true),
            ("-Vv", true),
            ("-vV", true),
            ("--version", false),
            ("-v", false),
            ("", false),
            ("scan -v -V", false),
        ] {
            let split = arguments.split_whitespace().map(OsString::from);
            assert_eq!(is_asked_in_full(split), full, "{arguments}");
        }
    }
}
