use super::*;

#[test]
fn what_is_sealed_opens_and_shows_nothing() -> Result<(), LedgerError> {
    let key = SealingKey::ephemeral()?;
    let (seals, opens) = (key.sealer(&LEDGER, HOST), key.opener(&LEDGER, HOST));
    let open = |token: &Token, sealed: &[u8]| opens.open(Kind::pat(), token.fingerprint(), sealed);
    let (one, two) = (token("a secret of some length"), token("another secret of it"));
    let sealed = seals.seal(&one)?;
    assert!(!sealed.windows(6).any(|window| window == b"secret"));
    assert_ne!(sealed, seals.seal(&one)?, "a nonce was used twice");
    let fingerprint = open(&one, &sealed).map(|token| token.fingerprint());
    assert_eq!(fingerprint, Ok(one.fingerprint()));
    assert!(open(&two, &sealed).is_err(), "opened in another's row");
    Ok(())
}

#[test]
fn the_envelope_says_its_version_and_its_key() -> Result<(), LedgerError> {
    let key = SealingKey::ephemeral()?;
    let sealed = key.sealer(&LEDGER, HOST).seal(&token("a secret"))?;
    assert_eq!((sealed[0], &sealed[1..9]), (1, &key.id().bytes()[..]));
    assert_eq!(sealed.len(), 9 + 12 + "a secret".len() + 16);
    Ok(())
}

#[test]
fn a_text_opens_only_where_it_belongs() -> Result<(), LedgerError> {
    let key = SealingKey::ephemeral()?;
    let token = token("a secret of some length");
    let sealed = key.sealer(&LEDGER, HOST).seal(&token)?;
    let open = |ledger, host, kind| key.opener(ledger, host).open(kind, token.fingerprint(), &sealed);
    assert!(open(&LEDGER, HOST, Kind::pat()).is_ok());
    let changed = OpenError::Changed(token.fingerprint());
    for (ledger, host, kind, what) in [
        (&[8; 16], HOST, Kind::pat(), "ledger"),
        (&LEDGER, "https://ghe.example.test/b/api/v3", Kind::pat(), "API base"),
        (&LEDGER, "", Kind::pat(), "API base without a name"),
        (&LEDGER, HOST, Kind::fine_grained_pat(), "kind"),
        (&LEDGER, HOST, Kind::OTHER, "kind of no rule"),
    ] {
        assert_eq!(open(ledger, host, kind).map(drop), Err(changed), "opened in another {what}");
    }
    Ok(())
}

#[test]
fn every_changed_byte_is_noticed() -> Result<(), LedgerError> {
    let key = SealingKey::ephemeral()?;
    let token = token("a secret of some length");
    let sealed = key.sealer(&LEDGER, HOST).seal(&token)?;
    let open = |key: &SealingKey, sealed: &[u8]| {
        key.opener(&LEDGER, HOST).open(Kind::pat(), token.fingerprint(), sealed).map(drop)
    };
    for index in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[index] ^= 1;
        let error = open(&key, &changed).expect_err("a changed byte was not noticed");
        let expected = match index {
            0 => OpenError::Version(token.fingerprint()),
            1..9 => OpenError::OtherKey(token.fingerprint()),
            _ => OpenError::Changed(token.fingerprint()),
        };
        assert_eq!(error, expected, "byte {index}");
        assert_eq!(error.fingerprint(), token.fingerprint());
        assert!(error.to_string().contains("scan again"), "{error}");
    }
    for short in [0, 1, 8, 9, 20, sealed.len() - 1] {
        assert!(open(&key, &sealed[..short]).is_err(), "{short} bytes");
    }
    assert_eq!(open(&SealingKey::ephemeral()?, &sealed), Err(OpenError::OtherKey(token.fingerprint())));
    Ok(())
}

#[test]
fn the_id_distinguishes_keys() {
    assert_eq!(SealingKey::new(&[1; 32]).id(), SealingKey::new(&[1; 32]).id());
    assert_ne!(SealingKey::new(&[1; 32]).id(), SealingKey::new(&[2; 32]).id());
}
