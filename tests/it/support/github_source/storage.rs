//! Where downloads are redirected to: another server, which has to see no credential, and gives each thing once.

use std::collections::HashMap;
use std::io::{BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::wire;

/// How a download goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DownloadTrouble {
    /// The connection breaks in the middle.
    Torn,
    /// It stands still in the middle.
    Stalls,
    /// The address is not valid any more.
    Gone,
}

#[derive(Default)]
struct Kept {
    bodies: HashMap<String, Vec<u8>>,
    troubles: Vec<DownloadTrouble>,
    violations: Vec<String>,
    requests: usize,
}

/// The server.
pub(super) struct Storage {
    address: SocketAddr,
    kept: Arc<Mutex<Kept>>,
    stop: Arc<AtomicBool>,
    last: AtomicU64,
}

impl Storage {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let address = listener.local_addr().expect("an address");
        let (kept, stop) = (Arc::new(Mutex::new(Kept::default())), Arc::new(AtomicBool::new(false)));
        let (serving, ends) = (Arc::clone(&kept), Arc::clone(&stop));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if ends.load(Ordering::SeqCst) {
                    return;
                }
                let (serving, ends) = (Arc::clone(&serving), Arc::clone(&ends));
                thread::spawn(move || serve(&stream, &serving, &ends));
            }
        });
        Storage { address, kept, stop, last: AtomicU64::new(0) }
    }

    /// Keeps this, and says where.
    pub(super) fn keep(&self, body: Vec<u8>) -> String {
        let path = format!("/download/{}", self.last.fetch_add(1, Ordering::SeqCst));
        self.kept.lock().expect("nobody panicked").bodies.insert(path.clone(), body);
        format!("{}{path}?se=2026-11-29&sig=abc%3D", self.url())
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) fn trouble(&self, trouble: DownloadTrouble) {
        self.kept.lock().expect("nobody panicked").troubles.push(trouble);
    }

    /// How many requests came.
    pub(super) fn requests(&self) -> usize {
        self.kept.lock().expect("nobody panicked").requests
    }

    /// What it has seen that it must not see.
    pub(super) fn violations(&self) -> Vec<String> {
        self.kept.lock().expect("nobody panicked").violations.clone()
    }
}

impl Drop for Storage {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the listener.
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(stream: &TcpStream, kept: &Mutex<Kept>, stop: &AtomicBool) {
    let mut reader = BufReader::new(stream);
    while let Some(incoming) = wire::read(&mut reader) {
        let (body, trouble) = {
            let mut kept = kept.lock().expect("nobody panicked");
            for name in ["authorization", "cookie", "x-github-api-version", "referer"] {
                if incoming.request.header(name).is_some() {
                    kept.violations.push(format!("the storage was shown a header {name}"));
                }
            }
            kept.requests += 1;
            let trouble = (!kept.troubles.is_empty()).then(|| kept.troubles.remove(0));
            let body = kept.bodies.remove(incoming.path());
            (body, trouble)
        };
        let (Some(body), false) = (body, trouble == Some(DownloadTrouble::Gone)) else {
            let _ = wire::write_head(stream, 403, &[("Content-Length", "0".to_owned())]);
            continue;
        };
        let _ = wire::write_head(stream, 200, &[("Content-Length", body.len().to_string())]);
        let shown = if trouble.is_some() { &body[..body.len() / 2] } else { &body[..] };
        let written = (&*stream).write_all(shown);
        while trouble == Some(DownloadTrouble::Stalls) && !stop.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(10));
        }
        if trouble.is_some() || written.is_err() {
            return;
        }
    }
}
