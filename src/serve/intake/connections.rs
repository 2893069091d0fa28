//! How many connections there may be at once. Each takes a file descriptor, which the ledger and the way to GitHub need, too.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;

use axum_server::Handle;
use axum_server::accept::Accept;
use tokio::net::TcpStream;

/// Requests on more connections than this are told to come back later.
pub(super) const MOST: usize = 256;

/// With so many, a new one is closed at once.
const LIMIT: usize = MOST + MOST / 2;

/// Accepts as long as there are not too many.
#[derive(Clone)]
pub(super) struct Capped<A> {
    pub(super) inner: A,
    pub(super) handle: Handle<SocketAddr>,
}

impl<A, S> Accept<TcpStream, S> for Capped<A>
where
    A: Accept<TcpStream, S>,
    A::Future: Send + 'static,
{
    type Stream = A::Stream;
    type Service = A::Service;
    type Future = Pin<Box<dyn Future<Output = io::Result<(A::Stream, A::Service)>> + Send>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        if self.handle.connection_count() > LIMIT {
            return Box::pin(async { Err(io::Error::other("too many connections")) });
        }
        Box::pin(self.inner.accept(stream, service))
    }
}
