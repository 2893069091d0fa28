//! Which ledger, how to get into it, and with which keys: flags over environment over the user's file.

use std::path::{Path, PathBuf};

use super::connection_options::ConnectionOptions;
use super::env::{self, Env};
use crate::ledger::{KeyFileError, LedgerAccess, LedgerAddress, LedgerError, Secret};

/// A ledger that cannot be used as it was named.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BadLedgerAccess {
    /// Its address.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The file of its password, or of its bearer token.
    #[error("`{key}` of the configuration cannot be used: {problem}")]
    SecretFile {
        /// The key of the user's file that names it.
        key: &'static str,
        /// Why not.
        problem: KeyFileError,
    },
    /// A variable that is no text.
    #[error("{variable} holds bytes that are no text (UTF-8); set it anew")]
    NoText {
        /// The variable.
        variable: &'static str,
    },
    /// A key was named for a ledger that has its own.
    #[error(
        "{flag} is for a ledger that machines share, and {ledger} is a file, with its key beside it; leave the flag out, or name \
         another ledger with --ledger"
    )]
    KeyOfFile {
        /// The flag.
        flag: &'static str,
        /// The ledger.
        ledger: String,
    },
}

/// The ledger's address with all that it takes to get in, for what needs no host.
///
/// # Errors
/// [`BadLedgerAccess`], which names no secret.
pub fn address(
    flags: &ConnectionOptions,
    env: &Env,
    user: &ConnectionOptions,
) -> Result<LedgerAddress, BadLedgerAccess> {
    let variable = env.path(env::LEDGER);
    let named = flags.ledger.as_deref().or(variable.as_deref()).or(user.ledger.as_deref());
    enter(LedgerAddress::choose(named)?, flags, env, user)
}

/// A ledger, and all that it takes to get in.
///
/// # Errors
/// As [`address`].
pub fn enter(
    ledger: LedgerAddress,
    flags: &ConnectionOptions,
    env: &Env,
    user: &ConnectionOptions,
) -> Result<LedgerAddress, BadLedgerAccess> {
    let access = match &ledger {
        LedgerAddress::Postgres(_) => LedgerAccess {
            secret: secret(env::PGPASSWORD, env, ("ledger_password_file", &user.ledger_password_file))?,
            passfile: passfile(env),
            ..keys(flags, env, user)
        },
        LedgerAddress::Intake(_) => LedgerAccess {
            secret: secret(env::INTAKE_TOKEN, env, ("intake_token_file", &user.intake_token_file))?,
            ..keys(flags, env, user)
        },
        // A variable and the user's file may be meant for another ledger; a flag is meant for this one.
        _ => match (flags.key_files.is_empty(), &flags.seal_to) {
            (true, None) => return Ok(ledger),
            (false, _) => {
                return Err(BadLedgerAccess::KeyOfFile { flag: "--key", ledger: ledger.to_string() });
            }
            (_, Some(_)) => {
                return Err(BadLedgerAccess::KeyOfFile { flag: "--seal-to", ledger: ledger.to_string() });
            }
        },
    };
    Ok(ledger.with_access(access))
}

/// The keys, and whom to trust.
fn keys(flags: &ConnectionOptions, env: &Env, user: &ConnectionOptions) -> LedgerAccess {
    let first = |choices: [Vec<PathBuf>; 3]| choices.into_iter().find(|files| !files.is_empty());
    let choices = [flags.key_files.clone(), env.paths(env::LEDGER_KEY_FILE), user.key_files.clone()];
    LedgerAccess {
        key_files: first(choices).unwrap_or_default(),
        seal_to: flags.seal_to.clone().or_else(|| user.seal_to.clone()),
        ca_cert: flags.ca_cert.clone().or_else(|| user.ca_cert.clone()),
        ..LedgerAccess::default()
    }
}

/// The secret of a variable, else that in the file that the user's configuration names under `key`.
fn secret(
    variable: env::Variable,
    env: &Env,
    (key, file): (&'static str, &Option<PathBuf>),
) -> Result<Option<Secret>, BadLedgerAccess> {
    if env.is_set(variable) {
        let text = env.text(variable).ok_or(BadLedgerAccess::NoText { variable: variable.name })?;
        return Ok(Some(Secret::new(text)));
    }
    let read =
        |file: &Path| Secret::read(file).map_err(|problem| BadLedgerAccess::SecretFile { key, problem });
    file.as_deref().map(read).transpose()
}

/// The file that libpq would look into (<https://www.postgresql.org/docs/current/libpq-pgpass.html>).
fn passfile(env: &Env) -> Option<PathBuf> {
    let usual = || Some(etcetera::home_dir().ok()?.join(".pgpass")).filter(|path| path.is_file());
    env.path(env::PGPASSFILE).or_else(usual)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATABASE: &str = "postgres://stanch@db.example.test/ledger";
    const INTAKE: &str = "https://intake.example.test";

    fn named(ledger: &str) -> ConnectionOptions {
        ConnectionOptions { ledger: Some(ledger.into()), ..ConnectionOptions::default() }
    }

    fn access(flags: &ConnectionOptions, env: &[(&str, &str)], user: &ConnectionOptions) -> LedgerAccess {
        let env: Env = env.iter().copied().chain([("PGPASSFILE", "/pgpass")]).collect();
        match address(flags, &env, user).expect("a good address") {
            LedgerAddress::Postgres(address) => address.access,
            LedgerAddress::Intake(address) => address.access,
            other => panic!("{other} is a file"),
        }
    }

    #[test]
    fn each_secret_goes_where_it_belongs() {
        let env = [("PGPASSWORD", "pw"), ("STANCH_INTAKE_TOKEN", "bearer")];
        let nothing = ConnectionOptions::default();
        let database = access(&named(DATABASE), &env, &nothing);
        assert_eq!((database.secret, database.passfile), (Some(Secret::new("pw")), Some("/pgpass".into())));
        let intake = access(&named(INTAKE), &env, &nothing);
        assert_eq!((intake.secret, intake.passfile), (Some(Secret::new("bearer")), None));
        assert_eq!(access(&named(INTAKE), &env[..1], &nothing).secret, None);
    }

    #[test]
    fn a_secret_may_be_in_a_file_of_the_users_own() -> Result<(), Box<dyn std::error::Error>> {
        let home = tempfile::tempdir()?;
        let file = home.path().join("password");
        let user = ConnectionOptions { ledger_password_file: Some(file.clone()), ..named(DATABASE) };
        let told = || {
            let refused =
                address(&ConnectionOptions::default(), &Env::default(), &user).expect_err("no secret");
            refused.to_string()
        };
        assert!(told().contains("`ledger_password_file`"), "{}", told());
        std::fs::write(&file, "hunter2\n")?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644))?;
            assert!(told().contains("chmod 600") && !told().contains("hunter2"), "{}", told());
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600))?;
        }
        let nothing = ConnectionOptions::default();
        assert_eq!(access(&nothing, &[], &user).secret, Some(Secret::new("hunter2")));
        assert_eq!(access(&nothing, &[("PGPASSWORD", "pw")], &user).secret, Some(Secret::new("pw")));
        Ok(())
    }

    #[test]
    fn keys_of_flags_go_before_those_of_the_environment_before_those_of_the_users_file() {
        let keys = |name: &str| ConnectionOptions { key_files: vec![name.into()], ..named(DATABASE) };
        let env = [("STANCH_LEDGER_KEY_FILE", "env.key")];
        for (flags, env, expected) in [
            (keys("flag.key"), &env[..], "flag.key"),
            (named(DATABASE), &env[..], "env.key"),
            (named(DATABASE), &[], "user.key"),
        ] {
            assert_eq!(access(&flags, env, &keys("user.key")).key_files, [PathBuf::from(expected)]);
        }
    }

    #[test]
    fn a_file_has_its_key_beside_it() {
        let pinned = ConnectionOptions { seal_to: Some("k.pub".into()), ..named("l.db") };
        let keyed = ConnectionOptions { key_files: vec!["k".into()], ..named("l.db") };
        for (flags, flag) in [(&pinned, "--seal-to"), (&keyed, "--key")] {
            let refused = address(flags, &Env::default(), &ConnectionOptions::default());
            assert!(refused.is_err_and(|error| error.to_string().contains(flag)), "{flag}");
            // In the user's file it is for another ledger.
            assert!(address(&named("l.db"), &Env::default(), flags).is_ok(), "{flag}");
        }
    }
}
