//! Values of flags that are types of other modules.

use clap::ValueEnum;
use clap::builder::PossibleValue;

use crate::coverage::Surface;
use crate::finding::Confidence;
use crate::provider::github::kill_switch::CredentialType;
use crate::report::Format;
use crate::revocation::State;

/// The most threads: each takes a stack and buffers, and more than the machine has cores gain nothing.
pub(super) const MAX_THREADS: usize = 1024;

/// How many threads, from 0 on.
pub(super) fn threads(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(threads) if threads <= MAX_THREADS => Ok(threads),
        Ok(_) => Err(format!("at most {MAX_THREADS} threads")),
        Err(_) => Err("it is no number of threads".to_owned()),
    }
}

impl ValueEnum for Format {
    fn value_variants<'a>() -> &'a [Self] {
        &Format::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()))
    }
}

impl ValueEnum for Surface {
    fn value_variants<'a>() -> &'a [Self] {
        &Surface::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.as_str()))
    }
}

impl ValueEnum for Confidence {
    fn value_variants<'a>() -> &'a [Self] {
        &[Confidence::Certain, Confidence::Likely, Confidence::Lookalike]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.as_str()))
    }
}

impl ValueEnum for CredentialType {
    fn value_variants<'a>() -> &'a [Self] {
        &CredentialType::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.as_str()))
    }
}

impl ValueEnum for State {
    fn value_variants<'a>() -> &'a [Self] {
        &State::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.as_str()))
    }
}
