use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::key::{Key, warning};
use super::signed::Signed;
use super::*;
use crate::source::github::api::{ApiError, ApiOptions, Refusal};
use crate::source::github::credentials::Credentials;
use crate::source::github::testing::{API, Answer, Asked, Server};

/// An RSA key that was made for these tests, and is of no App: what `openssl genrsa` writes, without its frame.
const KEY: &[&str] = &[
    "MIIEpAIBAAKCAQEAwQb0Z4cozYrr7pMPhEMq/7KcSJTAZ2OyPCNbXwNDjDcUA/M0DH5pJejUrcfE9AtcOdWfUkOZLaJpIc5FBq6E",
    "FSkny/OFV3Cho5vw6MkZBuScXYhS1jQ6nI1xuiq/27yCrl4+CYV6MZnszxxBp525pOcCJ9O29rx5K3Vet7xRDFMpKGgPUGmJubRs",
    "iz82CprU55qdmE4yturPifIc5tFGxRomo/3SpAzt/RF5qyiX0hBHE50e+yVCROy5Sn7NCwDxC8VcFEMJuJeGLPCybyDIUOXlN4Lx",
    "e/lyKt6yGTFAnqpUBy0gF1AiTi3S3TIl4q1Orpgk0DkzSvPsi+JoXXx3pwIDAQABAoIBAF/d+WK1oRE8juLljQ5OYbuu1KnDny96",
    "N1pg4Q92SoUIEdvIXTBbVBOs6HwKvInMXpimvUMZKamdgQN2M5gW8qij0Q0dPDtqSA0+9M5YmiJvRi25+BJEzFtWcIZalwEmRe0e",
    "B0epUD/0R8WxLfZ2gm4hAVQQdU1j2/Y2i71LPSGWCae4BcXBcbrgNfbbab4utqVXqvTjSaFUm9YuTu2HkThuP8vH6VwbEkH1/cMw",
    "4XhbOYw8P4+V5uQrLyOwZddC3epYMrg6quB18co4eJB8lJivX3sSmzOizpaZYxT4EoCn/jPii7/Burt5yzutpWNRJaywt5XnDf7u",
    "zDN+tL+NE9kCgYEA+KXIowwObMrdCMa+UIybjqjVoo2vGzC8EmjcmEOOxUbbvPoWEXTLtpEmyOvyZ0OCZtBqKdUFfpbIMiYglLMz",
    "iGRVFbuScSWdASyOx9GlBBz1bEhRw79chNPWtln0/2idT3XOfY0Ojk5fEo8/6PmkBOGKMr+ncsp7rJ777cX4YZ0CgYEAxrwid34B",
    "UFIfXz6hF2AnTRJWVSGmAE86PHde2+bjOPgqEmiOiD/OrLiLTBagdxC3LyE3ONpLGN2/1DyGeikYFA5F/d/XDinpHLeg6tXyFHa6",
    "zskv+yOPCyMzWpbKwBGjurU+hFHyR1g/AvUKXg/Ul6iWxZ1HNy2Kx1wIztclTRMCgYAbNelTDoq1lS3DPByvq/OKFSfr9h1nmFm8",
    "mgUqFJqXND3v3F514pY4kIHyEwAgFN88aSp1EX7cb5vRASMnosTM9E3rZu+LulYIPtwROfwZCyJAi1mHVnXFg3lH02hgWw58F6RV",
    "UQ56vFDjMxIHaOpuLlB1ZUvp4AbQyUVArB2WcQKBgQC1WNnuxhm2zKl6BTGEniZeyvvixUiwgZt3r8nsylzQEIx7rdNaezdCH0hl",
    "T0RwQd2W8S1uAKyEbV1t8ykXckZZjsjJqKeach4ZKWt6v24exFUk+yuAdOtD04Q6Bt3OtIn+hwMcRZbbCai+LxKd0L5DAgFLJIDm",
    "1fUMhGw5KtQL5wKBgQDgLkNphpIQADZKoUkpOtoYpcSKqrEWU0StYPTe5Oy7NZ5Nh2DFbaO9bYM5Bmqo1vT6jP/ES1dVyNGw0WpB",
    "SJXT+71As2b/qpBSex4VaxzosGWARV+k0Ax8Q85rHTxc4L/UA9tyKNg1Q6hNIGM/LBoxpO1kiS/taShozr5OPY6m4A==",
];

/// What stands before it in PKCS#8 (RFC 5208, section 5): a sequence, version 0, rsaEncryption, an octet string.
const PKCS8: &[u8] = &[
    0x30, 0x82, 0x04, 0xbe, 0x02, 0x01, 0x00, 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d,
    0x01, 0x01, 0x01, 0x05, 0x00, 0x04, 0x82, 0x04, 0xa8,
];

/// A PEM file (RFC 7468) of that.
fn pem(label: &str, text: &str) -> String {
    format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
}

fn pkcs1() -> String {
    pem("RSA PRIVATE KEY", &KEY.join("\n"))
}

fn write(directory: &Path, text: &str) -> PathBuf {
    let path = directory.join("app.pem");
    fs::write(&path, text).unwrap();
    path
}

#[test]
fn both_forms_of_a_key_sign() {
    let directory = tempfile::tempdir().unwrap();
    let der = STANDARD.decode(KEY.concat()).unwrap();
    let pkcs8 = pem("PRIVATE KEY", &STANDARD.encode([PKCS8, &der].concat()));
    let keys = [pkcs1(), pkcs8].map(|text| Key::read(&write(directory.path(), &text)).unwrap());
    let signature = keys[0].sign(b"text").unwrap();
    assert!(keys[1].verifies(b"text", &signature));
    assert!(!keys[1].verifies(b"another text", &signature));
}

#[test]
fn what_is_no_key_is_refused_with_advice() {
    let directory = tempfile::tempdir().unwrap();
    let encrypted = pem("ENCRYPTED PRIVATE KEY", "AAAA");
    let certificate = pem("CERTIFICATE", "AAAA");
    let broken = pem("RSA PRIVATE KEY", KEY[0]);
    for (text, words) in [
        ("", "no RSA private key"),
        ("words", "no RSA private key"),
        (encrypted.as_str(), "without its passphrase"),
        (certificate.as_str(), "no RSA private key"),
        (broken.as_str(), "cannot be used"),
    ] {
        let error = Key::read(&write(directory.path(), text)).err().unwrap().to_string();
        assert!(error.contains(words) && error.contains("app.pem"), "{error}");
        assert!(!error.contains(&KEY[0][..20]), "{error}");
    }
    assert!(matches!(Key::read(&directory.path().join("none")), Err(AppError::Unreadable { .. })));
}

#[cfg(unix)]
#[test]
fn a_key_that_others_can_read_is_warned_of() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let path = write(directory.path(), &pkcs1());
    for (mode, warned) in [(0o600, false), (0o400, false), (0o640, true), (0o604, true)] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(warning(&path).is_some(), warned, "{mode:o}");
    }
}

#[test]
fn an_app_signs_for_itself_for_less_than_ten_minutes() {
    let directory = tempfile::tempdir().unwrap();
    let path = write(directory.path(), &pkcs1());
    let signed = Signed { app_id: "12345".to_owned(), key: Key::read(&path).unwrap() };
    let token = signed.at(Timestamp::from_second(1_800_000_000).unwrap()).unwrap();
    let (text, signature) = token.rsplit_once('.').unwrap();
    assert!(signed.key.verifies(text.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()));
    let parts: Vec<Value> = text
        .split('.')
        .map(|part| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap())
        .collect();
    assert_eq!(parts[0], json!({"alg": "RS256", "typ": "JWT"}));
    assert_eq!(parts[1], json!({"iat": 1_799_999_940, "exp": 1_800_000_300, "iss": "12345"}));
    assert!(signed.given_out().is_empty());
}

fn credential(server: &Server, installation: Installation) -> AppCredential {
    let directory = tempfile::tempdir().unwrap();
    let key_file = write(directory.path(), &pkcs1());
    let api = ApiOptions {
        base_url: format!("{}{API}", server.url),
        ca_cert: None,
        timeout: std::time::Duration::from_secs(20),
        min_interval: std::time::Duration::from_hours(1),
        cancel: crate::meter::CancelFlag::default(),
    };
    AppCredential::new(&AppOptions { app_id: "7".to_owned(), key_file, installation }, &api).unwrap()
}

/// A server of an App with two installations, whose tokens are good for so many seconds.
fn server(life: i64) -> Server {
    let minted = AtomicU32::new(0);
    Server::new(move |asked: &Asked| {
        assert!(asked.head.contains("\nauthorization: bearer eyj"), "an App shows what it signed");
        match (asked.method.as_str(), asked.path()) {
            ("GET", "/app/installations") => Answer::json(
                200,
                &json!([
                    {"id": 1, "account": {"login": "Octo"}, "suspended_at": null},
                    {"id": 2, "account": {"slug": "big"}, "suspended_at": "2026-01-01T00:00:00Z"},
                ]),
            ),
            ("POST", "/app/installations/1/access_tokens") => {
                let number = minted.fetch_add(1, Relaxed);
                let expires_at = Timestamp::from_second(Timestamp::now().as_second() + life).unwrap();
                Answer::json(
                    201,
                    &json!({"token": format!("made-{number}"), "expires_at": expires_at.to_string()}),
                )
            }
            ("POST", "/app/installations/9/access_tokens") => {
                Answer::error(401, "Bad credentials").with("x-github-request-id", "C0DE:1")
            }
            _ => Answer::error(404, "Not Found"),
        }
    })
}

#[test]
fn one_thread_makes_a_token_and_all_use_it() {
    let server = server(3600);
    let credential = credential(&server, Installation::Of("octo".to_owned()));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| credential.token().unwrap());
        }
    });
    assert_eq!((server.count("/access_tokens"), server.count("/app/installations?")), (1, 1));
    assert_eq!(credential.given_out(), [credential.token().unwrap().fingerprint()]);
}

#[test]
fn a_token_is_made_anew_before_it_ends() {
    let server = server(3600);
    let credential = credential(&server, Installation::Id(1));
    let first = credential.token().unwrap();
    credential.age(std::time::Duration::from_mins(49));
    assert_eq!(credential.token().unwrap().fingerprint(), first.fingerprint());
    credential.age(std::time::Duration::from_mins(2));
    let second = credential.token().unwrap();
    assert_ne!(second.fingerprint(), first.fingerprint());
    assert_eq!(credential.given_out(), [first.fingerprint(), second.fingerprint()]);
    assert_eq!(server.count("/access_tokens"), 2);
}

#[test]
fn by_a_wrong_clock_not_every_call_makes_a_token() {
    let server = server(-5);
    let credential = credential(&server, Installation::Id(1));
    assert_eq!(credential.token().unwrap().fingerprint(), credential.token().unwrap().fingerprint());
    assert_eq!(server.count("/access_tokens"), 1);
}

#[test]
fn what_goes_wrong_says_what_to_do() {
    let server = server(3600);
    for (installation, words) in [
        (Installation::Of("big".to_owned()), "suspended"),
        (Installation::Of("nobody".to_owned()), "installed at Octo, big"),
        (Installation::Only, "--app-installation"),
        (Installation::Id(9), "--app-id and --app-key-file"),
        (Installation::Id(3), "has the App this installation?"),
    ] {
        let error = credential(&server, installation).token().err().unwrap();
        assert!(error.to_string().contains(words), "{error}");
        assert!(matches!(error, ApiError::Refused { .. }), "{error}");
        assert!(matches!(error.refusal(), Some(Refusal::NotFound | Refusal::BadCredentials)));
    }
    let directory = tempfile::tempdir().unwrap();
    let key_file = write(directory.path(), &pkcs1());
    for app_id in ["", "a b", "x/y"] {
        let options = AppOptions {
            app_id: app_id.to_owned(),
            key_file: key_file.clone(),
            installation: Installation::Only,
        };
        let api = ApiOptions {
            base_url: server.url.clone(),
            ca_cert: None,
            timeout: std::time::Duration::from_secs(1),
            min_interval: std::time::Duration::ZERO,
            cancel: crate::meter::CancelFlag::default(),
        };
        assert!(matches!(AppCredential::new(&options, &api), Err(AppError::BadId)), "{app_id:?}");
    }
}
