//! A PostgreSQL of the tests' own, from the system's package: in a temporary directory, on a socket of its own and on a port
//! of the loopback interface, gone with the test process however that ends.
//!
//! Tests in the library and tests of the program include this file by its path.

#[path = "pg_install.rs"]
mod install;

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use ::postgres::{Client, Config, NoTls};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use self::install::Install;

/// The superuser of every server.
pub(crate) const SUPERUSER: &str = "postgres";

/// How long a server may take to start or to end.
const PATIENCE: Duration = Duration::from_mins(1);

/// What a server is to be like, where it matters.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    /// The password of the superuser, asked for by SCRAM; nobody is asked where there is none.
    pub(crate) password: Option<String>,
    /// Whether it syncs what it writes. Only a machine that loses its power needs it.
    pub(crate) durable: bool,
    /// More settings, as in `max_connections=20`.
    pub(crate) settings: Vec<String>,
    /// A program with its arguments that starts the server, such as one that changes its clock.
    pub(crate) wrapper: Vec<String>,
}

/// A running server.
pub(crate) struct Server {
    install: &'static Install,
    directory: PathBuf,
    port: u16,
    options: Options,
    process: Mutex<Option<Child>>,
    /// Whether the database that others are copied from is there.
    template: OnceLock<()>,
    /// Ends the server and removes its directory when the pipe to it is closed, as it is when this process is killed.
    keeper: Option<(Child, ChildStdin)>,
}

/// A database of a server, dropped with it.
pub(crate) struct Database {
    server: &'static Server,
    name: String,
}

/// The server that all tests of this process share. Where PostgreSQL is not installed, there is none, which is said past the
/// harness, or, where the environment requires it, an error.
pub(crate) fn shared() -> Option<&'static Server> {
    static SHARED: LazyLock<Option<Server>> = LazyLock::new(|| Server::start(Options::default()));
    SHARED.as_ref().or_else(|| {
        skipped("PostgreSQL is not installed");
        None
    })
}

/// A server for one test, as it asks for; where there is none, as [`shared`].
pub(crate) fn own(options: Options) -> Option<Server> {
    Server::start(options).or_else(|| {
        skipped("PostgreSQL is not installed");
        None
    })
}

/// Says on standard error that this test did nothing, and why; not for the harness to swallow.
pub(crate) fn skipped(why: &str) {
    let required = std::env::var_os("STANCH_TEST_POSTGRES").is_some_and(|value| value == *"required");
    assert!(!required, "{why}, and STANCH_TEST_POSTGRES requires it");
    let thread = thread::current();
    let _ = writeln!(std::io::stderr(), "SKIPPED: {}: {why}", thread.name().unwrap_or("a test"));
}

impl Server {
    fn start(options: Options) -> Option<Server> {
        let server = Server::prepare(options)?;
        let mut initdb = server.install.command("initdb", &server.directory);
        let password = server.directory.join("password");
        fs::write(&password, server.options.password.as_deref().unwrap_or("none")).expect("a file");
        server.install.hand_over(&password);
        let method = if server.options.password.is_some() { "scram-sha-256" } else { "trust" };
        initdb.args([
            "--no-sync",
            "--no-instructions",
            "-E",
            "UTF8",
            "--locale=C",
            "-U",
            SUPERUSER,
            "-A",
            method,
        ]);
        run(initdb.arg("--pwfile").arg(&password).arg("-D").arg(server.data()));
        server.start_again();
        Some(server)
    }

    /// A copy of this one that follows it, and can be promoted; `name` is the one that `synchronous_standby_names` knows.
    pub(crate) fn standby(&self, name: &str) -> Server {
        let server = Server::prepare(self.options.clone()).expect("it is installed");
        let mut backup = server.install.command("pg_basebackup", &server.directory);
        let from = format!(
            "host={} port={} user={SUPERUSER} application_name={name}",
            self.directory.display(),
            self.port
        );
        run(backup
            .args(["-R", "-X", "stream", "-c", "fast", "--no-sync", "-d", &from, "-D"])
            .arg(server.data()));
        server.start_again();
        server
    }

    /// A directory, a port and a keeper.
    fn prepare(options: Options) -> Option<Server> {
        let install = Install::find()?;
        // Short: the path of a socket has about a hundred bytes.
        let directory = tempfile::Builder::new().prefix("pg").tempdir().expect("a directory").keep();
        install.hand_over(&directory);
        // What is free now may be taken when it is used; a server that cannot listen says so.
        let port = TcpListener::bind(("127.0.0.1", 0))
            .and_then(|listener| listener.local_addr())
            .expect("a port")
            .port();
        let keeper = keeper(&directory);
        let (process, template) = (Mutex::new(None), OnceLock::new());
        Some(Server { install, directory, port, options, process, template, keeper: Some(keeper) })
    }

    /// Starts it where it was ended, and waits until it answers.
    pub(crate) fn start_again(&self) {
        let mut arguments: Vec<&OsStr> = self.options.wrapper.iter().map(OsStr::new).collect();
        let program = self.install.program("postgres");
        arguments.push(program.as_os_str());
        let mut command = self.install.unprivileged(&arguments, &self.directory);
        let setting = |name: &str, value: &dyn std::fmt::Display| format!("{name}={value}");
        let mut settings = vec![
            setting("port", &self.port),
            setting("listen_addresses", &"127.0.0.1"),
            setting("unix_socket_directories", &self.directory.display()),
            setting("max_connections", &150),
            setting("shared_buffers", &"64MB"),
            setting("jit", &"off"),
            setting("timezone", &"UTC"),
        ];
        if !self.options.durable {
            settings.extend([setting("fsync", &"off"), setting("full_page_writes", &"off")]);
        }
        settings.extend(self.options.settings.iter().cloned());
        for setting in &settings {
            command.args(["-c", setting]);
        }
        let log = File::options().create(true).append(true).open(self.log()).expect("a log");
        command.arg("-D").arg(self.data()).stdout(Stdio::null()).stderr(log).stdin(Stdio::null());
        // What ends the tests at a terminal is not for the server.
        let child = command.process_group(0).spawn().expect("the server starts");
        *self.process() = Some(child);
        self.wait_until_ready();
    }

    fn wait_until_ready(&self) {
        let patience = Instant::now() + PATIENCE;
        while let Err(error) = self.config("postgres").connect(NoTls) {
            let ended =
                self.process().as_mut().is_none_or(|child| child.try_wait().is_ok_and(|end| end.is_some()));
            assert!(!ended && Instant::now() < patience, "no server: {error}\n{}", self.log_text());
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Ends it as an administrator does: clients are sent away.
    pub(crate) fn stop(&self) {
        self.end(Signal::SIGINT);
    }

    /// Ends it as a crash does: it recovers from its log when it starts again.
    pub(crate) fn crash(&self) {
        self.end(Signal::SIGQUIT);
    }

    fn end(&self, signal: Signal) {
        let Some(mut child) = self.process().take() else { return };
        // Where a wrapper runs it, the server has a process id of its own.
        let file = fs::read_to_string(self.data().join("postmaster.pid")).unwrap_or_default();
        let id = file.lines().next().and_then(|line| line.parse().ok());
        let own = i32::try_from(child.id()).expect("a process id");
        let _ = kill(Pid::from_raw(id.unwrap_or(own)), signal);
        child.wait().expect("it ends");
    }

    /// Makes a standby the primary.
    pub(crate) fn promote(&self) {
        let promoted = self.client("postgres").query_one("SELECT pg_promote()", &[]);
        assert!(promoted.expect("a standby").get::<_, bool>(0), "{}", self.log_text());
    }

    /// An administrator's connection.
    pub(crate) fn client(&self, database: &str) -> Client {
        self.config(database).connect(NoTls).unwrap_or_else(|error| panic!("{error}\n{}", self.log_text()))
    }

    /// Runs an administrator's statements.
    pub(crate) fn execute(&self, database: &str, sql: &str) {
        self.client(database).batch_execute(sql).unwrap_or_else(|error| panic!("{error:?}: {sql}"));
    }

    fn config(&self, database: &str) -> Config {
        let mut config = Config::new();
        config.host_path(&self.directory).port(self.port).user(SUPERUSER).dbname(database);
        if let Some(password) = &self.options.password {
            config.password(password);
        }
        config
    }

    /// A database of this server's user on the loopback interface.
    pub(crate) fn url(&self, user: &str, database: &str) -> String {
        format!("postgres://{user}@127.0.0.1:{}/{database}", self.port)
    }

    /// The same on its socket.
    pub(crate) fn socket_url(&self, user: &str, database: &str) -> String {
        let directory = self.directory.display().to_string().replace('/', "%2F");
        format!("postgres://{user}@{directory}:{}/{database}", self.port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Below which it keeps everything.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// One of PostgreSQL's programs, at this server.
    pub(crate) fn tool(&self, name: &str) -> Command {
        let mut command = self.install.command(name, &self.directory);
        command.env("PGHOST", &self.directory).env("PGPORT", self.port.to_string()).env("PGUSER", SUPERUSER);
        command
    }

    /// What the server has said of itself.
    pub(crate) fn log_text(&self) -> String {
        fs::read_to_string(self.log()).unwrap_or_default()
    }

    fn log(&self) -> PathBuf {
        self.directory.join("log")
    }

    fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    fn process(&self) -> std::sync::MutexGuard<'_, Option<Child>> {
        self.process.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// An empty database, for one test.
    pub(crate) fn empty(&'static self) -> Database {
        self.create("template0")
    }

    /// A database for one test, a copy of what `prepare` made of an empty one when it was first asked.
    pub(crate) fn prepared(&'static self, prepare: impl FnOnce(&str)) -> Database {
        const NAME: &str = "prepared";
        self.template.get_or_init(|| {
            self.execute("postgres", &format!("CREATE DATABASE {NAME} TEMPLATE template0"));
            prepare(&self.socket_url(SUPERUSER, NAME));
            self.execute("postgres", &format!("ALTER DATABASE {NAME} ALLOW_CONNECTIONS false"));
        });
        self.create(NAME)
    }

    fn create(&'static self, template: &str) -> Database {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        self.execute("postgres", &format!("CREATE DATABASE {name} TEMPLATE {template}"));
        Database { server: self, name }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some((mut keeper, pipe)) = self.keeper.take() {
            drop(pipe);
            let _ = keeper.wait();
        }
        if let Some(mut child) = self.process().take() {
            let _ = child.wait();
        }
    }
}

impl Database {
    /// Its address for the superuser, on the server's socket.
    pub(crate) fn url(&self) -> String {
        self.server.socket_url(SUPERUSER, &self.name)
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn server(&self) -> &'static Server {
        self.server
    }

    /// An administrator's connection.
    pub(crate) fn client(&self) -> Client {
        self.server.client(&self.name)
    }

    /// Runs an administrator's statements.
    pub(crate) fn execute(&self, sql: &str) {
        self.server.execute(&self.name, sql);
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // A server that a test has ended keeps it until its directory is gone.
        let sql = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        if let Ok(mut client) = self.server.config("postgres").connect(NoTls) {
            let _ = client.batch_execute(&sql);
        }
    }
}

/// A shell that waits for the end of its input, then ends the server of a directory and removes it.
fn keeper(directory: &Path) -> (Child, ChildStdin) {
    let script = r#"cat >/dev/null; read -r pid <"$1/data/postmaster.pid" && kill -QUIT "$pid"
        while kill -0 "$pid" && [ -e "$1/data/postmaster.pid" ]; do sleep 0.02; done; rm -rf "$1""#;
    let mut keeper = Command::new("sh")
        .args(["-c", script, "keeper"])
        .arg(directory)
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .expect("a shell");
    let pipe = keeper.stdin.take().expect("piped");
    (keeper, pipe)
}

/// Runs a program that has to succeed.
fn run(command: &mut Command) {
    let output = command.output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}", command.get_program().display());
}
