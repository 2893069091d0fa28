//! What git tells hooks of a push, a line a ref.

use anyhow::{Context as _, bail};

use crate::cli::args::HookKind;

/// A push: which commits and tags the other side is to have, and which it has.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct RefUpdates {
    /// What its refs are to point to.
    pub(super) tips: Vec<String>,
    /// What they point to now.
    pub(super) had: Vec<String>,
    /// Their names.
    pub(super) names: Vec<String>,
}

impl RefUpdates {
    /// Reads what a `pre-push` hook gets (`<local ref> <local id> <remote ref> <remote id>`), or a `pre-receive` hook
    /// (`<old id> <new id> <ref>`). An id of zeros is no object: a ref that is new, or one that is deleted.
    pub(super) fn read(kind: HookKind, lines: &str) -> anyhow::Result<Self> {
        let mut pushed = RefUpdates::default();
        for line in lines.lines().filter(|line| !line.trim().is_empty()) {
            let (tip, had, name) =
                fields(kind, line).filter(|(tip, had, _)| is_id(tip) && is_id(had)).with_context(|| {
                    format!("this is no line that git gives to a {} hook: {line}", kind.name())
                })?;
            if is_zero(tip) {
                continue;
            }
            pushed.tips.push(tip.to_owned());
            pushed.names.push(name.to_owned());
            if !is_zero(had) {
                pushed.had.push(had.to_owned());
            }
        }
        if pushed.tips.len() != pushed.names.len() {
            bail!("the lines that git gave are damaged");
        }
        Ok(pushed)
    }

    /// Whether refs are deleted, and nothing else.
    pub(super) fn is_empty(&self) -> bool {
        self.tips.is_empty()
    }
}

/// The tip, what was had, and the ref's name.
fn fields(kind: HookKind, line: &str) -> Option<(&str, &str, &str)> {
    if kind == HookKind::Receive {
        let (old, rest) = line.split_once(' ')?;
        let (new, name) = rest.split_once(' ')?;
        return Some((new, old, name));
    }
    // What is pushed is named as the user did, and that may have spaces in it.
    let mut words = line.trim_end().rsplitn(4, ' ');
    let (remote, name, local) = (words.next()?, words.next()?, words.next()?);
    words.next()?;
    Some((local, remote, name))
}

fn is_id(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_zero(text: &str) -> bool {
    text.bytes().all(|byte| byte == b'0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_changed_and_deleted_refs() {
        let (a, b, zero) = ("a".repeat(40), "b".repeat(40), "0".repeat(40));
        let lines = format!(
            "refs/heads/x {a} refs/heads/x {zero}\nHEAD@{{1 day ago}} {b} refs/heads/y {a}\n(delete) {zero} refs/heads/z {b}\n"
        );
        let pushed = RefUpdates::read(HookKind::Push, &lines).expect("good lines");
        assert_eq!((pushed.tips, pushed.had), (vec![a.clone(), b.clone()], vec![a.clone()]));
        assert_eq!(pushed.names, ["refs/heads/x", "refs/heads/y"]);
        let lines = format!("{zero} {a} refs/heads/x\n{a} {zero} refs/heads/y\n");
        let pushed = RefUpdates::read(HookKind::Receive, &lines).expect("good lines");
        assert_eq!(
            (pushed.tips, pushed.had, pushed.names),
            (vec![a], vec![], vec!["refs/heads/x".to_owned()])
        );
        assert!(RefUpdates::read(HookKind::Receive, "").expect("nothing").is_empty());
        for bad in ["x", "a b c", "main main refs/heads/main main"] {
            assert!(RefUpdates::read(HookKind::Push, bad).is_err(), "{bad}");
        }
    }
}
