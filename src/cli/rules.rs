//! `stanch rules`: what is looked for, and the proof that each rule finds it.

use std::io::{self, Write};
use std::path::PathBuf;

use super::exit::Exit;
use super::flags::RulesVerb;
use super::lookout::Lookout;
use crate::detect::Detector;
use crate::finding::Confidence;
use crate::report::sanitise;
use crate::rule::Rule;

pub(super) fn run(verb: &RulesVerb) -> anyhow::Result<Exit> {
    let (RulesVerb::List(flags) | RulesVerb::Test(flags)) = verb;
    let lookout = Lookout::unproven(flags, &[PathBuf::from(".")])?;
    let mut out = io::stdout().lock();
    match verb {
        RulesVerb::List(_) => list(&lookout, &mut out),
        RulesVerb::Test(_) => test(&lookout, &mut out),
    }
}

fn list(lookout: &Lookout, out: &mut dyn Write) -> anyhow::Result<Exit> {
    for rule in lookout.detector.rules() {
        writeln!(out, "{}", rule.id)?;
        writeln!(out, "  finds      {}", rule.description)?;
        writeln!(out, "  starts     {}", rule.prefix)?;
        writeln!(out, "  proven by  {}", rule.checksum.as_str())?;
        writeln!(out, "  ended by   {}", rule.revoked_by.as_str())?;
    }
    for rule in lookout.custom.rules() {
        writeln!(out, "{}", rule.id)?;
        writeln!(out, "  finds      {}", sanitise(&rule.description))?;
        writeln!(out, "  near       {}", sanitise(&rule.keywords.join(", ")))?;
        writeln!(out, "  proven by  nothing: a rule of the configuration")?;
        writeln!(out, "  ended by   whoever issued it")?;
    }
    Ok(Exit::Clean)
}

fn test(lookout: &Lookout, out: &mut dyn Write) -> anyhow::Result<Exit> {
    lookout.detector.rules().compile()?;
    let mut failed = 0;
    for rule in lookout.detector.rules() {
        let examples = rule.positive.len() + rule.negative.len();
        failed += tell(&rule.id, examples, &contradictions(&lookout.detector, rule), out)?;
    }
    for rule in lookout.custom.rules() {
        let examples = rule.positive.len() + rule.negative.len();
        failed += tell(&rule.id, examples, &lookout.custom.contradictions(rule), out)?;
    }
    if failed > 0 {
        anyhow::bail!("{failed} examples are not judged as their rule says");
    }
    Ok(Exit::Clean)
}

/// Tells how a rule did, and how many examples it got wrong.
fn tell(id: &str, examples: usize, wrong: &[String], out: &mut dyn Write) -> anyhow::Result<usize> {
    if wrong.is_empty() {
        writeln!(out, "ok    {id}  {examples} example{}", if examples == 1 { "" } else { "s" })?;
    }
    for example in wrong {
        writeln!(out, "FAIL  {id}  {example}")?;
    }
    Ok(wrong.len())
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
