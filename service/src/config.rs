//! `[service]` of `proofmark.toml`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use lint::image::ImageType;
use serde::Deserialize;

use crate::artifact::S3Config;
use crate::audit::note::{NoteError, VerifierKey};
use crate::audit::{LogSettings, Witness};
use crate::auth::{CertificateRule, Issuer};
use crate::journal::LogFormat;
use crate::tls::TlsConfig;
use crate::webhook::WebhookConfig;

/// Where the service listens unless told otherwise.
const LISTEN: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8470);
/// Largest upload unless told otherwise, in bytes.
const MAX_UPLOAD: u64 = 8 << 30;
/// Most requests in line unless told otherwise.
const MAX_WAITING: usize = 1000;

/// Requests of one principal a minute unless told otherwise.
const REQUESTS_PER_MINUTE: u32 = 6000;
/// Requests of one principal at once unless told otherwise.
const REQUESTS_AT_ONCE: u32 = 64;
/// How long before its end a certificate is warned of unless told otherwise, in days.
const EXPIRY_WARNING: u32 = 60;

/// `[service]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Config {
    /// Address and port; the loopback address unless told otherwise.
    pub listen: SocketAddr,
    /// How clients reach the service, e.g. `https://sign.example.org`; also the origin of the log.
    pub url: Option<String>,
    /// TLS; without it the service is for a proxy on the same machine.
    pub tls: Option<TlsConfig>,
    /// Whether what is before the service has TLS, so that it may be reached from other machines without any of its own.
    pub behind_tls_proxy: bool,
    /// The form of the lines on stderr.
    pub log_format: LogFormat,
    /// Where spans for OpenTelemetry go: the address of a collector, which ends in `/v1/traces`.
    pub traces: Option<String>,
    /// The folder of everything that the service keeps.
    pub data: PathBuf,
    /// `postgres://...`; otherwise SQLite in the folder.
    pub database: Option<String>,
    /// Largest upload, in bytes.
    pub max_upload: u64,
    /// The log of decisions.
    pub log: LogConfig,
    /// Most requests that stand in line for a thread.
    pub max_waiting: usize,
    /// Requests of one principal a minute.
    pub requests_per_minute: u32,
    /// Requests of one principal at once.
    pub requests_at_once: u32,
    /// How long before its end a certificate is warned of, in days.
    pub expiry_warning: u32,
    /// The folder of files that wait for approval, which all nodes share; otherwise in the data folder.
    pub artifacts: Option<PathBuf>,
    /// The bucket of files that wait for approval, instead of a folder.
    pub s3: Option<S3Config>,
    /// Issuers whose tokens count.
    pub oidc: Vec<Issuer>,
    /// What the holders of client certificates may do.
    pub certificate: Vec<CertificateRule>,
    /// Who is told of decisions.
    pub webhook: Vec<WebhookConfig>,
    /// Profiles by name. Their keys are in `[profile.NAME]`.
    pub profile: BTreeMap<String, ProfileConfig>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: LISTEN,
            url: None,
            tls: None,
            behind_tls_proxy: false,
            log_format: LogFormat::Text,
            traces: None,
            data: PathBuf::from("proofmark-data"),
            database: None,
            max_upload: MAX_UPLOAD,
            log: LogConfig::default(),
            max_waiting: MAX_WAITING,
            requests_per_minute: REQUESTS_PER_MINUTE,
            requests_at_once: REQUESTS_AT_ONCE,
            expiry_warning: EXPIRY_WARNING,
            artifacts: None,
            s3: None,
            oidc: Vec::new(),
            certificate: Vec::new(),
            webhook: Vec::new(),
            profile: BTreeMap::new(),
        }
    }
}

/// `[service.log]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct LogConfig {
    /// What the log is called. Otherwise it is called after `url` at the first start, and stays so.
    pub origin: Option<String>,
    /// The file of its private key, which is made at the first start; otherwise `log.key` in the data folder. All nodes
    /// share one.
    pub key: Option<PathBuf>,
    /// Who looks at the log from outside: `[[service.log.witness]]`.
    pub witness: Vec<WitnessConfig>,
}

/// `[[service.log.witness]]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct WitnessConfig {
    /// Its public key: `name+12345678+base64`.
    pub key: String,
    /// Where it is asked every minute in which the log grew (tlog-witness). Without it, what it signed is brought to
    /// `/log/cosignatures`.
    pub url: Option<String>,
}

impl Config {
    /// Whether clients reach the service through TLS: its own, or that of a proxy.
    pub(crate) fn is_secure(&self) -> bool {
        let is_https = |url: &String| url.starts_with("https://");
        self.tls.is_some() || self.url.as_ref().is_some_and(is_https)
    }

    /// How the log is set up.
    ///
    /// # Errors
    /// What is wrong with a witness's key.
    pub fn log_settings(&self) -> Result<LogSettings, NoteError> {
        let witnesses = self.log.witness.iter();
        let witnesses = witnesses.map(|witness| match VerifierKey::parse(&witness.key)? {
            key if key.is_witness() => Ok(Witness {
                key,
                url: witness.url.clone(),
            }),
            _ => Err(NoteError::Key("that of a witness is expected")),
        });
        Ok(LogSettings {
            key: self.log_key(),
            origin: self.log.origin.clone(),
            url: self.url.clone(),
            witnesses: witnesses.collect::<Result<_, _>>()?,
        })
    }
}

impl Config {
    /// The file of the log's private key.
    pub(crate) fn log_key(&self) -> PathBuf {
        let key = self.log.key.clone();
        key.unwrap_or_else(|| self.data.join("log.key"))
    }

    /// The folder of files that wait for approval.
    pub(crate) fn artifacts(&self) -> PathBuf {
        let folder = self.artifacts.clone();
        folder.unwrap_or_else(|| self.data.join("artifacts"))
    }
}

/// `[service.profile.NAME]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ProfileConfig {
    /// The type of image whose policy a file must pass before it is signed.
    pub gate: Gate,
    /// How many people have to agree to each signature; 0: nobody has to.
    #[serde(default)]
    pub approvals: u32,
    /// Whether digests are signed for files that stay with the client, which no gate sees.
    #[serde(default)]
    pub digest_signing: bool,
}

/// The policy that a profile asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Gate {
    /// That of retail images.
    Retail,
    /// That of test images.
    Test,
    /// That of manufacturing images.
    Mmos,
}

impl ProfileConfig {
    /// A profile with this gate that asks nobody for approval.
    pub fn new(gate: Gate) -> Self {
        Self {
            gate,
            approvals: 0,
            digest_signing: false,
        }
    }
}

impl Gate {
    /// The type of image.
    pub fn image(self) -> ImageType {
        match self {
            Self::Retail => ImageType::Retail,
            Self::Test => ImageType::Test,
            Self::Mmos => ImageType::Mmos,
        }
    }
}

impl Config {
    /// Makes its paths relative to the current folder; `folder` is that of the file.
    pub fn relative_to(&mut self, folder: &Path) {
        self.data = folder.join(&self.data);
        self.log.key = self.log.key.take().map(|key| folder.join(key));
        if let Some(tls) = &mut self.tls {
            tls.relative_to(folder);
        }
        self.artifacts = self.artifacts.take().map(|path| folder.join(path));
        for issuer in &mut self.oidc {
            issuer.relative_to(folder);
        }
        for webhook in &mut self.webhook {
            webhook.secret_file = webhook.secret_file.take().map(|path| folder.join(path));
        }
    }
}
