//! `proofmark serve`: the service, with the keys and policies of `proofmark.toml`.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use service::ServeError;
use service::config::{Gate, ProfileConfig};
use service::profile::Profile;
use service::state::Setup;
use service::webhook::{Webhook, WebhookConfig};
use signer::anchor::{Anchors, Purpose};
use signer::timestamp::Servers;
use time::OffsetDateTime;

use crate::config::{Config, Kind};
use crate::error::Error;
use crate::exit::Exit;
use crate::http::{self, Network};
use crate::policies::PolicyArgs;
use crate::profile::{self, KeyFiles};
use crate::secret::Secret;
use crate::{output, trust};

/// What is printed with `--print-config`.
const TEMPLATE: &str = include_str!("../packaging/template.toml");

/// Run the service: it holds the keys, and signs what passes the policy of their profile.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Address and port, instead of that of proofmark.toml
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Be reached from other machines without TLS: what is before the service has it
    #[arg(long)]
    behind_tls_proxy: bool,
    /// Folder of what the service keeps, instead of that of proofmark.toml
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Print a proofmark.toml with every setting, and run nothing
    #[arg(long)]
    print_config: bool,
}

impl ServeArgs {
    /// Whether no configuration is read.
    pub(crate) fn is_print(&self) -> bool {
        self.print_config
    }
}

/// Runs the command.
pub(crate) fn run(arguments: &ServeArgs, config: &Config) -> Result<Exit, Error> {
    if arguments.is_print() {
        output::result(TEMPLATE)?;
        return Ok(Exit::Clean);
    }
    let mut settings = config.service();
    settings.listen = arguments.listen.unwrap_or(settings.listen);
    settings.behind_tls_proxy |= arguments.behind_tls_proxy;
    settings.data = arguments.data.clone().unwrap_or(settings.data);
    if settings.profile.is_empty() {
        let rules = ProfileConfig::new(Gate::Test);
        settings.profile.insert("test".to_owned(), rules);
    }
    let now = OffsetDateTime::now_utc();
    let anchors = trust::anchors(config, &[])?;
    let setup = Setup {
        profiles: profiles(&settings.profile, config, &anchors, now)?,
        policies: PolicyArgs::of_organisation(None).read(config, &[], now.date())?,
        webhooks: webhooks(&settings.webhook)?,
        config: settings,
        anchors,
        environment: Arc::new(Network::new()),
    };
    service::serve(setup, |ready| {
        output::note(format_args!("listening on {}", ready.url));
        if let Some(token) = ready.first_token {
            output::note(format_args!(
                "first token, for every role and profile, for 30 days: {token}"
            ));
        }
    })
    .map_err(|error| match error {
        ServeError::NoTls(_) => Error::new(error).hint(
            "[service.tls] gives it a certificate; --behind-tls-proxy says that what is before it has one",
        ),
        error => Error::new(error),
    })?;
    Ok(Exit::Clean)
}

/// Who is told of decisions, each with its secret.
fn webhooks(configs: &[WebhookConfig]) -> Result<Vec<Arc<Webhook>>, Error> {
    let mut names = BTreeSet::new();
    let webhooks = configs.iter().map(|config| {
        if !names.insert(&config.name) {
            let problem = format_args!("there are two webhooks '{}'", config.name);
            return Err(Error::new(problem));
        }
        http::check_url(&config.url).map_err(|problem| {
            Error::new(format_args!(
                "webhook '{}': {}: {problem}",
                config.name, config.url
            ))
        })?;
        let secret = Secret {
            env: config.secret_env.clone(),
            file: config.secret_file.clone(),
            is_prompted: false,
        };
        let what = format!("the secret of webhook '{}'", config.name);
        let secret = secret.read(&what)?.unwrap_or_default();
        let webhook = Webhook::new(config.clone(), &secret);
        webhook.map(Arc::new).map_err(|error| {
            Error::new(error).hint("echo whsec_$(openssl rand -base64 32) makes a secret")
        })
    });
    webhooks.collect()
}

/// The profiles that the service signs with, each with its key.
fn profiles(
    rules: &BTreeMap<String, ProfileConfig>,
    config: &Config,
    anchors: &Anchors,
    now: OffsetDateTime,
) -> Result<BTreeMap<String, Profile>, Error> {
    let mut profiles = BTreeMap::new();
    for (name, rules) in rules {
        let mut ready = profile::load(config, name, &KeyFiles::default())?;
        ready.identity.complete(anchors.intermediates().all(), now);
        // One that has expired signs nothing, and is complained of; the others go on.
        profile::check(&ready, &["expired"], now, anchors, Purpose::Code)?;
        if ready.kind == Kind::Retail && rules.gate != Gate::Retail {
            return Err(Error::new(format_args!(
                "profile '{name}' signs for retail, and its gate is another"
            ))
            .hint("a retail key has gate = \"retail\""));
        }
        let profile = Profile {
            identity: ready.identity,
            options: ready.options,
            servers: (!ready.servers.is_empty())
                .then(|| Servers::new(ready.servers, Servers::TIMEOUT)),
            rules: rules.clone(),
        };
        profiles.insert(name.clone(), profile);
    }
    Ok(profiles)
}
