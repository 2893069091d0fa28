//! The laws themselves, on small sources: each can fail.

use super::graph::{Crate, circles, hub};
use super::source::{File, Named, code, declared, paths};
use super::{ENVIRONMENT, reads_environment, strays, too_long, unlisted, upward_imports};

fn files(sources: &[(&str, &str)]) -> Vec<File> {
    sources.iter().map(|(name, text)| File::new(name, text)).collect()
}

fn all_paths(text: &str) -> Vec<String> {
    paths(&code(text)).into_iter().map(|named| named.path.join("::")).collect()
}

fn of(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn comments_and_strings_name_nothing() {
    assert_eq!(code("a // crate::b\n/* crate::c */ d"), "a \n d");
    assert_eq!(
        code(r##"f("crate::a \" b", r#"crate::"c"#, 'x', '\'', &'a str)"##),
        "f(\"\", \"\", '', '', &'a str)"
    );
    assert!(all_paths("/// See [`crate::cli`].\nstruct S;").is_empty());
}

#[test]
fn tests_are_not_the_program() {
    let file = File::new(
        "a.rs",
        "fn f() {}\n#[cfg(test)]\nuse crate::b::C;\n#[cfg(test)]\nmod tests {\n    use crate::d;\n}\n",
    );
    assert!(!file.code.contains("crate") && file.code.contains("fn f"), "{}", file.code);
    let file = File::new("a.rs", "#[cfg(test)]\nmod fake {\n    fn f() { g(); }\n}\nuse crate::e;\n");
    assert_eq!(file.code.trim(), "use crate::e;");
    assert_eq!(file.text.lines().count(), 5);
}

#[test]
fn trees_and_inline_paths_are_paths() {
    assert_eq!(
        all_paths("use crate::a::{self, b::C, d as e, f::{G, H}};"),
        ["crate::a", "crate::a::b::C", "crate::a::d", "crate::a::f::G", "crate::a::f::H"]
    );
    let named = paths("use super::a::B as C;");
    assert_eq!(named, [Named { path: of(&["super", "a", "B"]), alias: Some("C".to_owned()) }]);
    assert_eq!(
        all_paths("fn f(a: crate::b::C) -> Vec<super::D> { e::g() }"),
        ["crate::b::C", "super::D", "e::g"]
    );
    assert!(all_paths("pub(in crate::a) fn f() {}").is_empty());
    assert_eq!(declared("mod a;\npub(crate) mod b;\nmod c { }"), ["a", "b"]);
}

#[test]
fn an_import_upwards_is_found_however_it_is_written() {
    for text in [
        "use crate::cli::Exit;",
        "fn f() -> crate::cli::Exit { g() }",
        "use super::{cli::Exit, token::Kind};",
    ] {
        let house = files(&[("detect.rs", text), ("cli.rs", ""), ("token.rs", "")]);
        assert_eq!(upward_imports(&house), ["detect names cli"], "{text}");
    }
    assert!(upward_imports(&files(&[("cli.rs", "use crate::detect::D;"), ("detect.rs", "")])).is_empty());
    let house = files(&[("attic.rs", "use crate::token::Kind;"), ("token.rs", "")]);
    assert_eq!(upward_imports(&house), ["attic is in no layer"]);
}

#[test]
fn a_crate_outside_its_room_is_found() {
    assert_eq!(strays(&files(&[("cli/status.rs", "use rusqlite::Row;")])), ["cli/status.rs names rusqlite"]);
    assert_eq!(
        strays(&files(&[("cli/status.rs", "fn f(row: &rusqlite::Row) {}")])),
        ["cli/status.rs names rusqlite"]
    );
    assert_eq!(strays(&files(&[("ledger/sqlite_old.rs", "use rusqlite::Row;")])).len(), 1);
    assert!(strays(&files(&[("ledger/sqlite/read.rs", "use rusqlite::Row;")])).is_empty());
    // A module may be called as a crate is.
    assert!(strays(&files(&[("source/unpack.rs", "mod tar;\nfn f() { tar::open(); }")])).is_empty());
    assert!(
        strays(&files(&[("source/unpack/sniff.rs", "use super::tar;\nfn f() { tar::open(); }")])).is_empty()
    );
}

#[test]
fn a_circle_of_rooms_is_found() {
    let there = "use crate::meter::Meter;";
    let circle = files(&[("blob.rs", there), ("meter.rs", "fn f(b: &crate::blob::Blob) {}")]);
    assert_eq!(circles(&Crate::new(&circle).rooms()), [of(&["blob", "meter"])]);
    let line = files(&[("blob.rs", there), ("meter.rs", "use std::fmt;")]);
    assert!(circles(&Crate::new(&line).rooms()).is_empty());
}

#[test]
fn a_hub_may_name_what_it_declares_and_the_other_way_round() {
    let house = files(&[
        ("rule.rs", "mod custom;\npub use custom::Custom;\npub struct Rule;"),
        ("rule/custom.rs", "use super::Rule;\npub struct Custom;"),
    ]);
    let circle = circles(&Crate::new(&house).files());
    assert_eq!(circle, [of(&["rule.rs", "rule/custom.rs"])]);
    assert_eq!(hub(&circle[0]), Some("rule.rs"));
    assert_eq!(hub(&of(&["a/b.rs", "a/c.rs"])), None);
    assert!(circles(&Crate::new(&house).definitions()).is_empty());
}

#[test]
fn siblings_are_found_behind_what_their_hub_hands_on() {
    let house = files(&[
        ("a.rs", "mod b;\nmod c;\npub use b::B;\nuse c::C;"),
        ("a/b.rs", "use super::C;\npub struct B;"),
        ("a/c.rs", "use crate::a::B;\npub struct C;"),
    ]);
    assert_eq!(circles(&Crate::new(&house).definitions()), [of(&["a/b.rs", "a/c.rs"])]);
    // Through a module that was imported by name.
    let house = files(&[
        ("a.rs", "mod b;\nmod c;"),
        ("a/b.rs", "use super::c;\nfn f() { c::g(); }"),
        ("a/c.rs", "use super::b;\nfn g() { b::f(); }"),
    ]);
    assert_eq!(circles(&Crate::new(&house).definitions()), [of(&["a/b.rs", "a/c.rs"])]);
}

#[test]
fn lists_are_neither_too_short_nor_too_long() {
    let house = files(&[
        ("detect.rs", "fn f() { std::env::var_os(N); }"),
        ("cli.rs", "use std::env;\nfn f() { env::args(); }"),
    ]);
    assert_eq!(unlisted(&[], &house, reads_environment, "reads it"), ["detect.rs reads it"]);
    assert_eq!(
        unlisted(&[("cli.rs", "why")], &house[1..], reads_environment, "reads it"),
        ["cli.rs does not any more (why)"]
    );
    assert!(unlisted(&[("detect.rs", "why")], &house, reads_environment, "reads it").is_empty());
    assert!(ENVIRONMENT.is_sorted());
}

#[test]
fn a_long_file_is_found() {
    let lines = "fn f() {}\n".repeat(321);
    assert_eq!(too_long(&files(&[("a.rs", &lines)])), ["a.rs: 321 lines"]);
    assert!(
        too_long(&files(&[("a.rs", &(lines[10..].to_owned() + "#[cfg(test)]\nmod tests {\n}\n"))]))
            .is_empty()
    );
}
