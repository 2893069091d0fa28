//! The terminal: colour, the progress line, warnings. The only module that writes to standard error.

mod prompt;
mod revoke_progress;
mod scan_progress;
mod wrap;

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use anstream::ColorChoice;
use anstyle::{AnsiColor, Color, Style};
use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::Timestamp;

pub(super) use self::prompt::can_prompt;
use super::error::redact;
use crate::finding::Confidence;
use crate::meter::{CancelFlag, Meter};
use crate::report::{Palette, Summary};
use crate::text::printable;

/// How often the progress line is drawn.
const TICK: Duration = Duration::from_millis(100);

/// A run that ends before this shows no progress line.
const PROGRESS_DELAY: Duration = Duration::from_millis(400);

/// Whether a progress line is on the screen.
static IS_DRAWN: AtomicBool = AtomicBool::new(false);

/// How wide the lines of a summary are at the most.
const WIDTH: usize = 80;

/// How much is written to standard error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verbosity {
    /// Errors only.
    Quiet,
    /// Warnings and a summary.
    #[default]
    Normal,
    /// Every path that could not be read, too.
    Verbose,
}

/// What is shown, and how.
#[derive(Clone, Copy, Debug)]
pub(super) struct Console {
    pub(super) verbosity: Verbosity,
    colour: ColorChoice,
    progress: bool,
}

impl Console {
    /// A console; `progress` still needs a terminal to show anything.
    pub(super) fn new(verbosity: Verbosity, colour: ColorChoice, progress: bool) -> Self {
        let progress = progress && verbosity > Verbosity::Quiet && io::stderr().is_terminal();
        Console { verbosity, colour, progress }
    }

    /// One for commands without flags for it.
    pub(super) fn plain() -> Self {
        Console::new(Verbosity::default(), ColorChoice::Auto, false)
    }

    /// Whether a progress line is shown where something takes long.
    pub(super) fn shows_progress(&self) -> bool {
        self.progress
    }

    /// Whether somebody reads standard error at a terminal.
    pub(super) fn at_terminal(&self) -> bool {
        self.verbosity > Verbosity::Quiet && io::stderr().is_terminal()
    }

    /// The colours for standard output.
    pub(super) fn palette(&self) -> Palette {
        let colour = match self.colour {
            ColorChoice::Auto => anstream::AutoStream::choice(&io::stdout()),
            chosen => chosen,
        };
        if colour == ColorChoice::Never {
            return Palette::default();
        }
        let foreground = |colour: AnsiColor| Style::new().fg_color(Some(Color::Ansi(colour)));
        Palette {
            certain: foreground(AnsiColor::Red).bold().render().to_string(),
            // Yellow and cyan cannot be read on white, blue not on black.
            likely: foreground(AnsiColor::Magenta).bold().render().to_string(),
            faint: Style::new().dimmed().render().to_string(),
            strong: Style::new().bold().render().to_string(),
            reset: anstyle::Reset.render().to_string(),
        }
    }

    /// Prints a warning, unless quiet.
    pub(super) fn warn(&self, text: &str) {
        if self.verbosity > Verbosity::Quiet {
            self.line("warning: ", AnsiColor::Magenta, text);
        }
    }

    /// Prints a line of information, unless quiet.
    pub(super) fn info(&self, text: &str) {
        if self.verbosity > Verbosity::Quiet {
            self.line("", AnsiColor::White, text);
        }
    }

    fn line(&self, label: &str, colour: AnsiColor, text: &str) {
        clear_progress_line();
        let mut err = anstream::AutoStream::new(io::stderr(), self.colour).lock();
        let style = Style::new().bold().fg_color(Some(Color::Ansi(colour)));
        let (on, off) = if label.is_empty() { (Style::new(), Style::new()) } else { (style, style) };
        // When standard error is closed, there is nowhere to report that.
        let text = wrap::for_stderr(&redact(text), label.len());
        let _ = writeln!(err, "{on}{label}{off:#}{text}");
    }

    /// Does `work` while a progress line shows what `meter` reads.
    pub(super) fn watch<T>(&self, meter: &Meter, work: impl FnOnce() -> T) -> T {
        let (start, before) = (Instant::now(), meter.read());
        let update = |bar: &ProgressBar| {
            let second = u64::try_from(Timestamp::now().as_second()).unwrap_or_default();
            bar.set_message(scan_progress::line(before, meter.read(), start.elapsed(), second));
        };
        self.with_progress("{spinner} {elapsed} {wide_msg}", &update, work)
    }

    /// Does `work` while another thread draws a progress line, which `update` sets before each time.
    fn with_progress<T>(
        &self,
        template: &str,
        update: &(dyn Fn(&ProgressBar) + Sync),
        work: impl FnOnce() -> T,
    ) -> T {
        if !self.progress {
            return work();
        }
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            let drawing = scope.spawn(|| draw_progress(template, update, &done));
            let outcome = work();
            done.store(true, Relaxed);
            drawing.thread().unpark();
            outcome
        })
    }
}

/// A console, and whether the user has asked the run to end.
#[derive(Clone, Copy)]
pub(super) struct Terminal<'a> {
    pub(super) console: &'a Console,
    pub(super) cancel: &'a CancelFlag,
}

/// Draws a progress line until the work is done, and clears it.
fn draw_progress(template: &str, update: &dyn Fn(&ProgressBar), done: &AtomicBool) {
    let start = Instant::now();
    let mut bar = None;
    while !done.load(Relaxed) {
        thread::park_timeout(TICK);
        if start.elapsed() < PROGRESS_DELAY {
            continue;
        }
        let bar = bar.get_or_insert_with(|| progress_bar(template));
        update(bar);
        IS_DRAWN.store(true, Relaxed);
        bar.tick();
    }
    if let Some(bar) = bar {
        bar.finish_and_clear();
        IS_DRAWN.store(false, Relaxed);
    }
}

/// Takes the progress line away for a message: it is drawn again below.
fn clear_progress_line() {
    if IS_DRAWN.load(Relaxed) {
        // When standard error is closed, there is nothing to take away.
        let _ = write!(io::stderr(), "\r\u{1b}[2K");
    }
}

fn progress_bar(template: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()).with_style(style)
}

/// Prints why a run cannot go on, even when quiet.
pub(super) fn error(text: &str) {
    let style = Style::new().bold().fg_color(Some(Color::Ansi(AnsiColor::Red)));
    // The text may name paths: each of its lines is made safe to print.
    let text: Vec<String> = redact(text).lines().map(printable).collect();
    clear_progress_line();
    let label = "error:";
    let text = wrap::for_stderr(&text.join("\n"), label.len() + 1);
    let _ = writeln!(anstream::stderr().lock(), "{style}{label}{style:#} {text}");
}

/// Prints what the parser says of a wrong command line, in its own colours.
pub(super) fn usage(text: &str) {
    let _ = write!(anstream::stderr().lock(), "{text}");
}

/// `1,500`.
pub(super) fn human_count(n: u64) -> impl std::fmt::Display {
    HumanCount(n)
}

/// `3 days`.
pub(super) fn human_duration(length: Duration) -> impl std::fmt::Display {
    indicatif::HumanDuration(length)
}

/// `1,500 tokens`.
pub(super) fn count(n: u64, noun: &str) -> String {
    format!("{} {noun}{}", HumanCount(n), if n == 1 { "" } else { "s" })
}

/// The lines that sum up a run: what counts and what was looked at, what does not count, what could not be read.
pub(super) fn summary_lines(summary: &Summary, least: Confidence, all_listed: bool) -> Vec<String> {
    let mut found = match summary.findings {
        0 => "no tokens found".to_owned(),
        n => format!("{} found", count(n, "token")),
    };
    let parts: Vec<String> = [
        (Confidence::Certain, summary.certain, "certain"),
        (Confidence::Likely, summary.likely, "likely"),
        (Confidence::Lookalike, summary.lookalikes, "only alike"),
    ]
    .into_iter()
    .filter(|(level, n, _)| *level >= least && *n > 0)
    .map(|(_, n, word)| format!("{} {word}", HumanCount(n)))
    .collect();
    if !parts.is_empty() {
        found = format!("{found} ({})", parts.join(", "));
    }
    let mut scanned = Vec::new();
    if summary.objects > 0 {
        scanned.push(count(summary.objects, "object"));
    }
    if summary.files > 0 || scanned.is_empty() {
        scanned.push(count(summary.files, "file"));
    }
    let seconds = Duration::from_millis(summary.elapsed_ms).as_secs_f64();
    let looked_at = format!("{}, {}", scanned.join(" and "), HumanBytes(summary.bytes));
    let shard = summary.shard.map(|shard| format!("shard {shard}: ")).unwrap_or_default();
    let mut lines = vec![format!("{shard}{found} in {looked_at}, {seconds:.2} s")];
    if let Some(rest) = summary.not_counted(least) {
        let rest = format!("not counted: {rest}");
        let hint = "(see --show-suppressed)";
        if all_listed {
            lines.push(rest);
        } else if rest.len() + hint.len() < WIDTH {
            lines.push(format!("{rest} {hint}"));
        } else {
            lines.extend([rest, format!("  {hint}")]);
        }
    }
    let unread: Vec<String> = [
        (summary.unreadable - summary.bytes_only, "path", "could not be read"),
        (summary.cut_short, "path", "cut short by a limit"),
        (summary.too_large, "file", "passed over for their size"),
    ]
    .into_iter()
    .filter(|(n, _, _)| *n > 0)
    .map(|(n, noun, what)| format!("{} {what}", count(n, noun)))
    .collect();
    if !unread.is_empty() {
        lines.push(unread.join("; "));
    }
    lines.extend(summary.seen_as_bytes().map(|line| format!("{line} (-v names them)")));
    if summary.histories > 0 {
        let noun = if summary.histories == 1 { "history" } else { "histories" };
        lines.push(format!("{} git {noun} not looked into: see --history", HumanCount(summary.histories)));
    }
    lines
}
