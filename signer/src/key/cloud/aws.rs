//! Keys in AWS KMS, by the vendor's library, which signs requests and finds credentials as AWS' own tools do.
//!
//! Its requests take the same way to the network as all others; it brings no HTTP client and no TLS of its own.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_kms::Client;
use aws_sdk_kms::config::http::{HttpRequest, HttpResponse};
use aws_sdk_kms::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{KeyUsageType, MessageType, SigningAlgorithmSpec};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use tokio::runtime::{Builder, Runtime};

use super::call::{ATTEMPTS, FIRST_PAUSE, check_secure};
use super::{CloudError, check_digest, quoted};
use crate::digest::DigestAlgorithm;
use crate::environment::{self, Environment, Method};
use crate::key::{KeyError, RemoteKey};
use crate::public_key::{KeyKind, PublicKey};

/// Longest message that KMS hashes itself, in bytes.
const MAX_RAW: usize = 4096;

/// Which key, and how it is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwsChoice {
    /// Its ARN, its id, or an alias: `alias/NAME`.
    pub key: String,
    /// The region; otherwise that of the ARN, or AWS' own configuration.
    pub region: Option<String>,
    /// Another address than the region's.
    pub endpoint: Option<String>,
    /// Which profile of AWS' own configuration says who asks.
    pub profile: Option<String>,
    /// How long one call may take, with every attempt.
    pub timeout: Duration,
}

/// A key in KMS.
pub struct AwsKey {
    runtime: Runtime,
    client: Client,
    key: String,
    place: Place,
    public: PublicKey,
}

/// How messages call the key and the service.
struct Place {
    key: String,
    server: String,
    timeout: Duration,
}

impl AwsKey {
    /// Finds credentials and fetches the key's public half.
    ///
    /// # Errors
    /// [`CloudError`] where the key is not reached, or cannot sign.
    pub fn open(choice: &AwsChoice, environment: Arc<dyn Environment>) -> Result<Self, CloudError> {
        if let Some(endpoint) = &choice.endpoint {
            check_secure(endpoint)?;
        }
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| CloudError::Choice(format!("AWS KMS cannot be asked: {error}")))?;
        let (client, region) = runtime.block_on(client(choice, environment))?;
        let place = Place {
            key: format!("key {} of AWS KMS in {region}", choice.key),
            server: choice
                .endpoint
                .clone()
                .unwrap_or_else(|| "AWS KMS".to_owned()),
            timeout: choice.timeout,
        };
        let public = runtime.block_on(place.look_up(&client, &choice.key))?;
        Ok(Self {
            runtime,
            client,
            key: choice.key.clone(),
            place,
            public,
        })
    }

    fn ask_to_sign(
        &self,
        kind: KeyKind,
        digest: DigestAlgorithm,
        message: &[u8],
    ) -> Result<Vec<u8>, CloudError> {
        check_digest(&self.place.key, kind, digest)?;
        let algorithm = match (kind, digest) {
            (KeyKind::Rsa(_), DigestAlgorithm::Sha512) => {
                SigningAlgorithmSpec::RsassaPkcs1V15Sha512
            }
            (KeyKind::Rsa(_), DigestAlgorithm::Sha384) => {
                SigningAlgorithmSpec::RsassaPkcs1V15Sha384
            }
            (KeyKind::Rsa(_), _) => SigningAlgorithmSpec::RsassaPkcs1V15Sha256,
            (KeyKind::P256, _) => SigningAlgorithmSpec::EcdsaSha256,
            (KeyKind::P384, _) => SigningAlgorithmSpec::EcdsaSha384,
        };
        let (message, form) = match message.len() {
            0..=MAX_RAW => (message.to_vec(), MessageType::Raw),
            _ => (digest.of(message), MessageType::Digest),
        };
        let answer = self.runtime.block_on(
            self.client
                .sign()
                .key_id(&self.key)
                .message(Blob::new(message))
                .message_type(form)
                .signing_algorithm(algorithm)
                .send(),
        );
        let answer = answer.map_err(|error| self.place.error("to sign (kms:Sign)", &error))?;
        let signature = answer
            .signature
            .ok_or_else(|| self.place.wrong("sent an answer without a signature"))?;
        Ok(signature.into_inner())
    }
}

impl RemoteKey for AwsKey {
    fn name(&self) -> String {
        self.place.key.clone()
    }

    fn public_key(&self) -> Option<&PublicKey> {
        Some(&self.public)
    }

    fn sign(
        &self,
        kind: KeyKind,
        digest: DigestAlgorithm,
        message: &[u8],
    ) -> Result<Vec<u8>, KeyError> {
        Ok(self.ask_to_sign(kind, digest, message)?)
    }
}

/// The client, and the region that it asks in.
async fn client(
    choice: &AwsChoice,
    environment: Arc<dyn Environment>,
) -> Result<(Client, String), CloudError> {
    let timeouts = TimeoutConfig::builder()
        .operation_timeout(choice.timeout)
        .build();
    let retries = RetryConfig::standard()
        .with_max_attempts(ATTEMPTS)
        .with_initial_backoff(FIRST_PAUSE);
    let door = Door {
        environment,
        timeout: choice.timeout,
    };
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(door)
        .timeout_config(timeouts)
        .retry_config(retries);
    let region = choice.region.clone();
    if let Some(region) = region.or_else(|| region_of_arn(&choice.key)) {
        loader = loader.region(Region::new(region));
    }
    if let Some(profile) = &choice.profile {
        loader = loader.profile_name(profile);
    }
    let found = loader.load().await;
    let region = found.region().map(ToString::to_string).ok_or_else(|| {
        CloudError::Choice(format!(
            "the region of key {} of AWS KMS is not known: write region = \"NAME\"",
            choice.key
        ))
    })?;
    let mut config = aws_sdk_kms::config::Builder::from(&found);
    if let Some(endpoint) = &choice.endpoint {
        config = config.endpoint_url(endpoint);
    }
    Ok((Client::from_conf(config.build()), region))
}

/// The region of `arn:PARTITION:kms:REGION:ACCOUNT:key/ID`.
fn region_of_arn(key: &str) -> Option<String> {
    let mut parts = key.split(':');
    match (parts.next(), parts.nth(1), parts.next()) {
        (Some("arn"), Some("kms"), Some(region)) if !region.is_empty() => Some(region.to_owned()),
        _ => None,
    }
}

impl Place {
    async fn look_up(&self, client: &Client, key: &str) -> Result<PublicKey, CloudError> {
        let answer = client.get_public_key().key_id(key).send().await;
        let action = "to show the public key (kms:GetPublicKey)";
        let answer = answer.map_err(|error| self.error(action, &error))?;
        if answer.key_usage() != Some(&KeyUsageType::SignVerify) {
            return Err(CloudError::Unsupported {
                key: self.key.clone(),
                problem: "is not for signing (KeyUsage is not SIGN_VERIFY)".to_owned(),
            });
        }
        let spki = answer
            .public_key()
            .ok_or_else(|| self.wrong("sent an answer without a public key"))?;
        PublicKey::from_spki(spki.as_ref()).map_err(|error| CloudError::Unsupported {
            key: self.key.clone(),
            problem: format!("cannot sign here: {error}"),
        })
    }

    fn wrong(&self, problem: impl fmt::Display) -> CloudError {
        CloudError::Answer {
            key: self.key.clone(),
            server: self.server.clone(),
            problem: problem.to_string(),
        }
    }

    /// What the library makes of a failure, in our words.
    fn error<E>(&self, action: &'static str, error: &SdkError<E>) -> CloudError
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        match error {
            SdkError::ServiceError(service) => {
                let error = service.err();
                let code = error.code().unwrap_or("no code");
                let message = error.message().unwrap_or("no message");
                CloudError::Refused {
                    key: self.key.clone(),
                    server: self.server.clone(),
                    action,
                    said: quoted(&format!("{code}: {message}"), &[]),
                }
            }
            SdkError::TimeoutError(_) => {
                let seconds = self.timeout.as_secs();
                self.wrong(format_args!("gave no complete answer within {seconds} s"))
            }
            SdkError::DispatchFailure(failure) => match failure.as_connector_error() {
                Some(error) if is_about_credentials(error) => CloudError::Credentials {
                    key: self.key.clone(),
                    problem: format!(
                        "AWS' own configuration leads to no credentials: {}",
                        causes(error)
                    ),
                },
                Some(error) => self.wrong(innermost(error)),
                None => self.wrong("cannot be asked"),
            },
            other => self.wrong(format_args!("cannot be asked: {}", causes(other))),
        }
    }
}

/// The library reports missing credentials as a failure to send.
fn is_about_credentials(error: &ConnectorError) -> bool {
    causes(error).contains("credential")
}

/// An error and what it came of, on one line.
fn causes(error: &dyn std::error::Error) -> String {
    let mut parts = vec![error.to_string()];
    let mut source = error.source();
    while let Some(error) = source {
        let text = error.to_string();
        if parts.last() != Some(&text) {
            parts.push(text);
        }
        source = error.source();
    }
    quoted(&parts.join(": "), &[])
}

fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    quoted(&error.to_string(), &[])
}

/// The way to the network that the library gets.
#[derive(Clone)]
struct Door {
    environment: Arc<dyn Environment>,
    timeout: Duration,
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Door")
    }
}

impl HttpClient for Door {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        _components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let wanted = settings.read_timeout().unwrap_or(self.timeout);
        SharedHttpConnector::new(Self {
            environment: Arc::clone(&self.environment),
            timeout: wanted.min(self.timeout),
        })
    }
}

impl HttpConnector for Door {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let door = self.clone();
        HttpConnectorFuture::new(async move {
            let sent = tokio::task::spawn_blocking(move || door.send(&request)).await;
            sent.unwrap_or_else(|error| Err(ConnectorError::other(error.into(), None)))
        })
    }
}

impl Door {
    fn send(&self, request: &HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let user = |problem: &str| ConnectorError::user(problem.to_owned().into());
        let method = match request.method() {
            "GET" => Method::Get,
            "POST" => Method::Post,
            "PUT" => Method::Put,
            _ => return Err(user("the library sends what this program does not")),
        };
        let body = request
            .body()
            .bytes()
            .ok_or_else(|| user("the library sends a stream"))?;
        // The body's length is the transport's business.
        let headers: Vec<(&str, &str)> = request
            .headers()
            .iter()
            .filter(|(name, _)| !name.eq_ignore_ascii_case("content-length"))
            .collect();
        let reply = self.environment.send(environment::HttpRequest {
            method,
            url: request.uri(),
            headers: &headers,
            body,
            timeout: self.timeout,
            follows_redirects: false,
        });
        let reply = reply.map_err(|error| match error.passing {
            true => ConnectorError::io(error.into()),
            false => ConnectorError::other(error.into(), None),
        })?;
        let status = reply
            .status
            .try_into()
            .map_err(|_| user("the answer has no status"))?;
        let mut response = HttpResponse::new(status, SdkBody::from(reply.body));
        for (name, value) in reply.headers {
            // A header that the library cannot hold is none that it asks for.
            response.headers_mut().try_append(name, value).ok();
        }
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_name_their_region() {
        let region = |key| region_of_arn(key);
        let arn = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd";
        assert_eq!(region(arn).as_deref(), Some("eu-central-1"));
        assert_eq!(
            region("arn:aws-us-gov:kms:us-gov-west-1:1:alias/x").as_deref(),
            Some("us-gov-west-1")
        );
        assert_eq!(region("alias/release"), None);
        assert_eq!(region("arn:aws:s3:::bucket"), None);
    }
}
