//! This machine's own credentials, which no run sends by accident.

use std::path::Path;

use super::console::Console;
use crate::local_credentials::{Environment, LocalCredentials};
use crate::provider::github::credential::Credential;
use crate::settings::{Env, Input};
use crate::text::printable;

/// This machine's own credentials, the one for this run and those of the repositories that are scanned among them; warns
/// of files that could not be read.
pub(super) fn own_credentials(
    env: &Env,
    inputs: &[Input],
    credential: Option<&Credential>,
    console: &Console,
) -> LocalCredentials {
    let roots = Input::paths(inputs).map(Path::to_owned).collect();
    let mut own = LocalCredentials::find(&Environment { roots, ..env.for_local_credentials() });
    if let Some(credential) = credential {
        own.add(credential.token.fingerprint(), credential.location.clone());
    }
    for unread in own.unread() {
        let (path, reason) = (printable(&unread.path.display().to_string()), printable(&unread.reason));
        console
            .warn(&format!("{path}: {reason}; if it holds a credential of yours, it is not known as yours"));
    }
    own
}
