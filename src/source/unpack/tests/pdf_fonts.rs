//! PDF: text in the codes of fonts, one or several, and the fonts themselves.

use super::pdf::{document, flate, found_as, stream};
use super::support::*;

#[test]
fn text_in_the_codes_of_a_font() {
    // As browsers and word processors write it: numbers of glyphs, and a table.
    let token = token(1);
    let mut glyphs: Vec<u8> = token.bytes().collect();
    glyphs.sort_unstable();
    glyphs.dedup();
    let code = |byte: u8| glyphs.iter().position(|glyph| *glyph == byte).map_or(0, |at| at + 3);
    let codes: String = token.bytes().map(|byte| format!("{:04X}", code(byte))).collect();
    let (first, second) = codes.split_at(40);
    let content =
        format!("BT /F4 11 Tf <{first}> Tj 1 0 0 1 0 0 Tm [<{}> 3 <{}>] TJ ET", &second[..8], &second[8..]);
    let chars: String = glyphs.iter().map(|byte| format!("<{:04X}> <{byte:04X}>\n", code(*byte))).collect();
    let list: String = glyphs.iter().map(|byte| format!("<{byte:04X}> ")).collect();
    let last = glyphs.len() + 2;
    let tables = [
        format!("begincmap\n{} beginbfchar\n{chars}endbfchar\nendcmap", glyphs.len()),
        format!("begincmap\n1 beginbfrange\n<0003> <{last:04X}> [{list}]\nendbfrange\nendcmap"),
    ];
    for table in tables {
        let other = "begincmap\n1 beginbfrange\n<0000> <00FF> <0041>\nendbfrange\nendcmap";
        let bytes = document(&[
            stream("/Filter /FlateDecode", &flate(content.as_bytes())),
            stream("/Filter /FlateDecode", &flate(other.as_bytes())),
            stream("/Filter /FlateDecode", &flate(table.as_bytes())),
        ]);
        found_as(&bytes, &[Found::content("a.pdf!object 1 text", 0, 1)]);
    }
}

/// A token of letters, another for each `n`.
fn token_of_letters(n: u32) -> String {
    let body: String = (0..30_u32)
        .map(|at| char::from(b'a' + u8::try_from((n * 31 + at * (n + 7)) % 26).unwrap_or(0)))
        .collect();
    format!("ghp_{body}{}", String::from_utf8_lossy(&crate::checksum::crc32_base62(body.as_bytes())))
}

/// The glyphs of a font that has only what a text needs, and its table.
fn subset(text: &str) -> (String, Vec<u8>) {
    let mut glyphs: Vec<u8> = text.bytes().collect();
    glyphs.sort_unstable();
    glyphs.dedup();
    let code = |byte: u8| glyphs.iter().position(|glyph| *glyph == byte).map_or(0, |at| at + 1);
    let codes = text.bytes().map(|byte| format!("{:02X}", code(byte))).collect();
    let chars: String = glyphs.iter().map(|byte| format!("<{:02X}> <{byte:04X}>\n", code(*byte))).collect();
    (codes, format!("begincmap\n{} beginbfchar\n{chars}endbfchar\nendcmap", glyphs.len()).into_bytes())
}

#[test]
fn text_that_is_shown_in_several_fonts() {
    // A word processor where a part of the token is bold: each font has its own codes.
    let token = token(1);
    let (bold, plain) = token.split_at(9);
    let [(bold, bold_table), (plain, plain_table), (other, other_table)] =
        [bold, plain, "Something else"].map(subset);
    let content = format!("BT /F1 12 Tf <{bold}> Tj ET BT /F2 12 Tf [<{plain}>] TJ ET");
    let font = |table: u32| format!("<< /Type /Font /ToUnicode {table} 0 R >>");
    let shown = |content: &str, bold: u32, plain: u32| {
        let resources = format!("/Resources << /Font << /F1 {bold} 0 R /F2 {plain} 0 R >> >>");
        vec![
            stream("/Filter /FlateDecode", &flate(content.as_bytes())),
            stream("/Filter /FlateDecode", &flate(&bold_table)),
            stream("/Filter /FlateDecode", &flate(&plain_table)),
            stream("/Filter /FlateDecode", &flate(&other_table)),
            format!("<< /Type /Page {resources} /Contents 1 0 R >>").into_bytes(),
        ]
    };
    let found = [Found::content("a.pdf!object 1 text", 0, 1)];
    let with = |more: &[String]| {
        let mut objects = shown(&content, 6, 7);
        objects.extend(more.iter().map(|object| object.clone().into_bytes()));
        document(&objects)
    };
    found_as(&with(&[font(2), font(3)]), &found);
    // Another page calls another font so.
    let page = "<< /Type /Page /Resources << /Font << /F1 8 0 R /F2 8 0 R >> >> >>".to_owned();
    found_as(&with(&[font(2), font(3), font(4), page]), &found);
    // The names are an object of their own, which was packed together with the fonts.
    let packed = [font(2), font(3), "<< /F1 6 0 R /F2 7 0 R >>".to_owned()];
    let offsets = format!("6 0 7 {} 8 {} ", packed[0].len() + 1, packed[0].len() + packed[1].len() + 2);
    let entries = format!("/Type /ObjStm /N 3 /First {} /Filter /FlateDecode", offsets.len());
    let mut objects = shown(&content, 90, 91);
    objects.push(stream(&entries, &flate((offsets + &packed.join(" ")).as_bytes())));
    found_as(&document(&objects), &found);
    // What a font that is not its own makes of it is no token.
    found_as(&with(&[font(2), font(4)]), &[]);
    let wrong = content.replace(&plain, &other);
    let mut objects = shown(&wrong, 6, 7);
    objects.extend([font(2), font(3)].map(String::into_bytes));
    found_as(&document(&objects), &[]);
}

#[test]
fn letters_that_are_one_glyph() {
    // A browser prints `fi` as one glyph, whose code a table maps to U+FB01 or to both letters.
    let token = (0..1000).map(token_of_letters).find(|token| token.contains("fi")).expect("some have it");
    let (before, behind) = token.split_once("fi").expect("it has");
    for (ligature, table) in [("FB01", 1), ("00660069", 1), ("FB02", 0)] {
        let (codes, mut chars) = subset(&[before, behind].concat());
        let codes = format!("{}FF{}", &codes[..2 * before.len()], &codes[2 * before.len()..]);
        chars.extend(format!("\n1 beginbfchar\n<FF> <{ligature}>\nendbfchar").into_bytes());
        // What the glyph is said to be, for whoever copies it, is no part of the text.
        let marked = codes.replace("FF", "> Tj /Span << /ActualText (fi) >> BDC <FF> Tj EMC <");
        for codes in [codes, marked] {
            let content = format!("BT /F1 12 Tf <{codes}> Tj ET");
            let bytes = document(&[stream("", content.as_bytes()), stream("", &chars)]);
            found_as(&bytes, &[Found::content("a.pdf!object 1 text", 0, 1)][..table]);
        }
    }
}

#[test]
fn compact_fonts_are_passed_over() {
    for entries in ["/Subtype /Type1C", "/Subtype /CIDFontType0C"] {
        let font = stream(&format!("{entries} /Filter /FlateDecode"), &flate(&text(1)));
        found_as(&document(&[font]), &[]);
    }
    for entries in ["/Subtype /XML", "/Length1 200", "/Type /EmbeddedFile /Subtype /Type1C"] {
        let other = stream(&format!("{entries} /Filter /FlateDecode"), &flate(&text(1)));
        found_as(&document(&[other]), &[Found::content("a.pdf!object 1", OFFSET, LINE)]);
    }
}
