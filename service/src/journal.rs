//! What operators read: one line per event on stderr, as text or as JSON. No line holds a secret.

use std::io::IsTerminal;
use std::sync::Arc;

use axum::http::{HeaderMap, Method};
use serde::Deserialize;
use signer::environment::Environment;
use tracing::{Level, Metadata, Span};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::Config;
#[cfg(feature = "otel")]
use crate::traces::{self, Traces};

/// The form of a line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

/// What is written, and sent as spans where a collector is named.
pub(crate) struct Journal {
    #[cfg(feature = "otel")]
    traces: Option<Traces>,
}

impl Journal {
    /// Begins to write; where the process writes already, that goes on.
    ///
    /// # Errors
    /// Where spans cannot be sent to the address that is named.
    pub(crate) fn begin(
        config: &Config,
        environment: &Arc<dyn Environment>,
    ) -> Result<Self, String> {
        let lines = tracing_subscriber::fmt::layer()
            .with_writer(std::io::stderr)
            .with_ansi(std::io::stderr().is_terminal())
            .with_target(false);
        let lines = match config.log_format {
            LogFormat::Text => lines.boxed(),
            LogFormat::Json => lines.json().boxed(),
        };
        let is_line =
            |metadata: &Metadata<'_>| metadata.is_event() && *metadata.level() <= Level::INFO;
        let is_line = filter_fn(is_line).with_max_level_hint(LevelFilter::INFO);
        let written = tracing_subscriber::registry().with(lines.with_filter(is_line));
        #[cfg(feature = "otel")]
        {
            let address = config.traces.as_deref();
            let traces = address.map(|address| Traces::new(address, Arc::clone(environment)));
            let traces = traces.transpose()?;
            written
                .with(traces.as_ref().map(Traces::layer))
                .try_init()
                .ok();
            Ok(Self { traces })
        }
        #[cfg(not(feature = "otel"))]
        {
            let _ = environment;
            written.try_init().ok();
            match config.traces {
                None => Ok(Self {}),
                Some(_) => Err("they are not built in; build with --features otel".to_owned()),
            }
        }
    }

    /// Sends what has not been sent; it may block for some seconds.
    pub(crate) fn end(&self) {
        #[cfg(feature = "otel")]
        self.traces.iter().for_each(Traces::end);
    }
}

/// Everything that a request waits for is within this span, which belongs to the trace that its client names.
pub(crate) fn span_of_request(method: &Method, route: &str, headers: &HeaderMap) -> Span {
    let span = tracing::info_span!(
        "request",
        otel.name = format!("{method} {route}"),
        otel.kind = "server",
        http.request.method = %method,
        http.route = route,
        http.response.status_code = tracing::field::Empty,
    );
    #[cfg(feature = "otel")]
    traces::follow(&span, headers);
    #[cfg(not(feature = "otel"))]
    let _ = headers;
    span
}
