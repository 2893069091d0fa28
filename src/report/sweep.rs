//! What the shards of one sweep have in common: by that, `merge` knows a report of another.

use serde::{Deserialize, Serialize};

/// What a run was told that all shards of its sweep were told, too.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sweep {
    /// The command, such as `scan`.
    pub command: String,
    /// What decides on what is found, as flags; in order.
    pub options: Vec<String>,
    /// What the sweep is called: no two have the same name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Sweep {
    /// How two runs differ that should be of one sweep, this one named first; none where they do not.
    pub(super) fn difference(&self, other: &Sweep) -> Option<String> {
        let name = |sweep: &Sweep| sweep.name.clone().unwrap_or_else(|| "one without a name".to_owned());
        if self.name != other.name {
            return Some(format!("the sweeps are {} and {}", name(self), name(other)));
        }
        if self.command != other.command {
            return Some(format!("the commands are `{}` and `{}`", self.command, other.command));
        }
        let only = |one: &Sweep, other: &Sweep| {
            let options = one.options.iter().filter(|option| !other.options.contains(option));
            options.cloned().collect::<Vec<_>>()
        };
        let (ours, theirs) = (only(self, other), only(other, self));
        if ours.is_empty() && theirs.is_empty() {
            return None;
        }
        let list = |options: &[String]| match options {
            [] => "nothing".to_owned(),
            options => options.join(" "),
        };
        Some(format!("only the first was told {}, and only the other {}", list(&ours), list(&theirs)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sweep(command: &str, options: &[&str], name: Option<&str>) -> Sweep {
        let options = options.iter().map(|option| (*option).to_owned()).collect();
        Sweep { command: command.to_owned(), options, name: name.map(str::to_owned) }
    }

    #[test]
    fn what_two_sweeps_differ_in_is_said() {
        let one = sweep("scan", &["--exclude=a", "--history"], Some("17"));
        assert_eq!(one.difference(&one), None);
        for (other, said) in [
            (sweep("scan", &["--exclude=a", "--history"], Some("18")), "the sweeps are 17 and 18"),
            (sweep("scan", &["--exclude=a", "--history"], None), "the sweeps are 17 and one without a name"),
            (sweep("git", &["--exclude=a", "--history"], Some("17")), "the commands are `scan` and `git`"),
            (
                sweep("scan", &["--exclude=b", "--history"], Some("17")),
                "only the first was told --exclude=a, and only the other --exclude=b",
            ),
            (
                sweep("scan", &["--exclude=a"], Some("17")),
                "only the first was told --history, and only the other nothing",
            ),
        ] {
            assert_eq!(one.difference(&other).as_deref(), Some(said));
        }
    }
}
