//! `stanch github`: repositories of organizations and users, by GitHub's API.

use crate::cli::args::GithubArgs;
use crate::cli::exit::Exit;
use crate::settings::Env;

pub(super) fn run(args: &GithubArgs, env: &Env) -> anyhow::Result<Exit> {
    let _ = (args, env);
    anyhow::bail!("being built")
}
