//! What a run looks for and what silences it: the built-in rules, and what baselines and configuration files add.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::args::{ConfigArgs, SuppressArgs, UserConfigArgs};
use super::console::Console;
use crate::detect::{Custom, Detector};
use crate::finding::Findings;
use crate::meter::Meter;
use crate::rule::Rules;
use crate::scan::Collector;
use crate::settings::{BadConfig, CONFIG, Project, RevokeConfig, UserConfig};
use crate::suppress::{Baseline, Suppressions};
use crate::text::path_text;
use crate::text::printable;

/// How many globs of a project's `exclude` are named.
const NAMED: usize = 5;

/// Detectors and silencers, and the user's configuration they partly came from.
pub(super) struct Detection {
    pub(super) detector: Detector,
    pub(super) custom: Custom,
    pub(super) suppressor: Suppressions,
    pub(super) user: UserConfig,
    /// For each root, what its own configuration leaves out.
    left_out: Vec<(PathBuf, Vec<String>)>,
}

impl Detection {
    /// Reads the user's configuration and those of `roots`, and refuses rules that contradict their own examples.
    pub(super) fn new(flags: &ConfigArgs, roots: &[PathBuf]) -> anyhow::Result<Self> {
        let detection = Detection::unproven(flags, roots)?;
        for rule in detection.custom.rules() {
            if let Some(wrong) = detection.custom.contradictions(rule).first() {
                bail!("rule `{}` {wrong}: `stanch rules test` tries them all", rule.id);
            }
        }
        Ok(detection)
    }

    /// The same, with the rules not yet tried on their examples.
    pub(super) fn unproven(flags: &ConfigArgs, roots: &[PathBuf]) -> anyhow::Result<Self> {
        let detector = Detector::new(Rules::built_in()?);
        let redact = |text: &str| detector.redact(text);
        let mut user = flags.user.load(&redact)?;
        let mut rules = std::mem::take(&mut user.rules);
        let (mut trees, mut left_out) = (Vec::new(), Vec::new());
        for (root, label) in labelled(roots).filter(|_| !flags.no_project_config) {
            let project = Project::read(root, label.as_deref(), &redact)?;
            rules.extend(project.rules);
            trees.push(project.silencers);
            left_out.push((project.root, project.exclude));
        }
        let allowlists = std::mem::take(&mut user.allowlists);
        let suppressor = Suppressions { allowlists, projects: trees, ..Suppressions::default() };
        Ok(Detection { detector, custom: Custom::new(rules), suppressor, user, left_out })
    }

    /// Adds what the flags silence.
    pub(super) fn silence(&mut self, flags: &SuppressArgs, console: &Console) -> anyhow::Result<()> {
        self.suppressor.comments = !flags.no_allow_comments;
        for path in &flags.baseline {
            let mut baseline = std::mem::take(&mut self.suppressor.baseline);
            read_baseline(&mut baseline, path, flags.write_baseline.as_deref())?;
            self.suppressor.baseline = baseline;
        }
        let unusable = self.suppressor.baseline.unusable();
        if unusable > 0 {
            console.warn(&format!("{unusable} entries of the baseline are redacted, and match nothing"));
        }
        Ok(())
    }

    /// A sink that finds and silences accordingly.
    pub(super) fn net<'a>(&'a self, findings: &'a Findings, meter: &'a Meter) -> Collector<'a> {
        Collector::new(&self.detector, findings, meter).and_custom(&self.custom).silenced_by(&self.suppressor)
    }

    /// The globs that a root's own configuration leaves out.
    pub(super) fn left_out(&self, root: &Path) -> &[String] {
        self.left_out.iter().find(|(known, _)| known == root).map_or(&[], |(_, globs)| globs)
    }

    /// Says what scanned roots leave out of themselves: a leak could hide behind that.
    pub(super) fn tell(&self, console: &Console) {
        for (root, globs) in self.left_out.iter().filter(|(_, globs)| !globs.is_empty()) {
            let named: Vec<String> = globs.iter().take(NAMED).map(|glob| printable(glob)).collect();
            let more = if globs.len() > NAMED { ", …" } else { "" };
            let file = printable(&root.join(CONFIG).display().to_string());
            console.say(&format!("left out by {file}: {}{more}", named.join(", ")));
        }
    }
}

impl UserConfigArgs {
    /// Reads the user's configuration; `redact` takes tokens out of what an error quotes.
    pub(super) fn load(&self, redact: &dyn Fn(&str) -> String) -> Result<UserConfig, BadConfig> {
        let said = || std::env::var_os("STANCH_CONFIG").filter(|value| !value.is_empty()).map(PathBuf::from);
        UserConfig::load(self.config.clone().or_else(said).as_deref(), redact)
    }

    /// How the user revokes, for verbs that look for nothing.
    pub(super) fn revocation(&self) -> anyhow::Result<RevokeConfig> {
        let detector = Detector::new(Rules::built_in()?);
        Ok(self.load(&|text| detector.redact(text))?.revoke)
    }
}

/// The roots that are paths, each with the name that places give it: none where it is the only one.
fn labelled(roots: &[PathBuf]) -> impl Iterator<Item = (&Path, Option<String>)> {
    let paths = || roots.iter().map(PathBuf::as_path).filter(|path| *path != Path::new("-"));
    let many = paths().count() > 1;
    paths().map(move |path| (path, many.then(|| label(path))))
}

/// What places call a root.
pub(super) fn label(root: &Path) -> String {
    path_text(root.as_os_str().as_encoded_bytes())
}

/// Reads a baseline. One that this very run will write for the first time need not be there yet.
fn read_baseline(baseline: &mut Baseline, path: &Path, written: Option<&Path>) -> anyhow::Result<()> {
    let text = match fs::read(path) {
        Ok(text) => zeroize::Zeroizing::new(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound && written == Some(path) => return Ok(()),
        Err(error) => return Err(error).context(format!("cannot read the baseline {}", path.display())),
    };
    baseline.add(&text).with_context(|| format!("{} is no baseline", path.display()))
}
