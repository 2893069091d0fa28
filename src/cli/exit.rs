//! The exit codes: one table, which the program, its help texts and the README share.

use std::process::ExitCode;

/// How a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: nothing found, or everything asked for is done.
    Clean,
    /// 1, or the number of `--exit-code`: tokens were found.
    Found(u8),
    /// 2: used wrongly, or something went wrong, or some input could not be read and nothing was found.
    Trouble,
    /// 3: tokens remain that were not revoked.
    Remaining,
    /// 130: interrupted. 128 + 2, as a shell reports SIGINT.
    Interrupted,
}

/// What an exit code means, as each text that explains it has it.
#[derive(Clone, Copy, Debug)]
pub struct ExitMeaning {
    /// How a run ends with it.
    pub exit: Exit,
    /// In the README.
    pub readme: &'static str,
    /// In the help of commands that scan.
    pub scan: &'static str,
    /// In the help of `stanch revoke`, which cannot end with every code.
    pub revoke: Option<&'static str>,
    /// In the help of `stanch resume`, likewise.
    pub resume: Option<&'static str>,
}

/// Every exit code.
pub const EXIT_CODES: [ExitMeaning; 5] = [
    ExitMeaning {
        exit: Exit::Clean,
        readme: "nothing found, or everything asked for is done",
        scan: "nothing found",
        revoke: Some("all were accepted"),
        resume: Some("nothing waits any more"),
    },
    ExitMeaning {
        exit: Exit::Found(1),
        readme: "tokens found; with `--revoke`, all that can be revoked were accepted (`--exit-code N` chooses another \
                 number, `--exit-zero` makes it 0)",
        scan: "tokens found (with --revoke: and all were accepted)",
        revoke: None,
        resume: None,
    },
    ExitMeaning {
        exit: Exit::Trouble,
        readme: "used wrongly, something went wrong, or some input could not be read and nothing was found",
        scan: "something went wrong, or some input could not be read",
        revoke: Some("something went wrong"),
        resume: Some("something went wrong"),
    },
    ExitMeaning {
        exit: Exit::Remaining,
        readme: "tokens remain that were not revoked: queued, refused or held back",
        scan: "tokens remain that were to be revoked and were not",
        revoke: Some("tokens remain: queued, refused or held back"),
        resume: Some("tokens remain: queued or refused"),
    },
    ExitMeaning {
        exit: Exit::Interrupted,
        readme: "interrupted; what was found until then is reported, and what was queued stays queued",
        scan: "interrupted; what was found until then is reported",
        revoke: Some("interrupted; what was not sent stays queued"),
        resume: Some("interrupted; what was not sent stays queued"),
    },
];

/// The table as a help text has it, in lines short enough for 80 columns; `meaning` picks a column.
pub(super) fn help(meaning: fn(&ExitMeaning) -> Option<&'static str>) -> String {
    let rows =
        EXIT_CODES.iter().filter_map(|row| Some(format!("\n  {:<5}{}", row.exit.code(), meaning(row)?)));
    format!("Exit codes:{}", rows.collect::<String>())
}

/// What became of a run, as far as the exit code depends on it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RunStatus {
    /// Somebody pressed Ctrl-C, or sent the signal to terminate.
    pub(super) interrupted: bool,
    /// Tokens were to be revoked and are not.
    pub(super) remaining: bool,
    /// Tokens were found.
    pub(super) found: bool,
    /// Something could not be read, or went wrong.
    pub(super) trouble: bool,
}

impl Exit {
    /// The one code for a run: where several apply, 3 goes before 1 before 2 before 0. `found` is the code for tokens that
    /// were found.
    pub(super) fn of(status: RunStatus, found: u8) -> Self {
        match status {
            RunStatus { interrupted: true, .. } => Exit::Interrupted,
            RunStatus { remaining: true, .. } => Exit::Remaining,
            RunStatus { found: true, .. } if found != 0 => Exit::Found(found),
            RunStatus { trouble: true, .. } => Exit::Trouble,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_codes() {
        let all = RunStatus { interrupted: false, remaining: true, found: true, trouble: true };
        assert_eq!(Exit::of(all, 1).code(), 3);
        assert_eq!(Exit::of(RunStatus { remaining: false, ..all }, 1).code(), 1);
        assert_eq!(Exit::of(RunStatus { remaining: false, ..all }, 7).code(), 7);
        assert_eq!(Exit::of(RunStatus { remaining: false, found: false, ..all }, 1).code(), 2);
        assert_eq!(Exit::of(RunStatus::default(), 1).code(), 0);
        assert_eq!(Exit::of(RunStatus { interrupted: true, ..all }, 1).code(), 130);
    }

    #[test]
    fn exit_zero_does_not_hide_trouble() {
        let found = RunStatus { found: true, ..RunStatus::default() };
        assert_eq!(Exit::of(found, 0).code(), 0);
        assert_eq!(Exit::of(RunStatus { trouble: true, ..found }, 0).code(), 2);
    }

    #[test]
    fn help_fits_a_terminal() {
        let text = help(|row| Some(row.scan));
        assert!(text.starts_with("Exit codes:\n  0    nothing found\n  1    tokens found"), "{text}");
        assert!(text.ends_with("\n  130  interrupted; what was found until then is reported"), "{text}");
        assert!(text.lines().all(|line| line.len() <= 80), "{text}");
    }
}
