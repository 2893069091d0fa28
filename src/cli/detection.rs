//! What a run looks for, and what suppresses findings: the built-in rules, and what baselines and configuration files
//! add.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::args::{ConfigArgs, SuppressArgs, UserConfigArgs};
use super::console::{Console, Verbosity};
use super::error::{detector, redact};
use crate::blob::{Fault, FaultKind, Sink};
use crate::detect::{Custom, Detector};
use crate::finding::{Findings, Scope, Suppressor};
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
    /// The rules of swept repositories that found something.
    swept_rules: Vec<RuleText>,
}

/// What is looked for in one place, and what suppresses it there.
pub(super) struct InForce<'a> {
    pub(super) custom: &'a Custom,
    pub(super) suppressor: &'a dyn Suppressor,
    /// The path of the configuration that has the rules which may be given up.
    pub(super) config: &'a str,
}

impl Detection {
    /// Reads the user's configuration and those of scanned roots, and refuses rules that contradict their own examples.
    pub(super) fn load(args: &ConfigArgs, inputs: &[Input], env: &Env) -> anyhow::Result<Self> {
        let detection = Detection::load_untested(args, inputs, env)?;
        match contradiction(detection.custom.rules()) {
            Some(contradiction) => bail!("{contradiction}: `stanch rules test` tries them all"),
            None => Ok(detection),
        }
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
        let (custom, swept_rules) = (Custom::new(rules), Vec::new());
        Ok(Detection { detector, custom, suppressions, user, excluded, swept_rules })
    }

    /// The configuration's own rules, as reports know them.
    pub(super) fn rule_texts(&self) -> Vec<RuleText> {
        self.custom.rules().iter().map(rule_text).chain(self.swept_rules.iter().cloned()).collect()
    }

    /// Takes in what the report has to know of a swept repository's own configuration: rules that found something, and what
    /// it leaves out of itself.
    pub(super) fn add_swept(&mut self, rules: Vec<RuleText>, excluded: Vec<(PathBuf, Vec<String>)>) {
        self.swept_rules.extend(rules);
        let globs = |(top, globs)| ProjectGlobs { top, globs, scope: Scope::default() };
        self.excluded.extend(excluded.into_iter().map(globs));
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

    /// Calls `drain` with a sink that opens containers, and puts what is found into `findings`.
    pub(super) fn scan(&self, limits: Limits, into: (&Findings, &Meter), drain: &mut dyn FnMut(&dyn Sink)) {
        let Detection { custom, suppressions, .. } = self;
        self.scan_by(&InForce { custom, suppressor: suppressions, config: CONFIG }, limits, into, drain);
    }

    /// The same where something else is in force.
    pub(super) fn scan_by(
        &self,
        in_force: &InForce<'_>,
        limits: Limits,
        (findings, meter): (&Findings, &Meter),
        drain: &mut dyn FnMut(&dyn Sink),
    ) {
        let InForce { custom, suppressor, config } = *in_force;
        let collector = Collector::new(&self.detector, findings, meter);
        let collector = collector.with_custom(custom).with_suppressor(suppressor);
        drain(&Unpack::new(&collector, limits));
        for rule in custom.given_up() {
            let reason = format!(
                "its rule `{}` took too long and was given up: simplify its expression, or leave the rule to your own configuration",
                rule.id
            );
            findings.fault(Fault { path: config.to_owned(), kind: FaultKind::CutShort, reason });
        }
    }

    /// Adds what each project leaves out of its own files.
    pub(super) fn exclude(&self, exclude: &mut tree::Exclude) -> Result<(), tree::BadGlob> {
        let mut projects = self.excluded.iter();
        projects.try_for_each(|project| exclude.add_project(&project.globs, project.scope.clone()))
    }

    /// Reports what scanned projects exclude of themselves: a leak could hide behind that.
    pub(super) fn print_excluded(&self, console: &Console) {
        let excluded: Vec<&ProjectGlobs> =
            self.excluded.iter().filter(|project| !project.globs.is_empty()).collect();
        if excluded.len() > MAX_LISTED && console.verbosity < Verbosity::Verbose {
            let count = excluded.len();
            return console.info(&format!(
                "{count} trees leave files out of themselves by their {CONFIG}: -v names them"
            ));
        }
        for ProjectGlobs { top, globs, .. } in excluded {
            let listed: Vec<String> =
                globs.iter().take(MAX_LISTED).map(|glob| printable(&redact(glob))).collect();
            let more = if globs.len() > MAX_LISTED { ", …" } else { "" };
            let file = printable(&top.join(CONFIG).display().to_string());
            console.info(&format!("left out by {file}: {}{more}", listed.join(", ")));
        }
    }
}

/// A rule as reports know it.
pub(super) fn rule_text(rule: &CustomRule) -> RuleText {
    RuleText { id: rule.id.to_string(), description: rule.description.clone() }
}

/// The first of these rules that is wrong about one of its own examples, and how.
pub(super) fn contradiction(rules: &[CustomRule]) -> Option<String> {
    rules.iter().find_map(|rule| {
        let contradiction = Custom::contradictions(rule).into_iter().next()?;
        Some(format!("rule `{}` {contradiction}", rule.id))
    })
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
