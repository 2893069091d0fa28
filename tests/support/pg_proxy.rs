//! A proxy on loopback that understands PostgreSQL's messages, counts them in each direction, and breaks a connection at a
//! chosen one (<https://www.postgresql.org/docs/current/protocol-message-formats.html>).
//!
//! A direction's messages are counted over all connections from the moment a fault is armed, or the count was begun anew. It
//! answers requests for encryption with no, as a server without it does: what is encrypted cannot be counted.

use std::io::{self, Read, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use socket2::SockRef;

/// A request for encryption, where the first message's version stands: TLS and GSSAPI.
const ENCRYPTION: [u32; 2] = [80_877_103, 80_877_104];

/// Longer than any message here is.
const MAX_LEN: usize = 256 << 20;

/// Where a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Direction {
    ToServer,
    ToClient,
}

/// Where a connection is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The message is not passed on.
    Before,
    /// Half of it is.
    Within,
    /// All of it is.
    After,
}

/// How a connection is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Break {
    /// Both sides are closed in order.
    Close,
    /// Both sides are reset, and what is on the way may be lost.
    Reset,
    /// Nothing passes any more, in either direction, and nobody is told.
    Silence,
    /// It is not broken: the message is late by so much.
    Delay(Duration),
}

/// What goes wrong, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) direction: Direction,
    /// The message's number in this direction, from 0.
    pub(crate) message: usize,
    pub(crate) place: Place,
    pub(crate) how: Break,
}

#[derive(Default)]
struct State {
    fault: Option<Fault>,
    /// The types of the messages in each direction so far; 0 is the first one of a client, which has none.
    to_server: Vec<u8>,
    to_client: Vec<u8>,
    connections: Vec<Arc<Connection>>,
    /// Whether new connections are closed at once.
    away: bool,
    /// Whether they are once the fault has happened.
    then_away: bool,
}

struct Connection {
    client: TcpStream,
    server: TcpStream,
    /// Nothing passes any more, and nobody is told.
    silent: AtomicBool,
    /// It ends with a reset.
    reset: AtomicBool,
}

struct Shared {
    server: SocketAddr,
    state: Mutex<State>,
    stop: AtomicBool,
}

/// The proxy.
pub(crate) struct PgProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    listener: Option<JoinHandle<()>>,
}

impl PgProxy {
    /// In front of a server on loopback.
    pub(crate) fn start(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let address = listener.local_addr().expect("an address");
        let server = SocketAddr::from(([127, 0, 0, 1], port));
        let shared = Arc::new(Shared { server, state: Mutex::default(), stop: AtomicBool::new(false) });
        let serving = Arc::clone(&shared);
        let listener = thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if serving.stop.load(Ordering::SeqCst) {
                    return;
                }
                serving.connect(client);
            }
        });
        PgProxy { address, shared, listener: Some(listener) }
    }

    /// The address of a database behind it.
    pub(crate) fn url(&self, user: &str, database: &str) -> String {
        format!("postgres://{user}@{}/{database}?sslmode=disable", self.address)
    }

    /// Counts from here on, and lets this go wrong once.
    pub(crate) fn arm(&self, fault: Option<Fault>) {
        let mut state = self.shared.state();
        state.fault = fault;
        state.to_server.clear();
        state.to_client.clear();
    }

    /// Whether what was armed has happened, or nothing was.
    pub(crate) fn is_spent(&self) -> bool {
        self.shared.state().fault.is_none()
    }

    /// The types of the messages in a direction since the count was begun.
    pub(crate) fn messages(&self, direction: Direction) -> Vec<u8> {
        self.shared.state().seen(direction).clone()
    }

    /// Closes every connection, and new ones at once, until it is back.
    pub(crate) fn go_away(&self) {
        let mut state = self.shared.state();
        state.away = true;
        state.connections.drain(..).for_each(|connection| connection.close());
    }

    /// Whether it goes away with the fault that is armed.
    #[allow(dead_code, reason = "for the tests of the library")]
    pub(crate) fn stay_away_after(&self, stay_away: bool) {
        self.shared.state().then_away = stay_away;
    }

    pub(crate) fn come_back(&self) {
        self.shared.state().away = false;
    }

    /// Closes every connection there is.
    pub(crate) fn cut_all(&self) {
        self.shared.state().connections.drain(..).for_each(|connection| connection.close());
    }
}

impl Drop for PgProxy {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        self.go_away();
        // Wakes the listener.
        let _ = TcpStream::connect(self.address);
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
    }
}

impl State {
    fn seen(&mut self, direction: Direction) -> &mut Vec<u8> {
        match direction {
            Direction::ToServer => &mut self.to_server,
            Direction::ToClient => &mut self.to_client,
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn connect(self: &Arc<Self>, client: TcpStream) {
        if self.state().away {
            return;
        }
        let Ok(server) = TcpStream::connect(self.server) else { return };
        let connection = Arc::new(Connection {
            client,
            server,
            silent: AtomicBool::default(),
            reset: AtomicBool::default(),
        });
        let _ = connection.client.set_nodelay(true).and_then(|()| connection.server.set_nodelay(true));
        self.state().connections.push(Arc::clone(&connection));
        for direction in [Direction::ToServer, Direction::ToClient] {
            let (shared, connection) = (Arc::clone(self), Arc::clone(&connection));
            thread::spawn(move || {
                let _ = shared.forward(&connection, direction);
                if !connection.silent.load(Ordering::SeqCst) {
                    connection.close();
                    shared.state().connections.retain(|other| !Arc::ptr_eq(other, &connection));
                }
            });
        }
    }

    /// Passes messages on until the end.
    fn forward(&self, connection: &Connection, direction: Direction) -> io::Result<()> {
        let (from, to) = match direction {
            Direction::ToServer => (&connection.client, &connection.server),
            Direction::ToClient => (&connection.server, &connection.client),
        };
        let (mut from, mut to) = (io::BufReader::new(from), to);
        let mut greeted = direction == Direction::ToClient;
        loop {
            let message = if greeted { typed(&mut from)? } else { untyped(&mut from)? };
            if !greeted && is_encryption(&message) {
                (&connection.client).write_all(b"N")?;
                continue;
            }
            let kind = if greeted { message[0] } else { 0 };
            greeted = true;
            let fault = self.passes(direction, kind);
            if connection.silent.load(Ordering::SeqCst) {
                continue;
            }
            let Some(fault) = fault else {
                to.write_all(&message)?;
                continue;
            };
            if let Break::Delay(length) = fault.how {
                thread::sleep(length);
                to.write_all(&message)?;
                continue;
            }
            let len = match fault.place {
                Place::Before => 0,
                Place::Within => message.len() / 2,
                Place::After => message.len(),
            };
            to.write_all(&message[..len])?;
            match fault.how {
                Break::Silence => connection.silent.store(true, Ordering::SeqCst),
                Break::Reset => return connection.reset(),
                Break::Close | Break::Delay(_) => return Ok(()),
            }
        }
    }

    /// Counts a message, and gives what is to go wrong with it.
    fn passes(&self, direction: Direction, kind: u8) -> Option<Fault> {
        let mut state = self.state();
        let number = state.seen(direction).len();
        state.seen(direction).push(kind);
        let fault = state.fault.take_if(|fault| fault.direction == direction && fault.message == number);
        state.away |= fault.is_some() && state.then_away;
        fault
    }
}

impl Connection {
    /// Ends both threads. What is to be reset is only closed, with the last of them: a shutdown would say good-bye.
    fn close(&self) {
        let how = if self.reset.load(Ordering::SeqCst) { Shutdown::Read } else { Shutdown::Both };
        for side in [&self.client, &self.server] {
            let _ = side.shutdown(how);
        }
    }

    /// A socket that is closed while it lingers for no time at all is reset.
    fn reset(&self) -> io::Result<()> {
        self.reset.store(true, Ordering::SeqCst);
        for side in [&self.client, &self.server] {
            SockRef::from(side).set_linger(Some(Duration::ZERO))?;
        }
        Ok(())
    }
}

/// A message that says only how long it is: a client's first.
fn untyped(from: &mut impl Read) -> io::Result<Vec<u8>> {
    whole(from, Vec::new())
}

/// A message behind its type.
fn typed(from: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut kind = [0];
    from.read_exact(&mut kind)?;
    whole(from, kind.to_vec())
}

/// What follows: the length, itself included, and as much.
fn whole(from: &mut impl Read, mut message: Vec<u8>) -> io::Result<Vec<u8>> {
    let mut len = [0; 4];
    from.read_exact(&mut len)?;
    message.extend(len);
    let len = usize::try_from(u32::from_be_bytes(len)).ok().and_then(|len| len.checked_sub(4));
    let len = len.filter(|len| *len <= MAX_LEN).ok_or(io::ErrorKind::InvalidData)?;
    let start = message.len();
    message.resize(start + len, 0);
    from.read_exact(&mut message[start..])?;
    Ok(message)
}

fn is_encryption(message: &[u8]) -> bool {
    let version = message.get(4..8).and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes);
    message.len() == 8 && version.is_some_and(|version| ENCRYPTION.contains(&version))
}
