//! `GET /metrics`: counts and times in the text form of Prometheus.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use tracing::Instrument;

use crate::expiry;
use crate::journal;
use crate::listen::Peer;
use crate::problem::Problem;
use crate::state::Inner;
use crate::webhook;

/// Upper ends of the classes of times, in seconds.
const SECONDS: [f64; 12] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0,
];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Decided {
    profile: String,
    decision: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfProfile {
    profile: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfSubject {
    subject: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfWebhook {
    webhook: String,
}

/// What came of telling a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    Delivered,
    Failed,
    GivenUp,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Attempt {
    webhook: String,
    outcome: &'static str,
}

/// What is counted.
pub(crate) struct Metrics {
    registry: Registry,
    answers: Family<Answered, Counter>,
    decisions: Family<Decided, Counter>,
    seconds: Histogram,
    waiting: Gauge,
    attempts: Family<Attempt, Counter>,
    untold: Family<OfWebhook, Gauge>,
    expiry: Family<OfProfile, Gauge>,
    tls_expiry: Family<OfSubject, Gauge>,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("proofmark");
        let answers = Family::default();
        registry.register("answers", "Answers by route and status", answers.clone());
        let decisions = Family::default();
        registry.register("decisions", "Decisions by profile", decisions.clone());
        let seconds = Histogram::new(SECONDS);
        registry.register(
            "answer_seconds",
            "Seconds from head to head",
            seconds.clone(),
        );
        let waiting = Gauge::default();
        registry.register("waiting", "Requests in line for a thread", waiting.clone());
        let attempts = Family::default();
        registry.register(
            "webhook_attempts",
            "Attempts to tell webhooks",
            attempts.clone(),
        );
        let untold = Family::default();
        registry.register(
            "webhook_waiting",
            "Messages that webhooks have still to be told",
            untold.clone(),
        );
        let expiry = Family::default();
        let told = "When the first certificate of a profile's chain ends, in seconds since 1970";
        registry.register("certificate_not_after", told, expiry.clone());
        let tls_expiry = Family::default();
        let told = "When a certificate of the TLS chain ends, in seconds since 1970";
        registry.register("tls_certificate_not_after", told, tls_expiry.clone());
        Self {
            registry,
            answers,
            decisions,
            seconds,
            waiting,
            attempts,
            untold,
            expiry,
            tls_expiry,
        }
    }

    /// Counts a decision.
    pub(crate) fn decided(&self, profile: &str, decision: &'static str) {
        let profile = profile.to_owned();
        let decided = Decided { profile, decision };
        self.decisions.get_or_create(&decided).inc();
    }

    /// Counts an attempt to tell a webhook.
    pub(crate) fn told(&self, webhook: &str, told: Told) {
        let webhook = webhook.to_owned();
        let outcome = match told {
            Told::Delivered => "delivered",
            Told::Failed => "failed",
            Told::GivenUp => "given-up",
        };
        self.attempts
            .get_or_create(&Attempt { webhook, outcome })
            .inc();
    }

    fn answered(&self, route: String, status: u16, took: Duration) {
        self.answers
            .get_or_create(&Answered { route, status })
            .inc();
        self.seconds.observe(took.as_secs_f64());
    }
}

/// Counts every answer.
pub(crate) async fn count(
    State(state): State<Arc<Inner>>,
    request: Request,
    next: Next,
) -> Response {
    // Paths that nobody serves are one route, however many are tried.
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or("none", |path| path.as_str()).to_owned();
    let from = request.extensions().get::<Peer>().map(|peer| peer.address);
    let method = request.method().clone();
    let begun = state.setup.environment.elapsed();
    let span = journal::span_of_request(&method, &route, request.headers());
    let response = next.run(request).instrument(span.clone()).await;
    span.record("http.response.status_code", response.status().as_u16());
    let took = state.setup.environment.elapsed().saturating_sub(begun);
    let (status, milliseconds) = (response.status().as_u16(), took.as_millis());
    tracing::info!(%method, route, status, milliseconds, ?from, "answered");
    state
        .metrics
        .answered(route, response.status().as_u16(), took);
    response
}

/// Writes all of it.
pub(crate) async fn metrics(State(state): State<Arc<Inner>>) -> Result<Response, Problem> {
    let metrics = &state.metrics;
    let waiting = i64::try_from(state.workers.waiting()).unwrap_or(i64::MAX);
    metrics.waiting.set(waiting);
    for (webhook, waiting) in webhook::waiting(&state.store).await? {
        metrics
            .untold
            .get_or_create(&OfWebhook { webhook })
            .set(waiting);
    }
    for (name, profile) in &state.setup.profiles {
        let profile_name = name.clone();
        let gauge = metrics.expiry.get_or_create(&OfProfile {
            profile: profile_name,
        });
        if let Some(end) = expiry::end(profile) {
            gauge.set(end.unix_timestamp());
        }
    }
    for certificate in &state.tls_certificates {
        let subject = certificate.subject.to_string();
        let gauge = metrics.tls_expiry.get_or_create(&OfSubject { subject });
        gauge.set(certificate.not_after.unix_timestamp());
    }
    let mut text = String::new();
    encode(&mut text, &metrics.registry).map_err(|error| Problem::internal(&error))?;
    let kind =
        HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}
