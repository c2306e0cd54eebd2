//! Sockets: connections in, answers out, a graceful end.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

use crate::router::router;
use crate::state::{self, Setup};
use crate::store::StoreError;

/// How long a client may take for the head of a request.
const HEAD: Duration = Duration::from_secs(20);
/// How long what runs may take when the service ends.
const GRACE: Duration = Duration::from_secs(30);

/// Why the service does not run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The database cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The address cannot be listened on.
    #[error("{0}: {1}")]
    Listen(SocketAddr, #[source] std::io::Error),
    /// The system gives no threads or signals.
    #[error(transparent)]
    System(#[from] std::io::Error),
}

/// Runs the service until it is told to end. `ready` is called with the address once it listens.
///
/// # Errors
/// Where it cannot begin.
pub fn serve(setup: Setup, ready: impl FnOnce(SocketAddr)) -> Result<(), ServeError> {
    let runtime = Runtime::new()?;
    runtime.block_on(async {
        let address = setup.config.listen;
        let state = state::open(setup).await?;
        let listening = TcpListener::bind(address).await;
        let listener = listening.map_err(|error| ServeError::Listen(address, error))?;
        let end = end()?;
        ready(listener.local_addr()?);
        accept(&listener, &router(state), end).await;
        Ok(())
    })
}

/// Accepts connections until `end`, then lets what runs finish.
async fn accept(listener: &TcpListener, router: &Router, end: impl Future<Output = ()>) {
    let connections = GracefulShutdown::new();
    tokio::pin!(end);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut end => break,
        };
        match accepted {
            Ok((stream, _)) => converse(stream, router.clone(), &connections),
            Err(error) => {
                // Out of descriptors, or a client that left: neither ends the service.
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    tracing::info!("ending");
    if tokio::time::timeout(GRACE, connections.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("some connections were cut");
    }
}

fn converse(stream: TcpStream, router: Router, connections: &GracefulShutdown) {
    let service = TowerToHyperService::new(router);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .serve_connection(TokioIo::new(stream), service);
    let connection = connections.watch(connection);
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection ended early");
        }
    });
}

/// Ends with the first signal to end.
fn end() -> std::io::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        Ok(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        })
    }
    #[cfg(not(unix))]
    {
        Ok(async {
            tokio::signal::ctrl_c().await.ok();
        })
    }
}
