//! What a path on the command line means: `-` is standard input where something is read, standard output where
//! something is written.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

const DASH: &str = "-";

/// Something to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Standard input.
    Stdin,
    /// A file or a directory.
    Path(PathBuf),
}

impl Input {
    /// The path, unless it is standard input.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Input::Stdin => None,
            Input::Path(path) => Some(path),
        }
    }

    /// The paths among some inputs.
    pub fn paths(inputs: &[Input]) -> impl Iterator<Item = &Path> {
        inputs.iter().filter_map(Input::path)
    }
}

impl From<OsString> for Input {
    fn from(argument: OsString) -> Self {
        if argument == DASH { Input::Stdin } else { Input::Path(argument.into()) }
    }
}

/// Where something is written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// Standard output.
    Stdout,
    /// A file, a pipe or a device.
    Path(PathBuf),
}

impl From<OsString> for Destination {
    fn from(argument: OsString) -> Self {
        if argument == DASH { Destination::Stdout } else { Destination::Path(argument.into()) }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Destination::Stdout => f.write_str(DASH),
            Destination::Path(path) => path.display().fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dash_is_a_standard_stream() {
        assert_eq!(Input::from(OsString::from("-")), Input::Stdin);
        assert_eq!(Input::from(OsString::from("./-")), Input::Path("./-".into()));
        assert_eq!(Destination::from(OsString::from("-")), Destination::Stdout);
        assert_eq!(Destination::from(OsString::from("out")).to_string(), "out");
        let inputs = [Input::Stdin, Input::Path("a".into())];
        assert_eq!(Input::paths(&inputs).collect::<Vec<_>>(), [Path::new("a")]);
    }
}
