//! `stanch ledger copy`: a second file, or another backend.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::bail;
use jiff::Timestamp;

use crate::cli::args::LedgerCopyArgs;
use crate::cli::console::{Console, count, human_count};
use crate::cli::decision::{run_id, user_at_host};
use crate::cli::exit::Exit;
use crate::cli::stdout::stdout;
use crate::finding::Confidence;
use crate::ledger::{
    self, Copied, Decision, KeyRing, LedgerAddress, LedgerError, PublicKey, TransferOptions, Transferred,
};
use crate::settings::{self, ConnectionOptions, Env};
use crate::text::printable;

pub(super) fn copy(args: &LedgerCopyArgs, env: &Env) -> anyhow::Result<Exit> {
    let user = args.user.load_redacted(env)?.connection;
    let enter = |path: &Path, flags: &ConnectionOptions| {
        let address = LedgerAddress::parse(path.as_os_str())?;
        settings::enter_ledger(address, flags, env, &user)
    };
    let trusting = ConnectionOptions { ca_cert: args.ca_cert.clone(), ..ConnectionOptions::default() };
    // The source is opened, and the target sealed to. A file has a key of its own: one that is named is the database's.
    let is_of_target = !LedgerAddress::parse(args.from.as_os_str())?.is_shared()
        && LedgerAddress::parse(args.to.as_os_str())?.is_shared();
    let opening = ConnectionOptions {
        key_files: if is_of_target { Vec::new() } else { args.key_files.clone() },
        ..trusting.clone()
    };
    let sealing = ConnectionOptions { seal_to: args.seal_to.clone(), ..trusting };
    let (from, to) = (enter(&args.from, &opening)?, enter(&args.to, &sealing)?);
    if is_of_target && !args.key_files.is_empty() {
        check_key(&to, &args.key_files)?;
    }
    let options = TransferOptions {
        decision: Decision {
            by: user_at_host(),
            run: run_id(),
            consent: "stanch ledger copy".to_owned(),
            min_confidence: Confidence::Certain,
            allow_own: false,
        },
        keep: args.keep,
    };
    let (from_name, to_name) = (printable(&from.to_string()), printable(&to.to_string()));
    let console = Console::plain();
    match ledger::copy(&from, &to, &options, &Timestamp::now)? {
        Copied::File(head) => {
            writeln!(stdout(), "copied to {to_name}, its key to {to_name}.key; the trail's head is {head}")?;
            console.info("use only one of the two: each counts its own quota, and each sends what waits");
            Ok(Exit::Clean)
        }
        Copied::Moved(done) => tell_moved(&done, args.keep, (&from_name, &to_name), &console),
        _ => bail!("there is no ledger at {from_name}: nothing was copied"),
    }
}

/// Refuses a key that does not open what the target seals to: what is moved there would wait for another one.
fn check_key(to: &LedgerAddress, key_files: &[PathBuf]) -> anyhow::Result<()> {
    let (ring, ledger) = (KeyRing::read(key_files)?, ledger::open(to)?);
    match ledger.public_keys()?.first().map(PublicKey::id) {
        Some(key) if !ring.has(&key) => {
            Err(LedgerError::NoPrivateKey { ledger: ledger.description(), key: key.to_string() }.into())
        }
        _ => Ok(()),
    }
}

fn tell_moved(
    done: &Transferred,
    keep: bool,
    (from, to): (&str, &str),
    console: &Console,
) -> anyhow::Result<Exit> {
    let (tokens, new) = (count(done.tokens, "token"), human_count(done.taken_in));
    writeln!(
        stdout(),
        "{to} knows what {from} knew: {tokens}, {new} of them new or changed there; the trail of {from} ended with {}",
        done.head
    )?;
    if keep {
        console.info("what waits was left in both: each counts its own quota, and each sends it");
    } else if done.moved > 0 {
        console.info(&format!("{} taken back in {from}: {to} sends them", count(done.moved, "token")));
    }
    if done.requests > 0 {
        console.info(&format!(
            "{to} counts {} of the last hour in {from} as its own, each until its hour is over",
            count(done.requests, "request")
        ));
    }
    if done.held > 0 {
        console.info(&format!("the server asked {from} for patience: {to} has it, too, until that is over"));
    }
    if done.in_flight > 0 {
        console.warn(&format!(
            "{} in flight in {from}: both may send them. Run the same command again when no run is at work there",
            count(done.in_flight, "token")
        ));
    }
    if done.unopenable > 0 {
        console.warn(&format!(
            "{} could not be opened, and held back in {to}; they wait in {from} as before: with the right key the same \
             command takes them along, or another scan queues them anew",
            count(done.unopenable, "token")
        ));
    }
    Ok(if done.in_flight + done.unopenable > 0 { Exit::Remaining } else { Exit::Clean })
}
