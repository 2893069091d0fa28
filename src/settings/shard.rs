//! `--shard K/N`, and `--shard auto`: what a scheduler says of its jobs.

use std::str::FromStr;

use super::env::{self, Env, Variable};
use crate::shard::{BadShard, Shard};

/// The word for what the scheduler says.
const AUTO: &str = "auto";

/// Which share of the work a run does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShardChoice {
    /// What the scheduler says.
    Auto,
    /// This one.
    Given(Shard),
}

/// A scheduler that does not say which shard a run is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoShard {
    /// None of those that are known.
    #[error(
        "--shard auto: no scheduler says which shard this is; set {indexes} with what goes with it, or write --shard K/N",
        indexes = env::names(&[env::JOB_COMPLETION_INDEX, env::CI_NODE_INDEX, env::SLURM_ARRAY_TASK_ID]).replace(", ", " or ")
    )]
    NoScheduler,
    /// It says half of it.
    #[error("--shard auto: {set} is set, and {missing} is not; set it, or write --shard K/N")]
    Missing {
        /// The variable that is there.
        set: &'static str,
        /// The one that is not.
        missing: &'static str,
    },
    /// What it says is no number.
    #[error("--shard auto: {0} is no whole number; write --shard K/N instead")]
    NoNumber(&'static str),
    /// What it says is no shard of as many.
    #[error("--shard auto: {index} does not go with {count}: {why}; write --shard K/N instead")]
    Outside {
        /// The variable that says which.
        index: &'static str,
        /// The variable that says of how many.
        count: &'static str,
        /// What is wrong.
        why: BadShard,
    },
}

/// How a scheduler numbers the jobs of an array.
struct Scheduler {
    index: Variable,
    count: Variable,
    /// The number of the first job, where no variable says it.
    first: u64,
    /// The variables that say it, and how far it is from one job to the next.
    numbering: Option<(Variable, Variable)>,
    /// The variable that tells one array of jobs from every other.
    sweep: Option<Variable>,
}

/// In the order in which they are asked.
const SCHEDULERS: [Scheduler; 3] = [
    // An indexed job of Kubernetes counts from 0, and the manifest has to say how many there are
    // (https://kubernetes.io/docs/concepts/workloads/controllers/job/#completion-mode).
    Scheduler {
        index: env::JOB_COMPLETION_INDEX,
        count: env::JOB_COMPLETIONS,
        first: 0,
        numbering: None,
        sweep: None,
    },
    // GitLab's `parallel` counts from 1 (https://docs.gitlab.com/ci/variables/predefined_variables/).
    Scheduler {
        index: env::CI_NODE_INDEX,
        count: env::CI_NODE_TOTAL,
        first: 1,
        numbering: None,
        sweep: Some(env::CI_PIPELINE_ID),
    },
    // The tasks of an array are numbered as its user likes: `--array=0-9`, `1-10`, `0-18:2`
    // (https://slurm.schedmd.com/job_array.html).
    Scheduler {
        index: env::SLURM_ARRAY_TASK_ID,
        count: env::SLURM_ARRAY_TASK_COUNT,
        first: 0,
        numbering: Some((env::SLURM_ARRAY_TASK_MIN, env::SLURM_ARRAY_TASK_STEP)),
        sweep: Some(env::SLURM_ARRAY_JOB_ID),
    },
];

impl FromStr for ShardChoice {
    type Err = BadShard;

    fn from_str(text: &str) -> Result<Self, BadShard> {
        if text == AUTO { Ok(ShardChoice::Auto) } else { text.parse().map(ShardChoice::Given) }
    }
}

impl ShardChoice {
    /// The shard that is meant.
    pub fn shard(self, env: &Env) -> Result<Shard, NoShard> {
        match self {
            ShardChoice::Given(shard) => Ok(shard),
            ShardChoice::Auto => Scheduler::of(env).ok_or(NoShard::NoScheduler)?.shard(env),
        }
    }

    /// What the sweep is called, where something says it: whoever runs its shards, or else the scheduler that numbers them.
    pub fn sweep(self, env: &Env) -> Option<String> {
        let scheduler = Scheduler::of(env).filter(|_| self == ShardChoice::Auto);
        env.text(env::SWEEP).or_else(|| env.text(scheduler?.sweep?))
    }
}

impl Scheduler {
    /// The first that says anything.
    fn of(env: &Env) -> Option<&'static Scheduler> {
        SCHEDULERS.iter().find(|scheduler| env.is_set(scheduler.index) || env.is_set(scheduler.count))
    }

    fn shard(&self, env: &Env) -> Result<Shard, NoShard> {
        let number = |variable: Variable, other: Variable| {
            number(env, variable)?.ok_or(NoShard::Missing { set: other.name, missing: variable.name })
        };
        let (index, count) = (number(self.index, self.count)?, number(self.count, self.index)?);
        let (mut first, mut step) = (self.first, 1);
        if let Some((min, between)) = self.numbering {
            // Where the numbers begin nobody else knows: a wrong guess would leave a share out.
            let missing = NoShard::Missing { set: self.index.name, missing: min.name };
            first = self::number(env, min)?.ok_or(missing)?;
            step = self::number(env, between)?.unwrap_or(step).max(1);
        }
        // What is before the first, or between two, is no shard.
        let steps = index.checked_sub(first).filter(|distance| distance.is_multiple_of(step));
        let place = steps.map_or(0, |distance| (distance / step).saturating_add(1));
        let outside = |why| NoShard::Outside { index: self.index.name, count: self.count.name, why };
        Shard::new(place, count).map_err(outside)
    }
}

/// The number that a variable is set to.
fn number(env: &Env, variable: Variable) -> Result<Option<u64>, NoShard> {
    let Some(value) = env.raw(variable.name) else { return Ok(None) };
    let digits = value.to_str().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    digits.and_then(|digits| digits.parse().ok()).map(Some).ok_or(NoShard::NoNumber(variable.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn auto(variables: &[(&str, &str)]) -> Result<String, String> {
        let env = variables.iter().copied().collect::<Env>();
        let shard = ShardChoice::Auto.shard(&env);
        shard.map(|shard| shard.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_shard_is_given_or_looked_up() {
        assert_eq!("auto".parse(), Ok(ShardChoice::Auto));
        let given = Shard::new(2, 3).expect("a shard");
        assert_eq!("2/3".parse(), Ok(ShardChoice::Given(given)));
        let elsewhere = Env::from_iter([("CI_NODE_INDEX", "1"), ("CI_NODE_TOTAL", "9")]);
        assert_eq!(ShardChoice::Given(given).shard(&elsewhere), Ok(given));
    }

    #[test]
    fn each_scheduler_counts_in_its_own_way() {
        for (variables, shard) in [
            (&[("JOB_COMPLETION_INDEX", "0"), ("JOB_COMPLETIONS", "8")][..], "1/8"),
            (&[("JOB_COMPLETION_INDEX", "7"), ("JOB_COMPLETIONS", "8")], "8/8"),
            (&[("CI_NODE_INDEX", "1"), ("CI_NODE_TOTAL", "4")], "1/4"),
            (&[("CI_NODE_INDEX", "4"), ("CI_NODE_TOTAL", "4")], "4/4"),
            (
                &[
                    ("SLURM_ARRAY_TASK_ID", "0"),
                    ("SLURM_ARRAY_TASK_COUNT", "10"),
                    ("SLURM_ARRAY_TASK_MIN", "0"),
                ],
                "1/10",
            ),
            (
                &[
                    ("SLURM_ARRAY_TASK_ID", "10"),
                    ("SLURM_ARRAY_TASK_COUNT", "10"),
                    ("SLURM_ARRAY_TASK_MIN", "1"),
                ],
                "10/10",
            ),
            (
                &[
                    ("SLURM_ARRAY_TASK_ID", "7"),
                    ("SLURM_ARRAY_TASK_COUNT", "4"),
                    ("SLURM_ARRAY_TASK_MIN", "1"),
                    ("SLURM_ARRAY_TASK_STEP", "2"),
                ],
                "4/4",
            ),
            // The first of those that are set.
            (
                &[
                    ("SLURM_ARRAY_TASK_ID", "0"),
                    ("SLURM_ARRAY_TASK_COUNT", "2"),
                    ("JOB_COMPLETION_INDEX", "2"),
                    ("JOB_COMPLETIONS", "3"),
                ],
                "3/3",
            ),
        ] {
            assert_eq!(auto(variables).as_deref(), Ok(shard), "{variables:?}");
        }
    }

    #[test]
    fn a_sweep_is_named_by_whoever_knows_it() {
        let gitlab = [("CI_NODE_INDEX", "1"), ("CI_NODE_TOTAL", "2"), ("CI_PIPELINE_ID", "17")];
        let slurm = [("SLURM_ARRAY_TASK_ID", "1"), ("SLURM_ARRAY_JOB_ID", "18"), ("CI_PIPELINE_ID", "17")];
        let given = ShardChoice::Given(Shard::new(1, 2).expect("a shard"));
        let named = [("STANCH_SWEEP", "nightly")];
        for (choice, variables, name) in [
            (ShardChoice::Auto, &gitlab[..], Some("17")),
            (ShardChoice::Auto, &slurm, Some("18")),
            (ShardChoice::Auto, &[&gitlab[..], &named[..]].concat(), Some("nightly")),
            (ShardChoice::Auto, &[("JOB_COMPLETION_INDEX", "1"), ("CI_PIPELINE_ID", "17")], None),
            // A loop of one's own within one job of a pipeline.
            (given, &gitlab, None),
            (given, &named, Some("nightly")),
        ] {
            let env = variables.iter().copied().collect::<Env>();
            assert_eq!(choice.sweep(&env).as_deref(), name, "{variables:?}");
        }
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        for (variables, named) in [
            (&[][..], "JOB_COMPLETION_INDEX or CI_NODE_INDEX or SLURM_ARRAY_TASK_ID"),
            (&[("JOB_COMPLETION_INDEX", "0")], "JOB_COMPLETIONS is not"),
            (&[("CI_NODE_TOTAL", "1")], "CI_NODE_INDEX is not"),
            (&[("CI_NODE_INDEX", ""), ("CI_NODE_TOTAL", "1")], "CI_NODE_INDEX is not"),
            (&[("CI_NODE_INDEX", "one"), ("CI_NODE_TOTAL", "1")], "CI_NODE_INDEX is no whole number"),
            (&[("CI_NODE_INDEX", "1"), ("CI_NODE_TOTAL", "-1")], "CI_NODE_TOTAL is no whole number"),
            (
                &[("CI_NODE_INDEX", "0"), ("CI_NODE_TOTAL", "4")],
                "CI_NODE_INDEX does not go with CI_NODE_TOTAL",
            ),
            (&[("JOB_COMPLETION_INDEX", "8"), ("JOB_COMPLETIONS", "8")], "no shard 9 of 8"),
            (
                &[("SLURM_ARRAY_TASK_ID", "1"), ("SLURM_ARRAY_TASK_COUNT", "10")],
                "SLURM_ARRAY_TASK_MIN is not",
            ),
            // `--array=1,4` has a task behind the last of two.
            (
                &[
                    ("SLURM_ARRAY_TASK_ID", "4"),
                    ("SLURM_ARRAY_TASK_COUNT", "2"),
                    ("SLURM_ARRAY_TASK_MIN", "1"),
                    ("SLURM_ARRAY_TASK_STEP", "1"),
                ],
                "SLURM_ARRAY_TASK_ID does not go with SLURM_ARRAY_TASK_COUNT",
            ),
            (
                &[
                    ("SLURM_ARRAY_TASK_ID", "2"),
                    ("SLURM_ARRAY_TASK_COUNT", "4"),
                    ("SLURM_ARRAY_TASK_MIN", "1"),
                    ("SLURM_ARRAY_TASK_STEP", "2"),
                ],
                "SLURM_ARRAY_TASK_ID does not go with",
            ),
        ] {
            let refused = auto(variables).expect_err("refused");
            assert!(refused.contains(named), "{refused}");
        }
    }
}
