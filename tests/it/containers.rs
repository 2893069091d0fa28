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

#[test]
fn what_cannot_be_read_here_is_counted_in_a_line_and_named() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(9302));
    sandbox.write("old/a.rar", b"Rar!\x1a\x07\x01\0\x33\x92\xb5\xe5\x0a\x01\x05\x06\0\x05\x01\x01\x80\x80\0");
    sandbox.write("old/b.enc", b"Salted__\x01\x02\x03\x04\x05\x06\x07\x08sixteen of these");
    let ran = sandbox.run(&["scan", "old"]);
    assert_eq!(ran.code, 2, "{}{}", ran.stdout, ran.stderr);
    let line = "2 seen as bytes only: RAR, encrypted (-v names them)";
    assert!(ran.stderr.contains(line) && !ran.stderr.contains("a.rar"), "{}", ran.stderr);
    let ran = sandbox.run(&["scan", "-v", "old"]);
    assert!(ran.stderr.contains("old/a.rar: seen as bytes only: a RAR archive"), "{}", ran.stderr);
    assert_eq!(sandbox.run(&["scan", "--exclude", "*.rar", "--exclude", "*.enc", "old"]).code, 0);

    let json: serde_json::Value =
        serde_json::from_str(&sandbox.run(&["scan", "-f", "json", "old"]).stdout).expect("JSON");
    let summary = &json["summary"];
    assert_eq!((summary["bytes_only"].as_u64(), summary["unreadable"].as_u64()), (Some(2), Some(2)));
    assert_eq!(json["faults"][0]["kind"], "bytes-only");
    for format in ["sarif", "gitlab", "junit", "github", "html"] {
        let ran = sandbox.run(&["scan", "-f", format, "old"]);
        assert!(ran.stdout.contains("seen as bytes only"), "{format}: {}", ran.stdout);
    }
    sandbox.write("old/leak.env", format!("TOKEN={}\n", mint.token(Kind::Pat)));
    let ran = sandbox.run(&["scan", "old"]);
    assert!(ran.code == 1 && ran.stderr.contains(line), "{}", ran.stderr);
}
