//! `stanch ledger`: care of a ledger.

mod copy;

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::bail;
use jiff::Timestamp;

use crate::cli::args::{
    LedgerCheckArgs, LedgerCommand, LedgerInitArgs, LedgerKeygenArgs, LedgerRekeyArgs, LedgerTargetArgs,
};
use crate::cli::console::{Console, Terminal, can_prompt, count};
use crate::cli::decision::user_at_host;
use crate::cli::exit::Exit;
use crate::cli::run_record::RunRecord;
use crate::cli::signal;
use crate::cli::stdout::stdout;
use crate::ledger::{self, Head, Initialized, LedgerAddress, PrivateKey, PublicKey, Rekeyed};
use crate::settings::{self, ConnectionOptions, Env};
use crate::text::printable;

pub(super) fn run(command: &LedgerCommand, env: &Env) -> anyhow::Result<Exit> {
    match command {
        LedgerCommand::Init(args) => init(args, env),
        LedgerCommand::Keygen(args) => keygen(args),
        LedgerCommand::Check(args) => check(args, env),
        LedgerCommand::Rekey(args) => rekey(args, env),
        LedgerCommand::Copy(args) => copy::copy(args, env),
    }
}

/// The ledger that is meant, with these keys.
fn address(target: &LedgerTargetArgs, key_files: &[PathBuf], env: &Env) -> anyhow::Result<LedgerAddress> {
    let user = target.ledger.user.load_redacted(env)?;
    let flags = target.ledger.options();
    let flags = ConnectionOptions {
        ledger: target.address.clone().or(flags.ledger),
        key_files: key_files.to_vec(),
        ..flags
    };
    Ok(settings::ledger(&flags, env, &user.connection)?)
}

fn keygen(args: &LedgerKeygenArgs) -> anyhow::Result<Exit> {
    let key = PrivateKey::generate()?;
    key.write_new(&args.file)?;
    let file = printable(&args.file.display().to_string());
    writeln!(
        stdout(),
        "the key {} is ready: who drains has {file} (--key), and a copy of it is kept elsewhere; runners seal to {file}.pub, which \
         `stanch ledger init LEDGER --seal-to {file}.pub` gives to them",
        key.public().id()
    )?;
    Ok(Exit::Clean)
}

fn init(args: &LedgerInitArgs, env: &Env) -> anyhow::Result<Exit> {
    let address = address(&args.target, &[], env)?;
    let key = args.seal_to.as_deref().map(PublicKey::read).transpose()?;
    let done = ledger::init(&address, key.as_ref())?;
    let name = printable(&address.to_string());
    let what = match done {
        Initialized { found: None, .. } => "is ready".to_owned(),
        Initialized { found: Some(found), schema } if found == schema => "is there already".to_owned(),
        Initialized { found: Some(found), schema } => format!("was brought from schema {found} to {schema}"),
    };
    let key = match (&address, key) {
        (LedgerAddress::Sqlite(_), _) => {
            format!("its key is beside it, in {name}.key: neither is of use without the other")
        }
        (_, Some(key)) => format!("its tokens are sealed to the key {}", key.id()),
        (_, None) => match ledger::open(&address)?.public_keys()?.first() {
            Some(key) => format!("its tokens are sealed to the key {}", key.id()),
            None => "it has no key to seal to yet: --seal-to FILE.pub names one".to_owned(),
        },
    };
    writeln!(stdout(), "the ledger {name} {what}; {key}")?;
    Ok(Exit::Clean)
}

fn check(args: &LedgerCheckArgs, env: &Env) -> anyhow::Result<Exit> {
    let address = address(&args.target, &args.key_files, env)?;
    let name = printable(&address.to_string());
    let Some(ledger) = ledger::open_existing(&address)? else { bail!("there is no ledger at {name}") };
    let report = ledger.check();
    let console = Console::plain();
    for problem in &report.problems {
        console.warn(&printable(problem));
    }
    let (tokens, records) = (count(report.tokens, "token"), count(report.records, "record"));
    if report.problems.is_empty() {
        writeln!(
            stdout(),
            "the ledger {name} is whole: {tokens}, {records} in its trail, {}",
            end(report.chains, &report.head)
        )?;
        return Ok(Exit::Clean);
    }
    let problems = count(report.problems.len() as u64, "thing");
    writeln!(stdout(), "the ledger {name} has {tokens} and {records}, and {problems} wrong with it")?;
    Ok(Exit::Trouble)
}

/// Where a trail ends: the record that was written last, and in how many chains it is.
pub(super) fn end(chains: u64, last: &Head) -> String {
    match chains {
        0 | 1 => format!("the last one {last}"),
        chains => format!("in {}, the last one {last}", count(chains, "chain")),
    }
}

fn rekey(args: &LedgerRekeyArgs, env: &Env) -> anyhow::Result<Exit> {
    let console = args.console.console();
    let address = with_new_key(address(&args.target, &args.key_files, env)?, args)?;
    let name = printable(&address.to_string());
    let Some(mut ledger) = ledger::open_existing(&address)? else { bail!("there is no ledger at {name}") };
    let lost = ledger.unopenable()?;
    if lost > 0 && !args.consent.yes {
        let tokens = count(lost, "token");
        let keys = if address.is_shared() { "the keys that were named for" } else { "the key beside" };
        let fact = format!("{tokens} cannot be opened with {keys} {name}, and will be held back");
        if !can_prompt() {
            bail!("{fact}; put the right key back, or say --yes. Nothing was changed");
        }
        let cancel = signal::listen()?;
        let terminal = Terminal { console: &console, cancel: &cancel };
        let lines = [format!("{fact}."), "With the right key put back they could still be sent.".to_owned()];
        if !terminal.agrees(&lines, "Make a new key? [y/N]") {
            console.warn("declined: nothing was changed");
            return Ok(if cancel.is_cancelled() { Exit::Interrupted } else { Exit::Clean });
        }
    }
    let record = signal::at_once(|| RunRecord::start(ledger.as_mut(), vec![address.to_string()]))?;
    let done = ledger.rekey(&user_at_host(), &Timestamp::now);
    let key = match &args.new_key {
        Some(key) => printable(&key.display().to_string()),
        None => format!("{name}.key"),
    };
    let exit = done.map(|done| tell_rekeyed(done, &key, &console)).map_err(anyhow::Error::from);
    record.end(ledger.as_mut(), exit, &console)
}

/// A shared ledger is told its new key; a file makes its own.
fn with_new_key(address: LedgerAddress, args: &LedgerRekeyArgs) -> anyhow::Result<LedgerAddress> {
    match (address, &args.new_key) {
        (LedgerAddress::Postgres(mut address), new_key) => {
            address.access.new_key.clone_from(new_key);
            Ok(LedgerAddress::Postgres(address))
        }
        (address, None) => Ok(address),
        (address, Some(_)) => bail!(
            "--new-key is for a ledger that machines share, and {} makes its new key itself; leave the flag out",
            printable(&address.to_string())
        ),
    }
}

fn tell_rekeyed(done: Rekeyed, key: &str, console: &Console) -> Exit {
    console.info(&format!("{} sealed with a new key, in {key}", count(done.resealed, "token")));
    if done.held == 0 {
        return Exit::Clean;
    }
    let held = count(done.held, "token");
    console.warn(&format!("{held} could not be opened, and held back: scan again to queue them anew"));
    Exit::Remaining
}
