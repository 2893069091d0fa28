use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use super::super::key_file::public_path;
use super::super::key_text;
use super::super::{KeyFileError, PrivateKey, PublicKey};

type TestResult = Result<(), Box<dyn std::error::Error>>;

fn mode(path: &Path) -> io::Result<u32> {
    Ok(fs::metadata(path)?.permissions().mode() & 0o777)
}

#[test]
fn both_halves_are_written_and_read() -> TestResult {
    let home = tempfile::tempdir()?;
    let (path, key) = (home.path().join("ledger.key"), PrivateKey::generate()?);
    key.write_new(&path)?;
    assert_eq!((mode(&path)?, mode(&path)? & 0o077), (0o600, 0));
    let public = PublicKey::read(&public_path(&path))?;
    assert_eq!(public, key.public());
    assert_eq!(PrivateKey::read(&path)?.public(), public);
    assert_eq!(PublicKey::parse(&public.to_string())?, public);
    // As Kubernetes mounts it.
    symlink(&path, home.path().join("link"))?;
    assert_eq!(PrivateKey::read(&home.path().join("link"))?.public(), public);
    Ok(())
}

#[test]
fn what_is_there_is_never_overwritten() -> TestResult {
    let home = tempfile::tempdir()?;
    for taken in ["ledger.key", "ledger.key.pub"] {
        let (path, taken) = (home.path().join("ledger.key"), home.path().join(taken));
        fs::write(&taken, "mine")?;
        let refused = PrivateKey::generate()?.write_new(&path);
        assert!(matches!(&refused, Err(KeyFileError::Exists { path }) if *path == taken), "{refused:?}");
        assert_eq!(fs::read_to_string(&taken)?, "mine");
        assert_eq!(fs::read_dir(home.path())?.count(), 1, "something was left behind");
        fs::remove_file(&taken)?;
    }
    Ok(())
}

#[test]
fn a_private_key_that_others_can_read_is_refused() -> TestResult {
    let home = tempfile::tempdir()?;
    let path = home.path().join("ledger.key");
    PrivateKey::generate()?.write_new(&path)?;
    for bits in [0o640, 0o604, 0o620, 0o660] {
        fs::set_permissions(&path, fs::Permissions::from_mode(bits))?;
        let refused = PrivateKey::read(&path).map(drop);
        assert!(matches!(&refused, Err(KeyFileError::Exposed { mode, .. }) if *mode == bits), "{refused:?}");
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400))?;
    PrivateKey::read(&path)?;
    Ok(())
}

#[test]
fn the_public_half_is_told_to_be_one_whoever_can_read_it() -> TestResult {
    let home = tempfile::tempdir()?;
    let path = home.path().join("ledger.key");
    PrivateKey::generate()?.write_new(&path)?;
    for bits in [0o644, 0o600] {
        fs::set_permissions(public_path(&path), fs::Permissions::from_mode(bits))?;
        let refused = PrivateKey::read(&public_path(&path)).map(drop).expect_err("it opens nothing");
        assert!(refused.to_string().contains("public half"), "{refused}");
    }
    Ok(())
}

#[test]
fn what_is_no_such_key_is_named_and_not_quoted() -> TestResult {
    let home = tempfile::tempdir()?;
    let path = home.path().join("ledger.key");
    PrivateKey::generate()?.write_new(&path)?;
    let told =
        |refused: Result<(), KeyFileError>| refused.err().map(|error| error.to_string()).unwrap_or_default();
    assert!(told(PublicKey::read(&path).map(drop)).contains("private half"));
    fs::set_permissions(public_path(&path), fs::Permissions::from_mode(0o600))?;
    assert!(told(PrivateKey::read(&public_path(&path)).map(drop)).contains("public half"));
    assert!(told(PrivateKey::read(home.path()).map(drop)).contains("not a regular file"));
    assert!(told(PrivateKey::read(&home.path().join("none")).map(drop)).contains("keygen"));
    fs::write(&path, [b"hunter2 ".as_slice(), &[0xff]].concat())?;
    let binary = told(PrivateKey::read(&path).map(drop));
    assert!(binary.contains("no key") && !binary.contains("hunter2"), "{binary}");
    // A point with which every secret is zero.
    let zero = key_text::write(key_text::Half::Public, &[0; 32]);
    assert!(PublicKey::parse(&zero).is_err());
    Ok(())
}
