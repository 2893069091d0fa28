//! The environment variables that decide what a run does: one table, which the code, the help texts and the
//! documentation share. Names that a lower layer looks up, those of GitHub's host and credentials, are constants there.
//!
//! One setting is read elsewhere: `SSL_CERT_FILE`, by `http` itself, wherever a connection is made.
//! Git's own variables (`GIT_DIR` and its like, see git(1)) are not settings of this program: `source::git` reads them as
//! git does.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use crate::local_credentials::Environment;
use crate::provider::github::{credential, host};

/// An environment variable, as the table has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What it sets.
    pub purpose: &'static str,
    /// The flag that goes before it.
    pub flag: Option<&'static str>,
    /// The library that reads it where stanch does not read it itself.
    pub library: Option<&'static str>,
}

impl Variable {
    const fn new(name: &'static str, purpose: &'static str) -> Self {
        Variable { name, purpose, flag: None, library: None }
    }

    const fn below_flag(self, flag: &'static str) -> Self {
        Variable { flag: Some(flag), ..self }
    }

    const fn read_by(self, library: &'static str) -> Self {
        Variable { library: Some(library), ..self }
    }
}

/// The user's configuration file.
pub const CONFIG: Variable =
    Variable::new("STANCH_CONFIG", "the user's configuration file").below_flag("--config");

/// The ledger: its path or its URL.
pub const LEDGER: Variable = Variable::new("STANCH_LEDGER", "the ledger").below_flag("--ledger");

/// Private keys: a list as `PATH` has it.
pub const LEDGER_KEY_FILE: Variable =
    Variable::new("STANCH_LEDGER_KEY_FILE", "the private keys of a shared ledger, separated as in PATH")
        .below_flag("--key");

/// The password of a ledger in PostgreSQL (<https://www.postgresql.org/docs/current/libpq-envars.html>).
pub const PGPASSWORD: Variable = Variable::new("PGPASSWORD", "the password of a ledger in PostgreSQL");

/// Where its passwords are (same page).
pub const PGPASSFILE: Variable =
    Variable::new("PGPASSFILE", "the file of such passwords, instead of ~/.pgpass");

/// What an intake knows a runner by.
pub const INTAKE_TOKEN: Variable = Variable::new("STANCH_INTAKE_TOKEN", "the bearer token for an intake");

/// The name of the address that requests leave from.
pub const EGRESS: Variable =
    Variable::new("STANCH_EGRESS", "the NAT that requests leave through").below_flag("--egress");

/// The user's own credential, for any host.
pub const AUTH_TOKEN: Variable =
    Variable::new(credential::AUTH_TOKEN, "your own credential, at any host").below_flag("--auth-token-file");

/// The user's own credential at github.com and GHE.com (<https://cli.github.com/manual/gh_help_environment>).
pub const GH_TOKEN: Variable =
    Variable::new(credential::GH_TOKEN, "your own credential at github.com and GHE.com")
        .below_flag("--auth-token-file");

/// The same, by the name that GitHub Actions uses.
pub const GITHUB_TOKEN: Variable =
    Variable::new(credential::GITHUB_TOKEN, "your own credential at github.com and GHE.com")
        .below_flag("--auth-token-file");

/// The user's own credential at a server (<https://cli.github.com/manual/gh_help_environment>).
pub const GH_ENTERPRISE_TOKEN: Variable =
    Variable::new(credential::GH_ENTERPRISE_TOKEN, "your own credential at a server")
        .below_flag("--auth-token-file");

/// The same, by its other name.
pub const GITHUB_ENTERPRISE_TOKEN: Variable =
    Variable::new(credential::GITHUB_ENTERPRISE_TOKEN, "your own credential at a server")
        .below_flag("--auth-token-file");

/// The host (<https://cli.github.com/manual/gh_help_environment>).
pub const GH_HOST: Variable = Variable::new(host::GH_HOST, "the host").below_flag("--host");

/// The URL of the GitHub that runs an Actions job
/// (<https://docs.github.com/en/actions/reference/workflows-and-actions/variables>).
pub const GITHUB_SERVER_URL: Variable =
    Variable::new(host::SERVER_URL, "the host, by its URL").below_flag("--host");

/// The file that holds the Markdown summary of an Actions job
/// (<https://docs.github.com/en/actions/reference/workflows-and-actions/variables>).
pub const GITHUB_STEP_SUMMARY: Variable =
    Variable::new("GITHUB_STEP_SUMMARY", "where a job's summary is written, with -f github");

/// Which pod of an indexed job this is, from 0
/// (<https://kubernetes.io/docs/concepts/workloads/controllers/job/#completion-mode>).
pub const JOB_COMPLETION_INDEX: Variable =
    Variable::new("JOB_COMPLETION_INDEX", "which pod of an indexed Kubernetes job this is")
        .below_flag("--shard");

/// How many pods there are: Kubernetes does not say it, so that the manifest has to.
pub const JOB_COMPLETIONS: Variable =
    Variable::new("JOB_COMPLETIONS", "how many pods the job has").below_flag("--shard");

/// Which of a GitLab job's parallel runs this is, from 1 (<https://docs.gitlab.com/ci/variables/predefined_variables/>).
pub const CI_NODE_INDEX: Variable =
    Variable::new("CI_NODE_INDEX", "which of a GitLab job's parallel runs this is").below_flag("--shard");

/// How many of them there are.
pub const CI_NODE_TOTAL: Variable =
    Variable::new("CI_NODE_TOTAL", "how many parallel runs the GitLab job has").below_flag("--shard");

/// Which task of an array this is (<https://slurm.schedmd.com/job_array.html>).
pub const SLURM_ARRAY_TASK_ID: Variable =
    Variable::new("SLURM_ARRAY_TASK_ID", "which task of a Slurm array this is").below_flag("--shard");

/// How many of them there are.
pub const SLURM_ARRAY_TASK_COUNT: Variable =
    Variable::new("SLURM_ARRAY_TASK_COUNT", "how many tasks the array has").below_flag("--shard");

/// The number of the first.
pub const SLURM_ARRAY_TASK_MIN: Variable =
    Variable::new("SLURM_ARRAY_TASK_MIN", "the number of its first task");

/// How far it is from one number to the next.
pub const SLURM_ARRAY_TASK_STEP: Variable =
    Variable::new("SLURM_ARRAY_TASK_STEP", "from one task's number to the next");

/// What the sweep is called that a shard is of.
pub const SWEEP: Variable =
    Variable::new("STANCH_SWEEP", "the sweep's name, the same in all its shards").below_flag("--sweep");

/// The pipeline of a GitLab job (<https://docs.gitlab.com/ci/variables/predefined_variables/>).
pub const CI_PIPELINE_ID: Variable =
    Variable::new("CI_PIPELINE_ID", "the GitLab pipeline that a sweep is named by").below_flag("--sweep");

/// The job of an array (<https://slurm.schedmd.com/job_array.html>).
pub const SLURM_ARRAY_JOB_ID: Variable =
    Variable::new("SLURM_ARRAY_JOB_ID", "the Slurm job that a sweep is named by").below_flag("--sweep");

/// Every variable, those of libraries among them.
pub const VARIABLES: [Variable; 32] = [
    CONFIG,
    LEDGER,
    LEDGER_KEY_FILE,
    PGPASSWORD,
    PGPASSFILE,
    INTAKE_TOKEN,
    EGRESS,
    AUTH_TOKEN,
    GH_TOKEN,
    GITHUB_TOKEN,
    GH_ENTERPRISE_TOKEN,
    GITHUB_ENTERPRISE_TOKEN,
    GH_HOST,
    GITHUB_SERVER_URL,
    GITHUB_STEP_SUMMARY,
    JOB_COMPLETION_INDEX,
    JOB_COMPLETIONS,
    CI_NODE_INDEX,
    CI_NODE_TOTAL,
    SLURM_ARRAY_TASK_ID,
    SLURM_ARRAY_TASK_COUNT,
    SLURM_ARRAY_TASK_MIN,
    SLURM_ARRAY_TASK_STEP,
    SWEEP,
    CI_PIPELINE_ID,
    SLURM_ARRAY_JOB_ID,
    Variable::new("SSL_CERT_FILE", "certificates to trust besides the system's")
        .below_flag("--ca-cert")
        .read_by("http"),
    Variable::new("HTTPS_PROXY", "the proxy on the way to the host").read_by("reqwest"),
    Variable::new("NO_PROXY", "hosts that are reached without a proxy").read_by("reqwest"),
    Variable::new("NO_COLOR", "no colour").read_by("anstream"),
    Variable::new("XDG_CONFIG_HOME", "the directory of stanch/config.toml").read_by("etcetera"),
    Variable::new("XDG_STATE_HOME", "the directory of stanch/ledger.db").read_by("etcetera"),
];

/// The names of some variables as help texts have them: `[env: A, B]`.
pub fn help(variables: &[Variable]) -> String {
    format!("[env: {}]", names(variables))
}

/// The names of some variables, separated by commas.
pub fn names(variables: &[Variable]) -> String {
    variables.iter().map(|variable| variable.name).collect::<Vec<_>>().join(", ")
}

/// The environment of a process: a value, so that a test never depends on the machine it runs on.
///
/// A variable that is set to nothing counts as not set.
#[derive(Clone, Debug)]
pub struct Env(Variables);

#[derive(Clone, Debug)]
enum Variables {
    /// Those of this process, each looked up when it is asked for: a copy of all costs more than a run reads.
    OfThisProcess,
    /// These.
    Listed(HashMap<OsString, OsString>),
}

impl Env {
    /// That of this process.
    pub fn of_this_process() -> Self {
        Env(Variables::OfThisProcess)
    }

    /// The value of a variable, as it is.
    pub fn raw(&self, name: &str) -> Option<OsString> {
        let value = match &self.0 {
            Variables::OfThisProcess => std::env::var_os(name),
            Variables::Listed(variables) => variables.get(OsStr::new(name)).cloned(),
        };
        value.filter(|value| !value.is_empty())
    }

    /// Whether a variable has a value.
    pub fn is_set(&self, variable: Variable) -> bool {
        self.raw(variable.name).is_some()
    }

    /// The value of a variable, where it is text.
    pub fn text(&self, variable: Variable) -> Option<String> {
        self.raw(variable.name)?.into_string().ok()
    }

    /// The value of a variable that names a file.
    pub fn path(&self, variable: Variable) -> Option<PathBuf> {
        self.raw(variable.name).map(PathBuf::from)
    }

    /// The value of a variable that names several files.
    pub fn paths(&self, variable: Variable) -> Vec<PathBuf> {
        self.raw(variable.name).map(|value| std::env::split_paths(&value).collect()).unwrap_or_default()
    }

    /// Everything that credentials of this machine are searched in, but for what is scanned.
    pub fn for_local_credentials(&self) -> Environment {
        Environment {
            env: match &self.0 {
                Variables::OfThisProcess => std::env::vars_os().collect(),
                Variables::Listed(variables) => variables.clone(),
            },
            home: etcetera::home_dir().ok(),
            cwd: std::env::current_dir().ok(),
            roots: Vec::new(),
            passwd: Some(PathBuf::from("/etc/passwd")),
        }
    }
}

impl<K: Into<OsString>, V: Into<OsString>> FromIterator<(K, V)> for Env {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(variables: I) -> Self {
        let owned = variables.into_iter().map(|(name, value)| (name.into(), value.into()));
        Env(Variables::Listed(owned.collect()))
    }
}

impl Default for Env {
    /// An empty one.
    fn default() -> Self {
        Env(Variables::Listed(HashMap::new()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_to_nothing_is_not_set() {
        let env = Env::from_iter([("GH_HOST", ""), ("STANCH_LEDGER", "l.db")]);
        assert_eq!((env.is_set(GH_HOST), env.text(GH_HOST)), (false, None));
        assert_eq!(env.path(LEDGER), Some(PathBuf::from("l.db")));
        let files = std::env::join_paths(["a", "b c"]).expect("names without a separator");
        let env = Env::from_iter([("STANCH_LEDGER_KEY_FILE", files)]);
        assert_eq!(env.paths(LEDGER_KEY_FILE), [PathBuf::from("a"), PathBuf::from("b c")]);
        assert!(env.paths(LEDGER).is_empty());
        assert_eq!(help(&[GH_HOST, GITHUB_SERVER_URL]), "[env: GH_HOST, GITHUB_SERVER_URL]");
    }

    #[test]
    fn each_variable_is_listed_once() {
        let mut names: Vec<_> = VARIABLES.iter().map(|variable| variable.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), VARIABLES.len());
    }
}
