//! What a new signature says, and what becomes of those that are there: arguments of several commands.

use clap::{Args, ValueEnum};
use signer::sign::{IfSigned, SignOptions};
use time::OffsetDateTime;

use crate::error::Error;
use crate::instant;
use crate::profile;

/// How files are signed.
#[derive(Debug, Args)]
pub(crate) struct SignatureArgs {
    /// Digest of the signature: sha256, sha384 or sha512; app packages have their own
    #[arg(long, value_name = "DIGEST")]
    digest: Option<String>,
    /// Program name that Windows shows
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    /// Address that Windows shows
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Put a signing time into the signature; the same time gives the same bytes
    #[arg(long, value_name = "RFC3339", value_parser = instant)]
    signing_time: Option<OffsetDateTime>,
    /// What to do with a file that is signed
    #[arg(long, value_enum, default_value_t)]
    if_signed: IfSignedArg,
    /// Short for --if-signed append
    #[arg(long, conflicts_with = "if_signed")]
    append: bool,
    /// Put a hash of every page into the signatures of PE images
    #[arg(long)]
    page_hashes: bool,
    /// Sign although an app package names another publisher than the certificate
    #[arg(long)]
    allow_publisher_mismatch: bool,
}

/// What to do with a file that is signed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum IfSignedArg {
    /// Take every signature off and sign
    #[default]
    Replace,
    /// Keep the signatures and nest another one in the first
    Append,
    /// Report an error
    Fail,
    /// Leave it as it is
    Skip,
}

impl SignatureArgs {
    /// What to do with a file that is signed.
    pub(crate) fn if_signed(&self) -> IfSigned {
        match self.if_signed {
            _ if self.append => IfSigned::Append,
            IfSignedArg::Replace => IfSigned::Replace,
            IfSignedArg::Append => IfSigned::Append,
            IfSignedArg::Fail => IfSigned::Fail,
            IfSignedArg::Skip => IfSigned::Skip,
        }
    }

    /// What a service is told of it, as part of an address.
    pub(crate) fn parameters(&self) -> Result<String, Error> {
        crate::remote::refuse(&[
            (self.digest.is_some(), "--digest"),
            (self.name.is_some(), "--name"),
            (self.url.is_some(), "--url"),
            (self.signing_time.is_some(), "--signing-time"),
            (self.allow_publisher_mismatch, "--allow-publisher-mismatch"),
            (self.if_signed() == IfSigned::Skip, "--if-signed skip"),
        ])?;
        let mut parameters = match self.if_signed() {
            IfSigned::Append => "&if-signed=append".to_owned(),
            IfSigned::Fail => "&if-signed=fail".to_owned(),
            IfSigned::Replace | IfSigned::Skip => String::new(),
        };
        if self.page_hashes {
            parameters.push_str("&page-hashes=true");
        }
        Ok(parameters)
    }

    /// Puts what was said on the command line over what the profile says.
    pub(crate) fn apply(&self, options: &mut SignOptions) -> Result<(), Error> {
        if let Some(digest) = &self.digest {
            options.digest = profile::digest(digest)?;
        }
        let attributes = &mut options.attributes;
        attributes.program_name = self.name.clone().or(attributes.program_name.take());
        attributes.more_info = self.url.clone().or(attributes.more_info.take());
        attributes.signing_time = self.signing_time;
        options.page_hashes = self.page_hashes;
        options.allow_publisher_mismatch = self.allow_publisher_mismatch;
        Ok(())
    }
}
