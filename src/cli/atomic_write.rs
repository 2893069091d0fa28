//! Writes a report: into a regular file all at once or not at all, into a device or a pipe as it comes.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::settings::Destination;

/// How many symbolic links are followed before it is taken for a loop, as in Linux (`path_resolution(7)`).
const MAX_LINKS: usize = 40;

/// Writes a report; may be called more than once.
type Render<'r> = dyn FnMut(&mut dyn Write) -> io::Result<()> + 'r;

/// Writes to a destination. A `private` file is for its owner only.
pub(super) fn write(destination: &Destination, private: bool, render: &mut Render<'_>) -> io::Result<()> {
    match destination {
        Destination::Stdout => buffered(&mut io::stdout().lock(), render),
        Destination::Path(path) => write_path(path, private, render),
    }
}

fn write_path(path: &Path, private: bool, render: &mut Render<'_>) -> io::Result<()> {
    match stream(path) {
        Some(Stream::Out) => buffered(&mut io::stdout().lock(), render),
        Some(Stream::Err) => buffered(&mut io::stderr().lock(), render),
        Some(Stream::Other) => buffered(&mut OpenOptions::new().append(true).open(path)?, render),
        None => match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => {
                Err(io::Error::new(ErrorKind::IsADirectory, "it is a directory"))
            }
            Ok(metadata) if !metadata.is_file() => {
                buffered(&mut OpenOptions::new().write(true).open(path)?, render)
            }
            Ok(metadata) => replace(&resolve_links(path)?, Some(&metadata.permissions()), private, render),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                replace(&resolve_links(path)?, None, private, render)
            }
            Err(error) => Err(error),
        },
    }
}

enum Stream {
    Out,
    Err,
    Other,
}

/// The streams of the process, which must not be replaced even where they lead to a regular file.
fn stream(path: &Path) -> Option<Stream> {
    Some(match path.to_str()? {
        "/dev/stdout" | "/dev/fd/1" | "/proc/self/fd/1" => Stream::Out,
        "/dev/stderr" | "/dev/fd/2" | "/proc/self/fd/2" => Stream::Err,
        _ if path.starts_with("/dev/fd") || path.starts_with("/proc") => Stream::Other,
        _ => return None,
    })
}

fn buffered(out: &mut dyn Write, render: &mut Render<'_>) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    match render(&mut out).and_then(|()| out.flush()) {
        // The reader has closed the pipe, as `head` does.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Writes a temporary file beside the target and renames it, so that no reader ever finds half a report (rename(2) is
/// atomic).
fn replace(
    path: &Path,
    existing: Option<&Permissions>,
    private: bool,
    render: &mut Render<'_>,
) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".stanch-").suffix(".tmp");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // The umask applies to it, as to any file.
        builder.permissions(Permissions::from_mode(if private { 0o600 } else { 0o666 }));
    }
    let mut temporary = match builder.tempfile_in(directory) {
        Ok(temporary) => temporary,
        // No file can be created in the directory, but the existing file may be writable.
        Err(error) if existing.is_some() && prevents_replacing(&error) => return overwrite(path, render),
        Err(error) => return Err(error),
    };
    buffered(temporary.as_file_mut(), render)?;
    if let Some(mode) = existing {
        temporary.as_file().set_permissions(mode.clone())?;
    }
    temporary.as_file().sync_all()?;
    match temporary.persist(path) {
        Ok(_) => Ok(()),
        // A file that is a mount point, as a bind mount in a container, cannot be replaced.
        Err(failed) if existing.is_some() && prevents_replacing(&failed.error) => overwrite(path, render),
        Err(failed) => Err(failed.error),
    }
}

fn overwrite(path: &Path, render: &mut Render<'_>) -> io::Result<()> {
    let mut file: File = OpenOptions::new().write(true).truncate(true).open(path)?;
    buffered(&mut file, render)
}

fn prevents_replacing(error: &io::Error) -> bool {
    use ErrorKind::{CrossesDevices, PermissionDenied, ReadOnlyFilesystem, ResourceBusy};
    matches!(error.kind(), CrossesDevices | PermissionDenied | ReadOnlyFilesystem | ResourceBusy)
}

/// The file that symbolic links lead to, whether or not it exists yet: the link itself stays.
fn resolve_links(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        match fs::read_link(&path) {
            Ok(target) => path = path.parent().unwrap_or(Path::new("")).join(target),
            // Not a link, or no such file.
            Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::NotFound) => {
                return Ok(path);
            }
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("its symbolic links lead in a circle"))
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn put(path: &Path, text: &str) -> io::Result<()> {
        write_path(path, false, &mut |out| out.write_all(text.as_bytes()))
    }

    #[test]
    fn a_file_keeps_its_mode_and_a_link_stays_one() {
        let dir = tempfile::tempdir().expect("a directory");
        let (file, link, dangling) =
            (dir.path().join("f"), dir.path().join("link"), dir.path().join("dangling"));
        put(&file, "one").expect("a new file");
        fs::set_permissions(&file, Permissions::from_mode(0o640)).expect("a mode");
        symlink("f", &link).expect("a link");
        put(&link, "two").expect("through the link");
        assert!(link.is_symlink());
        assert_eq!(fs::read_to_string(&file).expect("text"), "two");
        assert_eq!(fs::metadata(&file).expect("there").permissions().mode() & 0o777, 0o640);
        symlink("new", &dangling).expect("a link");
        put(&dangling, "three").expect("through the link");
        assert_eq!(fs::read_to_string(dir.path().join("new")).expect("text"), "three");
        let left = fs::read_dir(dir.path()).expect("a directory").count();
        assert_eq!(left, 4, "nothing temporary is left");
    }

    #[test]
    fn a_failure_leaves_the_old_report() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("f");
        put(&file, "old").expect("a new file");
        let failed = write_path(&file, false, &mut |out| {
            out.write_all(b"half")?;
            Err(io::Error::other("the disk is full"))
        });
        assert!(failed.is_err());
        assert_eq!(fs::read_to_string(&file).expect("text"), "old");
        assert_eq!(fs::read_dir(dir.path()).expect("a directory").count(), 1);
    }

    #[test]
    fn devices_stay_and_directories_are_refused() {
        put(Path::new("/dev/null"), "x").expect("a device");
        assert!(!fs::metadata("/dev/null").expect("there").is_file());
        let dir = tempfile::tempdir().expect("a directory");
        assert!(put(dir.path(), "x").is_err());
        assert!(put(&dir.path().join("no/such/directory"), "x").is_err());
    }

    #[test]
    fn a_report_with_secrets_is_for_its_owner_only() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("f");
        write_path(&file, true, &mut |out| out.write_all(b"x")).expect("a new file");
        assert_eq!(fs::metadata(&file).expect("there").permissions().mode() & 0o777, 0o600);
    }
}
