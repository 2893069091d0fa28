//! Which targets a run has: those of the command line, and those of a file.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, bail};

use crate::cli::args::GithubArgs;
use crate::http::is_loopback;
use crate::settings::Input;
use crate::source::github::{Target, web_base};
use crate::text::unicode;

/// The targets, each once, in the order in which they were given. `host` is what people call the host, `api` its API.
pub(super) fn read(args: &GithubArgs, host: &str, api: &str) -> anyhow::Result<Vec<Target>> {
    let web = web_base(api);
    let is_ours = |found: &str| {
        let authority = |url: &str| url.split_once("://").map(|(_, rest)| rest.to_ascii_lowercase());
        let known = [authority(&web), authority(api)];
        let found = found.to_ascii_lowercase();
        let bare = found.strip_prefix("www.").unwrap_or(&found);
        known.iter().flatten().any(|known| known == bare || known.starts_with(&format!("{bare}/")))
            || (is_loopback(api) && is_loopback(&format!("http://{found}")))
    };
    let mut targets = Vec::new();
    let mut add = |text: &str| -> anyhow::Result<()> {
        let target = Target::parse(text, host, &is_ours)?;
        if !targets.contains(&target) {
            targets.push(target);
        }
        Ok(())
    };
    for text in &args.targets {
        add(text)?;
    }
    if let Some(input) = &args.from_file {
        let name = input.path().unwrap_or(Path::new("-")).display().to_string();
        for (line, number) in list(input)?.lines().zip(1..) {
            let text = line.split('#').next().unwrap_or_default().trim();
            if !text.is_empty() {
                add(text).with_context(|| format!("line {number} of {name}"))?;
            }
        }
    }
    if targets.is_empty() {
        bail!("there is no target: the list is empty");
    }
    Ok(targets)
}

/// The text of a list of targets.
fn list(input: &Input) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    match input {
        Input::Stdin => {
            std::io::stdin().lock().read_to_end(&mut bytes).context("cannot read standard input")?;
        }
        Input::Path(path) => {
            bytes =
                fs::read(path).with_context(|| format!("cannot read the targets in {}", path.display()))?;
        }
    }
    let text = unicode(&bytes).context("the list of targets is no text")?;
    Ok(text.into_owned())
}
