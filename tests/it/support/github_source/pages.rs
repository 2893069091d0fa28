//! The pages that links of a report lead to: what a person would see there.

use std::path::Path;
use std::process::Command;

use super::wire::decoded;
use super::world::{Repository, World};

/// The text there; of a line the line. None where GitHub would answer 404.
pub(super) fn visit(base: &str, root: &Path, world: &World, link: &str) -> Option<String> {
    let below = link.strip_prefix(base)?.strip_prefix('/')?;
    let (address, fragment) = below.split_once('#').unwrap_or((below, ""));
    let path = address.split('?').next()?;
    let parts: Vec<String> = path.split('/').map(decoded).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    if let ["gist", owner, id, ref rest @ ..] = parts[..] {
        let (found, gist) = world.gist(id)?;
        let objects = root.join(format!("gist/{id}.git"));
        return match rest {
            [] => (found.login == owner).then(|| gist.id.clone()),
            [revision] => gist_file(&objects, revision, fragment),
            _ => None,
        };
    }
    let [owner, name, ref rest @ ..] = parts[..] else { return None };
    let repository = world.repository(owner, name)?;
    let git = root.join(format!("{owner}/{name}.git"));
    match rest {
        [] | ["actions"] => Some(repository.full_name()),
        // A page that shows a file's text and one that renders it differ: only the former has lines.
        ["blob", revision, file @ ..] => {
            let text = show(&git, revision, &file.join("/"))?;
            let rendered = Path::new(file.last()?).extension().is_some_and(|ending| ending == "md")
                && !address.contains("plain=1");
            (!rendered || fragment.is_empty()).then(|| line(&text, fragment))?
        }
        ["commit", revision] => commit(&git, revision),
        ["tree", reference @ ..] => resolve(&git, &reference.join("/")).map(|_| reference.join("/")),
        ["releases", "tag", tag @ ..] => {
            let tag = format!("refs/tags/{}", tag.join("/"));
            resolve(&git, &tag).and_then(|_| run(&git, &["cat-file", "-p", &tag]))
        }
        ["pull", number] => {
            repository.pulls.iter().find(|pull| pull.to_string() == *number).map(u64::to_string)
        }
        ["actions", "runs", id, rest @ ..] => of_run(repository, id, rest),
        ["security", "secret-scanning", number] => {
            let full_name = repository.full_name();
            let is = |repository: &str, known: u64| repository == full_name && known.to_string() == *number;
            let alert = world.alerts.iter().find(|alert| is(&alert.repository, alert.number));
            alert.map(|alert| alert.secret.clone())
        }
        ["wiki", page, revision] => {
            let wiki = root.join(format!("{owner}/{name}.wiki.git"));
            ["md", "markdown", "rst", "org", "txt", ""].iter().find_map(|ending| {
                let file = if ending.is_empty() { (*page).to_owned() } else { format!("{page}.{ending}") };
                show(&wiki, revision, &file)
            })
        }
        ["wiki", revision] if revision.len() == 40 => {
            commit(&root.join(format!("{owner}/{name}.wiki.git")), revision)
        }
        _ => None,
    }
}

fn of_run(repository: &Repository, id: &str, rest: &[&str]) -> Option<String> {
    let run = repository.runs.iter().find(|run| run.id.to_string() == id)?;
    match rest {
        [] => Some(run.id.to_string()),
        ["attempts", number] => {
            let number: usize = number.parse().ok()?;
            (1..=run.attempts.len()).contains(&number).then(|| format!("{} {number}", run.id))
        }
        ["artifacts", artifact] => {
            let of_run = repository.artifacts.iter().filter(|artifact| artifact.run == run.id);
            of_run.map(|artifact| artifact.id.to_string()).find(|id| id == artifact)
        }
        _ => None,
    }
}

fn run(git: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").arg("--git-dir").arg(git).args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

fn resolve(git: &Path, revision: &str) -> Option<String> {
    run(git, &["rev-parse", "-q", "--verify", "--end-of-options", revision])
}

fn show(git: &Path, revision: &str, path: &str) -> Option<String> {
    run(git, &["cat-file", "blob", &format!("{revision}:{path}")])
}

fn commit(git: &Path, revision: &str) -> Option<String> {
    run(git, &["cat-file", "commit", revision])
}

/// The line that `L3` names; everything where no line is named.
fn line(text: &str, fragment: &str) -> Option<String> {
    match fragment.strip_prefix('L') {
        Some(number) => {
            let number: usize = number.split(['-', 'C']).next()?.parse().ok()?;
            text.lines().nth(number.checked_sub(1)?).map(str::to_owned)
        }
        None => fragment.is_empty().then(|| text.to_owned()),
    }
}

/// `file-NAME-EXTENSION-L3`: the name in lower case, with `-` for what is neither a letter nor a digit.
fn gist_file(git: &Path, revision: &str, fragment: &str) -> Option<String> {
    if fragment.is_empty() {
        return commit(git, revision);
    }
    let wanted = fragment.strip_prefix("file-")?;
    let listed = run(git, &["ls-tree", "--name-only", revision])?;
    listed.lines().find_map(|name| {
        let plain = |c: char| if c.is_alphanumeric() || c == '_' { c.to_ascii_lowercase() } else { '-' };
        let anchor: String = name.chars().map(plain).collect();
        let rest = wanted.strip_prefix(&anchor)?;
        line(&show(git, revision, name)?, rest.trim_start_matches('-'))
    })
}
