//! A page of many tokens.

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::finding::{Confidence, Findings};
use crate::report::Format;
use crate::report::tests::{add, location, rendered, token};
use crate::token::Kind;

#[test]
fn a_page_of_many_tokens_has_them_packed_and_is_small() {
    const COUNT: u32 = 3000;
    let found = Findings::default();
    for n in 0..COUNT {
        let path = format!("team-{}/service-{}/.env", n % 97, n % 1009);
        add(&found, Kind::fine_grained_pat(), n, Confidence::Certain, location(&path, u64::from(n % 50)));
    }
    let (found, faults) = found.finish();
    let page = rendered(Format::Html, &found, &faults, false);
    let data = page.split(r#"<div id="data" hidden>"#).nth(1).expect("packed rows");
    let data = data.split("</div>").next().expect("an end");
    let bytes = STANDARD.decode(data).expect("base64");
    let mut text = String::new();
    flate2::read::GzDecoder::new(&*bytes).read_to_string(&mut text).expect("gzip");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), COUNT as usize + 1);
    assert!(lines[1..].iter().all(|line| line.split('\t').count() == 10), "{}", lines[1]);
    assert!(!text.contains(&token(Kind::fine_grained_pat(), 7)), "a whole token");
    // Seventy thousand of them are to stay below 5 MB, with what stands in the page in any case.
    assert!(data.len() / (COUNT as usize) < 60, "{} bytes for each token", data.len() / COUNT as usize);
    assert!(page.len() - data.len() < 600_000, "{} bytes besides", page.len() - data.len());
}
