//! How a run ends: one table, tested, and the same as the README's.

use std::process::ExitCode;

/// The exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: nothing found, or everything asked for is done.
    Clean,
    /// 1, or what `--exit-code` says: tokens were found.
    Found(u8),
    /// 2: used wrongly, or something went wrong, or some input could not be read and nothing was found.
    Trouble,
    /// 3: tokens remain that were not revoked.
    Remaining,
    /// 130: interrupted.
    Interrupted,
}

/// What there is to decide the exit code by.
#[derive(Clone, Copy, Debug, Default)]
pub struct Outcome {
    /// Somebody pressed Ctrl-C, or sent the signal to terminate.
    pub interrupted: bool,
    /// Tokens were to be revoked and are not.
    pub remaining: bool,
    /// Tokens were found.
    pub found: bool,
    /// Something could not be read, or went wrong.
    pub trouble: bool,
}

impl Exit {
    /// The one code for an outcome: where several apply, 3 goes before 1 before 2 before 0.
    pub fn of(outcome: Outcome, found: u8) -> Self {
        match outcome {
            Outcome { interrupted: true, .. } => Exit::Interrupted,
            Outcome { remaining: true, .. } => Exit::Remaining,
            Outcome { found: true, .. } if found != 0 => Exit::Found(found),
            Outcome { trouble: true, .. } => Exit::Trouble,
            _ => Exit::Clean,
        }
    }

    /// The number that the shell sees.
    pub const fn code(self) -> u8 {
        match self {
            Exit::Clean => 0,
            Exit::Found(code) => code,
            Exit::Trouble => 2,
            Exit::Remaining => 3,
            Exit::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit.code())
    }
}

/// Prints what clap has to say: help to standard output, an error to standard error.
pub(super) fn usage(error: &clap::Error) -> ExitCode {
    let code = if error.use_stderr() { Exit::Trouble } else { Exit::Clean };
    // A reader that has closed the pipe has seen enough help.
    let _ = error.print();
    code.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_codes() {
        let all = Outcome { interrupted: false, remaining: true, found: true, trouble: true };
        assert_eq!(Exit::of(all, 1).code(), 3);
        assert_eq!(Exit::of(Outcome { remaining: false, ..all }, 1).code(), 1);
        assert_eq!(Exit::of(Outcome { remaining: false, ..all }, 7).code(), 7);
        assert_eq!(Exit::of(Outcome { remaining: false, found: false, ..all }, 1).code(), 2);
        assert_eq!(Exit::of(Outcome::default(), 1).code(), 0);
        assert_eq!(Exit::of(Outcome { interrupted: true, ..all }, 1).code(), 130);
    }

    #[test]
    fn exit_zero_does_not_hide_trouble() {
        let found = Outcome { found: true, ..Outcome::default() };
        assert_eq!(Exit::of(found, 0).code(), 0);
        assert_eq!(Exit::of(Outcome { trouble: true, ..found }, 0).code(), 2);
    }
}
