//! A GitHub on loopback with repositories, for sweeps of them: the REST API as its description has it, `git` over
//! `git http-backend`, storage where downloads are redirected to. It notes every request, counts its limits, and knows when
//! it was asked what it must not be asked.

mod alerts;
mod api;
mod app;
mod bare;
mod description;
mod git;
mod limits;
mod listing;
mod pages;
mod serve;
mod shapes;
mod state;
mod storage;
mod trouble;
mod wire;
mod world;

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

pub(crate) use app::{APP_ID, AppKey};
pub(crate) use bare::Bare;
pub(crate) use description::Description;
pub(crate) use state::Noted;
pub(crate) use storage::DownloadTrouble;
pub(crate) use trouble::Trouble;
pub(crate) use world::{Activity, Alert, Artifact, FoundIn, Installation, OwnerKind, Repository, Run, World};

use serve::Shared;
use shapes::Addresses;
use state::State;
use storage::Storage;

/// The server; it stops when dropped.
pub(crate) struct SourceGitHub {
    address: SocketAddr,
    shared: Arc<Shared>,
    /// The bare repositories: `OWNER/REPO.git`, `gist/ID.git`.
    repositories: TempDir,
}

impl SourceGitHub {
    /// One with nothing in it, that knows this credential.
    pub(crate) fn new(credential: &str) -> Self {
        SourceGitHub::start(credential, false)
    }

    /// The same as an Enterprise Server, whose API is below its pages.
    pub(crate) fn server(credential: &str) -> Self {
        SourceGitHub::start(credential, true)
    }

    fn start(credential: &str, is_server: bool) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let address = listener.local_addr().expect("an address");
        let repositories = TempDir::new().expect("a temporary directory");
        let mut state = State::new();
        state.credentials.insert(credential.to_owned());
        state.is_server = is_server;
        let pages = format!("http://{address}");
        let api = format!("{pages}{}", if is_server { "/api/v3" } else { "" });
        let at = Addresses { pages, api };
        let shared = Arc::new(Shared {
            at,
            storage: Storage::start(),
            root: repositories.path().to_owned(),
            state: Mutex::new(state),
            stop: AtomicBool::new(false),
        });
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if serving.stop.load(Ordering::SeqCst) {
                    return;
                }
                let shared = Arc::clone(&serving);
                thread::spawn(move || shared.serve(&stream));
            }
        });
        SourceGitHub { address, shared, repositories }
    }

    /// The root of its pages, and of its API where that is not below them.
    pub(crate) fn url(&self) -> &str {
        &self.shared.at.pages
    }

    /// The root of its API.
    pub(crate) fn api_url(&self) -> &str {
        &self.shared.at.api
    }

    /// Changes what it holds.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        change(&mut self.state().world)
    }

    /// Adds an organization.
    pub(crate) fn organization(&self, login: &str) {
        self.change(|world| world.add_owner(login, OwnerKind::Organization));
    }

    /// Adds a repository, which has no commit yet; `change` makes it what it is to be.
    pub(crate) fn repository(&self, full_name: &str, change: impl FnOnce(&mut Repository)) -> Bare {
        self.change(|world| world.add_repository(full_name, change));
        self.bare(full_name)
    }

    /// The bare repository of this name, made where it is not there: `OWNER/REPO`, `OWNER/REPO.wiki`, `gist/ID`.
    pub(crate) fn bare(&self, name: &str) -> Bare {
        Bare::at(self.bare_path(name))
    }

    /// Where the bare repository of this name is.
    pub(crate) fn bare_path(&self, name: &str) -> PathBuf {
        self.repositories.path().join(format!("{name}.git"))
    }

    /// Requests of this path, or of all that begin so where it ends in `*`, meet this: the first of them.
    pub(crate) fn trouble_once(&self, path: &str, trouble: Trouble) {
        self.trouble(path, 0, 1, trouble);
    }

    /// The same, each time.
    pub(crate) fn trouble_always(&self, path: &str, trouble: Trouble) {
        self.trouble(path, 0, usize::MAX, trouble);
    }

    /// The same: `skip` of them are spared, then `times` meet it. Names stand for ids in paths.
    pub(crate) fn trouble(&self, path: &str, skip: usize, times: usize, trouble: Trouble) {
        self.state().troubles.add(path, skip, times, trouble);
    }

    /// Nothing goes wrong any more.
    pub(crate) fn recover(&self) {
        self.state().troubles.clear();
    }

    /// The next download goes wrong.
    pub(crate) fn download_trouble(&self, trouble: DownloadTrouble) {
        self.shared.storage.trouble(trouble);
    }

    /// Where downloads are: another server.
    pub(crate) fn storage_url(&self) -> String {
        self.shared.storage.url()
    }

    /// How many requests came there.
    pub(crate) fn storage_requests(&self) -> usize {
        self.shared.storage.requests()
    }

    /// Of a resource so many requests remain for so long; after that there are `limit` an hour.
    pub(crate) fn limit(&self, resource: &'static str, remaining: u64, reset_in: Duration, limit: u64) {
        self.state().limits.set(resource, remaining, reset_in, limit);
    }

    /// A batch with this token in it gets a validation 422.
    pub(crate) fn reject(&self, token: &str) {
        self.state().rejected.insert(token.to_owned());
    }

    /// Its app has this key.
    pub(crate) fn set_app_key(&self, key: &AppKey) {
        self.state().app_key = Some(key.public.clone());
    }

    /// A token that an app gets lives so long.
    pub(crate) fn set_token_lifetime(&self, lifetime: Duration) {
        self.state().lifetime = lifetime;
    }

    /// The tokens that it has given to an app.
    pub(crate) fn minted(&self) -> Vec<String> {
        self.state().minted.clone()
    }

    /// Tokens that were revoked, once for each time.
    pub(crate) fn accepted(&self) -> Vec<String> {
        self.state().accepted.clone()
    }

    /// Every request of the API and of `git` so far.
    pub(crate) fn noted(&self) -> Vec<Noted> {
        self.state().noted.clone()
    }

    /// How many requests of this kind there were whose path begins so.
    pub(crate) fn count(&self, method: &str, prefix: &str) -> usize {
        let is = |noted: &&Noted| noted.request.method == method && noted.path.starts_with(prefix);
        self.state().noted.iter().filter(is).count()
    }

    /// Forgets what it has noted.
    pub(crate) fn forget(&self) {
        self.state().noted.clear();
    }

    /// How many requests of the API were under way at once.
    pub(crate) fn most_under_way(&self) -> usize {
        self.state().most_under_way
    }

    /// The text at the place that a link leads to: a line where it names one. None where nothing is there.
    pub(crate) fn visit(&self, link: &str) -> Option<String> {
        pages::visit(&self.shared.at.pages, &self.shared.root, &self.state().world, link)
    }

    /// It was never asked what it must not be asked: nothing without a credential but revocations, nothing beyond a limit that
    /// it told; and the storage has seen no credential.
    pub(crate) fn assert_well_behaved(&self) {
        let violations = [self.state().violations.clone(), self.shared.storage.violations()].concat();
        assert_eq!(violations, Vec::<String>::new());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state()
    }
}

impl Drop for SourceGitHub {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        // Wakes the listener.
        let _ = TcpStream::connect(self.address);
    }
}
