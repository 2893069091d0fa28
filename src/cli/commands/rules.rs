//! `stanch rules`: the rules in force, and a test of each on its own examples.

use std::io::Write;

use crate::cli::args::RulesCommand;
use crate::cli::detection::Detection;
use crate::cli::exit::Exit;
use crate::cli::stdout::stdout;
use crate::detect::{Custom, Detector};
use crate::finding::Confidence;
use crate::provider;
use crate::rule::Rule;
use crate::settings::{Env, Input};
use crate::text::printable;

pub(super) fn run(command: &RulesCommand, env: &Env) -> anyhow::Result<Exit> {
    let (RulesCommand::List(args) | RulesCommand::Test(args)) = command;
    let detection = Detection::load_untested(args, &[Input::Path(".".into())], env)?;
    let mut out = stdout();
    match command {
        RulesCommand::List(_) => list(&detection, &mut out),
        RulesCommand::Test(_) => test(&detection, &mut out),
    }
}

fn list(detection: &Detection, out: &mut dyn Write) -> anyhow::Result<Exit> {
    for rule in detection.detector.rules() {
        writeln!(out, "{}", rule.id)?;
        writeln!(out, "  finds      {}", rule.description)?;
        writeln!(out, "  starts     {}", rule.prefix)?;
        writeln!(out, "  proven by  {}", rule.checksum.as_str())?;
        writeln!(out, "  ended by   {}", ended_by(rule))?;
    }
    for rule in detection.custom.rules() {
        writeln!(out, "{}", rule.id)?;
        writeln!(out, "  finds      {}", printable(&rule.description))?;
        writeln!(out, "  near       {}", printable(&rule.keywords.join(", ")))?;
        writeln!(out, "  proven by  nothing: a rule of the configuration")?;
        writeln!(out, "  ended by   whoever issued it")?;
    }
    Ok(Exit::Clean)
}

/// The request that revokes what a rule finds.
fn ended_by(rule: &Rule) -> &'static str {
    let provider = provider::for_kind(rule.kind);
    let call = provider.zip(rule.kind.revoked_by()).map(|(provider, revoked_by)| provider.call(revoked_by));
    call.unwrap_or("whoever issued it")
}

fn test(detection: &Detection, out: &mut dyn Write) -> anyhow::Result<Exit> {
    detection.detector.rules().compile()?;
    let mut failed = 0;
    for rule in detection.detector.rules() {
        let examples = rule.positive().len() + rule.negative().len();
        failed += report(&rule.id, examples, &contradictions(&detection.detector, rule), out)?;
    }
    for rule in detection.custom.rules() {
        let examples = rule.positive.len() + rule.negative.len();
        failed += report(&rule.id, examples, &Custom::contradictions(rule), out)?;
    }
    if failed > 0 {
        anyhow::bail!("{failed} examples contradict their rule");
    }
    Ok(Exit::Clean)
}

/// Prints how a rule did, and returns how many examples contradict it.
fn report(
    id: &str,
    examples: usize,
    contradictions: &[String],
    out: &mut dyn Write,
) -> anyhow::Result<usize> {
    if contradictions.is_empty() {
        writeln!(out, "ok    {id}  {examples} example{}", if examples == 1 { "" } else { "s" })?;
    }
    for contradiction in contradictions {
        writeln!(out, "FAIL  {id}  {contradiction}")?;
    }
    Ok(contradictions.len())
}

/// The examples that contradict a rule, by their number in the list: their text may be a secret.
fn contradictions(detector: &Detector, rule: &Rule) -> Vec<String> {
    let finds = |text: &String| detector.surest(text.as_bytes()) >= Some(Confidence::Likely);
    let positive = rule.positive().into_iter().enumerate().filter(|(_, text)| !finds(text));
    let negative = rule.negative().into_iter().enumerate().filter(|(_, text)| finds(text));
    positive
        .map(|(n, _)| format!("finds nothing in positive example {}", n + 1))
        .chain(negative.map(|(n, _)| format!("finds a token in negative example {}", n + 1)))
        .collect()
}
