//! Keys in the cloud: whether each is reached, and whether its certificate fits. Nothing is signed.

use formats::certificate::Certificate;
use serde::Serialize;
use signer::clock::rfc3339;
use signer::identity::thumbprint;
use signer::key::pkcs11::{certificate_problem, fingerprint};
use signer::public_key::PublicKey;
use time::OffsetDateTime;

use super::findings::{Finding, Level};
use crate::holder::{CloudProfile, certificates};

/// A cloud key that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct CloudKey {
    /// The profile that names it.
    pub(super) profile: String,
    pub(super) service: &'static str,
    pub(super) key: String,
    /// Kind and size, where the service told the key.
    pub(super) kind: Option<String>,
    /// SHA-256 of the subjectPublicKey.
    pub(super) public_key: Option<String>,
    /// The certificate of the profile's file that belongs to it.
    pub(super) certificate: Option<Fitting>,
    /// Why it was not reached.
    pub(super) error: Option<String>,
}

/// A certificate that belongs to a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Fitting {
    pub(super) subject: String,
    pub(super) thumbprint: String,
    /// RFC 3339.
    pub(super) not_after: String,
    /// Why it cannot sign code now.
    pub(super) problem: Option<String>,
}

/// Looks at the key of a profile, and says what is missing.
pub(super) fn look(
    profile: &str,
    holder: CloudProfile<'_>,
    now: OffsetDateTime,
    findings: &mut Vec<Finding>,
) -> CloudKey {
    let mut looked = CloudKey {
        profile: profile.to_owned(),
        service: holder.service(),
        key: holder.key().to_owned(),
        kind: None,
        public_key: None,
        certificate: None,
        error: None,
    };
    let mut problem = |message: String, help: Option<String>| {
        findings.push(Finding {
            level: Level::Problem,
            place: format!("profile '{profile}'"),
            message,
            help,
        });
    };
    let file = certificates(holder.certificate());
    if let Err(error) = &file {
        problem(error.message().to_owned(), None);
    }
    let key = match holder.open() {
        Ok(key) => key,
        Err(error) => {
            problem(error.message().to_owned(), error.help().map(str::to_owned));
            looked.error = Some(error.message().to_owned());
            return looked;
        }
    };
    let Some(public) = key.public_key() else {
        return looked;
    };
    looked.kind = Some(public.kind().to_string());
    looked.public_key = Some(fingerprint(public));
    let Ok(file) = file else {
        return looked;
    };
    let place = holder.certificate().display();
    match file.iter().find(|certificate| is_of(certificate, public)) {
        None => {
            let message = format!("no certificate in {place} belongs to the {}", key.name());
            problem(message, None);
        }
        Some(certificate) => {
            let fitting = Fitting {
                subject: certificate.subject.to_string(),
                thumbprint: thumbprint(certificate),
                not_after: rfc3339(certificate.not_after),
                problem: certificate_problem(certificate, now),
            };
            if let Some(why) = &fitting.problem {
                let subject = &fitting.subject;
                problem(
                    format!("its certificate, {subject}, cannot sign code: {why}"),
                    None,
                );
            }
            looked.certificate = Some(fitting);
        }
    }
    looked
}

fn is_of(certificate: &Certificate, public: &PublicKey) -> bool {
    PublicKey::from_spki(&certificate.public_key).is_ok_and(|own| own == *public)
}
