//! What each hook does, in a line of text.

use crate::cli::args::HookKind;

/// What an installed hook does.
pub(super) fn purpose(kind: HookKind) -> &'static str {
    match kind {
        HookKind::Commit => "a commit that would add a token is refused; git commit --no-verify goes past it",
        HookKind::Merge => {
            "a merge that git commits by itself is refused where it would add a token; --no-verify goes past it"
        }
        HookKind::Push => "a push that would publish a token is refused; git push --no-verify goes past it",
        HookKind::Receive => "what others push is refused when it holds a token",
    }
}
