//! `stanch hook files`: files whose names another program passes, as pre-commit, lint-staged and lefthook do.
//!
//! Whoever opens a pull request chooses those names, and the programs put them behind the user's options with nothing
//! between the two. So what exists is a file, whatever it is called: options come first, and end with the first file.
//! They are files about to be committed, so links and names count as they do in `stanch git --staged`.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use anyhow::bail;
use clap::{ArgAction, CommandFactory as _, Parser as _};

use crate::cli::args::{Cli, Command, ScanArgs, join_wait};
use crate::cli::console::Console;
use crate::text::{path_text, printable};

/// Parses what was passed, as `stanch scan` has it; none where only help was asked for, which is printed.
pub(super) fn scan_args(arguments: &[OsString], console: &Console) -> anyhow::Result<Option<Box<ScanArgs>>> {
    let mut command = Cli::command();
    command.build();
    let scan = command.find_subcommand("scan");
    let takes_value = |option: &str| scan.is_some_and(|scan| takes_value(scan, option));
    let (options, files) = split(arguments, &|path| path.symlink_metadata().is_ok(), &takes_value);
    if let [only] = options
        && (only == "--help" || only == "-h")
    {
        let hook = command.find_subcommand_mut("hook").and_then(|hook| hook.find_subcommand_mut("files"));
        if let Some(own) = hook {
            if only == "-h" { own.print_help()? } else { own.print_long_help()? }
        }
        return Ok(None);
    }
    for file in files.iter().filter(|file| looks_like_an_option(file)) {
        let name = printable(&path_text(file.as_encoded_bytes()));
        if Path::new(file).symlink_metadata().is_err() {
            bail!("`{name}` stands behind the names of files, and is none: options go in front of them");
        }
        console.warn(&format!("`{name}` is a file here: it was looked into, and is no option"));
    }
    let mut line: Vec<OsString> = vec!["stanch".into(), "scan".into()];
    line.extend(join_wait(options.iter().cloned()));
    if !files.is_empty() {
        line.push("--".into());
        line.extend(files.iter().map(|file| named(file)));
    }
    match Cli::try_parse_from(line)?.command {
        Command::Scan(mut args) => {
            args.as_committed = true;
            Ok(Some(args))
        }
        _ => bail!("these are no options of `stanch scan`"),
    }
}

/// The options, and the files behind them.
fn split<'a>(
    arguments: &'a [OsString],
    exists: &dyn Fn(&Path) -> bool,
    takes_value: &dyn Fn(&str) -> bool,
) -> (&'a [OsString], &'a [OsString]) {
    let mut end = 0;
    while let Some(argument) = arguments.get(end) {
        if exists(Path::new(argument)) || !looks_like_an_option(argument) {
            break;
        }
        if argument == "--" {
            return (&arguments[..end], &arguments[end + 1..]);
        }
        // A value may well be a file, such as a baseline: it is the option's all the same.
        end += if argument.to_str().is_some_and(takes_value) { 2 } else { 1 };
    }
    arguments.split_at(end.min(arguments.len()))
}

fn looks_like_an_option(argument: &OsStr) -> bool {
    argument.len() > 1 && argument.as_encoded_bytes().starts_with(b"-")
}

/// Whether the argument behind this option is its value.
fn takes_value(scan: &clap::Command, option: &str) -> bool {
    let takes = |argument: &clap::Arg| {
        let action = matches!(argument.get_action(), ArgAction::Set | ArgAction::Append);
        action && argument.get_num_args().is_some_and(|count| count.min_values() > 0)
    };
    let mut arguments = scan.get_arguments().filter(|argument| takes(argument));
    match option.strip_prefix("--") {
        Some(long) => arguments.any(|argument| argument.get_long() == Some(long)),
        // Of short options in one argument, the last may have its value behind it.
        None => arguments.any(|argument| argument.get_short() == option.chars().last()),
    }
}

/// A file's name, as no command line takes it for anything else: `-` is standard input elsewhere.
fn named(file: &OsStr) -> OsString {
    if file == "-" { "./-".into() } else { file.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The options, and the number of files, of a line in which words with a `+` in front exist.
    fn options(line: &str) -> String {
        let words: Vec<&str> = line.split_whitespace().collect();
        let arguments: Vec<OsString> = words.iter().map(|word| word.trim_start_matches('+').into()).collect();
        let existing: Vec<&str> = words.iter().filter_map(|word| word.strip_prefix('+')).collect();
        let mut command = Cli::command();
        command.build();
        let scan = command.find_subcommand("scan").expect("a command");
        let exists = |path: &Path| existing.iter().any(|name| Path::new(name) == path);
        let (options, files) = split(&arguments, &exists, &|option| takes_value(scan, option));
        let options: Vec<_> = options.iter().map(|option| option.to_string_lossy()).collect();
        format!("{} {}", options.join(" "), files.len())
    }

    #[test]
    fn what_exists_is_a_file_and_ends_the_options() {
        for (line, expected) in [
            ("+a +b", " 2"),
            ("-q +a", "-q 1"),
            ("+--exit-zero +a", " 2"),
            ("-q +--exit-zero +-- +-", "-q 3"),
            ("--exclude +foo +foo", "--exclude foo 1"),
            ("--exclude foo +a", "--exclude foo 1"),
            ("--exclude=foo +a", "--exclude=foo 1"),
            ("-qf json +a", "-qf json 1"),
            ("-b +base.json -c +conf +--yes", "-b base.json -c conf 1"),
            ("+--exclude +foo +a", " 3"),
            ("-q -- gone --exit-zero", "-q 2"),
            ("gone --exit-zero", " 2"),
            ("--exclude", "--exclude 0"),
            ("-", " 1"),
        ] {
            assert_eq!(options(line), expected, "{line}");
        }
    }
}
