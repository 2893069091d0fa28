//! What a token is: a handle to the facts its rule states. Nothing here knows a provider; the rule files do.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

/// How the tokens of a kind are revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevokedBy {
    /// Many of them in one request, which the provider takes from anybody who has them.
    Batch,
    /// Each by a request of its own, authenticated by the token itself.
    Itself,
}

/// The facts about one kind of token, as its rule file states them.
#[derive(Debug)]
pub struct KindInfo {
    /// The id of its rule.
    pub rule_id: &'static str,
    /// The literal every token of this kind starts with.
    pub prefix: &'static str,
    /// Its position among all rules, which is the order of kinds.
    pub position: usize,
    /// The length of a whole token today, in bytes.
    pub length: usize,
    /// The name of the provider that issued it and can revoke it.
    pub provider: Option<&'static str>,
    /// How that provider revokes it, if it does.
    pub revoked_by: Option<RevokedBy>,
    /// How much harm a live token can do: 0 is the most. The queue sends the worst first.
    pub harm_rank: u8,
    /// Using the token once spends it, so its liveness must not be checked.
    pub single_use: bool,
    /// Revoking it ends its user's whole authorization of an app, with every other token made by it.
    pub ends_authorization: bool,
    /// The text of the token carries its owner's numeric id.
    pub names_owner: bool,
    /// The token may end in a JWT, whose `.` and `-` belong to it.
    pub stateless: bool,
}

static OTHER: KindInfo = KindInfo {
    rule_id: "custom",
    prefix: "",
    position: usize::MAX,
    length: 0,
    provider: None,
    revoked_by: None,
    harm_rank: Kind::LEAST_HARM,
    single_use: false,
    ends_authorization: false,
    names_owner: false,
    stateless: false,
};

/// A kind of token: a small handle to its [`KindInfo`]. Two are equal when their rules have the same id, and they are
/// ordered as the rules are.
#[derive(Clone, Copy)]
pub struct Kind(&'static KindInfo);

impl Kind {
    /// Found by a rule of the user's own: reported, never revoked.
    pub const OTHER: Kind = Kind(&OTHER);

    /// The largest harm rank, that of the least harmful kinds.
    pub const LEAST_HARM: u8 = 9;

    /// A kind with these facts.
    pub(crate) const fn new(info: &'static KindInfo) -> Kind {
        Kind(info)
    }

    /// The literal every token of this kind starts with; empty for [`Kind::OTHER`].
    pub fn prefix(self) -> &'static str {
        self.0.prefix
    }

    /// The id of the rule that finds this kind; `custom` for [`Kind::OTHER`].
    pub fn rule_id(self) -> &'static str {
        self.0.rule_id
    }

    /// The length of a whole token today, in bytes; 0 for [`Kind::OTHER`].
    pub fn length(self) -> usize {
        self.0.length
    }

    /// The name of the provider that can revoke it.
    pub fn provider(self) -> Option<&'static str> {
        self.0.provider
    }

    /// How its provider revokes it; `None` if none does.
    pub fn revoked_by(self) -> Option<RevokedBy> {
        self.0.revoked_by
    }

    /// How much harm a live token can do, from 0, the most, to [`Kind::LEAST_HARM`].
    pub fn harm_rank(self) -> u8 {
        self.0.harm_rank
    }

    /// Whether its provider may be asked if a token is alive: not where the question would spend it, and not where there is
    /// no provider.
    pub fn can_check_liveness(self) -> bool {
        self.0.provider.is_some() && !self.0.single_use
    }

    /// Whether revoking it ends its user's whole authorization of an app.
    pub fn ends_authorization(self) -> bool {
        self.0.ends_authorization
    }

    /// Whether the token's text carries its owner's numeric id.
    pub fn names_owner(self) -> bool {
        self.0.names_owner
    }

    /// Whether the token may end in a JWT.
    pub fn is_stateless(self) -> bool {
        self.0.stateless
    }
}

impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.0, other.0) || self.0.rule_id == other.0.rule_id
    }
}

impl Eq for Kind {}

impl Ord for Kind {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.0.position, self.0.rule_id).cmp(&(other.0.position, other.0.rule_id))
    }
}

impl PartialOrd for Kind {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Hash for Kind {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.rule_id.hash(state);
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.rule_id())
    }
}
