//! The search for custom rules of the configuration: it runs only where there are any, beside the one for built-in rules.

mod keywords;
mod work;

use std::ops::Range;

use regex::bytes::Captures;

use self::keywords::{Keywords, MAX_KEYWORD_DISTANCE, Near};
use self::work::Work;
use super::window::Window;
use crate::finding::{Confidence, Sighting};
use crate::rule::CustomRule;
use crate::token::Kind;

/// The most bytes a match may span: well below [`MAX_SPAN`](super::MAX_SPAN), so that no window cuts one in two.
const MAX_MATCH: usize = 8 * 1024;

/// Why a match of a custom rule is no surer.
const REASON: &str = "a rule of the configuration, with no checksum to test";

/// Finds what custom rules match.
#[derive(Debug)]
pub struct Custom {
    rules: Vec<CustomRule>,
    keywords: Keywords,
    /// What the rules of scanned trees have taken so far.
    work: Work,
}

/// One secret in a window.
pub struct CustomHit<'a> {
    /// The rule that found it.
    pub rule: &'a CustomRule,
    /// The secret.
    pub text: &'a [u8],
    /// Where it is in the window.
    pub span: Range<usize>,
}

impl CustomHit<'_> {
    /// The hit without its location.
    pub fn sighting(&self) -> Sighting<'_> {
        Sighting {
            text: self.text,
            rule: &self.rule.id,
            kind: Kind::OTHER,
            confidence: Confidence::Likely,
            reason: REASON,
            owner_id: None,
        }
    }
}

impl Custom {
    /// A finder for these rules.
    pub fn new(rules: Vec<CustomRule>) -> Self {
        Custom { keywords: Keywords::new(&rules), work: Work::new(rules.len()), rules }
    }

    /// Whether there is nothing to look for.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The rules it looks for.
    pub fn rules(&self) -> &[CustomRule] {
        &self.rules
    }

    /// The rules that were given up, because they took too long.
    pub fn given_up(&self) -> impl Iterator<Item = &CustomRule> {
        self.rules.iter().enumerate().filter(|(index, _)| self.work.is_given_up(*index)).map(|(_, rule)| rule)
    }

    /// Reports every secret that starts in `window.emit`.
    pub fn scan(&self, window: &Window<'_>, on_hit: &mut dyn FnMut(&CustomHit<'_>)) {
        let nearby = self.keywords.nearby(window.bytes);
        for (index, rule) in self.rules.iter().enumerate() {
            let near = self.keywords.of_rule(index, &nearby);
            if !near.is_empty() && !self.work.is_given_up(index) {
                let mut search = Search { rule, near, window, work: &self.work, index };
                search.run(on_hit);
            }
        }
    }

    /// What a rule gets wrong of its own examples, each named by its number in the list: the text may be a secret.
    pub fn contradictions(rule: &CustomRule) -> Vec<String> {
        // Only this rule is tried: of many, each would be on the examples of all.
        let alone = Custom::new(vec![rule.clone()]);
        let finds = |text: &String| {
            let mut found = false;
            alone.scan(&Window::whole(text.as_bytes()), &mut |_| found = true);
            found
        };
        let positive = rule.positive.iter().enumerate().filter(|(_, text)| !finds(text));
        let negative = rule.negative.iter().enumerate().filter(|(_, text)| finds(text));
        positive
            .map(|(n, _)| format!("finds nothing in positive example {}", n + 1))
            .chain(negative.map(|(n, _)| format!("finds something in negative example {}", n + 1)))
            .collect()
    }

    /// `text` without the secrets in it.
    pub fn redact(&self, text: &str) -> String {
        let mut spans = Vec::new();
        self.scan(&Window::whole(text.as_bytes()), &mut |hit| spans.push(hit.span.clone()));
        spans.sort_unstable_by_key(|span| span.start);
        let (mut out, mut kept) = (String::with_capacity(text.len()), 0);
        for span in spans {
            // An expression on bytes may cut a character in two: then more is left out, never less.
            let (start, end) = (text.floor_char_boundary(span.start), text.ceil_char_boundary(span.end));
            if start >= kept {
                out.push_str(&text[kept..start]);
                out.push('…');
            }
            kept = kept.max(end);
        }
        out.push_str(&text[kept..]);
        out
    }
}

/// How many bytes a rule is tried on at a time, between two looks at the clock.
const STEP: usize = 16 * 1024;

/// One rule on a window.
struct Search<'s, 'w> {
    rule: &'s CustomRule,
    near: Near<'s>,
    window: &'s Window<'w>,
    work: &'s Work,
    index: usize,
}

impl Search<'_, '_> {
    /// Tries the rule, from a match's length in front of the window on, so that the matches are those that the whole text
    /// has, and only near keywords.
    fn run(&mut self, on_hit: &mut dyn FnMut(&CustomHit<'_>)) {
        let emit = &self.window.emit;
        let reach = MAX_KEYWORD_DISTANCE + MAX_MATCH;
        let (first, last) = self.near.extent();
        let mut at = emit.start.saturating_sub(MAX_MATCH).max(first.saturating_sub(reach));
        let end = emit.end.min(last + reach);
        while at < end {
            let step_end = end.min(at + STEP);
            if self.rule.any_time {
                self.step(at..step_end, on_hit);
            } else if !self.work.time(self.index, step_end - at, || self.step(at..step_end, on_hit)) {
                return;
            }
            at = step_end;
        }
    }

    /// Reports the secrets of matches that start in a part of the window.
    fn step(&self, part: Range<usize>, on_hit: &mut dyn FnMut(&CustomHit<'_>)) {
        let Window { bytes, emit, .. } = self.window;
        let bytes = &bytes[..bytes.len().min(part.end + MAX_MATCH + 1)];
        let mut at = part.start;
        while at < part.end {
            let Some(captures) = self.rule.regex.captures_at(bytes, at) else { return };
            let Some(whole) = captures.get(0).filter(|whole| whole.start() < part.end) else { return };
            at = whole.end().max(whole.start() + 1);
            let near = whole.start().saturating_sub(MAX_KEYWORD_DISTANCE)..whole.end() + MAX_KEYWORD_DISTANCE;
            if whole.len() > MAX_MATCH || !self.near.touches(&near) {
                continue;
            }
            let Some(span) = secret(self.rule, &captures) else { continue };
            let text = &bytes[span.clone()];
            if emit.contains(&span.start) && entropy(text) >= self.rule.entropy {
                on_hit(&CustomHit { rule: self.rule, text, span });
            }
        }
    }
}

/// The part of a match that is the secret.
fn secret(rule: &CustomRule, captures: &Captures<'_>) -> Option<Range<usize>> {
    let group = match rule.secret_group {
        Some(group) => captures.get(group),
        None => captures.iter().skip(1).flatten().next().or_else(|| captures.get(0)),
    };
    group.map(|group| group.range()).filter(|span| !span.is_empty())
}

/// Shannon entropy, in bits a byte.
fn entropy(text: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in text {
        counts[usize::from(*byte)] += 1;
    }
    let total = f64::from(u32::try_from(text.len()).unwrap_or(u32::MAX));
    counts
        .into_iter()
        .filter(|count| *count > 0)
        .map(|count| f64::from(count) / total)
        .map(|share| -share * share.log2())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::{Bounds, RawCustomRule};

    fn custom(toml: &str) -> Custom {
        #[derive(serde::Deserialize)]
        struct File {
            rules: Vec<RawCustomRule>,
        }
        let file: File = toml::from_str(toml).expect("a rule file");
        Custom::new(CustomRule::compile_all(file.rules, None, &Bounds::USER).expect("good rules"))
    }

    fn found(custom: &Custom, text: &[u8]) -> Vec<String> {
        let mut out = Vec::new();
        custom
            .scan(&Window::whole(text), &mut |hit| out.push(String::from_utf8_lossy(hit.text).into_owned()));
        out
    }

    const ACME: &str = "[[rules]]\nid = 'acme'\nregex = '(?i)acme[_-]?key\\s*=\\s*([a-z0-9]{8,})'\n\
                        keywords = ['acme']\nentropy = 2.0\npositive = ['ACME_KEY = ~a1b2c3d4e5']\n\
                        negative = ['ACME_KEY = aaaaaaaaaa']\n";

    #[test]
    fn the_group_is_the_secret_and_must_be_random_enough() {
        let custom = custom(ACME);
        assert_eq!(found(&custom, b"Acme-Key=q1w2e3r4t5 acme_key = aaaaaaaaaa"), ["q1w2e3r4t5"]);
        assert_eq!(found(&custom, b"\xff\xfeacme_key=q1w2e3r4t5\xff"), ["q1w2e3r4t5"]);
        assert!(Custom::contradictions(&custom.rules()[0]).is_empty());
    }

    #[test]
    fn a_rule_that_is_wrong_about_its_examples_is_reported() {
        let custom = custom(&ACME.replace("aaaaaaaaaa", "abcdefghij").replace("~a1b2c3d4e5", "short"));
        let rule = &custom.rules()[0];
        assert_eq!(
            Custom::contradictions(rule),
            ["finds nothing in positive example 1", "finds something in negative example 1"]
        );
    }

    #[test]
    fn a_keyword_must_be_near() {
        let custom = custom(
            "[[rules]]\nid = 'k'\nregex = 'x[0-9]{6}'\nkeywords = ['vault']\npositive = ['vault x123456']\n",
        );
        assert_eq!(found(&custom, b"vault: x123456"), ["x123456"]);
        let far = [b"vault".as_slice(), &vec![b' '; 2 * MAX_KEYWORD_DISTANCE], b"x123456"].concat();
        assert!(found(&custom, &far).is_empty());
    }

    #[test]
    fn windows_find_what_the_whole_finds() {
        let custom = custom(ACME);
        let text = b"acme_key=q1w2e3r4t5 acme_key=z9y8x7w6v5".as_slice();
        for cut in 0..text.len() {
            let mut out = Vec::new();
            for emit in [0..cut, cut..text.len()] {
                custom.scan(&Window { bytes: text, emit, mark: None }, &mut |hit| out.push(hit.span.start));
            }
            assert_eq!(out, [9, 29], "cut at {cut}");
        }
    }

    #[test]
    fn a_path_shows_no_secret() {
        assert_eq!(custom(ACME).redact("é/acme_key=q1w2e3r4t5é/f"), "é/acme_key=…é/f");
    }

    #[test]
    fn entropy_counts_bits() {
        assert!((entropy(b"abcd") - 2.0).abs() < 1e-9);
        assert!(entropy(b"aaaa").abs() < 1e-9);
    }
}
