//! Values of flags that are types of other modules.

use clap::ValueEnum;
use clap::builder::PossibleValue;

use crate::finding::Confidence;
use crate::provider::github::kill_switch::CredentialType;
use crate::report::Format;
use crate::revocation::State;

impl ValueEnum for Format {
    fn value_variants<'a>() -> &'a [Self] {
        &Format::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()))
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
