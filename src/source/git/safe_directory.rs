//! Whether the environment of a command says that another user's repository is safe, as git takes it: by `GIT_CONFIG_COUNT`,
//! or by `git -c`, which hands its settings on in `GIT_CONFIG_PARAMETERS` (git-config(1), "Environment"). Those of
//! configuration files are left to `gix`.

use std::ffi::OsString;
use std::path::Path;

use gix::bstr::{BString, ByteSlice as _};

/// The values of `safe.directory` in the environment, in the order in which git takes them.
pub(super) fn from_environment(variable: &dyn Fn(&str) -> Option<OsString>) -> Vec<BString> {
    let bytes = |name: &str| variable(name).map(|value| BString::from(value.into_encoded_bytes()));
    let parameters = bytes("GIT_CONFIG_PARAMETERS").map(|text| parameters(&text)).unwrap_or_default();
    let count = bytes("GIT_CONFIG_COUNT").and_then(|count| count.to_str().ok()?.trim().parse().ok());
    let numbered = (0..count.unwrap_or(0_usize)).map_while(|n| {
        Some((bytes(&format!("GIT_CONFIG_KEY_{n}"))?, bytes(&format!("GIT_CONFIG_VALUE_{n}"))?))
    });
    let all = numbered.chain(parameters);
    let values = all.filter(|(key, _)| key.eq_ignore_ascii_case(b"safe.directory")).map(|(_, value)| value);
    // Git takes `~/` for the home directory in any path (git-config(1), "pathname").
    let home = bytes("HOME");
    let in_home =
        |value: &BString| Some([home.as_ref()?.as_slice(), value.strip_prefix(b"~")?].concat().into());
    values
        .map(|value| if value.starts_with(b"~/") { in_home(&value).unwrap_or(value) } else { value })
        .collect()
}

/// Whether the last word of these values on `directory` is that it is safe: an empty one takes back those before it.
pub(super) fn names(values: &[BString], directory: &Path) -> bool {
    let directory = std::fs::canonicalize(directory).unwrap_or_else(|_| directory.to_owned());
    values.iter().fold(false, |safe, value| match value.as_slice() {
        b"" => false,
        b"*" => true,
        value => safe || matches(value, &directory),
    })
}

/// A directory by its path, or all below one by `PATH/*`.
fn matches(value: &[u8], directory: &Path) -> bool {
    let Ok(value) = value.to_path() else { return false };
    let canonical = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if value.ends_with("*") {
        return value.parent().is_some_and(|parent| directory.starts_with(canonical(parent)));
    }
    value.is_absolute() && canonical(value) == directory
}

/// The settings in `GIT_CONFIG_PARAMETERS`: each is `'key'='value'`, or all of it in one pair of quotes as git before 2.31
/// wrote it; a quote within is `'\''`.
fn parameters(text: &[u8]) -> Vec<(BString, BString)> {
    let mut settings = Vec::new();
    let mut rest = text.trim_start();
    while let Some((key, behind)) = unquoted(rest) {
        rest = behind;
        // A key without a value is true.
        let mut setting = (key, BString::from("true"));
        if let Some(behind) = rest.strip_prefix(b"=") {
            rest = behind;
            if let Some((value, behind)) = unquoted(behind) {
                (setting.1, rest) = (value, behind);
            }
        } else if let Some((name, value)) = setting.0.split_once_str("=") {
            setting = (name.into(), value.into());
        }
        settings.push(setting);
        rest = rest.trim_start();
    }
    settings
}

/// The text in the single quotes that `text` starts with, and what is behind them.
fn unquoted(text: &[u8]) -> Option<(BString, &[u8])> {
    let mut rest = text.strip_prefix(b"'")?;
    let mut value = BString::default();
    loop {
        let end = rest.find_byte(b'\'')?;
        value.extend_from_slice(&rest[..end]);
        rest = &rest[end + 1..];
        // A quote, or the exclamation mark that git quotes, too.
        match rest {
            [b'\\', quoted @ (b'\'' | b'!'), b'\'', ..] => {
                value.push(*quoted);
                rest = &rest[3..];
            }
            _ => return Some((value, rest)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(variables: &[(&str, &str)]) -> Vec<String> {
        let find =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into());
        from_environment(&find).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn settings_are_read_as_git_writes_them() {
        let parameters = |text: &str| values(&[("GIT_CONFIG_PARAMETERS", text)]);
        assert_eq!(parameters("'safe.directory'='*'"), ["*"]);
        assert_eq!(parameters("'user.name'='a b' 'Safe.Directory'='/it'\\''s'"), ["/it's"]);
        assert_eq!(parameters("'safe.directory=/old' 'a.b'= 'safe.directory'=''"), ["/old", ""]);
        for broken in ["", "'", "safe.directory=*", "'safe.directory'='", "'a\\"] {
            assert!(parameters(broken).len() <= 1, "{broken}");
        }
        let at_home = [("HOME", "/home/a"), ("GIT_CONFIG_PARAMETERS", "'safe.directory'='~/src/*'")];
        assert_eq!(values(&at_home), ["/home/a/src/*"]);
        let numbered = [
            ("GIT_CONFIG_COUNT", "2"),
            ("GIT_CONFIG_KEY_0", "a.b"),
            ("GIT_CONFIG_VALUE_0", "c"),
            ("GIT_CONFIG_KEY_1", "safe.directory"),
            ("GIT_CONFIG_VALUE_1", "/srv/x"),
            ("GIT_CONFIG_KEY_2", "safe.directory"),
            ("GIT_CONFIG_VALUE_2", "*"),
        ];
        assert_eq!(values(&numbered), ["/srv/x"]);
        assert!(values(&[("GIT_CONFIG_COUNT", "9"), ("GIT_CONFIG_KEY_0", "a")]).is_empty());
    }

    #[test]
    fn the_last_word_counts() {
        let root = tempfile::tempdir().expect("a directory");
        let root = root.path().display().to_string();
        let safe = |values: &[&str]| {
            let values: Vec<BString> = values.iter().map(|value| value.replace('@', &root).into()).collect();
            names(&values, Path::new(&root))
        };
        let parent = Path::new(&root).parent().expect("a parent").display().to_string();
        for yes in [&["*"][..], &["@"], &["@/"], &["", "@"], &[&format!("{parent}/*")]] {
            assert!(safe(yes), "{yes:?}");
        }
        for no in [&[][..], &["/elsewhere"], &["*", ""], &["@x"], &["elsewhere/*"], &["."]] {
            assert!(!safe(no), "{no:?}");
        }
    }
}
