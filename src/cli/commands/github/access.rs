//! The way to the API: which host, which credential, how fast.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail};

use crate::cli::args::GithubArgs;
use crate::cli::connection;
use crate::cli::console::Console;
use crate::cli::session::ScanSession;
use crate::http::is_loopback;
use crate::provider::github::host::Host;
use crate::settings::{ConnectionSettings, Env};
use crate::source::github::{
    Api, ApiError, ApiOptions, AppCredential, AppOptions, CloneUrl, Credentials, Installation, PageStore,
    RepositoryName, StaticCredential, Target, Wait, web_base,
};

use crate::text::{MESSAGE_LIMIT, one_line};
use crate::token::{Fingerprint, Token};

/// The API of the host that a run speaks to.
pub(super) struct Access {
    pub(super) api: Api,
    pub(super) host: Host,
    pub(super) connection: ConnectionSettings,
    /// What the credential is, for people.
    location: String,
    /// What distinguishes it from others.
    identity: String,
}

impl Access {
    /// Finds the credential, and a way to the API; asks nothing yet.
    ///
    /// There is no way without a credential: calls without one are counted with the revocations of this address.
    pub(super) fn open(
        args: &GithubArgs,
        connection: ConnectionSettings,
        targets: &[Target],
        (session, env): (&ScanSession, &Env),
    ) -> anyhow::Result<Access> {
        let options = ApiOptions {
            base_url: connection.host.api_base(),
            ca_cert: connection.ca_cert.clone(),
            timeout: connection.timeout,
            min_interval: connection.min_interval,
            cancel: session.meter.cancel_flag().clone(),
        };
        let console = session.console;
        let found = match app(args, targets)? {
            Some(app) => of_app(&app, &options, &console)?,
            None => of_user(&connection, env, &console)?,
        };
        let Found { credentials, location, identity } = found;
        let meter = session.meter.clone();
        let watch = move |wait: &Wait| match wait {
            Wait::Until(until, why) => {
                meter.wait_until(u64::try_from(until.as_second()).unwrap_or_default());
                console.warn(&format!("{why}: waiting until {until:.0}"));
            }
            Wait::Over => meter.wait_until(0),
        };
        let api = Api::new(&options, credentials)?.watched_by(Box::new(watch));
        Ok(Access { api, host: connection.host.clone(), connection, location, identity })
    }

    /// The same, which keeps what it is told of lists in `directory`.
    pub(super) fn keeping_pages(self, directory: &Path) -> anyhow::Result<Access> {
        let store = PageStore::open(directory)
            .with_context(|| format!("cannot keep what the API answers in {}", directory.display()))?;
        Ok(Access { api: self.api.with_pages(store), ..self })
    }

    /// Every credential that was used: none of them is to be revoked, wherever it is found.
    pub(super) fn own(&self) -> Vec<(Fingerprint, String)> {
        let given_out = self.api.credentials().given_out();
        given_out.into_iter().map(|fingerprint| (fingerprint, self.location.clone())).collect()
    }
}

impl Access {
    /// What distinguishes this run's view from that of others: who looks.
    pub(super) fn identity(&self) -> &str {
        &self.identity
    }

    /// The token that `git` shows, good for as long as it may take to fetch something.
    pub(super) fn token(&self) -> Result<Arc<Token>, ApiError> {
        self.api.credentials().token()
    }

    /// Where a repository is fetched from: as the API says, if that is at the host that the credential is for.
    pub(super) fn clone_url(&self, told: Option<&str>, name: &RepositoryName) -> Result<CloneUrl, String> {
        let usual = || format!("{}/{name}.git", web_base(&self.host.api_base()));
        self.url_of(&told.map_or_else(usual, str::to_owned))
    }

    /// The same of a gist, whose host may have a name of its own below the host's.
    pub(super) fn gist_url(&self, told: &str) -> Result<CloneUrl, String> {
        self.url_of(told)
    }

    fn url_of(&self, url: &str) -> Result<CloneUrl, String> {
        let (api, web) = (self.host.api_base(), web_base(&self.host.api_base()));
        let is_ours = is_loopback(&api) && is_loopback(url)
            || authority(url).is_some_and(|found| {
                // By the API's address, or by the name that the user gave the host.
                let ours = [authority(&web), Some(self.host.label().to_ascii_lowercase())];
                ours.iter().flatten().any(|ours| found == *ours || found.ends_with(&format!(".{ours}")))
            });
        if !is_ours {
            let shown = one_line(url, MESSAGE_LIMIT);
            return Err(format!(
                "the API says that it is fetched from {shown}, where the credential is not for"
            ));
        }
        CloneUrl::parse(url).map_err(|error| error.to_string())
    }
}

/// The host of an address, and its port.
fn authority(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    (!authority.contains('@')).then(|| authority.to_ascii_lowercase())
}

/// The credential of a run.
struct Found {
    credentials: Arc<dyn Credentials>,
    location: String,
    identity: String,
}

/// The App that was named, and where it is installed.
fn app(args: &GithubArgs, targets: &[Target]) -> anyhow::Result<Option<AppOptions>> {
    let (Some(app_id), Some(key_file)) = (args.app_id.clone(), args.app_key_file.clone()) else {
        return Ok(None);
    };
    let mut owners: Vec<String> = targets.iter().map(|target| target.owner().to_ascii_lowercase()).collect();
    owners.dedup();
    let installation = match (args.app_installation, &owners[..]) {
        (Some(id), _) => Installation::Id(id),
        (None, [owner]) => Installation::Of(owner.clone()),
        _ => bail!(
            "an App's installation sees the repositories of one owner, and there are targets of several: sweep one owner \
             at a time, or name the installation with --app-installation"
        ),
    };
    Ok(Some(AppOptions { app_id, key_file, installation }))
}

fn of_app(app: &AppOptions, options: &ApiOptions, console: &Console) -> anyhow::Result<Found> {
    let credential = AppCredential::new(app, options)?;
    if let Some(warning) = credential.warning() {
        console.warn(warning);
    }
    let location = format!("a token of the GitHub App {}", app.app_id);
    let identity = format!("app {} {:?}", app.app_id, app.installation);
    Ok(Found { credentials: Arc::new(credential), location, identity })
}

fn of_user(connection: &ConnectionSettings, env: &Env, console: &Console) -> anyhow::Result<Found> {
    let found = connection::require_credential(connection, env, console)?;
    let location = found.location;
    // Another token of theirs goes on where the last one expired: what is listed, it is asked anew.
    let identity = "user".to_owned();
    Ok(Found { credentials: Arc::new(StaticCredential::new(found.token)), location, identity })
}
