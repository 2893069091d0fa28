use super::*;
use crate::ledger::error::LedgerError;
use crate::token::{Kind, Token};

#[cfg(unix)]
mod key_files;
mod symmetric;
mod to_public_key;

const LEDGER: LedgerId = [7; 16];
const HOST: &str = "https://ghe.example.test/api/v3";

fn token(text: &str) -> Token {
    Token::new(Kind::pat(), text.as_bytes())
}
