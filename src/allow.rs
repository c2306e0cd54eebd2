//! What may sign although something speaks against it.

use clap::Args;

/// The objections to a certificate that are overruled.
#[derive(Debug, Clone, Args)]
pub(crate) struct AllowArgs {
    /// Sign although the certificate has expired
    #[arg(long)]
    allow_expired: bool,
    /// Sign although the certificate is not valid yet
    #[arg(long)]
    allow_not_yet_valid: bool,
    /// Sign although the certificate is not meant for code
    #[arg(long)]
    allow_wrong_usage: bool,
    /// Sign although the private key is published
    #[arg(long)]
    allow_published_key: bool,
    /// Sign for retail although the certificate is a test certificate
    #[arg(long)]
    allow_test_certificate: bool,
}

impl AllowArgs {
    /// The names of what is allowed, as `Objection::name` gives them.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        [
            (self.allow_expired, "expired"),
            (self.allow_not_yet_valid, "not-yet-valid"),
            (self.allow_wrong_usage, "wrong-usage"),
            (self.allow_published_key, "published-key"),
            (self.allow_test_certificate, "test-certificate"),
        ]
        .into_iter()
        .filter_map(|(set, name)| set.then_some(name))
        .collect()
    }
}
