//! A server that answers with bytes, however little they are HTTP.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};

use super::http;

/// What a connection gets.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// These bytes, and then the end of the connection.
    Bytes(Vec<u8>),
    /// These bytes, and then these over and over until the peer has enough.
    Endless(Vec<u8>, Vec<u8>),
    /// These bytes while most of the request is unread, which ends the connection with a reset.
    Reset(Vec<u8>),
}

impl Answer {
    pub(crate) fn of(bytes: impl AsRef<[u8]>) -> Answer {
        Answer::Bytes(bytes.as_ref().to_vec())
    }

    fn give(&self, mut stream: &TcpStream) {
        if let Answer::Reset(bytes) = self {
            let _ = stream.read(&mut [0; 8]);
            let _ = stream.write_all(bytes);
            return;
        }
        if http::read(stream).is_none() {
            return;
        }
        match self {
            Answer::Bytes(bytes) | Answer::Reset(bytes) => drop(stream.write_all(bytes)),
            Answer::Endless(head, piece) => {
                let mut written = stream.write_all(head);
                while written.is_ok() {
                    written = stream.write_all(piece);
                }
            }
        }
    }
}

/// The server.
pub(crate) struct RawServer {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    listener: Option<JoinHandle<()>>,
}

impl RawServer {
    /// The first connection gets `first`, all others `others`.
    pub(crate) fn start(first: Answer, others: Answer) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let address = listener.local_addr().expect("an address");
        let (connections, stop) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let (count, stopped) = (Arc::clone(&connections), Arc::clone(&stop));
        let listener = thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let answer = if count.fetch_add(1, Ordering::SeqCst) == 0 { &first } else { &others };
                answer.give(&stream);
            }
        });
        RawServer { address, connections, stop, listener: Some(listener) }
    }

    pub(crate) fn api_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many connections there were.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Drop for RawServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the listener.
        let _ = TcpStream::connect(self.address);
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
    }
}
