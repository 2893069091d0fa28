use std::path::PathBuf;

use proptest::prelude::*;

use super::*;
use crate::token::Fingerprint;

fn pair() -> Result<(KeyRing, PublicKey), LedgerError> {
    let private = PrivateKey::generate()?;
    let public = private.public();
    Ok((KeyRing::from_iter([private]), public))
}

fn open(ring: &KeyRing, token: &Token, sealed: &[u8]) -> Result<Fingerprint, OpenError> {
    let opened = ring.opener(HOST).open(token.kind(), token.fingerprint(), sealed);
    opened.map(|token| token.fingerprint())
}

#[test]
fn what_is_sealed_to_a_public_key_opens_with_the_private_one() -> Result<(), LedgerError> {
    let (ring, public) = pair()?;
    let sealer = public.sealer(HOST);
    for text in ["", "a secret of some length", &"long ".repeat(2_000)] {
        let token = token(text);
        let envelope = sealer.seal(&token)?;
        assert_eq!(open(&ring, &token, &envelope), Ok(token.fingerprint()));
        assert_ne!(envelope, sealer.seal(&token)?, "a nonce was used twice");
        assert!(text.is_empty() || !envelope.windows(6).any(|window| window == &text.as_bytes()[..6]));
    }
    Ok(())
}

#[test]
fn the_envelope_says_its_version_and_its_key() -> Result<(), LedgerError> {
    let (ring, public) = pair()?;
    let sealed = public.sealer(HOST).seal(&token("a secret"))?;
    assert_eq!((sealed[0], &sealed[1..9]), (2, &public.id().bytes()[..]));
    assert_eq!(sealed.len(), 9 + 32 + 12 + "a secret".len() + 16);
    assert_eq!(key_id_of(&sealed), Some(public.id()));
    assert!(ring.has(&public.id()) && !KeyRing::default().has(&public.id()));
    assert_eq!((key_id_of(b""), key_id_of(&sealed[..8]), key_id_of(&[3; 60])), (None, None, None));
    Ok(())
}

/// A run seals all its tokens under one encapsulated key, two runs under two: neither shows anything of the other.
#[test]
fn each_sealer_has_a_secret_of_its_own() -> Result<(), LedgerError> {
    let (ring, public) = pair()?;
    let token = token("a secret of some length");
    let (one, two) = (public.sealer(HOST), public.sealer(HOST));
    let encapsulated = |sealer: &Sealer| sealer.seal(&token).map(|sealed| sealed[9..41].to_vec());
    assert_eq!(encapsulated(&one)?, encapsulated(&one)?);
    assert_ne!(encapsulated(&one)?, encapsulated(&two)?);
    let mut mixed = one.seal(&token)?;
    mixed[9..41].copy_from_slice(&encapsulated(&two)?);
    assert_eq!(open(&ring, &token, &mixed), Err(OpenError::Changed(token.fingerprint())));
    Ok(())
}

#[test]
fn a_text_opens_only_where_it_belongs() -> Result<(), LedgerError> {
    let (ring, public) = pair()?;
    let token = token("a secret of some length");
    let sealed = public.sealer(HOST).seal(&token)?;
    let changed = OpenError::Changed(token.fingerprint());
    for (host, kind, what) in [
        ("https://ghe.example.test/b/api/v3", Kind::pat(), "API base"),
        ("", Kind::pat(), "API base without a name"),
        (HOST, Kind::fine_grained_pat(), "kind"),
        (HOST, Kind::OTHER, "kind of no rule"),
    ] {
        let opened = ring.opener(host).open(kind, token.fingerprint(), &sealed).map(drop);
        assert_eq!(opened, Err(changed), "opened in another {what}");
    }
    let other = super::token("another secret");
    assert_eq!(open(&ring, &other, &sealed), Err(OpenError::Changed(other.fingerprint())));
    Ok(())
}

#[test]
fn another_key_opens_nothing_of_either_version() -> Result<(), LedgerError> {
    let ((ring, public), (others, other)) = (pair()?, pair()?);
    let (own, token) = (SealingKey::ephemeral()?, token("a secret of some length"));
    let (first, second) = (own.sealer(&LEDGER, HOST).seal(&token)?, public.sealer(HOST).seal(&token)?);
    let wrong = Err(OpenError::OtherKey(token.fingerprint()));
    let symmetric = own.opener(&LEDGER, HOST);
    assert_eq!(
        symmetric.open(token.kind(), token.fingerprint(), &second).map(|token| token.fingerprint()),
        wrong
    );
    for ring in [&ring, &others, &KeyRing::default()] {
        assert_eq!(open(ring, &token, &first), wrong);
    }
    assert_eq!(open(&others, &token, &second), wrong);
    // A text of one key under the name of another.
    let mut renamed = second.clone();
    renamed[1..9].copy_from_slice(&other.id().bytes());
    assert_eq!(open(&others, &token, &renamed), Err(OpenError::Changed(token.fingerprint())));
    Ok(())
}

#[test]
fn during_a_rekey_both_keys_open() -> Result<(), LedgerError> {
    let (old, new) = (PrivateKey::generate()?, PrivateKey::generate()?);
    let (publics, token) = ([old.public(), new.public()], token("a secret of some length"));
    let ring = KeyRing::from_iter([old, new]);
    for public in &publics {
        let sealed = public.sealer(HOST).seal(&token)?;
        assert_eq!(open(&ring, &token, &sealed), Ok(token.fingerprint()));
        assert!(ring.has(&public.id()));
    }
    Ok(())
}

#[test]
fn nothing_secret_is_in_a_debug_text() -> Result<(), Box<dyn std::error::Error>> {
    let home = tempfile::tempdir()?;
    let (key, path) = (PrivateKey::generate()?, home.path().join("ledger.key"));
    key.write_new(&path)?;
    let secret = std::fs::read_to_string(&path)?;
    let secret =
        secret.lines().last().and_then(|line| line.rsplit(' ').next()).ok_or("no key was written")?;
    let shown = format!("{key:?} {:?} {:?}", KeyRing::from_iter([PrivateKey::read(&path)?]), key.public());
    assert!(secret.len() == 48 && !shown.contains(&secret[..8]), "{shown}");
    assert!(shown.contains(&key.public().id().to_string()), "{shown}");
    Ok(())
}

#[test]
fn a_ring_names_the_file_that_cannot_be_used() -> Result<(), Box<dyn std::error::Error>> {
    let home = tempfile::tempdir()?;
    let [good, missing]: [PathBuf; 2] = ["good", "missing"].map(|name| home.path().join(name));
    PrivateKey::generate()?.write_new(&good)?;
    assert!(!KeyRing::read(std::slice::from_ref(&good))?.is_empty());
    let error = KeyRing::read(&[good, missing.clone()]).expect_err("a key is missing");
    assert!(matches!(&error, KeyFileError::Missing { path } if *path == missing), "{error}");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_flipped_bit_is_noticed(text in "[a-z0-9_]{0,80}", position: prop::sample::Index, bit in 0..8) {
        let (ring, public) = pair().expect("random numbers");
        let token = token(&text);
        let sealed = public.sealer(HOST).seal(&token).expect("random numbers");
        prop_assert_eq!(open(&ring, &token, &sealed), Ok(token.fingerprint()));
        let (index, mut flipped) = (position.index(sealed.len()), sealed.clone());
        flipped[index] ^= 1_u8 << bit;
        let expected = match index {
            // The other version that is known is another key's.
            0 if flipped[0] == 1 => OpenError::OtherKey(token.fingerprint()),
            0 => OpenError::Version(token.fingerprint()),
            1..9 => OpenError::OtherKey(token.fingerprint()),
            // The highest bit of a point is not read (RFC 7748, section 5), and is part of the secret's derivation all the same.
            _ => OpenError::Changed(token.fingerprint()),
        };
        prop_assert_eq!(open(&ring, &token, &flipped), Err(expected), "byte {} bit {}", index, bit);
        let cut = position.index(sealed.len());
        prop_assert!(open(&ring, &token, &sealed[..cut]).is_err(), "{} bytes", cut);
    }
}
