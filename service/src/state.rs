//! What every request sees.

use std::collections::BTreeMap;
use std::sync::Arc;

use lint::policy::Policies;
use signer::anchor::Anchors;
use signer::environment::Environment;

use crate::audit::Log;
use crate::config::Config;
use crate::profile::Profile;
use crate::store::{Store, StoreError};

/// What the service is made of; the caller reads keys and policies.
pub struct Setup {
    /// `[service]`.
    pub config: Config,
    /// Profiles by name.
    pub profiles: BTreeMap<String, Profile>,
    /// Built-in policies and those of the organisation.
    pub policies: Policies,
    /// Where chains may end.
    pub anchors: Anchors,
    /// Network, clock and chance.
    pub environment: Box<dyn Environment>,
}

/// What every request sees.
pub struct Inner {
    /// What was set up.
    pub setup: Setup,
    /// The database.
    pub store: Store,
    /// The log of decisions.
    pub log: Log,
}

/// A handle to [`Inner`].
pub type State = Arc<Inner>;

/// Opens the database and brings its tables up to date.
///
/// # Errors
/// Where the folder or the database cannot be opened.
pub async fn open(setup: Setup) -> Result<State, StoreError> {
    std::fs::create_dir_all(&setup.config.data).map_err(StoreError::Folder)?;
    let store = match &setup.config.database {
        Some(url) => Store::open(url).await?,
        None => Store::open_file(&setup.config.data.join("proofmark.db")).await?,
    };
    let log = Log::new();
    Ok(Arc::new(Inner { setup, store, log }))
}
