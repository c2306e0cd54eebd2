//! What every request sees.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;

use formats::certificate::Certificate;
use lint::policy::Policies;
use signer::anchor::Anchors;
use signer::environment::Environment;
use tokio::sync::Notify;

use crate::artifact::Artifacts;
use crate::audit::{Log, LogError};
use crate::auth::{Issuers, Principal};
use crate::clock;
use crate::config::Config;
use crate::decisions::Decisions;
use crate::gate::Gatekeeper;
use crate::limits::{Limits, Ticket};
use crate::listen::ServeError;
use crate::metrics::Metrics;
use crate::problem::Problem;
use crate::profile::Profile;
use crate::request::node_name;
use crate::store::{Store, StoreError};
use crate::tls::TlsConfig;
use crate::upload::Uploads;
use crate::webhook::Webhook;
use crate::workers::Workers;

/// What the service is made of; the caller reads keys and policies.
pub struct Setup {
    /// `[service]`.
    pub config: Config,
    /// Profiles by name.
    pub profiles: BTreeMap<String, Profile>,
    /// Built-in policies and those of the organisation, on no day in particular.
    pub policies: Policies,
    /// Where chains may end.
    pub anchors: Anchors,
    /// Who is told of decisions.
    pub webhooks: Vec<Arc<Webhook>>,
    /// Network, clock and chance.
    pub environment: Arc<dyn Environment>,
}

/// What every request sees.
pub struct Inner {
    /// What was set up.
    pub setup: Setup,
    /// The database.
    pub store: Store,
    /// The log of decisions.
    pub log: Log,
    pub(crate) decisions: Decisions,
    pub(crate) gate: Gatekeeper,
    pub(crate) issuers: Issuers,
    pub(crate) uploads: Uploads,
    pub(crate) artifacts: Artifacts,
    pub(crate) workers: Workers,
    pub(crate) limits: Arc<Limits>,
    pub(crate) metrics: Metrics,
    /// The certificate of TLS and those above it.
    pub(crate) tls_certificates: Vec<Certificate>,
    /// A name for this run of this node.
    pub(crate) node: String,
    /// Told when there is work on requests.
    pub(crate) wake: Notify,
}

impl Inner {
    /// The time of day, in milliseconds since 1970.
    pub fn now_ms(&self) -> i64 {
        clock::milliseconds(self.setup.environment.now())
    }

    /// Lets a request of a principal in, as far as its limits go.
    pub(crate) fn admit(&self, principal: &Principal) -> Result<Ticket, Problem> {
        let now = self.setup.environment.elapsed();
        self.limits.admit(&principal.id, now)
    }
}

/// A handle to [`Inner`].
pub type State = Arc<Inner>;

/// Opens the database and brings its tables up to date.
///
/// # Errors
/// Where the folder or the database cannot be opened.
pub(crate) async fn open(setup: Setup) -> Result<State, ServeError> {
    let tls = setup.config.tls.as_ref();
    let tls_certificates = tls.map(TlsConfig::chain).transpose()?.unwrap_or_default();
    let store = Store::of(&setup.config).await?;
    let settings = setup.config.log_settings().map_err(LogError::from)?;
    let log = Log::open(store.clone(), &settings).await?;
    let uploads = Uploads::open(&setup.config.data).map_err(StoreError::Folder)?;
    let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    Ok(Arc::new(Inner {
        decisions: Decisions::start(store.clone()),
        store,
        log,
        gate: Gatekeeper::new(setup.policies.clone()),
        issuers: Issuers::new(&setup.config.oidc),
        uploads,
        artifacts: Artifacts::open(&setup.config).await?,
        workers: Workers::new(threads, setup.config.max_waiting),
        limits: Arc::new(Limits::new(
            setup.config.requests_per_minute.max(1),
            setup.config.requests_at_once.max(1),
        )),
        metrics: Metrics::new(),
        tls_certificates,
        node: node_name()?,
        wake: Notify::new(),
        setup,
    }))
}
