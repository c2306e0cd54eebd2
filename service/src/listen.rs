//! Sockets: connections in, answers out, a graceful end.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

use crate::artifact::ArtifactError;
use crate::audit::LogError;
use crate::auth::token::{self, NewToken};
use crate::auth::{Grant, Role};
use crate::configured;
use crate::expiry;
use crate::journal::Journal;
use crate::request;
use crate::router::router;
use crate::state::{self, Inner, Setup};
use crate::store::StoreError;
use crate::tls::{TlsConfig, TlsError};
use crate::webhook;

/// How long a client may take for the head of a request.
const HEAD: Duration = Duration::from_secs(20);
/// Most connections at once.
const MOST_CONNECTIONS: usize = 8192;
/// How long what runs may take when the service ends.
const GRACE: Duration = Duration::from_secs(30);

/// How long the first token counts, in milliseconds.
const FIRST_TOKEN: i64 = 30 * 24 * 60 * 60 * 1000;

/// Who is at the other end of a connection.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    /// From where.
    pub(crate) address: SocketAddr,
    /// The certificate that TLS verified, DER.
    pub(crate) certificate: Option<Arc<[u8]>>,
}

/// What is told once the service listens.
#[derive(Debug)]
pub struct Ready {
    /// Where it is reached.
    pub url: String,
    /// The first token, where nobody could ask for anything without it.
    pub first_token: Option<String>,
}

/// Why the service does not run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The database cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The log cannot be opened.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The address cannot be listened on.
    #[error("{0}: {1}")]
    Listen(SocketAddr, #[source] std::io::Error),
    /// There is no place for files that wait.
    #[error(transparent)]
    Artifacts(#[from] ArtifactError),
    /// The certificate of the service cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Everybody on the way would read tokens and files.
    #[error("{0} is reached from other machines, and there is no TLS")]
    NoTls(SocketAddr),
    /// Spans cannot be sent.
    #[error("traces: {0}")]
    Traces(String),
    /// The system gives no threads or signals.
    #[error(transparent)]
    System(#[from] std::io::Error),
}

/// Runs the service until it is told to end. `ready` is called once it listens.
///
/// # Errors
/// Where it cannot begin.
pub fn serve(setup: Setup, ready: impl FnOnce(Ready)) -> Result<(), ServeError> {
    let journal = Journal::begin(&setup.config, &setup.environment).map_err(ServeError::Traces)?;
    allow_connections();
    let runtime = Runtime::new()?;
    let ended = runtime.block_on(async {
        let address = setup.config.listen;
        let is_covered = setup.config.tls.is_some() || setup.config.behind_tls_proxy;
        if !is_covered && !address.ip().to_canonical().is_loopback() {
            return Err(ServeError::NoTls(address));
        }
        let tls = setup
            .config
            .tls
            .as_ref()
            .map(TlsConfig::acceptor)
            .transpose()?;
        let state = state::open(setup).await?;
        let key = state.log.public_key();
        tracing::info!(%key, "the log of decisions is verified by its public key");
        let listening = TcpListener::bind(address).await;
        let listener = listening.map_err(|error| ServeError::Listen(address, error))?;
        let end = end()?;
        configured::record(&state).await?;
        expiry::warn(&state);
        let first_token = first_token(&state).await?;
        ready(Ready {
            url: match &tls {
                Some(_) => format!("https://{}", listener.local_addr()?),
                None => format!("http://{}", listener.local_addr()?),
            },
            first_token,
        });
        let keeping_up = tokio::spawn(request::keep_up(Arc::clone(&state)));
        let telling = tokio::spawn(webhook::keep_up(Arc::clone(&state)));
        let witnessed = tokio::spawn(witnessed(Arc::clone(&state)));
        let looking = tokio::spawn(look_every_day(Arc::clone(&state)));
        accept(&listener, tls.as_ref(), &router(state), end).await;
        keeping_up.abort();
        telling.abort();
        witnessed.abort();
        looking.abort();
        Ok(())
    });
    journal.end();
    ended
}

/// Looks again at what a new day changes: which levels of the policies are in force, and how near certificates are to their
/// end.
async fn look_every_day(state: Arc<Inner>) {
    let today = || state.setup.environment.now().date();
    let mut looked = today();
    let mut minutes = tokio::time::interval(Duration::from_secs(60));
    loop {
        minutes.tick().await;
        if today() == looked {
            continue;
        }
        match configured::record(&state).await {
            Ok(_) => {
                expiry::warn(&state);
                looked = today();
            }
            Err(error) => tracing::warn!(%error, "the policies of today are not in the log yet"),
        }
    }
}

/// Lets the process have as many files open as it may: each connection is one, and shells start programs with fewer.
fn allow_connections() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, getrlimit, setrlimit};
        let mut limit = getrlimit(Resource::Nofile);
        limit.current = limit.maximum;
        if let Err(error) = setrlimit(Resource::Nofile, limit) {
            tracing::warn!(%error, "the limit of open files stays as it is");
        }
    }
}

/// Lets witnesses sign the log as it grows.
async fn witnessed(state: Arc<Inner>) {
    let mut minutes = tokio::time::interval(Duration::from_secs(60));
    loop {
        minutes.tick().await;
        for witness in state.log.witnesses() {
            let asked = state.log.ask(witness, state.setup.environment.as_ref());
            if let Err(error) = asked.await {
                tracing::warn!(witness = witness.key.name(), %error, "a witness did not sign");
            }
        }
    }
}

/// Runs what a command does with the database.
///
/// # Errors
/// Where the system gives no threads.
pub fn block_on<T>(work: impl Future<Output = T>) -> std::io::Result<T> {
    Ok(Runtime::new()?.block_on(work))
}

/// Where there is no token, no issuer and no certificate that counts, a token for everything.
async fn first_token(state: &Inner) -> Result<Option<String>, StoreError> {
    let config = &state.setup.config;
    let is_known = !config.oidc.is_empty() || !config.certificate.is_empty();
    if is_known || !token::list(&state.store).await?.is_empty() {
        return Ok(None);
    }
    let now = state.now_ms();
    let new = NewToken {
        person: None,
        name: "first".to_owned(),
        grants: vec![Grant {
            profiles: BTreeSet::from(["*".to_owned()]),
            roles: Role::ALL.into(),
        }],
        expires: now + FIRST_TOKEN,
        by: "service".to_owned(),
    };
    let (_, secret) = token::create(&state.store, &state.log, &new, now).await?;
    Ok(Some(secret))
}

/// Accepts connections until `end`, then lets what runs finish.
async fn accept(
    listener: &TcpListener,
    tls: Option<&TlsAcceptor>,
    router: &Router,
    end: impl Future<Output = ()>,
) {
    let connections = GracefulShutdown::new();
    let room = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    tokio::pin!(end);
    loop {
        let accepted = async {
            // Closing is not done to it; where it fails all the same, nobody is let in.
            let permit = Arc::clone(&room).acquire_owned().await.ok();
            (listener.accept().await, permit)
        };
        let (accepted, permit) = tokio::select! {
            accepted = accepted => accepted,
            () = &mut end => break,
        };
        match accepted {
            Ok((stream, address)) => {
                // Small answers leave at once.
                stream.set_nodelay(true).ok();
                let talking = talk(
                    stream,
                    address,
                    tls.cloned(),
                    router.clone(),
                    connections.watcher(),
                );
                tokio::spawn(async move {
                    talking.await;
                    drop(permit);
                });
            }
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

/// Lets a client in and answers it, as long as it likes.
async fn talk(
    stream: TcpStream,
    address: SocketAddr,
    tls: Option<TlsAcceptor>,
    router: Router,
    watcher: Watcher,
) {
    let Some(tls) = tls else {
        let peer = Peer {
            address,
            certificate: None,
        };
        return converse(stream, peer, router, watcher).await;
    };
    match tokio::time::timeout(HEAD, tls.accept(stream)).await {
        Ok(Ok(stream)) => {
            let (_, session) = stream.get_ref();
            let first = session.peer_certificates().and_then(|chain| chain.first());
            let peer = Peer {
                address,
                certificate: first.map(|certificate| Arc::from(certificate.as_ref())),
            };
            converse(stream, peer, router, watcher).await;
        }
        Ok(Err(error)) => tracing::debug!(%error, "no TLS"),
        Err(_) => tracing::debug!("no TLS in time"),
    }
}

async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: Peer,
    router: Router,
    watcher: Watcher,
) {
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer.clone());
        router.call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, "a connection ended early");
    }
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
