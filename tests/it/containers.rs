//! Containers that cost more than they may: what is found beside them, and how the run ends.

use std::process::Command;

use crate::support::cmd::Sandbox;
use crate::support::mint::{Kind, Mint};

/// Compresses a file of the sandbox, which gets another name by that.
fn gzip(sandbox: &Sandbox, path: &str) {
    let ended = Command::new("gzip").arg("-9").arg(sandbox.path().join(path)).status().expect("gzip");
    assert!(ended.success(), "{path}");
}

/// Packs files of the sandbox, which are in the archive in this order.
fn tar(sandbox: &Sandbox, archive: &str, members: &[&str]) {
    let mut out = tar::Builder::new(Vec::new());
    for member in members {
        out.append_path_with_name(sandbox.path().join(member), member).expect("a file");
    }
    sandbox.write(archive, out.into_inner().expect("memory"));
}

#[test]
fn one_member_does_not_use_up_the_limits_of_its_neighbours() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(9301));
    sandbox.write("limits.toml", "[limits]\nmax_expansion = 1048576\n");
    sandbox.write("bomb", vec![0; 4 << 20]);
    sandbox.write("leak.env", format!("TOKEN={}\n", mint.token(Kind::Pat)));
    sandbox.write("clean.env", "nothing\n");
    for file in ["bomb", "leak.env", "clean.env"] {
        gzip(&sandbox, file);
    }
    let scan = |archive: &str| sandbox.run(&["scan", "--config", "limits.toml", archive]);
    for members in [["bomb.gz", "leak.env.gz"], ["leak.env.gz", "bomb.gz"]] {
        tar(&sandbox, "a.tar", &members);
        let ran = scan("a.tar");
        assert_eq!(ran.code, 1, "{members:?}: {}", ran.stderr);
        assert!(ran.stdout.contains("a.tar!leak.env.gz!leak.env:1:7"), "{members:?}: {}", ran.stdout);
        assert!(ran.stderr.contains("a.tar!bomb.gz"), "what was cut short is said: {}", ran.stderr);
    }
    tar(&sandbox, "a.tar", &["bomb.gz", "clean.env.gz"]);
    let ran = scan("a.tar");
    assert_eq!(ran.code, 2, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("a.tar!bomb.gz"), "{}", ran.stderr);
    assert!(ran.stderr.contains("its share of max_expansion = 1048576"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("clean.env"), "it was read: {}", ran.stderr);
    tar(&sandbox, "a.tar", &["clean.env.gz"]);
    assert_eq!(scan("a.tar").code, 0);
}
