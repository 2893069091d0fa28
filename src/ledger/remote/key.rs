//! Which key tokens are sealed to: the one that the intake gives out, if it is the one that was pinned; where the intake is
//! away, the pinned one, or the one that it gave out last.

use super::answer::Failure;
use super::client::{Attempts, IntakeClient};
use super::error::IntakeFault;
use super::spool::Spool;
use crate::ledger::error::LedgerError;
use crate::ledger::seal::PublicKey;
use crate::ledger::wire::IntakeKey;

/// What the key of an intake is looked for with.
pub(super) struct KeySource<'a> {
    pub(super) client: &'a IntakeClient,
    /// Where it is remembered; none where this machine has no place for it.
    pub(super) spool: Option<&'a Spool>,
    /// The key that tokens may be sealed to, and no other.
    pub(super) pinned: Option<&'a PublicKey>,
}

impl KeySource<'_> {
    /// The key that tokens for a host are sealed to.
    pub(super) fn key_for(&self, host: &str) -> Result<PublicKey, LedgerError> {
        match self.given_out(Attempts::Several) {
            Ok((key, given)) => self.serves(host, &given).map(|()| key),
            Err(Failure::Final(error)) => Err(error),
            Err(Failure::Away(away)) => self.known(away.detail),
        }
    }

    /// Asks the intake once whether it can be used: that it is away for a moment is no reason against it.
    pub(super) fn check(&self) -> Result<(), LedgerError> {
        match self.given_out(Attempts::One) {
            Ok(_) | Err(Failure::Away(_)) => Ok(()),
            Err(Failure::Final(error)) => Err(error),
        }
    }

    /// The key that the intake gives out now.
    fn given_out(&self, attempts: Attempts) -> Result<(PublicKey, IntakeKey), Failure> {
        let intake = || self.client.intake().to_owned();
        let final_fault = |fault: IntakeFault| Failure::Final(fault.into());
        let given = self.client.key(attempts)?;
        let given = given.ok_or_else(|| final_fault(IntakeFault::NoKey { intake: intake() }))?;
        let key = PublicKey::parse(&given.public_key).map_err(|error| {
            final_fault(IntakeFault::NoIntake { intake: intake(), detail: error.to_string() })
        })?;
        if let Some(pinned) = self.pinned.filter(|pinned| **pinned != key) {
            let (found, pinned) = (key.id().to_string(), pinned.id().to_string());
            return Err(Failure::Final(LedgerError::NotPinned { ledger: intake(), found, pinned }));
        }
        if let Some(spool) = self.spool {
            // Where it cannot be remembered nothing can be spooled either, and that is said when it is to be done.
            let _ = spool.remember_key(&given.public_key);
        }
        Ok((key, given))
    }

    fn serves(&self, host: &str, given: &IntakeKey) -> Result<(), LedgerError> {
        if given.hosts.iter().any(|known| known == host) {
            return Ok(());
        }
        let (intake, host, known) =
            (self.client.intake().to_owned(), host.to_owned(), given.hosts.join(", "));
        Err(IntakeFault::NoQueue { intake, host, known }.into())
    }

    /// The key as far as it is known here, while the intake is away.
    fn known(&self, detail: String) -> Result<PublicKey, LedgerError> {
        if let Some(pinned) = self.pinned {
            return Ok(pinned.clone());
        }
        let remembered = self.spool.map(Spool::known_key).transpose()?.flatten();
        match remembered.map(|text| PublicKey::parse(&text)).transpose()? {
            Some(key) => Ok(key),
            None => Err(IntakeFault::NotSpooled {
                intake: self.client.intake().to_owned(),
                detail,
                why: "the key to seal it to is not known here: --seal-to names it".to_owned(),
            }
            .into()),
        }
    }
}
