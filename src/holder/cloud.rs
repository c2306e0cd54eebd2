//! `[profile.NAME.aws-kms]`, `azure-key-vault` and `google-cloud-kms`: keys that a cloud service holds. Who asks is said
//! by the environment variables that the vendors' own tools read, never by the profile.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use signer::environment::Environment;
use signer::identity::Identity;
use signer::key::RemoteKey;
use signer::key::cloud::{
    AzureChoice, AzureCredentials, AzureKey, GoogleChoice, GoogleCredentials, GoogleKey,
    ServiceAccount, TIMEOUT,
};
use zeroize::Zeroizing;

use super::certificates;
use crate::error::Error;
use crate::http::Network;

/// A key that a cloud service holds.
#[derive(Debug, Clone, Copy)]
pub(crate) enum CloudProfile<'a> {
    /// AWS KMS.
    Aws(&'a AwsProfile),
    /// Azure Key Vault.
    Azure(&'a AzureProfile),
    /// Google Cloud KMS.
    Google(&'a GoogleProfile),
}

/// `[profile.NAME.aws-kms]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[cfg_attr(
    not(feature = "aws-kms"),
    allow(dead_code, reason = "read all the same")
)]
pub(crate) struct AwsProfile {
    /// ARN, id or `alias/NAME`.
    key: String,
    /// Region; otherwise that of the ARN, or AWS' own configuration.
    region: Option<String>,
    /// Another address than the region's.
    endpoint: Option<String>,
    /// Profile of AWS' own configuration.
    aws_profile: Option<String>,
    /// Seconds that one call may take.
    timeout: Option<NonZeroU32>,
    /// A certificate file, PEM bundle or DER.
    certificate: PathBuf,
}

/// `[profile.NAME.azure-key-vault]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct AzureProfile {
    /// The key identifier.
    key: String,
    /// What tokens are asked for, where the vault has an unusual name.
    resource: Option<String>,
    /// Seconds that one call may take.
    timeout: Option<NonZeroU32>,
    /// A certificate file, PEM bundle or DER.
    certificate: PathBuf,
}

/// `[profile.NAME.google-cloud-kms]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct GoogleProfile {
    /// The resource name of a key's version.
    key: String,
    /// Another address than Google's own.
    endpoint: Option<String>,
    /// Seconds that one call may take.
    timeout: Option<NonZeroU32>,
    /// A certificate file, PEM bundle or DER.
    certificate: PathBuf,
}

impl AwsProfile {
    /// Makes its path relative to the current folder.
    pub(crate) fn relative_to(&mut self, folder: &Path) {
        self.certificate = folder.join(&self.certificate);
    }

    #[cfg(feature = "aws-kms")]
    fn open(&self) -> Result<Box<dyn RemoteKey>, Error> {
        use signer::key::cloud::{AwsChoice, AwsKey};
        let choice = AwsChoice {
            key: self.key.clone(),
            region: self.region.clone(),
            endpoint: self.endpoint.clone(),
            profile: self.aws_profile.clone(),
            timeout: seconds(self.timeout),
        };
        Ok(Box::new(
            AwsKey::open(&choice, network()).map_err(Error::new)?,
        ))
    }

    #[cfg(not(feature = "aws-kms"))]
    #[allow(clippy::unused_self, reason = "the other form uses it")]
    fn open(&self) -> Result<Box<dyn RemoteKey>, Error> {
        Err(Error::new("this proofmark was built without AWS KMS")
            .hint("cargo install --path . --features aws-kms builds it in"))
    }
}

impl AzureProfile {
    /// Makes its path relative to the current folder.
    pub(crate) fn relative_to(&mut self, folder: &Path) {
        self.certificate = folder.join(&self.certificate);
    }

    fn open(&self) -> Result<Box<dyn RemoteKey>, Error> {
        let choice = AzureChoice {
            key: self.key.clone(),
            resource: self.resource.clone(),
            timeout: seconds(self.timeout),
        };
        let credentials = azure_credentials()?;
        let is_machine = matches!(credentials, AzureCredentials::ManagedIdentity { .. });
        match AzureKey::open(&choice, credentials, network()) {
            Ok(key) => Ok(Box::new(key)),
            Err(error) if is_machine => Err(Error::new(error).hint(
                "this machine's own identity was used; AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET name an application",
            )),
            Err(error) => Err(Error::new(error)),
        }
    }
}

impl GoogleProfile {
    /// Makes its path relative to the current folder.
    pub(crate) fn relative_to(&mut self, folder: &Path) {
        self.certificate = folder.join(&self.certificate);
    }

    fn open(&self) -> Result<Box<dyn RemoteKey>, Error> {
        let endpoint = self.endpoint.as_deref();
        let choice = GoogleChoice {
            key: self.key.clone(),
            endpoint: endpoint
                .unwrap_or("https://cloudkms.googleapis.com")
                .to_owned(),
            timeout: seconds(self.timeout),
        };
        let credentials = google_credentials()?;
        let is_machine = matches!(credentials, GoogleCredentials::Metadata { .. });
        match GoogleKey::open(&choice, credentials, network()) {
            Ok(key) => Ok(Box::new(key)),
            Err(error) if is_machine => Err(Error::new(error).hint(
                "this machine's own account was used; GOOGLE_APPLICATION_CREDENTIALS names the file of another",
            )),
            Err(error) => Err(Error::new(error)),
        }
    }
}

impl CloudProfile<'_> {
    /// The service.
    pub(crate) fn service(self) -> &'static str {
        match self {
            Self::Aws(_) => "AWS KMS",
            Self::Azure(_) => "Azure Key Vault",
            Self::Google(_) => "Google Cloud KMS",
        }
    }

    /// The key as the profile names it.
    pub(crate) fn key(&self) -> &str {
        match self {
            Self::Aws(profile) => &profile.key,
            Self::Azure(profile) => &profile.key,
            Self::Google(profile) => &profile.key,
        }
    }

    /// The certificate file.
    pub(crate) fn certificate(&self) -> &Path {
        match self {
            Self::Aws(profile) => &profile.certificate,
            Self::Azure(profile) => &profile.certificate,
            Self::Google(profile) => &profile.certificate,
        }
    }

    /// Reaches the key; nothing is signed.
    pub(crate) fn open(self) -> Result<Box<dyn RemoteKey>, Error> {
        match self {
            Self::Aws(profile) => profile.open(),
            Self::Azure(profile) => profile.open(),
            Self::Google(profile) => profile.open(),
        }
    }

    /// Puts key and certificate together. The file is read first: it costs nothing.
    pub(super) fn identity(self) -> Result<Identity, Error> {
        let certificates = certificates(self.certificate())?;
        let key = self.open()?;
        let name = key.name();
        Identity::remote(key, certificates).map_err(|error| {
            Error::file(self.certificate(), error)
                .hint(format_args!("the private key is the {name}"))
        })
    }
}

fn seconds(timeout: Option<NonZeroU32>) -> Duration {
    timeout.map_or(TIMEOUT, |seconds| Duration::from_secs(seconds.get().into()))
}

fn network() -> Arc<dyn Environment> {
    Arc::new(Network::new())
}

/// An environment variable that says something.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn needed(name: &str) -> Result<String, Error> {
    variable(name).ok_or_else(|| {
        Error::new(format_args!(
            "the environment variable {name} is not set, which the others of Azure need"
        ))
    })
}

fn azure_credentials() -> Result<AzureCredentials, Error> {
    if let Some(token) = variable("AZURE_ACCESS_TOKEN") {
        return Ok(AzureCredentials::Token(Zeroizing::new(token)));
    }
    let authority = variable("AZURE_AUTHORITY_HOST")
        .unwrap_or_else(|| "https://login.microsoftonline.com".to_owned());
    if let Some(secret) = variable("AZURE_CLIENT_SECRET") {
        return Ok(AzureCredentials::ClientSecret {
            authority,
            tenant: needed("AZURE_TENANT_ID")?,
            client: needed("AZURE_CLIENT_ID")?,
            secret: Zeroizing::new(secret),
        });
    }
    if let Some(file) = variable("AZURE_FEDERATED_TOKEN_FILE").map(PathBuf::from) {
        let assertion = std::fs::read_to_string(&file).map_err(|e| Error::file(&file, e))?;
        return Ok(AzureCredentials::Federated {
            authority,
            tenant: needed("AZURE_TENANT_ID")?,
            client: needed("AZURE_CLIENT_ID")?,
            assertion: Zeroizing::new(assertion.trim().to_owned()),
        });
    }
    Ok(AzureCredentials::ManagedIdentity {
        endpoint: variable("AZURE_POD_IDENTITY_AUTHORITY_HOST")
            .unwrap_or_else(|| "http://169.254.169.254".to_owned()),
        client: variable("AZURE_CLIENT_ID"),
    })
}

fn google_credentials() -> Result<GoogleCredentials, Error> {
    if let Some(token) = variable("GOOGLE_OAUTH_ACCESS_TOKEN") {
        return Ok(GoogleCredentials::Token(Zeroizing::new(token)));
    }
    if let Some(file) = variable("GOOGLE_APPLICATION_CREDENTIALS").map(PathBuf::from) {
        let bytes = std::fs::read(&file).map(Zeroizing::new);
        let bytes = bytes.map_err(|error| Error::file(&file, error))?;
        let account = ServiceAccount::read(&bytes).map_err(|error| Error::file(&file, error))?;
        return Ok(GoogleCredentials::ServiceAccount(account));
    }
    let host = variable("GCE_METADATA_HOST");
    let host = host.unwrap_or_else(|| "metadata.google.internal".to_owned());
    Ok(GoogleCredentials::Metadata {
        endpoint: format!("http://{host}"),
    })
}
