//! What browsers keep of responses. A file is scanned as it stands, and with it what carries a signature. Handed on besides is a body
//! in Brotli, which has none.

mod chromium;
mod firefox;

pub(super) use chromium::FORMAT as CHROMIUM;
pub(super) use firefox::FORMAT as FIREFOX;
