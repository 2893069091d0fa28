//! What a run looks for, and what suppresses findings: the built-in rules, and what baselines and configuration files
//! add.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::args::{ConfigArgs, SuppressArgs, UserConfigArgs};
use super::console::Console;
use super::error::{detector, redact};
use crate::blob::{Fault, FaultKind, Sink};
use crate::detect::{Custom, Detector};
use crate::finding::{Findings, Scope};
use crate::meter::Meter;
use crate::report::RuleText;
use crate::rule::CustomRule;
use crate::scan::Collector;
use crate::settings::{BadConfig, CONFIG, Destination, Env, Input, Project, ProjectInputs, UserConfig, env};
use crate::source::tree;
use crate::source::unpack::{Limits, Unpack};
use crate::suppress::{Baseline, Suppressions};
use crate::text::{path_text, printable};

/// How many globs of a project's `exclude` are listed.
const MAX_LISTED: usize = 5;

/// Detectors and suppressions, and the user's configuration.
pub(super) struct Detection {
    pub(super) detector: Detector,
    pub(super) custom: Custom,
    pub(super) suppressions: Suppressions,
    pub(super) user: UserConfig,
    /// For each project, the globs of what its own configuration excludes, and what they hold for.
    excluded: Vec<ProjectGlobs>,
}

impl Detection {
    /// Reads the user's configuration and those of scanned roots, and refuses rules that contradict their own examples.
    pub(super) fn load(args: &ConfigArgs, inputs: &[Input], env: &Env) -> anyhow::Result<Self> {
        let detection = Detection::load_untested(args, inputs, env)?;
        for rule in detection.custom.rules() {
            if let Some(contradiction) = Custom::contradictions(rule).first() {
                bail!("rule `{}` {contradiction}: `stanch rules test` tries them all", rule.id);
            }
        }
        Ok(detection)
    }

    /// The same, without trying rules on their examples.
    pub(super) fn load_untested(args: &ConfigArgs, inputs: &[Input], env: &Env) -> anyhow::Result<Self> {
        // Not one of its own: what it makes for its search is needed where something is printed, too.
        let detector = detector().clone();
        let mut user = args.user.load(env, &redact)?;
        let mut rules = std::mem::take(&mut user.rules);
        let (mut trees, mut excluded) = (Vec::new(), Vec::new());
        let obeying = if args.no_project_config { &[] } else { inputs };
        for ProjectInputs { top, scope } in ProjectInputs::group(obeying, &label) {
            let project = Project::read(top, scope.clone(), &redact)?;
            rules.extend(project.rules);
            trees.push(project.suppressions);
            excluded.push(ProjectGlobs { top: project.top, globs: project.exclude, scope });
        }
        let allowlists = std::mem::take(&mut user.allowlists);
        let suppressions = Suppressions { allowlists, projects: trees, ..Suppressions::default() };
        Ok(Detection { detector, custom: Custom::new(rules), suppressions, user, excluded })
    }

    /// The configuration's own rules, as reports know them.
    pub(super) fn rule_texts(&self) -> Vec<RuleText> {
        let text =
            |rule: &CustomRule| RuleText { id: rule.id.to_string(), description: rule.description.clone() };
        self.custom.rules().iter().map(text).collect()
    }

    /// Adds what the flags suppress.
    pub(super) fn suppress(&mut self, args: &SuppressArgs, console: &Console) -> anyhow::Result<()> {
        self.suppressions.comments = !args.no_allow_comments;
        for path in &args.baseline {
            let mut baseline = std::mem::take(&mut self.suppressions.baseline);
            read_baseline(&mut baseline, path, args.write_baseline.as_ref())?;
            self.suppressions.baseline = baseline;
        }
        let unusable = self.suppressions.baseline.unusable();
        if unusable > 0 {
            console.warn(&format!("{unusable} entries of the baseline are redacted, and match nothing"));
        }
        Ok(())
    }

    /// A sink that detects and suppresses accordingly.
    fn collector<'a>(&'a self, findings: &'a Findings, meter: &'a Meter) -> Collector<'a> {
        Collector::new(&self.detector, findings, meter)
            .with_custom(&self.custom)
            .with_suppressor(&self.suppressions)
    }

    /// Calls `drain` with a sink that opens containers, and puts what is found into `findings`.
    pub(super) fn scan(
        &self,
        limits: Limits,
        (findings, meter): (&Findings, &Meter),
        drain: &mut dyn FnMut(&dyn Sink),
    ) {
        let collector = self.collector(findings, meter);
        drain(&Unpack::new(&collector, limits));
        for rule in self.custom.given_up() {
            let reason = format!(
                "its rule `{}` took too long and was given up: simplify its expression, or leave the rule to your own configuration",
                rule.id
            );
            findings.fault(Fault { path: CONFIG.to_owned(), kind: FaultKind::CutShort, reason });
        }
    }

    /// Adds what each project leaves out of its own files.
    pub(super) fn exclude(&self, exclude: &mut tree::Exclude) -> Result<(), tree::BadGlob> {
        let mut projects = self.excluded.iter();
        projects.try_for_each(|project| exclude.add_project(&project.globs, project.scope.clone()))
    }

    /// Reports what scanned projects exclude of themselves: a leak could hide behind that.
    pub(super) fn print_excluded(&self, console: &Console) {
        for ProjectGlobs { top, globs, .. } in
            self.excluded.iter().filter(|project| !project.globs.is_empty())
        {
            let listed: Vec<String> = globs.iter().take(MAX_LISTED).map(|glob| printable(glob)).collect();
            let more = if globs.len() > MAX_LISTED { ", …" } else { "" };
            let file = printable(&top.join(CONFIG).display().to_string());
            console.info(&format!("left out by {file}: {}{more}", listed.join(", ")));
        }
    }
}

impl UserConfigArgs {
    /// Reads the user's configuration; `redact` takes tokens out of what an error quotes.
    pub(super) fn load(&self, env: &Env, redact: &dyn Fn(&str) -> String) -> Result<UserConfig, BadConfig> {
        UserConfig::load(self.config.clone().or_else(|| env.path(env::CONFIG)).as_deref(), redact)
    }

    /// Reads the user's configuration, for commands that scan nothing.
    pub(super) fn load_redacted(&self, env: &Env) -> anyhow::Result<UserConfig> {
        Ok(self.load(env, &redact)?)
    }
}

/// What a project's own configuration excludes.
struct ProjectGlobs {
    top: PathBuf,
    globs: Vec<String>,
    scope: Scope,
}

/// The name of a root in locations, where no token is: without a slash at its end, as a walk has it.
pub(super) fn label(root: &Path) -> String {
    redact(&path_text(root.components().as_path().as_os_str().as_encoded_bytes()))
}

/// Reads a baseline. One that this very run is going to write need not exist yet.
fn read_baseline(baseline: &mut Baseline, path: &Path, written: Option<&Destination>) -> anyhow::Result<()> {
    let is_written = written == Some(&Destination::Path(path.to_owned()));
    let text = match fs::read(path) {
        Ok(text) => zeroize::Zeroizing::new(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound && is_written => return Ok(()),
        Err(error) => return Err(error).context(format!("cannot read the baseline {}", path.display())),
    };
    baseline.add(&text).with_context(|| format!("{} is no baseline", path.display()))
}
