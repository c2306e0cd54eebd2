//! How requests to a bucket travel: hyper, with TLS by rustls and ring, and the roots of the system.

use std::io;
use std::pin::Pin;
use std::time::Duration;

use http_body_util::BodyExt;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector as Tcp;
use hyper_util::rt::TokioExecutor;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody,
    HttpResponse, HttpResponseBody, HttpService,
};
use rustls::crypto::ring;

/// How long a connection may take.
const CONNECTING: Duration = Duration::from_secs(5);
/// How long a request may take until the head of the answer: a part of a file travels meanwhile.
const PATIENCE: Duration = Duration::from_secs(60);

/// A client.
#[derive(Debug, Clone)]
pub(super) struct Transport(Client<HttpsConnector<Tcp>, HttpRequestBody>);

impl Transport {
    /// A client that trusts the roots of the system.
    ///
    /// # Errors
    /// Where there are none.
    pub(super) fn new() -> io::Result<Self> {
        let mut tcp = Tcp::new();
        tcp.enforce_http(false);
        tcp.set_connect_timeout(Some(CONNECTING));
        tcp.set_nodelay(true);
        let connector = HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(ring::default_provider())?
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        Ok(Self(Client::builder(TokioExecutor::new()).build(connector)))
    }
}

impl HttpConnector for Transport {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

type Answering<'a> = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'a>>;

impl HttpService for Transport {
    fn call<'own, 'answer>(&'own self, request: HttpRequest) -> Answering<'answer>
    where
        'own: 'answer,
        Self: 'answer,
    {
        Box::pin(async move {
            let answered = tokio::time::timeout(PATIENCE, self.0.request(request)).await;
            let answered =
                answered.map_err(|error| HttpError::new(HttpErrorKind::Timeout, error))?;
            let response = answered.map_err(|error| {
                let kind = match error.is_connect() {
                    true => HttpErrorKind::Connect,
                    false => HttpErrorKind::Interrupted,
                };
                HttpError::new(kind, error)
            })?;
            let interrupted = |error| HttpError::new(HttpErrorKind::Interrupted, error);
            Ok(response.map(|body| HttpResponseBody::new(body.map_err(interrupted))))
        })
    }
}
