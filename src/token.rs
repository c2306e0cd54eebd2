//! `proofmark token`: tokens of the service, made and revoked where its data is.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use service::audit::Log;
use service::auth::token::{self, NewToken, Token};
use service::auth::{Grant, Role};
use service::clock;
use service::store::Store;
use time::OffsetDateTime;

use crate::config::Config;
use crate::error::Error;
use crate::exit::Exit;
use crate::{ReportFormat, output};

/// Make, list and revoke tokens of the service.
#[derive(Debug, Args)]
pub(crate) struct TokenArgs {
    #[command(subcommand)]
    command: TokenCommand,
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    Create(CreateArgs),
    List(ListArgs),
    Revoke(RevokeArgs),
}

/// Make a token and print it; it cannot be shown again.
#[derive(Debug, Args)]
struct CreateArgs {
    /// What the token may do: lint, sign, approve, audit, admin; may be given several times
    #[arg(long = "role", value_name = "ROLE", required = true, value_parser = role)]
    roles: Vec<Role>,
    /// With which profile; may be given several times, * is every one
    #[arg(long = "profile", value_name = "NAME", required = true)]
    profiles: Vec<String>,
    /// How long it counts, e.g. 12h or 90d
    #[arg(long, value_name = "TIME", default_value = "90d", value_parser = duration)]
    expires: Duration,
    /// Who it is for: approvals count people, however many tokens they have. A principal of an issuer or a certificate, as the
    /// log names it, is that person [default: NAME]
    #[arg(long = "for", value_name = "PERSON")]
    person: Option<String>,
    #[command(flatten)]
    data: DataArgs,
    /// Its name for people
    name: String,
}

/// List tokens, without their secrets.
#[derive(Debug, Args)]
struct ListArgs {
    #[command(flatten)]
    data: DataArgs,
    /// Form of the result
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,
}

/// Revoke a token at once.
#[derive(Debug, Args)]
struct RevokeArgs {
    #[command(flatten)]
    data: DataArgs,
    /// The token's id, as it is listed
    id: String,
}

/// Where the service keeps its data.
#[derive(Debug, Args)]
pub(crate) struct DataArgs {
    /// Folder of what the service keeps, instead of that of proofmark.toml
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

impl DataArgs {
    /// `[service]`, with this folder.
    pub(crate) fn settings(&self, config: &Config) -> service::config::Config {
        let mut settings = config.service();
        settings.data = self.data.clone().unwrap_or(settings.data);
        settings
    }
}

/// Runs the command.
pub(crate) fn run(arguments: &TokenArgs, config: &Config) -> Result<Exit, Error> {
    let data = match &arguments.command {
        TokenCommand::Create(arguments) => &arguments.data,
        TokenCommand::List(arguments) => &arguments.data,
        TokenCommand::Revoke(arguments) => &arguments.data,
    };
    let settings = data.settings(config);
    service::block_on(async {
        let store = Store::of(&settings).await.map_err(Error::new)?;
        let log = settings.log_settings().map_err(Error::new)?;
        let log = Log::open(store.clone(), &log).await.map_err(Error::new)?;
        match &arguments.command {
            TokenCommand::Create(arguments) => create(arguments, &store, &log).await,
            TokenCommand::List(arguments) => list(arguments, &store).await,
            TokenCommand::Revoke(arguments) => revoke(arguments, &store, &log).await,
        }
    })?
}

/// Who makes tokens on this machine, for the log.
pub(crate) fn operator() -> String {
    let name = std::env::var("USER").or_else(|_| std::env::var("USERNAME"));
    format!("operator:{}", name.as_deref().unwrap_or("unknown"))
}

fn now() -> i64 {
    clock::milliseconds(OffsetDateTime::now_utc())
}

async fn create(arguments: &CreateArgs, store: &Store, log: &Log) -> Result<Exit, Error> {
    let now = now();
    let lifetime = i64::try_from(arguments.expires.as_millis()).unwrap_or(i64::MAX);
    let new = NewToken {
        name: arguments.name.clone(),
        person: arguments.person.clone(),
        grants: vec![Grant {
            profiles: arguments.profiles.iter().cloned().collect(),
            roles: arguments.roles.iter().copied().collect(),
        }],
        expires: now.saturating_add(lifetime),
        by: operator(),
    };
    let made = token::create(store, log, &new, now).await;
    let (token, secret) = made.map_err(Error::new)?;
    output::result(&format!("{secret}\n"))?;
    output::note(format_args!(
        "token {} '{}' counts until {}; it is not shown again",
        token.id,
        token.name,
        clock::text(token.expires)
    ));
    Ok(Exit::Clean)
}

async fn list(arguments: &ListArgs, store: &Store) -> Result<Exit, Error> {
    let tokens = token::list(store).await.map_err(Error::new)?;
    output::result(&match arguments.format {
        ReportFormat::Json => {
            let records = tokens.iter().map(record);
            format!("{:#}\n", Value::Array(records.collect()))
        }
        ReportFormat::Text => tokens.iter().map(line).collect(),
    })?;
    Ok(Exit::Clean)
}

fn record(token: &Token) -> Value {
    json!({
        "id": token.id,
        "name": token.name,
        "person": token.person,
        "grants": token.grants,
        "created": clock::text(token.created),
        "expires": clock::text(token.expires),
        "revoked": token.revoked.map(clock::text),
    })
}

fn line(token: &Token) -> String {
    let end = match token.revoked {
        Some(at) => format!("revoked {}", clock::text(at)),
        None => format!("until {}", clock::text(token.expires)),
    };
    let grants = token.grants.iter().map(|grant| {
        let roles: Vec<&str> = grant.roles.iter().map(|role| role.name()).collect();
        let profiles: Vec<&str> = grant.profiles.iter().map(String::as_str).collect();
        format!("{} with {}", roles.join(", "), profiles.join(", "))
    });
    let grants: Vec<String> = grants.collect();
    let name = output::printable(&token.name);
    let person = match token.person == token::person(&token.name) {
        true => String::new(),
        false => format!(" ({})", output::printable(&token.person)),
    };
    format!(
        "{}  {end}  {name}{person}: {}\n",
        token.id,
        grants.join("; ")
    )
}

async fn revoke(arguments: &RevokeArgs, store: &Store, log: &Log) -> Result<Exit, Error> {
    let done = token::revoke(store, log, &arguments.id, &operator(), now()).await;
    match done.map_err(Error::new)? {
        true => {
            output::note(format_args!("token {} is revoked", arguments.id));
            Ok(Exit::Clean)
        }
        false => Err(Error::new(format_args!(
            "there is no token '{}' that counts",
            arguments.id
        ))
        .hint("`proofmark token list` shows the ids")),
    }
}

fn role(text: &str) -> Result<Role, String> {
    Role::from_name(text)
        .ok_or_else(|| "lint, sign, approve, audit or admin is expected".to_owned())
}

/// `90d`, `12h` or `30m`; at most ten years.
fn duration(text: &str) -> Result<Duration, String> {
    let expected = || "a time like 90d, 12h or 30m is expected, at most 3650d".to_owned();
    let unit = match text.chars().last() {
        Some('d') => 86_400,
        Some('h') => 3_600,
        Some('m') => 60,
        _ => return Err(expected()),
    };
    let count: u64 = text[..text.len() - 1].parse().map_err(|_| expected())?;
    match count.checked_mul(unit) {
        Some(seconds @ 1..=315_360_000) => Ok(Duration::from_secs(seconds)),
        _ => Err(expected()),
    }
}
