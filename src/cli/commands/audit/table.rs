//! The audit trail as a table that can be read without this program: a row for each token and event, with where it was
//! found, who decided about it, when it was sent, what was answered and under which number.

use std::collections::BTreeMap;
use std::io::Write;

use serde_json::Value;

use crate::cli::commands::export::ExportError;
use crate::ledger::{self, Ledger, LedgerError, ListedToken, TokenFilter};
use crate::report::CsvTable;
use crate::revocation::Grants;
use crate::token::{Fingerprint, HashPrefix};

const HEADER: [&str; 17] = [
    "seq",
    "at",
    "event",
    "host",
    "sha256",
    "hashed_token",
    "kind",
    "found_at",
    "decided_by",
    "sent_at",
    "outcome",
    "status",
    "request_id",
    "message",
    "tokens",
    "scopes",
    "expires_at",
];

/// How many tokens are looked up at a time.
const LOOKUP: usize = 500;

/// A request that left: when, where to, and with which tokens.
struct Sent {
    at: String,
    host: String,
    tokens: Vec<String>,
}

/// What is the same in all rows of a record.
#[derive(Default)]
struct Common {
    seq: String,
    at: String,
    event: String,
    host: String,
    /// Of the record itself; else it is looked up for each token.
    decided_by: String,
    sent_at: String,
    outcome: String,
    status: String,
    request_id: String,
    message: String,
    /// How many tokens the record is about, where it does not name them.
    count: String,
}

/// Writes the rows of all records behind number `since`.
pub(super) fn write(ledger: &dyn Ledger, since: u64, out: &mut impl Write) -> Result<(), ExportError> {
    let mut table = CsvTable::new(out, &HEADER)?;
    let mut sent: BTreeMap<u64, Sent> = BTreeMap::new();
    // From the beginning: an answer names the batch, and the batch its tokens.
    ledger::export(ledger, |line| {
        let record: Value = serde_json::from_str(line).unwrap_or_default();
        let (common, tokens) = read(&record, &mut sent);
        if number(&record, "seq") <= since {
            return Ok(());
        }
        if tokens.is_empty() {
            table.row(&row(&common, "", None))?;
        }
        for chunk in tokens.chunks(LOOKUP) {
            let known = lookup(ledger, &common.host, chunk)?;
            for token in chunk {
                table.row(&row(&common, token, known.get(token)))?;
            }
        }
        Ok::<(), ExportError>(())
    })?;
    Ok(table.finish()?)
}

/// The number of a record, with the name of its chain where a ledger has several.
fn seq(record: &Value) -> String {
    let seq = number(record, "seq");
    match record["writer"].as_str() {
        Some(writer) => format!("{writer}:{seq}"),
        None => seq.to_string(),
    }
}

/// What a record tells, and the tokens it is about.
fn read(record: &Value, sent: &mut BTreeMap<u64, Sent>) -> (Common, Vec<String>) {
    let text = |name: &str| text(record, name);
    let mut common = Common {
        seq: seq(record),
        at: text("at"),
        event: text("event"),
        host: text("host"),
        decided_by: text("by"),
        status: record["status"].as_u64().map(|status| status.to_string()).unwrap_or_default(),
        request_id: text("request_id"),
        message: text("message"),
        ..Common::default()
    };
    let mut tokens: Vec<String> = strings(&record["tokens"]);
    let batch = number(record, "batch");
    match common.event.as_str() {
        "intent" => {
            common.sent_at = if record["sent_at"].is_null() { common.at.clone() } else { text("sent_at") };
            common.count = record["retried"].as_u64().map(|count| count.to_string()).unwrap_or_default();
            common.message = text("call");
            let (at, host) = (common.sent_at.clone(), common.host.clone());
            sent.insert(batch, Sent { at, host, tokens: tokens.clone() });
        }
        "answer" | "lost" => {
            if let Some(sent) = sent.get(&batch) {
                common.sent_at.clone_from(&sent.at);
                common.host.clone_from(&sent.host);
                if tokens.is_empty() {
                    tokens.clone_from(&sent.tokens);
                }
            }
            // When it came in, where it was written down later.
            if let Some(received) = record["received_at"].as_str() {
                received.clone_into(&mut common.at);
            }
            common.outcome = if common.event == "lost" { "no answer".to_owned() } else { text("verdict") };
            // A late answer may follow what was given up as lost.
            if common.event == "answer" {
                sent.remove(&batch);
            }
        }
        "alive" => {
            let told = record["told"].as_object();
            tokens = told.into_iter().flatten().map(|(token, _)| token.clone()).collect();
        }
        _ => describe(record, &mut common),
    }
    if common.count.is_empty() {
        let count = record["count"].as_u64().or_else(|| record["tokens"].as_u64());
        common.count = count.map(|count| count.to_string()).unwrap_or_default();
    }
    (common, tokens)
}

/// What records that are about no request tell.
fn describe(record: &Value, common: &mut Common) {
    let text = |name: &str| text(record, name);
    match common.event.as_str() {
        "enqueue" => {
            let decision = &record["decision"];
            common.decided_by = self::text(decision, "by");
            let (consent, run) = (self::text(decision, "consent"), self::text(decision, "run"));
            common.message = format!("{consent}, run {run}");
            common.count = counts(&record["counts"]);
        }
        "policy" => {
            common.outcome = text("decision");
            common.message = counts(&record["counts"]);
        }
        "retries" => {
            common.outcome = text("verdict");
            let (since, until) = (text("since"), text("until"));
            common.message =
                format!("{} requests in vain, from {since} to {until}", number(record, "requests"));
        }
        "mark" => {
            common.outcome = text("state");
            common.message = text("reason");
        }
        "kill-switch" => {
            common.outcome = text("verdict");
            let parts = [text("call"), counts(&record["options"]), text("message")];
            let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
            common.message = parts.join("  ");
        }
        "run-start" => common.message = format!("stanch {}: {}", text("version"), text("command")),
        "run-end" => {
            common.outcome = text("ended");
            common.message = format!("exit {}", number(record, "exit"));
        }
        "rekey" => {
            common.message =
                format!("{} sealed anew, {} held", number(record, "resealed"), number(record, "held"));
        }
        _ => {}
    }
}

/// In the order of the columns.
fn row(common: &Common, token: &str, known: Option<&ListedToken>) -> [String; 17] {
    let of = |tell: fn(&ListedToken) -> String| known.map(tell).unwrap_or_default();
    let decided_by = if common.decided_by.is_empty() {
        of(|known| known.decided_by.clone())
    } else {
        common.decided_by.clone()
    };
    [
        common.seq.clone(),
        common.at.clone(),
        common.event.clone(),
        common.host.clone(),
        token.to_owned(),
        Fingerprint::from_hex(token).map(|token| token.base64()).unwrap_or_default(),
        of(|known| known.kind.rule_id().to_owned()),
        of(|known| known.location.clone()),
        decided_by,
        common.sent_at.clone(),
        common.outcome.clone(),
        common.status.clone(),
        common.request_id.clone(),
        common.message.clone(),
        if token.is_empty() { common.count.clone() } else { "1".to_owned() },
        of(|known| known.grants.as_ref().and_then(Grants::scopes_text).unwrap_or_default()),
        of(|known| {
            let end = known.grants.as_ref().and_then(|grants| grants.expires_at);
            end.map(|at| at.to_string()).unwrap_or_default()
        }),
    ]
}

/// What the ledger knows of these tokens.
fn lookup(
    ledger: &dyn Ledger,
    host: &str,
    tokens: &[String],
) -> Result<BTreeMap<String, ListedToken>, LedgerError> {
    let hashes: Vec<HashPrefix> = tokens.iter().filter_map(|token| token.parse().ok()).collect();
    if hashes.is_empty() {
        return Ok(BTreeMap::new());
    }
    let filter = TokenFilter { host: Some(host), hashes: &hashes, ..TokenFilter::default() };
    let known = ledger.list(&filter, 0, usize::MAX)?;
    Ok(known.into_iter().map(|token| (token.fingerprint.hex(), token)).collect())
}

fn number(record: &Value, name: &str) -> u64 {
    record[name].as_u64().unwrap_or_default()
}

fn text(record: &Value, name: &str) -> String {
    record[name].as_str().unwrap_or_default().to_owned()
}

fn strings(list: &Value) -> Vec<String> {
    let texts = list.as_array().into_iter().flatten().filter_map(Value::as_str);
    texts.map(str::to_owned).collect()
}

/// `3 queued, 1 held`, or `credential_type=ssh_key`.
fn counts(object: &Value) -> String {
    let named = object.as_object().into_iter().flatten().map(|(name, value)| match value {
        Value::String(text) => format!("{name}={text}"),
        number => format!("{number} {name}"),
    });
    named.collect::<Vec<_>>().join(", ")
}
