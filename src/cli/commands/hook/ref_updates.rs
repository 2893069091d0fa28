//! What git passes to the hooks of a push, a line a ref (githooks(5)).

use anyhow::{Context as _, bail};

use crate::cli::args::HookKind;

/// The refs that a push updates.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct RefUpdates {
    /// The objects that they are to point to.
    pub(super) tips: Vec<String>,
    /// The objects that they point to now.
    pub(super) old_tips: Vec<String>,
    /// Their names.
    pub(super) names: Vec<String>,
    /// The names of those that the other side does not have.
    pub(super) new_names: Vec<String>,
}

impl RefUpdates {
    /// Reads what a `pre-push` hook gets (`<local ref> <local id> <remote ref> <remote id>`), or a `pre-receive` hook
    /// (`<old id> <new id> <ref>`). An id of zeros is no object: a ref that is new, or one that is deleted.
    pub(super) fn read(kind: HookKind, lines: &str) -> anyhow::Result<Self> {
        let mut updates = RefUpdates::default();
        for line in lines.lines().filter(|line| !line.trim().is_empty()) {
            let (tip, old_tip, name) =
                fields(kind, line).filter(|(tip, old_tip, _)| is_id(tip) && is_id(old_tip)).with_context(
                    || format!("this is not a line that git passes to a {} hook: {line}", kind.name()),
                )?;
            if is_zero(tip) {
                continue;
            }
            updates.tips.push(tip.to_owned());
            updates.names.push(name.to_owned());
            if is_zero(old_tip) {
                updates.new_names.push(name.to_owned());
            } else {
                updates.old_tips.push(old_tip.to_owned());
            }
        }
        if updates.tips.len() != updates.names.len() {
            bail!("the lines from git are damaged");
        }
        Ok(updates)
    }

    /// Whether refs are only deleted.
    pub(super) fn is_empty(&self) -> bool {
        self.tips.is_empty()
    }
}

/// The new tip, the old one, and the ref's name.
fn fields(kind: HookKind, line: &str) -> Option<(&str, &str, &str)> {
    if kind == HookKind::Receive {
        let (old, rest) = line.split_once(' ')?;
        let (new, name) = rest.split_once(' ')?;
        return Some((new, old, name));
    }
    // The local ref is what the user typed, which may have spaces in it, as `HEAD@{1 day ago}` has.
    let mut fields = line.trim_end().rsplitn(4, ' ');
    let (remote, name, local) = (fields.next()?, fields.next()?, fields.next()?);
    fields.next()?;
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
        let updates = RefUpdates::read(HookKind::Push, &lines).expect("good lines");
        assert_eq!((updates.tips, updates.old_tips), (vec![a.clone(), b.clone()], vec![a.clone()]));
        assert_eq!(updates.names, ["refs/heads/x", "refs/heads/y"]);
        assert_eq!(updates.new_names, ["refs/heads/x"]);
        let lines = format!("{zero} {a} refs/heads/x\n{a} {zero} refs/heads/y\n");
        let updates = RefUpdates::read(HookKind::Receive, &lines).expect("good lines");
        assert_eq!(
            (updates.tips, updates.old_tips, updates.names),
            (vec![a], vec![], vec!["refs/heads/x".to_owned()])
        );
        assert!(RefUpdates::read(HookKind::Receive, "").expect("nothing").is_empty());
        for bad in ["x", "a b c", "main main refs/heads/main main"] {
            assert!(RefUpdates::read(HookKind::Push, bad).is_err(), "{bad}");
        }
    }
}
