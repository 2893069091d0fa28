//! Completions and man pages.

use std::fs;

use stanch::settings::env::VARIABLES;

use crate::support::cmd::Sandbox;

#[test]
fn every_shell_has_its_completions() {
    let sandbox = Sandbox::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let ran = sandbox.run(&["completions", shell]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert!(ran.stdout.contains("stanch") && ran.stdout.contains("min-confidence"), "{shell}");
    }
    assert_eq!(sandbox.run(&["completions", "tcsh"]).code, 2);
}

#[test]
fn bash_takes_its_script() {
    let sandbox = Sandbox::new();
    sandbox.write("script", sandbox.run(&["completions", "bash"]).stdout);
    let Ok(status) = std::process::Command::new("bash").arg("-n").arg(sandbox.path().join("script")).status()
    else {
        return;
    };
    assert!(status.success());
}

#[test]
fn the_manual_has_a_page_for_every_command() {
    let sandbox = Sandbox::new();
    let pages = sandbox.run(&["man"]).stdout;
    for title in
        ["stanch 1", "stanch-scan 1", "stanch-rules 1", "stanch-rules-test 1", "stanch-completions 1"]
    {
        assert!(pages.contains(&format!(".TH {title}")), "{title}");
    }
    fs::create_dir(sandbox.path().join("man1")).expect("a directory");
    assert_eq!(sandbox.run(&["man", "--dir", "man1"]).code, 0);
    assert!(sandbox.path().join("man1/stanch-scan.1").is_file());
}

#[test]
fn the_manual_names_the_variables_below_flags() {
    let pages = Sandbox::new().run(&["man"]).stdout;
    let own = VARIABLES.iter().filter(|variable| variable.library.is_none() && variable.flag.is_some());
    for variable in own {
        assert!(pages.contains(variable.name), "{}", variable.name);
    }
}

#[test]
fn every_page_has_the_sections_that_readers_look_for() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.path().join("man1")).expect("a directory");
    assert_eq!(sandbox.run(&["man", "--dir", "man1"]).code, 0);
    let mut pages = 0;
    for entry in fs::read_dir(sandbox.path().join("man1")).expect("pages").flatten() {
        let page = fs::read_to_string(entry.path()).expect("a page");
        for section in ["\n.SH \"EXIT STATUS\"\n", "\n.SH ENVIRONMENT\n", "\n.SH FILES\n"] {
            assert_eq!(page.matches(section).count(), 1, "{section} in {}", entry.path().display());
        }
        for variable in VARIABLES {
            assert!(page.contains(variable.name), "{} in {}", variable.name, entry.path().display());
        }
        pages += 1;
    }
    assert!(pages >= 20, "{pages} pages");
    // A formatter takes them without a word.
    if let Ok(ran) = std::process::Command::new("groff")
        .args(["-Kutf8", "-man", "-ww", "-Tutf8", "-z"])
        .arg(sandbox.path().join("man1/stanch-scan.1"))
        .output()
    {
        assert_eq!(String::from_utf8_lossy(&ran.stderr), "");
    }
}
