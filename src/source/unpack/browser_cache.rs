//! What browsers keep of responses. A file is scanned as it stands; handed on besides is a body that was compressed for the way, or is
//! a container.

mod chromium;
mod firefox;

pub(super) use chromium::FORMAT as CHROMIUM;
pub(super) use firefox::FORMAT as FIREFOX;
