//! How a released program is packed, and how the action for GitHub gets it onto a runner.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::cmd::{Ran, Sandbox};

const VERSION: &str = env!("CARGO_PKG_VERSION");
const TARGET: &str = "x86_64-unknown-linux-musl";

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A host that has one release, a runner that keeps actions as GitHub's do, and programs for its scripts.
struct Host {
    sandbox: Sandbox,
}

impl Host {
    fn new() -> Self {
        let host = Self { sandbox: Sandbox::new() };
        // What is packed is tens of megabytes with debug information; a door to it is enough.
        let door = format!("#!/bin/sh\nexec '{}' \"$@\"\n", env!("CARGO_BIN_EXE_stanch"));
        host.program("built/stanch", &door);
        // Instead of a build of minutes: says that it was asked.
        host.program("bin/cargo", "#!/bin/sh\necho \"cargo $1\"\n");
        host.pack("UTC");
        host
    }

    fn pack(&self, zone: &str) {
        let packed = Command::new(project().join("packaging/archive.sh"))
            .args([self.path("built/stanch").as_os_str(), TARGET.as_ref(), self.releases().as_os_str()])
            .envs([("TZ", zone), ("SOURCE_DATE_EPOCH", "1700000000")])
            .output()
            .expect("bash");
        assert!(packed.status.success(), "{}", String::from_utf8_lossy(&packed.stderr));
    }

    fn path(&self, name: &str) -> PathBuf {
        self.sandbox.path().join(name)
    }

    fn program(&self, name: &str, text: &str) {
        self.sandbox.write(name, text);
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o755)).expect("a mode");
    }

    fn releases(&self) -> PathBuf {
        self.path(&format!("host/somebody/stanch/releases/download/v{VERSION}"))
    }

    fn archive(&self) -> PathBuf {
        self.releases().join(format!("stanch-{TARGET}.tar.gz"))
    }

    /// The action as a runner keeps it when a workflow says `uses: somebody/stanch@REFERENCE`.
    fn action(&self, reference: &str) -> PathBuf {
        let action = format!("_actions/somebody/stanch/{reference}");
        self.sandbox.write(&format!("{action}/Cargo.toml"), format!("[package]\nversion = \"{VERSION}\"\n"));
        for file in ["Cargo.lock", "build.rs", "src/main.rs", "rules/github.toml"] {
            self.sandbox.write(&format!("{action}/{file}"), "");
        }
        self.path(&action)
    }

    /// A script of the action's; and what it hands to the next step.
    fn script(&self, name: &str, environment: &[(&str, &str)]) -> (Ran, String) {
        let outputs = self.path("outputs");
        fs::write(&outputs, "").expect("a file");
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new("bash");
        command
            .arg(project().join("action").join(name))
            .env_clear()
            .env("PATH", format!("{}:{path}", self.path("bin").display()))
            .env("HOME", self.sandbox.path())
            .env("GITHUB_OUTPUT", &outputs)
            .env("GITHUB_SERVER_URL", format!("file://{}", self.path("host").display()))
            .env("GITHUB_ACTION_PATH", self.action("main"))
            .env("RUNNER_OS", "Linux")
            .env("RUNNER_ARCH", "X64")
            .env("TOOLS", self.path("tools"))
            .env("ROOT", self.path("tools/stanch"))
            .envs(environment.iter().copied());
        let ran = Ran::from(command.output().expect("bash"));
        (ran, fs::read_to_string(outputs).expect("outputs"))
    }

    /// The address of the release that an action at a reference is to be taken from.
    fn release(&self, reference: &str, environment: &[(&str, &str)]) -> String {
        let action = self.action(reference);
        let action = action.to_str().expect("a path of text");
        let mut all = vec![("GITHUB_ACTION_PATH", action)];
        all.extend(environment);
        let (ran, outputs) = self.script("find.sh", &all);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let release = outputs.lines().find_map(|line| line.strip_prefix("release="));
        release.expect("an output").to_owned()
    }

    fn installed(&self) -> PathBuf {
        self.path("tools/stanch/bin/stanch")
    }
}

#[test]
fn a_tag_is_taken_from_its_release() {
    let host = Host::new();
    for tag in [format!("v{VERSION}"), "v0".to_owned()] {
        let release = host.release(&tag, &[]);
        assert_eq!(release, format!("file://{}", host.archive().display()));
        let (ran, _) = host.script("install.sh", &[("RELEASE", &release)]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert!(ran.stdout.contains(VERSION) && !ran.stdout.contains("cargo"), "{}", ran.stdout);
        let program = Command::new(host.installed()).arg("--version").output().expect("stanch");
        assert!(String::from_utf8_lossy(&program.stdout).contains(VERSION));
    }
}

#[test]
fn what_is_pinned_or_has_no_release_is_built() {
    let host = Host::new();
    let tag = format!("v{VERSION}");
    for reference in ["main", "0123456789abcdef0123456789abcdef01234567", "feature/v1"] {
        assert_eq!(host.release(reference, &[]), "", "{reference}");
    }
    assert_eq!(host.release(&tag, &[("BUILD", "true")]), "");
    assert_eq!(host.release(&tag, &[("RUNNER_ARCH", "RISCV")]), "");
    let missing = host.release(&tag, &[("RUNNER_OS", "macOS")]);
    for release in ["", &missing] {
        let (ran, _) = host.script("install.sh", &[("RELEASE", release)]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert!(ran.stdout.contains("cargo install"), "{}", ran.stdout);
        assert_eq!(ran.stdout.contains("::notice"), !release.is_empty(), "{}", ran.stdout);
    }
    assert!(!host.installed().exists());
}

#[test]
fn an_archive_that_is_not_what_its_release_says_is_never_run() {
    let host = Host::new();
    let release = host.release("v0", &[]);
    let mut bytes = fs::read(host.archive()).expect("the archive");
    *bytes.last_mut().expect("a byte") ^= 1;
    fs::write(host.archive(), bytes).expect("written");
    let (ran, _) = host.script("install.sh", &[("RELEASE", &release)]);
    assert_eq!(ran.code, 2, "{}", ran.stdout);
    assert!(ran.stdout.contains("SHA256SUMS") && !ran.stdout.contains("cargo"), "{}", ran.stdout);
    assert!(!host.installed().exists());
    // Nor one that they do not name.
    fs::write(host.releases().join("SHA256SUMS"), "").expect("written");
    let (ran, _) = host.script("install.sh", &[("RELEASE", &release)]);
    assert_eq!((ran.code, host.installed().exists()), (2, false), "{}", ran.stdout);
}

#[test]
fn an_archive_is_the_same_whoever_packs_it() {
    let host = Host::new();
    let first = fs::read(host.archive()).expect("the archive");
    host.pack("Asia/Tokyo");
    assert!(fs::read(host.archive()).expect("the archive") == first);
    let sums = fs::read_to_string(host.releases().join("SHA256SUMS")).expect("sums");
    assert_eq!(sums.lines().count(), 1, "{sums}");
    let listing = Command::new("tar").arg("tzf").arg(host.archive()).output().expect("tar");
    let listing = String::from_utf8_lossy(&listing.stdout).into_owned();
    for name in ["stanch", "LICENSE-MIT", "man/stanch.1", "completions/_stanch"] {
        assert!(listing.lines().any(|line| line == format!("stanch-{TARGET}/{name}")), "{name}: {listing}");
    }
}

#[test]
fn a_formula_names_the_sources_by_their_sum() {
    let sandbox = Sandbox::new();
    sandbox.write("stanch.tar.gz", "sources");
    let formula = Command::new(project().join("packaging/formula.sh"))
        .args(["https://example.org/", "https://example.org/stanch.tar.gz"])
        .arg(sandbox.path().join("stanch.tar.gz"))
        .output()
        .expect("bash");
    let formula = String::from_utf8_lossy(&formula.stdout).into_owned();
    for line in [
        "  url \"https://example.org/stanch.tar.gz\"",
        &format!("  version \"{VERSION}\""),
        // printf sources | sha256sum
        "  sha256 \"878a52fc5ff6a57d50b7b870aa51637a3dfd38fc22352a39f95a3c292eb976d5\"",
    ] {
        assert!(formula.lines().any(|printed| printed == line), "{line}: {formula}");
    }
}
