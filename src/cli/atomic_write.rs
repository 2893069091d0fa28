//! Where a report goes: into a regular file all at once or not at all, into a device or a pipe as it comes.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// How many links are followed before it is taken for a loop.
const LINKS: usize = 40;

/// Something that can be written more than once.
type Render<'r> = dyn FnMut(&mut dyn Write) -> io::Result<()> + 'r;

/// Writes to `path`: `-` is standard output. A `private` file is for its owner only.
pub(super) fn write(path: &Path, private: bool, render: &mut Render<'_>) -> io::Result<()> {
    match stream(path) {
        Some(Stream::Out) => buffered(&mut io::stdout().lock(), render),
        Some(Stream::Err) => buffered(&mut io::stderr().lock(), render),
        Some(Stream::Other) => buffered(&mut OpenOptions::new().append(true).open(path)?, render),
        None => match fs::metadata(path) {
            Ok(there) if there.is_dir() => Err(io::Error::new(ErrorKind::IsADirectory, "it is a directory")),
            Ok(there) if !there.is_file() => {
                buffered(&mut OpenOptions::new().write(true).open(path)?, render)
            }
            Ok(there) => replace(&followed(path)?, Some(&there.permissions()), private, render),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                replace(&followed(path)?, None, private, render)
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
        "-" | "/dev/stdout" | "/dev/fd/1" | "/proc/self/fd/1" => Stream::Out,
        "/dev/stderr" | "/dev/fd/2" | "/proc/self/fd/2" => Stream::Err,
        _ if path.starts_with("/dev/fd") || path.starts_with("/proc") => Stream::Other,
        _ => return None,
    })
}

fn buffered(out: &mut dyn Write, render: &mut Render<'_>) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    match render(&mut out).and_then(|()| out.flush()) {
        // Whoever reads has seen enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Writes a temporary file beside the target and renames it: nobody ever sees half a report.
fn replace(
    path: &Path,
    there: Option<&Permissions>,
    private: bool,
    render: &mut Render<'_>,
) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".stanch-").suffix(".tmp");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // The user's own mask applies to it, as to any file they make.
        builder.permissions(Permissions::from_mode(if private { 0o600 } else { 0o666 }));
    }
    let mut fresh = match builder.tempfile_in(folder) {
        Ok(fresh) => fresh,
        // The folder takes no new file, but the file that is there may still be written.
        Err(error) if there.is_some() && is_in_the_way(&error) => return overwrite(path, render),
        Err(error) => return Err(error),
    };
    buffered(fresh.as_file_mut(), render)?;
    if let Some(mode) = there {
        fresh.as_file().set_permissions(mode.clone())?;
    }
    fresh.as_file().sync_all()?;
    match fresh.persist(path) {
        Ok(_) => Ok(()),
        // A file that is mounted by itself, as containers have them, cannot be replaced.
        Err(failed) if there.is_some() && is_in_the_way(&failed.error) => overwrite(path, render),
        Err(failed) => Err(failed.error),
    }
}

fn overwrite(path: &Path, render: &mut Render<'_>) -> io::Result<()> {
    let mut file: File = OpenOptions::new().write(true).truncate(true).open(path)?;
    buffered(&mut file, render)
}

fn is_in_the_way(error: &io::Error) -> bool {
    use ErrorKind::{CrossesDevices, PermissionDenied, ReadOnlyFilesystem, ResourceBusy};
    matches!(error.kind(), CrossesDevices | PermissionDenied | ReadOnlyFilesystem | ResourceBusy)
}

/// The file that symbolic links lead to, whether or not it is there yet: the link itself stays.
fn followed(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        match fs::read_link(&path) {
            Ok(target) => path = path.parent().unwrap_or(Path::new("")).join(target),
            // Not a link, or not there.
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
        write(path, false, &mut |out| out.write_all(text.as_bytes()))
    }

    #[test]
    fn a_file_keeps_its_mode_and_a_link_stays_one() {
        let dir = tempfile::tempdir().expect("a folder");
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
        let left = fs::read_dir(dir.path()).expect("a folder").count();
        assert_eq!(left, 4, "nothing temporary is left");
    }

    #[test]
    fn a_failure_leaves_the_old_report() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("f");
        put(&file, "old").expect("a new file");
        let failed = write(&file, false, &mut |out| {
            out.write_all(b"half")?;
            Err(io::Error::other("the pen broke"))
        });
        assert!(failed.is_err());
        assert_eq!(fs::read_to_string(&file).expect("text"), "old");
        assert_eq!(fs::read_dir(dir.path()).expect("a folder").count(), 1);
    }

    #[test]
    fn devices_stay_and_directories_are_refused() {
        put(Path::new("/dev/null"), "x").expect("a device");
        assert!(!fs::metadata("/dev/null").expect("there").is_file());
        let dir = tempfile::tempdir().expect("a folder");
        assert!(put(dir.path(), "x").is_err());
        assert!(put(&dir.path().join("no/such/folder"), "x").is_err());
    }

    #[test]
    fn a_report_with_secrets_is_its_owners_alone() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("f");
        write(&file, true, &mut |out| out.write_all(b"x")).expect("a new file");
        assert_eq!(fs::metadata(&file).expect("there").permissions().mode() & 0o777, 0o600);
    }
}
