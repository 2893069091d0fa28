//! Why a set of rules cannot be used.

/// Why a set of rules cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The shape of a rule is no regular expression.
    #[error("rule `{id}`: {source}")]
    Regex {
        /// The rule.
        id: String,
        /// The error of the expression's parser.
        source: Box<regex::Error>,
    },
    /// More rules, or larger ones, than the file may bring.
    #[error("{0}")]
    TooMuch(String),
    /// A rule that cannot find anything, or contradicts itself.
    #[error("rule `{id}`: {problem}")]
    Contradiction {
        /// The rule.
        id: String,
        /// What is wrong with it.
        problem: String,
    },
}

impl Error {
    pub(super) fn contradiction(id: &str, problem: impl Into<String>) -> Error {
        Error::Contradiction { id: id.to_owned(), problem: problem.into() }
    }
}
