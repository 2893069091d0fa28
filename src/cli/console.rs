//! The terminal: colour, the progress line, warnings. The only room that writes to standard error.

mod prompt;
mod revocation;

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use anstream::ColorChoice;
use anstyle::{AnsiColor, Color, Style};
use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};

pub(super) use self::prompt::somebody_is_there;
use crate::meter::Meter;
use crate::report::{Palette, Summary};
use crate::text::printable;

/// How often the progress line is drawn.
const TICK: Duration = Duration::from_millis(100);

/// A run that ends before this shows no progress line.
const PATIENCE: Duration = Duration::from_millis(400);

/// How much is said on standard error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verbosity {
    /// Errors only.
    Quiet,
    /// Warnings and a summary.
    #[default]
    Normal,
    /// Every place that could not be read.
    Verbose,
}

/// What may be shown, and how.
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

    /// One for verbs without flags for it.
    pub(super) fn plain() -> Self {
        Console::new(Verbosity::default(), ColorChoice::Auto, false)
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
        let ink = |colour: AnsiColor| Style::new().fg_color(Some(Color::Ansi(colour)));
        Palette {
            certain: ink(AnsiColor::Red).bold().render().to_string(),
            likely: ink(AnsiColor::Yellow).bold().render().to_string(),
            path: ink(AnsiColor::Magenta).render().to_string(),
            faint: Style::new().dimmed().render().to_string(),
            strong: Style::new().bold().render().to_string(),
            reset: anstyle::Reset.render().to_string(),
        }
    }

    /// Says something that matters although the run goes on.
    pub(super) fn warn(&self, text: &str) {
        if self.verbosity > Verbosity::Quiet {
            self.line("warning: ", AnsiColor::Yellow, text);
        }
    }

    /// Says how it went.
    pub(super) fn say(&self, text: &str) {
        if self.verbosity > Verbosity::Quiet {
            self.line("", AnsiColor::White, text);
        }
    }

    fn line(&self, label: &str, colour: AnsiColor, text: &str) {
        let mut err = anstream::AutoStream::new(io::stderr(), self.colour).lock();
        let style = Style::new().bold().fg_color(Some(Color::Ansi(colour)));
        let (on, off) = if label.is_empty() { (Style::new(), Style::new()) } else { (style, style) };
        // Nobody is left to tell when standard error is gone.
        let _ = writeln!(err, "{on}{label}{off:#}{text}");
    }

    /// Does `work` while a line at the terminal tells what `meter` reads.
    pub(super) fn watch<T>(&self, meter: &Meter, work: impl FnOnce() -> T) -> T {
        if !self.progress {
            return work();
        }
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            let line = scope.spawn(|| show(meter, &done));
            let outcome = work();
            done.store(true, Relaxed);
            line.thread().unpark();
            outcome
        })
    }
}

/// Draws the progress line until the work is done, and leaves nothing behind.
fn show(meter: &Meter, done: &AtomicBool) {
    let start = Instant::now();
    let mut bar = None;
    while !done.load(Relaxed) {
        thread::park_timeout(TICK);
        if start.elapsed() < PATIENCE {
            continue;
        }
        let bar = bar.get_or_insert_with(progress_bar);
        let read = meter.read();
        let looked = if read.objects > 0 { count(read.objects, "object") } else { count(read.files, "file") };
        bar.set_message(format!("{looked}  {}  {}", HumanBytes(read.bytes), count(read.hits, "hit")));
        bar.tick();
    }
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
}

fn progress_bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {elapsed} {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()).with_style(style)
}

/// Says why a run cannot go on. Shown even when quiet.
pub(super) fn error(text: &str) {
    let style = Style::new().bold().fg_color(Some(Color::Ansi(AnsiColor::Red)));
    // The text may name paths: each of its lines is made safe to print.
    let text: Vec<String> = text.lines().map(printable).collect();
    let _ = writeln!(anstream::stderr().lock(), "{style}error:{style:#} {}", text.join("\n"));
}

/// `1,500 tokens`.
pub(super) fn count(n: u64, noun: &str) -> String {
    format!("{} {noun}{}", HumanCount(n), if n == 1 { "" } else { "s" })
}

/// A scanned tree that silences its own leaks is worth a word.
fn suppressed(summary: &Summary) -> String {
    let all = format!("{} suppressed", HumanCount(summary.suppressed));
    match summary.suppressed_by_tree {
        0 => all,
        some if some == summary.suppressed => format!("{all} by the scanned tree itself"),
        some => format!("{all}, {} of them by the scanned tree itself", HumanCount(some)),
    }
}

/// One line that tells how a run went.
pub(super) fn summary_line(summary: &Summary) -> String {
    let mut found = match summary.findings {
        0 => "no tokens found".to_owned(),
        n => format!("{} found", count(n, "token")),
    };
    let parts: Vec<String> = [(summary.certain, "certain"), (summary.likely, "likely")]
        .into_iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, word)| format!("{} {word}", HumanCount(n)))
        .chain((summary.suppressed > 0).then(|| suppressed(summary)))
        .chain((summary.lookalikes > 0).then(|| count(summary.lookalikes, "lookalike")))
        .collect();
    if !parts.is_empty() {
        found = format!("{found} ({})", parts.join(", "));
    }
    let mut looked = Vec::new();
    if summary.objects > 0 {
        looked.push(count(summary.objects, "object"));
    }
    if summary.files > 0 || looked.is_empty() {
        looked.push(count(summary.files, "file"));
    }
    let seconds = Duration::from_millis(summary.elapsed_ms).as_secs_f64();
    let mut line =
        format!("{found} in {}, {}, {seconds:.2} s", looked.join(" and "), HumanBytes(summary.bytes));
    if summary.unreadable > 0 {
        line = format!("{line}; {} could not be read", count(summary.unreadable, "place"));
    }
    if summary.cut_short > 0 {
        line = format!("{line}; {} cut short by a limit", count(summary.cut_short, "place"));
    }
    if summary.too_large > 0 {
        line = format!("{line}; {} passed over for their size", count(summary.too_large, "file"));
    }
    line
}
