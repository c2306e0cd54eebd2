//! Traces for OpenTelemetry: what a request waits for, as spans that go to a collector (OTLP over HTTP). Who sends a
//! `traceparent` is told of in the same trace.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderMap;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::TracerProvider;
use opentelemetry_http::{Bytes, HeaderExtractor, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracerProvider, Tracer};
use signer::environment::{Environment, HttpRequest, Method, TransportError};
use tracing::{Metadata, Span};
use tracing_opentelemetry::{OpenTelemetryLayer, OpenTelemetrySpanExt};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

/// How long the collector may take for an answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the last spans may take when the service ends.
const LAST: Duration = Duration::from_secs(3);
/// What the service is called, and where its spans come from.
const NAME: &str = "proofmark";

/// What gathers spans and sends them; they are lost where the collector does not answer.
pub(crate) struct Traces {
    provider: SdkTracerProvider,
}

impl Traces {
    /// Sends spans to the address of a collector, which ends in `/v1/traces`.
    ///
    /// # Errors
    /// Where that is no address.
    pub(crate) fn new(address: &str, environment: Arc<dyn Environment>) -> Result<Self, String> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Courier(environment))
            .with_endpoint(address)
            .with_timeout(PATIENCE)
            .build()
            .map_err(|error| error.to_string())?;
        let resource = Resource::builder_empty().with_service_name(NAME).build();
        let provider = SdkTracerProvider::builder()
            .with_resource(resource)
            .with_batch_exporter(exporter)
            .build();
        Ok(Self { provider })
    }

    /// What takes spans down. Lines of the log stay out: causes are told to nobody else.
    pub(crate) fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: tracing::Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        let layer: OpenTelemetryLayer<S, Tracer> =
            OpenTelemetryLayer::new(self.provider.tracer(NAME));
        layer
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_filter(filter_fn(is_ours))
    }

    /// Sends what is left. It blocks.
    pub(crate) fn end(&self) {
        if let Err(error) = self.provider.shutdown_with_timeout(LAST) {
            tracing::warn!(%error, "the last spans were not sent");
        }
    }
}

fn is_ours(metadata: &Metadata<'_>) -> bool {
    metadata.is_span() && metadata.target().starts_with("proofmark_service")
}

/// Makes a span one of the trace that a client names.
pub(crate) fn follow(span: &Span, headers: &HeaderMap) {
    let context = TraceContextPropagator::new().extract(&HeaderExtractor(headers));
    // Where spans are not taken down there is nothing that could follow.
    span.set_parent(context).ok();
}

/// Brings spans to the collector, as everything else goes out of this process.
struct Courier(Arc<dyn Environment>);

impl fmt::Debug for Courier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Courier")
    }
}

type Answering<'a> = Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'a>>;

impl HttpClient for Courier {
    fn send_bytes<'own, 'answer>(&'own self, request: Request<Bytes>) -> Answering<'answer>
    where
        'own: 'answer,
        Self: 'answer,
    {
        // The exporter has a thread of its own, which may wait.
        Box::pin(async move { Ok(send(self.0.as_ref(), &request)?) })
    }
}

fn send(
    environment: &dyn Environment,
    request: &Request<Bytes>,
) -> Result<Response<Bytes>, TransportError> {
    let url = request.uri().to_string();
    let headers: Vec<(&str, &str)> = request
        .headers()
        .iter()
        .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
        .collect();
    let reply = environment.send(HttpRequest {
        method: Method::Post,
        url: &url,
        headers: &headers,
        body: request.body(),
        timeout: PATIENCE,
        follows_redirects: false,
    })?;
    let mut response = Response::new(Bytes::from(reply.body));
    if let Ok(status) = reply.status.try_into() {
        *response.status_mut() = status;
    }
    Ok(response)
}
