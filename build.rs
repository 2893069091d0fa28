//! Makes Rust of the rule files: every file of `rules/` is compiled in without being named anywhere.

#[path = "src/rule/file.rs"]
mod file;

use std::error::Error;
use std::path::Path;
use std::{env, fs, io};

/// The rules of a provider that exists in tests only: what it takes to add one.
const ACME: &str = "src/rule/acme.toml";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=rules");
    println!("cargo::rerun-if-changed={ACME}");
    let mut texts = read_all(Path::new("rules"))?;
    write("rules.rs", &texts)?;
    texts.push(fs::read_to_string(ACME)?);
    write("test_rules.rs", &texts)
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
