//! The audit trail: what was done, in records that each hold the hash of the one before.
//!
//! A record is one JSON object in canonical form (RFC 8785: keys sorted, no white space; all numbers are integers).
//! Its `hash` is the SHA-256 of that form without the `hash` member, so anyone can check an exported trail with a
//! dozen lines of script. Records carry fingerprints, never tokens.

mod digest;
mod head;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

pub use self::digest::Digest;
#[cfg(test)]
use self::head::GENESIS;
pub use self::head::{BadHead, Head};
use super::decision::Decision;
use crate::revocation::Grants;
use crate::token::Fingerprint;

/// An event of the audit trail. Its serialized names are the trail's format: they never change.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// Tokens were handed to the ledger.
    Enqueue {
        /// The base of the API whose queue it is.
        host: String,
        /// Who decided it, and within which bounds.
        decision: Decision,
        /// How many were queued, waited already, were done, refused, set aside ([`Enqueued`](super::Enqueued)).
        counts: BTreeMap<&'static str, u64>,
        /// How many of each kind were queued.
        kinds: BTreeMap<&'static str, u64>,
        /// SHA-256 over the fingerprints in the order they were written down: a million of them fit no record.
        digest: String,
        /// The fingerprints themselves, where they are few enough for a record.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        tokens: Vec<String>,
    },
    /// A request is about to leave.
    Intent {
        /// The batch.
        batch: u64,
        /// The host it goes to.
        host: String,
        /// Whose quota it counts against.
        identity: String,
        /// `revoke`, or `end-installation`.
        call: &'static str,
        /// The fingerprints it carries.
        tokens: Vec<String>,
    },
    /// A batch was settled: a response came, or none did.
    Answer {
        /// The batch.
        batch: u64,
        /// The class of the response.
        verdict: String,
        /// The HTTP status.
        status: Option<u16>,
        /// `x-github-request-id`.
        request_id: Option<String>,
        /// The server's message.
        message: String,
        /// What became of the tokens: state and count ([`Settled`](super::Settled)).
        became: BTreeMap<&'static str, u64>,
    },
    /// A batch was found whose process is gone: what it carries is sent again.
    Lost {
        /// The batch.
        batch: u64,
        /// How many tokens wait again.
        tokens: u64,
    },
    /// Sealed texts were erased, together with the change of state after which they are not needed.
    Erase {
        /// The batch whose settlement it was, if it was one.
        batch: Option<u64>,
        /// How many.
        tokens: u64,
    },
    /// Tokens changed their state without being sent: dead, confirmed, held, own, unsupported.
    #[serde(rename = "mark")]
    StateChange {
        /// The host whose queue it is.
        host: String,
        /// The new state.
        state: &'static str,
        /// Why, as text.
        reason: String,
        /// How many.
        count: u64,
        /// SHA-256 over their fingerprints.
        digest: String,
        /// The fingerprints, where they are few enough.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        tokens: Vec<String>,
    },
    /// Living tokens were asked before they were sent: nobody can ask them after their revocation.
    Alive {
        /// The host that was asked.
        host: String,
        /// What each may do and when it ends, by its fingerprint.
        told: BTreeMap<String, Grants>,
    },
    /// A decision of policy: what was held back, and who decided.
    Policy {
        /// The host the tokens would have gone to.
        host: String,
        /// The decision, as in `--yes`.
        decision: String,
        /// How many tokens it concerns, by kind or reason.
        counts: BTreeMap<String, u64>,
        /// Their fingerprints, where they are few enough.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        tokens: Vec<String>,
    },
    /// A run that sends, or changes the ledger, began.
    RunStart {
        /// Its id, which its decisions carry, too.
        run: String,
        /// User and machine.
        by: String,
        /// The program's version.
        version: String,
        /// The command as it was typed, tokens redacted.
        command: String,
        /// What it was to look at.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        roots: Vec<String>,
    },
    /// A run ended. One without this record was killed, or its machine lost its power.
    RunEnd {
        /// Its id.
        run: String,
        /// `done`, `interrupted` or `failed`.
        ended: String,
        /// The exit code.
        exit: u8,
    },
    /// A person lifted what a server had asked for.
    Release {
        /// The host.
        host: String,
        /// User and machine.
        by: String,
        /// For how many identities.
        identities: u64,
    },
    /// What could not be opened was set aside, and everything else sealed with a new key.
    Rekey {
        /// User and machine.
        by: String,
        /// How many tokens were sealed anew.
        resealed: u64,
        /// How many could not be opened: they are `held`.
        held: u64,
    },
    /// A kill switch was called, or is about to be.
    KillSwitch {
        /// The host.
        host: String,
        /// The call, as `POST /orgs/acme/credential-authorizations/revoke-all`.
        call: String,
        /// Its options, as `credential_type: classic_pat`.
        options: BTreeMap<String, String>,
        /// `intent`, or the class of the response.
        verdict: String,
        /// The HTTP status.
        status: Option<u16>,
        /// `x-github-request-id`.
        request_id: Option<String>,
        /// The server's message.
        message: String,
    },
}

/// A trail whose hash chain does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the audit trail is broken at record {seq}: {reason}")]
pub struct BrokenTrail {
    /// The first record that does not hold, from 1.
    pub seq: u64,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// Writes the record that follows `head`, and moves `head` on to it.
pub(crate) fn append(head: &mut Head, at: Timestamp, event: &Event) -> String {
    let mut record = match serde_json::to_value(event) {
        Ok(Value::Object(record)) => record,
        // Events are plain structs with string keys: they always serialize to an object.
        _ => Map::new(),
    };
    head.seq += 1;
    record.insert("seq".into(), head.seq.into());
    record.insert("at".into(), at.to_string().into());
    record.insert("prev".into(), std::mem::take(&mut head.hash).into());
    let mut value = Value::Object(record);
    head.hash = hash_of(&value);
    if let Value::Object(record) = &mut value {
        record.insert("hash".into(), head.hash.clone().into());
    }
    canonical(&value)
}

/// Walks a trail and stops at the first record that does not hold.
#[derive(Clone, Debug, Default)]
pub(crate) struct Verifier(Head);

impl Verifier {
    /// Checks the next record.
    pub(crate) fn check(&mut self, line: &str) -> Result<(), BrokenTrail> {
        let seq = self.0.seq + 1;
        let broken = |reason| Err(BrokenTrail { seq, reason });
        let Ok(Value::Object(mut record)) = serde_json::from_str(line) else {
            return broken("it is not a JSON object");
        };
        let Some(Value::String(hash)) = record.remove("hash") else {
            return broken("it has no hash");
        };
        if record.get("seq").and_then(Value::as_u64) != Some(seq) {
            return broken("its number does not follow the one before");
        }
        if record.get("prev").and_then(Value::as_str) != Some(self.0.hash.as_str()) {
            return broken("it does not hold the hash of the record before");
        }
        let mut value = Value::Object(record);
        if hash_of(&value) != hash {
            return broken("its hash is not that of its content");
        }
        if let Value::Object(record) = &mut value {
            record.insert("hash".into(), hash.clone().into());
        }
        // The text itself, too: of two equal keys another parser may take the first, and read another record.
        if canonical(&value) != line {
            return broken("it is not in canonical form");
        }
        self.0 = Head { seq, hash };
        Ok(())
    }

    /// How far the trail holds.
    pub(crate) fn head(&self) -> &Head {
        &self.0
    }

    /// Checks that the trail ends where the ledger remembers its end: records cut off at the end break no chain.
    pub(crate) fn ends_at(&self, head: &Head) -> Result<(), BrokenTrail> {
        if self.0 == *head {
            return Ok(());
        }
        let seq = self.0.seq.min(head.seq) + 1;
        Err(BrokenTrail { seq, ..self.no_end() })
    }

    /// A trail that goes on, or should go on, behind its last record.
    pub(crate) fn no_end(&self) -> BrokenTrail {
        let reason = "the trail does not end where the ledger remembers its end";
        BrokenTrail { seq: self.0.seq + 1, reason }
    }
}

fn hash_of(value: &Value) -> String {
    Fingerprint::of(canonical(value).as_bytes()).hex()
}

/// The canonical form (RFC 8785). Keys are sorted here: whether `serde_json`'s map is sorted depends on its feature
/// `preserve_order`, which any dependency may turn on.
fn canonical(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(canonical).collect();
            format!("[{}]", items.join(","))
        }
        Value::Object(members) => {
            let sorted: BTreeMap<&String, &Value> = members.iter().collect();
            let members: Vec<String> = (sorted.into_iter())
                .map(|(key, value)| format!("{}:{}", Value::from(key.as_str()), canonical(value)))
                .collect();
            format!("{{{}}}", members.join(","))
        }
        plain => plain.to_string(),
    }
}

#[cfg(test)]
mod tests;
