//! `stanch rules`: what is looked for, and the proof that each rule finds it.

use std::io::{self, Write as _};

use super::exit::Exit;
use super::flags::RulesVerb;
use crate::detect::Detector;
use crate::finding::Confidence;
use crate::rule::{Rule, Rules};

pub(super) fn run(verb: &RulesVerb) -> anyhow::Result<Exit> {
    let detector = Detector::new(Rules::built_in()?);
    match verb {
        RulesVerb::List => list(detector.rules()),
        RulesVerb::Test => test(&detector),
    }
}

fn list(rules: &Rules) -> anyhow::Result<Exit> {
    let mut out = io::stdout().lock();
    for rule in rules {
        writeln!(out, "{}", rule.id)?;
        writeln!(out, "  finds      {}", rule.description)?;
        writeln!(out, "  starts     {}", rule.prefix)?;
        writeln!(out, "  proven by  {}", rule.checksum.as_str())?;
        writeln!(out, "  ended by   {}", rule.revoked_by.as_str())?;
    }
    Ok(Exit::Clean)
}

fn test(detector: &Detector) -> anyhow::Result<Exit> {
    detector.rules().compile()?;
    let mut out = io::stdout().lock();
    let mut failed = 0;
    for rule in detector.rules() {
        let wrong = contradictions(detector, rule);
        let examples = rule.positive.len() + rule.negative.len();
        if wrong.is_empty() {
            writeln!(out, "ok    {}  {examples} examples", rule.id)?;
        }
        for example in &wrong {
            writeln!(out, "FAIL  {}  {example}", rule.id)?;
        }
        failed += wrong.len();
    }
    if failed > 0 {
        anyhow::bail!("{failed} examples are not judged as their rule says");
    }
    Ok(Exit::Clean)
}

/// The examples a rule gets wrong, named by their place in the list: the text may be a secret.
fn contradictions(detector: &Detector, rule: &Rule) -> Vec<String> {
    let finds = |text: &String| detector.surest(text.as_bytes()) >= Some(Confidence::Likely);
    let positive = rule.positive.iter().enumerate().filter(|(_, text)| !finds(text));
    let negative = rule.negative.iter().enumerate().filter(|(_, text)| finds(text));
    positive
        .map(|(n, _)| format!("finds nothing in positive example {}", n + 1))
        .chain(negative.map(|(n, _)| format!("finds a token in negative example {}", n + 1)))
        .collect()
}
