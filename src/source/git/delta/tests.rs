use proptest::prelude::*;

use super::*;

/// base 40, copy 0..10, insert "XY", copy 20..40
fn sample() -> Vec<u8> {
    vec![40, 32, 0x90, 10, 2, b'X', b'Y', 0x91, 20, 20]
}

fn base() -> Vec<u8> {
    (b'0'..b'0' + 40).collect()
}

#[test]
fn applying_it_to_its_base_makes_the_object() {
    let (delta, base, mut out) = (sample(), base(), Vec::new());
    let delta = Delta::parse(&delta).expect("well formed");
    assert_eq!((delta.base_size, delta.size), (40, 32));
    delta.apply(&base, &mut out).expect("fits");
    assert_eq!(out, [&base[..10], b"XY", &base[20..]].concat());
    let mut streamed = Vec::new();
    delta.reader(&base).read_to_end(&mut streamed).expect("fits");
    assert_eq!(streamed, out);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn applying_it_in_place_makes_the_same_object(
        parts in prop::collection::vec((0_u8..60, 1_u8..20, any::<bool>()), 0..12), in_order in any::<bool>(),
    ) {
        let base: Vec<u8> = (0..80).collect();
        let (mut instructions, mut size, mut copied_to) = (Vec::new(), 0, 0);
        for (offset, length, inserts) in parts {
            if inserts {
                instructions.push(length);
                instructions.extend((0..length).map(|n| 100 + n));
            } else {
                let offset = if in_order { copied_to + offset % 5 } else { offset };
                if offset + length > 80 {
                    continue;
                }
                copied_to = offset + length;
                instructions.extend([0x91, offset, length]);
            }
            size += usize::from(length);
        }
        let delta = Delta { base_size: base.len(), size, instructions: &instructions };
        let (mut whole, mut in_place) = (Vec::new(), base.clone());
        prop_assert_eq!(delta.apply(&base, &mut whole), Ok(()));
        let is_applied = delta.apply_in_place(&mut in_place);
        prop_assert!(is_applied.is_ok() && (is_applied == Ok(true) || !in_order));
        prop_assert_eq!(in_place, if is_applied == Ok(true) { whole } else { base });
    }
}

#[test]
fn an_announced_size_gets_no_memory_before_it_is_borne_out() {
    // A base of 16 MiB, and 100,000 copies of one byte each of it, said to make an exbibyte.
    let base = vec![b'x'; 1 << 24];
    let mut delta = vec![0x80, 0x80, 0x80, 0x08];
    delta.extend([0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10]);
    delta.extend([0x90, 1].repeat(100_000));
    let delta = Delta::parse(&delta).expect("well formed");
    assert_eq!((delta.base_size, delta.size), (1 << 24, 1 << 60));
    assert_eq!(delta.apply(&base, &mut Vec::new()), Err(InvalidDelta));
}

#[test]
fn every_text_across_a_boundary_is_among_the_new_bytes() {
    let (delta, base, mut whole, mut new_bytes) = (sample(), base(), Vec::new(), Vec::new());
    let delta = Delta::parse(&delta).expect("well formed");
    delta.apply(&base, &mut whole).expect("fits");
    for context in 0..12 {
        delta.new_bytes(&base, context, &mut new_bytes).expect("fits");
        for text in whole.windows(context + 1) {
            let holds = |bytes: &[u8]| bytes.windows(text.len()).any(|other| other == text);
            assert!(holds(&new_bytes) || holds(&base), "context {context}");
        }
    }
}

#[test]
fn the_head_needs_no_more_than_the_first_instructions() {
    let (delta, base, mut out) = (sample(), base(), Vec::new());
    let delta = Delta::parse(&delta).expect("well formed");
    assert!(delta.keeps_head(10));
    assert!(!delta.keeps_head(11));
    delta.head(&base, 12, &mut out).expect("fits");
    assert_eq!(out, [&base[..10], b"XY"].concat());
}

#[test]
fn no_damage_panics() {
    let (whole, base, mut out) = (sample(), base(), Vec::new());
    for cut in 0..whole.len() {
        let broken = Delta::parse(&whole[..cut]).and_then(|delta| delta.apply(&base, &mut out));
        assert_eq!(broken, Err(InvalidDelta), "cut {cut}");
    }
    for at in 0..whole.len() {
        for value in 0..=255 {
            let mut bytes = whole.clone();
            bytes[at] = value;
            if let Ok(delta) = Delta::parse(&bytes) {
                let _ = delta.apply(&base, &mut out);
                let _ = delta.apply_in_place(&mut base.clone());
                let _ = delta.new_bytes(&base, 5, &mut out);
                let _ = delta.head(&base, 5, &mut out);
                let _ = delta.reader(&base).read_to_end(&mut out);
            }
        }
    }
    assert_eq!(Delta::parse(&[0xff; 20]).err(), Some(InvalidDelta));
}
