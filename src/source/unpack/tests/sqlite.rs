//! Databases as SQLite writes them: records over several pages, values that are packed, journals.

use std::fs;
use std::path::Path;

use rusqlite::Connection;

use super::pack;
use super::support::*;
use crate::source::unpack::Limits;

/// A database in a directory of its own, made by `make`, and the files there are while it is open.
fn database(setup: &str, make: impl FnOnce(&Connection)) -> Vec<(String, Vec<u8>)> {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("a.db");
    let connection = Connection::open(&path).expect("a database");
    connection.execute_batch(setup).expect("valid SQL");
    make(&connection);
    let files = fs::read_dir(directory.path()).expect("a directory");
    let name = |path: &Path| path.file_name().expect("a name").to_string_lossy().into_owned();
    files
        .map(|file| file.expect("a file").path())
        .map(|path| (name(&path), fs::read(&path).expect("a file")))
        .collect()
}

fn file(files: &[(String, Vec<u8>)], name: &str) -> Vec<u8> {
    files.iter().find(|(file, _)| file == name).expect("it is there").1.clone()
}

/// So many that one of them is cut by the end of a page of 512 bytes.
const ROWS: u32 = 21;

/// Texts of one length with a token each, moved by a few bytes, so that several are cut by the ends of pages.
fn long_texts(connection: &Connection, page: usize) {
    for n in 0..ROWS {
        let before = "x".repeat(page + 25 * n as usize);
        let after = "y".repeat(3 * page + 600 - before.len());
        let text = format!("{before} {} {after}", token(n));
        connection.execute("insert into notes values (?1, ?2, null)", (n + 100, text)).expect("valid SQL");
    }
}

const TABLE: &str =
    "create table notes (id integer primary key, text, value); create index texts on notes (text);";

#[test]
fn records_over_pages_are_put_together() {
    for (page, encoding) in [(512, "UTF-8"), (1024, "UTF-16le"), (4096, "UTF-16be"), (65536, "UTF-8")] {
        let setup = format!("pragma page_size = {page}; pragma encoding = '{encoding}'; {TABLE}");
        let bytes = file(&database(&setup, |connection| long_texts(connection, page)), "a.db");
        for form in FORMS {
            let outcome = unpack_as(form, "a.db", &bytes, Limits::default()).faultless();
            for n in 100..100 + ROWS {
                let row = format!("a.db!table notes/row {n}");
                assert!(outcome.paths().contains(&&row[..]), "{row} of {page} {encoding} as {form:?}");
            }
            assert!(outcome.paths().iter().any(|path| path.starts_with("a.db!index texts/page ")));
        }
    }
}

#[test]
fn tables_without_row_numbers_are_read() {
    let setup = "pragma page_size = 512; create table notes (id primary key, text, value) without rowid;";
    let bytes = file(&database(setup, |connection| long_texts(connection, 512)), "a.db");
    let outcome = unpack("a.db", &bytes).faultless();
    assert_eq!(
        outcome.paths().iter().filter(|path| path.starts_with("a.db!table notes/page ")).count(),
        ROWS as usize
    );
}

#[test]
fn packed_values_are_opened() {
    let zlib = |bytes: &[u8]| {
        let mut out = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        std::io::Write::write_all(&mut out, bytes).expect("memory");
        out.finish().expect("memory")
    };
    let snappy = |bytes: &[u8]| snap::raw::Encoder::new().compress_vec(bytes).expect("memory");
    let repeated = [&b"ghp_".repeat(10)[..], &text(4)].concat();
    let values = [
        pack::zip(&[("inner/.env", &text(1))]),
        pack::gzip(&text(2)),
        zlib(&[&text(3)[..], &noise(9000)].concat()),
        snappy(&repeated),
        pack::zip(&[("large", &noise(90_000)), ("inner/.env", &text(5))]),
        [&b"\x01\xff\x11\x02"[..], &snappy(&repeated)].concat(),
    ];
    let bytes = file(
        &database(TABLE, |connection| {
            for (n, value) in values.iter().enumerate() {
                connection
                    .execute("insert into notes values (?1, 'a', ?2)", (n + 1, value))
                    .expect("valid SQL");
            }
        }),
        "a.db",
    );
    let paths = [
        "row 1/column 3!inner/.env",
        "row 2/column 3!content",
        "row 3/column 3!content",
        "row 4/column 3",
        "row 5/column 3!inner/.env",
        "row 6/column 3",
    ];
    for form in FORMS {
        let outcome = unpack_as(form, "a.db", &bytes, Limits::default()).faultless();
        for path in paths {
            let path = format!("a.db!table notes/{path}");
            assert!(outcome.paths().contains(&&path[..]), "{path} as {form:?}: {:?}", outcome.paths());
        }
    }
}

#[test]
fn logs_and_journals_are_read() {
    let setup =
        format!("pragma page_size = 512; pragma journal_mode = wal; pragma wal_autocheckpoint = 0; {TABLE}");
    let log = file(&database(&setup, |connection| long_texts(connection, 512)), "a.db-wal");
    let outcome = unpack("a.db-wal", &log).faultless();
    let rows = |outcome: &Outcome, n: u32| {
        let row = format!("/row {n}");
        outcome.paths().iter().any(|path| path.starts_with("a.db-") && path.ends_with(&row))
    };
    assert!((100..100 + ROWS).all(|n| rows(&outcome, n)), "{:?}", outcome.paths());
    let setup = format!("pragma page_size = 512; {TABLE}");
    let files = database(&setup, |connection| {
        long_texts(connection, 512);
        connection
            .execute_batch("pragma cache_size = 5; begin; update notes set text = zeroblob(200000)")
            .expect("valid SQL");
    });
    let outcome = unpack("a.db-journal", &file(&files, "a.db-journal")).faultless();
    assert!((100..100 + ROWS).filter(|n| rows(&outcome, *n)).count() > 10, "{:?}", outcome.paths());
}

#[test]
fn what_was_deleted_is_joined() {
    let setup = format!("pragma page_size = 512; pragma secure_delete = off; {TABLE}");
    let closed = Limits { max_archive_depth: 0, ..Limits::default() };
    let mut joined = 0;
    for rows in ["1", "id % 2", "id % 3 > 0"] {
        let bytes = file(
            &database(&setup, |connection| {
                connection.execute_batch("drop index texts").expect("valid SQL");
                long_texts(connection, 512);
                connection.execute_batch(&format!("delete from notes where {rows}")).expect("valid SQL");
            }),
            "a.db",
        );
        let before = unpack_as(Form::Whole, "a.db", &bytes, closed).paths().len();
        let outcome = unpack("a.db", &bytes).faultless();
        assert!(before <= ROWS as usize && outcome.found.len() >= before);
        let seams = outcome
            .paths()
            .iter()
            .filter(|path| path.starts_with("a.db!page ") && !path.contains("row"))
            .count();
        joined += seams;
    }
    assert!(joined > 0, "none was cut");
}

#[test]
fn pages_in_a_circle_end() {
    let setup = format!("pragma page_size = 512; {TABLE}");
    let mut bytes = file(&database(&setup, |connection| long_texts(connection, 512)), "a.db");
    // Every overflow page leads to itself, as far as bytes of a text show which are.
    for page in 0..bytes.len() / 512 {
        let at = page * 512;
        if bytes[at + 4..at + 500].iter().all(|byte| matches!(byte, b'x' | b'y')) {
            let number = u32::try_from(page + 1).expect("small").to_be_bytes();
            bytes[at..at + 4].copy_from_slice(&number);
        }
    }
    unpack("a.db", &bytes);
}

#[test]
fn a_database_cut_anywhere_or_garbled_ends() {
    let setup = format!("pragma page_size = 512; {TABLE}");
    let bytes = file(&database(&setup, |connection| long_texts(connection, 512)), "a.db");
    for len in (0..bytes.len()).step_by(997) {
        unpack("a.db", &bytes[..len]);
    }
    let mut state = 1_u32;
    for _ in 0..100 {
        let mut garbled = bytes.clone();
        for _ in 0..8 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let at = (state >> 3) as usize % garbled.len().min(20_000);
            garbled[at] = state.to_be_bytes()[1];
        }
        unpack("a.db", &garbled);
    }
}

#[test]
fn what_only_begins_like_a_database_is_plain() {
    for head in [&b"SQLite format 3 is what it says\n"[..], b"\x37\x7f\x06\x82 no log ", b"SQLite format 3\0"]
    {
        let bytes = [head, &text(1)].concat();
        for form in FORMS {
            assert_eq!(unpack_as(form, "a", &bytes, Limits::default()).faultless().paths(), ["a"]);
        }
    }
}
