//! Flags that mean nothing in a run: who gave one expects something else of it.

use anyhow::bail;

use super::args::CommonArgs;

/// The command that speaks to GitHub's API whether it revokes or not.
pub(super) const GITHUB: &str = "github";

/// A flag of revocation without `--revoke` is a mistake.
pub(super) fn refuse_stray_flags(common: &CommonArgs, command: &str) -> anyhow::Result<()> {
    let args = &common.revocation;
    // Who asks an API needs to say where it is.
    let stray = if command == GITHUB { args.first_given_to_revoke() } else { args.first_given() };
    match stray.filter(|_| !common.revoke) {
        Some(flag) => bail!("{flag} is for runs with --revoke: nothing was looked at, nothing was sent"),
        None => Ok(()),
    }
}
