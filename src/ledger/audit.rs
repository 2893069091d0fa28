//! The audit trail: what was done, in records that each hold the hash of the one before.
//!
//! A record is one JSON object in canonical form (RFC 8785: keys sorted, no white space; all numbers are integers).
//! Its `hash` is the SHA-256 of that form without the `hash` member, so anyone can check an exported trail with a
//! dozen lines of script. Records carry fingerprints, never tokens.

mod digest;
mod event;
mod head;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value};

pub use self::digest::Digest;
pub use self::event::Event;
#[cfg(test)]
use self::head::GENESIS;
pub use self::head::{BadHead, Head};
use crate::token::Fingerprint;

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
    if !head.writer.is_empty() {
        record.insert("writer".into(), head.writer.clone().into());
    }
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
    /// Walks the chain of a writer.
    pub(crate) fn of_writer(writer: &str) -> Self {
        Verifier(Head { writer: writer.to_owned(), ..Head::default() })
    }

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
        if record.get("writer").map_or(Some(""), Value::as_str) != Some(self.0.writer.as_str()) {
            return broken("it is not of the chain's writer");
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
        (self.0.seq, self.0.hash) = (seq, hash);
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
