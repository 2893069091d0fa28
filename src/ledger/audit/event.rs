//! What the audit trail tells of.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::ledger::decision::Decision;
use crate::revocation::Grants;

/// An event of the audit trail. Its serialized names are the trail's format: they never change.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// Tokens were handed to the ledger, and some of them were new to it or came to another state.
    Enqueue {
        /// The base of the API whose queue it is.
        host: String,
        /// Who decided it, and within which bounds.
        decision: Decision,
        /// How many were queued, waited already, were done, refused, set aside ([`Enqueued`](crate::ledger::Enqueued)).
        counts: BTreeMap<&'static str, u64>,
        /// How many of each kind were queued.
        kinds: BTreeMap<&'static str, u64>,
        /// SHA-256 over the fingerprints of those in the order they were written down: a million of them fit no record.
        digest: String,
        /// These fingerprints, where they are few enough for a record.
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
        /// `revoke`, `end-installation`, or the method and path of a call that carries no token.
        call: Cow<'static, str>,
        /// The fingerprints it carries.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        tokens: Vec<String>,
        /// How many it carries, where earlier requests that decided nothing have named them all.
        #[serde(skip_serializing_if = "Option::is_none")]
        retried: Option<u64>,
        /// When it left, where that is told with its answer.
        #[serde(skip_serializing_if = "Option::is_none")]
        sent_at: Option<Timestamp>,
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
        /// What became of the tokens: state and count ([`Settled`](crate::ledger::Settled)).
        became: BTreeMap<&'static str, u64>,
        /// When the answer came in, where the ledger could not be written then.
        #[serde(skip_serializing_if = "Option::is_none")]
        received_at: Option<Timestamp>,
        /// The fingerprints it is about, where the record of the request does not name them.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        tokens: Vec<String>,
    },
    /// Requests with tokens that were sent before, which all came to the same and decided nothing.
    Retries {
        /// The host they went to.
        host: String,
        /// Whose quota they counted against.
        identity: String,
        /// The class of the responses, or `lost`.
        verdict: String,
        /// The HTTP status.
        status: Option<u16>,
        /// How many.
        requests: u64,
        /// The first of their batches.
        first_batch: u64,
        /// The last one. Others may lie between them.
        last_batch: u64,
        /// When the first came to nothing.
        since: Timestamp,
        /// When the last did.
        until: Timestamp,
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
    /// Tokens came over from another ledger.
    Copy {
        /// That one.
        from: String,
        /// The end of its trail.
        head: String,
        /// User and machine.
        by: String,
        /// The host whose queue it is.
        host: String,
        /// How many came to be in which state.
        counts: BTreeMap<&'static str, u64>,
        /// SHA-256 over their fingerprints.
        digest: String,
        /// The fingerprints, where they are few enough.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        tokens: Vec<String>,
    },
    /// From now on tokens are sealed to this public key.
    Key {
        /// Its id, in hex.
        key: String,
    },
    /// The ends of the chains of other writers: what is taken out of one of these later is missed here.
    Anchor {
        /// By writer, as `SEQ:HASH`.
        heads: BTreeMap<String, String>,
    },
    /// The database was put back from a backup, and has forgotten what came after it: no request leaves for an hour.
    Restored {
        /// Which database it is now.
        instance: String,
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
