//! What a swept repository says of itself: the `.stanch.toml` and `.stanchignore` at the top of its default branch. They
//! hold for that repository alone, and there for the whole history, as they do in a clone.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::blob::{Fault, LocationKind, Sink};
use crate::cli::commands::git::is_excluded;
use crate::cli::detection::{InForce, contradiction, rule_text};
use crate::cli::error::redact;
use crate::cli::fault_path::is_in_tree;
use crate::cli::scan_context::ScanContext;
use crate::detect::Custom;
use crate::finding::{Finding, Findings, Location, Scope};
use crate::journal::OwnFiles;
use crate::meter::Meter;
use crate::report::RuleText;
use crate::settings::{
    BadConfig, CONFIG, IGNORE, IRREGULAR, MAX_PROJECT_FILE, Project, TOO_LARGE, project_text,
};
use crate::source::git::{Repo, TopFile};
use crate::source::tree::Exclude;
use crate::suppress::ProjectSuppressions;

/// As many globs of what is left out are kept, to be listed: one more than are.
const MAX_GLOBS: usize = 6;

/// What holds in one repository: what the user says, and what it says of itself.
pub(super) struct Own {
    /// What locations call it.
    name: String,
    files: OwnFiles,
    globs: Vec<String>,
    exclude: Exclude,
    /// The user's rules and its own, where it has any.
    custom: Option<Custom>,
    suppressions: ProjectSuppressions,
    config: String,
}

impl Own {
    /// That of a repository in which nothing was read yet.
    pub(super) fn nothing(session: ScanContext<'_>, name: &str) -> Self {
        let project = Project::new(PathBuf::from(name), scope(name));
        Own::of_project(session, name, project, OwnFiles::default())
    }

    /// That of a repository whose default branch ends at the commit `tip`; and what is wrong with a file that is not obeyed.
    pub(super) fn read(
        session: ScanContext<'_>,
        (name, repo, tip): (&str, &Repo, &str),
    ) -> (Self, Vec<BadConfig>) {
        let (mut files, mut problems) = (OwnFiles::default(), Vec::new());
        let texts = [(CONFIG, &mut files.config), (IGNORE, &mut files.ignore)];
        for (file, text) in texts {
            let path = Path::new(name).join(file);
            match text_of(&path, repo.top_file(tip, file, MAX_PROJECT_FILE)) {
                Ok(found) => *text = found,
                Err(problem) => problems.push(problem),
            }
        }
        let (own, refused) = Own::of_files(session, name, files, true);
        problems.extend(refused);
        (own, problems)
    }

    /// That of a repository whose files an earlier run has read, and obeyed.
    pub(super) fn known(session: ScanContext<'_>, name: &str, files: &OwnFiles) -> Self {
        Own::of_files(session, name, files.clone(), false).0
    }

    /// `anew` says that rules have to be tried on their examples yet.
    fn of_files(
        session: ScanContext<'_>,
        name: &str,
        mut files: OwnFiles,
        anew: bool,
    ) -> (Self, Vec<BadConfig>) {
        let mut project = Project::new(PathBuf::from(name), scope(name));
        let mut problems = Vec::new();
        if let Some(text) = &files.config {
            let obeyed = project.obey_config(text, &redact);
            let wrong = contradiction(if anew { &project.rules } else { &[] });
            let file = || project.top.join(CONFIG);
            let wrong = wrong.map(|problem| BadConfig { file: file(), line: None, problem });
            if let Some(problem) = obeyed.err().or(wrong) {
                problems.push(problem);
                project = Project::new(PathBuf::from(name), scope(name));
                files.config = None;
            }
        }
        if let Some(text) = &files.ignore
            && let Err(problem) = project.obey_ignore(text, &redact)
        {
            problems.push(problem);
            files.ignore = None;
        }
        (Own::of_project(session, name, project, files), problems)
    }

    fn of_project(session: ScanContext<'_>, name: &str, project: Project, files: OwnFiles) -> Self {
        let Project { top, exclude: mut globs, rules, suppressions } = project;
        let mut exclude = session.settings.walk.exclude.clone();
        if !globs.is_empty() {
            // They were tried when they were read.
            let _ = exclude.add_project(&globs, scope(name));
        }
        globs.truncate(MAX_GLOBS);
        let with_users = || Custom::new([session.detection.custom.rules(), &rules].concat());
        Own {
            name: name.to_owned(),
            files,
            globs,
            exclude,
            custom: (!rules.is_empty()).then(with_users),
            suppressions,
            config: top.join(CONFIG).display().to_string(),
        }
    }

    /// Calls `drain` with a sink that puts what is found in the repository's trees and commits into `findings`.
    pub(super) fn scan(
        &self,
        session: ScanContext<'_>,
        into: (&Findings, &Meter),
        drain: &mut dyn FnMut(&dyn Sink),
    ) {
        let suppressor = session.detection.suppressions.in_project(&self.suppressions);
        session.scan_by(&self.in_force(session, &suppressor), into, drain);
    }

    /// The same of what belongs to the repository and is in none of its trees.
    pub(super) fn scan_outside(
        &self,
        session: ScanContext<'_>,
        into: (&Findings, &Meter),
        drain: &mut dyn FnMut(&dyn Sink),
    ) {
        let suppressor = session.detection.suppressions.in_project(&self.suppressions).outside_of_trees();
        session.scan_by(&self.in_force(session, &suppressor), into, drain);
    }

    fn in_force<'a>(
        &'a self,
        session: ScanContext<'a>,
        suppressor: &'a crate::suppress::InForce<'a>,
    ) -> InForce<'a> {
        let custom = self.custom.as_ref().unwrap_or(&session.detection.custom);
        InForce { custom, suppressor, config: &self.config }
    }

    /// Drops what is left out of a history whose paths are known by now, findings and faults, and suppresses what is
    /// suppressed there.
    pub(super) fn settle(&self, session: ScanContext<'_>, found: &mut Findings) {
        found.retain(&mut |_, location| !is_excluded(&self.exclude, location));
        let in_force = session.detection.suppressions.in_project(&self.suppressions);
        in_force.reapply(found);
        let root = Some(self.name.as_str());
        let is_left_out = |path: &str| {
            is_in_tree(path) && (self.exclude.file(root, path) || in_force.ignores_path(root, path))
        };
        found.replace_faults(&mut |fault: Fault| {
            let inside = fault.path.strip_prefix(&self.name).and_then(|path| path.strip_prefix('/'));
            if inside.is_some_and(is_left_out) { Vec::new() } else { vec![fault] }
        });
    }

    /// Suppresses what alerts of the repository tell of. They are listed before it is looked at.
    pub(super) fn apply_to_alerts(&self, findings: &mut [Finding]) {
        // A place in a file has its commit.
        let is_in_tree = |location: &Location| {
            location.kind == LocationKind::Content && location.details().commit.is_some()
        };
        for finding in findings {
            self.suppressions.apply_to(finding, &is_in_tree);
        }
    }

    /// Those of its rules that have found any of these.
    pub(super) fn rules_of(&self, findings: &[Finding]) -> Vec<RuleText> {
        let ids: HashSet<&str> = findings.iter().map(|finding| &*finding.rule).collect();
        let rules = self.custom.iter().flat_map(Custom::rules);
        rules.filter(|rule| rule.scope.is_some() && ids.contains(&*rule.id)).map(rule_text).collect()
    }

    /// The globs of what it leaves out of itself, as many as are listed.
    pub(super) fn globs(&self) -> &[String] {
        &self.globs
    }

    /// The texts that are obeyed.
    pub(super) fn into_files(self) -> OwnFiles {
        self.files
    }
}

fn scope(name: &str) -> Scope {
    Scope::of_directory(Some(name))
}

/// The text of one of the two files, where it is there.
fn text_of(path: &Path, file: TopFile) -> Result<Option<String>, BadConfig> {
    let problem = match file {
        TopFile::Absent => return Ok(None),
        TopFile::Bytes(bytes) => return project_text(path, &bytes).map(Some),
        TopFile::TooLarge => TOO_LARGE,
        TopFile::Irregular => IRREGULAR,
        TopFile::Unreadable => "cannot be read: it is missing or damaged, or what leads to it",
    };
    Err(BadConfig { file: path.to_owned(), line: None, problem: problem.to_owned() })
}
