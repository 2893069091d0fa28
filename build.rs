//! Makes Rust of the rule files: every file of `rules/` is compiled in without being named anywhere. Tells the program which
//! commit it is built from, and for which machine.

#[path = "src/rule/file.rs"]
mod file;

use std::error::Error;
use std::path::Path;
use std::process::Command;
use std::{env, fs, io};

/// The rules of a provider that exists in tests only: what it takes to add one.
const ACME: &str = "src/rule/acme.toml";

/// What cargo adds to a package: the commit it was made of.
const PACKAGED: &str = ".cargo_vcs_info.json";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=rules");
    println!("cargo::rerun-if-changed={ACME}");
    println!("cargo::rustc-env=STANCH_TARGET={}", env::var("TARGET")?);
    println!("cargo::rustc-env=STANCH_COMMIT={}", commit().unwrap_or_default());
    let mut texts = read_all(Path::new("rules"))?;
    write("rules.rs", &texts)?;
    texts.push(fs::read_to_string(ACME)?);
    write("test_rules.rs", &texts)
}

/// The commit: what the environment says, where the build has no repository; else what cargo wrote into the package; else
/// that of the repository. Only for a release: everything would be compiled anew after each commit.
fn commit() -> Option<String> {
    println!("cargo::rerun-if-env-changed=STANCH_COMMIT");
    let is_commit = |text: &String| text.len() >= 7 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if let Some(named) = env::var("STANCH_COMMIT").ok().filter(is_commit) {
        return Some(named);
    }
    if let Ok(package) = fs::read_to_string(PACKAGED) {
        println!("cargo::rerun-if-changed={PACKAGED}");
        return package
            .split('"')
            .skip_while(|word| *word != "sha1")
            .nth(2)
            .map(str::to_owned)
            .filter(is_commit);
    }
    // A package without that file is in somebody else's repository, or in none.
    if env::var("PROFILE").is_ok_and(|profile| profile == "debug") || !Path::new(".git").exists() {
        return None;
    }
    let git = |arguments: &[&str]| {
        let ran = Command::new("git").args(arguments).output().ok().filter(|ran| ran.status.success())?;
        Some(String::from_utf8(ran.stdout).ok()?.trim().to_owned())
    };
    for file in ["HEAD", "logs/HEAD"] {
        if let Some(path) = git(&["rev-parse", "--git-path", file]).filter(|path| Path::new(path).exists()) {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    git(&["rev-parse", "HEAD"]).filter(is_commit)
}

/// Writes the rules of some files where the program includes them from.
fn write(name: &str, texts: &[String]) -> Result<(), Box<dyn Error>> {
    let out = env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?;
    Ok(fs::write(Path::new(&out).join(name), file::to_rust(texts.iter().map(String::as_str))?)?)
}

/// The texts of the rule files in a directory, in the order of their names.
fn read_all(directory: &Path) -> io::Result<Vec<String>> {
    let entries = fs::read_dir(directory)?.collect::<io::Result<Vec<_>>>()?;
    let mut paths: Vec<_> = entries.into_iter().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "toml"));
    paths.sort();
    paths.iter().map(fs::read_to_string).collect()
}
