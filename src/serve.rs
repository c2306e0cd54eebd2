//! `proofmark serve`: the service, with the keys and policies of `proofmark.toml`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use service::ServeError;
use service::config::{Gate, ProfileConfig};
use service::profile::Profile;
use service::state::Setup;
use signer::anchor::{Anchors, Purpose};
use signer::timestamp::Servers;
use time::OffsetDateTime;

use crate::config::{Config, Kind};
use crate::error::Error;
use crate::exit::Exit;
use crate::http::Network;
use crate::policies::PolicyArgs;
use crate::profile::{self, KeyFiles};
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
        config: settings,
        anchors,
        environment: Box::new(Network::new()),
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
