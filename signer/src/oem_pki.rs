//! The certificates of an OEM that signs its own images: what the add-on kit's `New-IoTOEMCerts` makes.

use formats::certificate::Certificate;
use formats::oid::{self, Oid};
use formats::tbs_certificate::{Extension, KeyUsageBits, name};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::issue::{IssueError, Subject, issue};
use crate::keygen::NewKey;

/// Longest name of an owner, in characters: a common name has at most 64.
pub const MAX_OWNER: usize = 36;

/// One certificate of the set.
#[derive(Debug, Clone, Copy)]
pub struct Role {
    /// Short name, the end of file names.
    pub name: &'static str,
    /// What follows the owner in the common name.
    pub title: &'static str,
    /// Short name of the issuer, which stands earlier in [`ROLES`]; a self-signed one has none.
    pub issuer: Option<&'static str>,
    /// Size of the RSA key in bits.
    pub bits: usize,
    /// What it is for, in a phrase.
    pub purpose: &'static str,
    kind: Kind,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    /// With the number of authorities that may stand below it, where that is limited.
    Authority(Option<u32>),
    Signer(Option<Oid<'static>>),
    Recovery(Oid<'static>),
}

/// Every certificate of the set, issuers first. Code-integrity policies want a signer of at least 3072 bits that is a
/// root or directly below one; the key exchange key is, and the kit signs its policies with it.
pub const ROLES: [Role; 8] = [
    Role {
        name: "Root",
        title: "Root",
        issuer: None,
        bits: 4096,
        purpose: "root of everything but secure boot; goes into the image (Security.RootCerts)",
        kind: Kind::Authority(None),
    },
    Role {
        name: "CA",
        title: "CA",
        issuer: Some("Root"),
        bits: 4096,
        purpose: "issues production authorities, so that the root's key can stay in a safe",
        kind: Kind::Authority(Some(1)),
    },
    Role {
        name: "PCA",
        title: "Production PCA",
        issuer: Some("CA"),
        bits: 4096,
        purpose: "issues the signers of code; named in the code-integrity policy",
        kind: Kind::Authority(Some(0)),
    },
    Role {
        name: "KMCI",
        title: "KMCI Codesigning",
        issuer: Some("PCA"),
        bits: 3072,
        purpose: "signs kernel-mode code: drivers, packages with drivers",
        kind: Kind::Signer(Some(oid::EKU_CODE_SIGNING)),
    },
    Role {
        name: "UMCI",
        title: "UMCI Codesigning",
        issuer: Some("PCA"),
        bits: 3072,
        purpose: "signs user-mode code: programs, apps, packages",
        kind: Kind::Signer(Some(oid::EKU_CODE_SIGNING)),
    },
    Role {
        name: "PK",
        title: "Root Platform Key",
        issuer: None,
        bits: 4096,
        purpose: "secure boot: owns the firmware, signs changes of the key exchange keys",
        kind: Kind::Authority(Some(0)),
    },
    Role {
        name: "KEK",
        title: "KEK Secure Boot",
        issuer: Some("PK"),
        bits: 4096,
        purpose: "secure boot: signs changes of db and dbx; signs the code-integrity policy and its updates",
        kind: Kind::Signer(None),
    },
    Role {
        name: "DRA",
        title: "Data Recovery Agent",
        issuer: Some("PCA"),
        bits: 2048,
        purpose: "BitLocker: opens drives whose key is lost",
        kind: Kind::Recovery(oid::EKU_DATA_RECOVERY),
    },
];

/// One certificate that was made, with its key.
pub struct Member {
    /// Which it is.
    pub role: &'static Role,
    /// The certificate.
    pub certificate: Certificate,
    /// Its issuers, the root last.
    pub issuers: Vec<Certificate>,
    /// Its private key in PKCS#8.
    pub private: Zeroizing<Vec<u8>>,
}

/// Why the set cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OemPkiError {
    /// A name that cannot stand in a certificate.
    #[error("the owner's name must have 1 to {MAX_OWNER} printable characters")]
    Owner,
    /// Other keys or serial numbers than [`ROLES`] has roles.
    #[error("{0} keys and serial numbers were given, {count} are needed", count = ROLES.len())]
    Count(usize),
    /// A certificate could not be issued.
    #[error(transparent)]
    Issue(#[from] IssueError),
}

/// Issues every certificate. `keys` and `serials` follow [`ROLES`].
///
/// # Errors
/// [`OemPkiError`] says why not.
pub fn issue_all(
    owner: &str,
    not_before: OffsetDateTime,
    not_after: OffsetDateTime,
    keys: Vec<NewKey>,
    serials: &[[u8; 16]],
) -> Result<Vec<Member>, OemPkiError> {
    let is_printable = owner.trim() == owner && !owner.chars().any(char::is_control);
    if !is_printable || !(1..=MAX_OWNER).contains(&owner.chars().count()) {
        return Err(OemPkiError::Owner);
    }
    if keys.len() != ROLES.len() || serials.len() != ROLES.len() {
        return Err(OemPkiError::Count(keys.len().min(serials.len())));
    }
    let mut members: Vec<(Member, NewKey)> = Vec::with_capacity(ROLES.len());
    for ((role, key), serial) in ROLES.iter().zip(keys).zip(serials) {
        let issuer = members
            .iter()
            .find(|(member, _)| Some(member.role.name) == role.issuer);
        let subject = Subject {
            serial,
            name: &name(owner, &format!("{owner} {}", role.title)),
            public_key: &key.public,
            not_before,
            not_after,
            extensions: role.extensions(),
        };
        let (above, signing) = match issuer {
            Some((member, key)) => (Some(member), &key.key),
            None => (None, &key.key),
        };
        let certificate = issue(&subject, above.map(|member| &member.certificate), signing)?;
        let issuers = above.map_or_else(Vec::new, |member| {
            let mut issuers = vec![member.certificate.clone()];
            issuers.extend(member.issuers.clone());
            issuers
        });
        let member = Member {
            role,
            certificate,
            issuers,
            private: key.private.clone(),
        };
        members.push((member, key));
    }
    Ok(members.into_iter().map(|(member, _)| member).collect())
}

impl Role {
    fn extensions(&self) -> Vec<Extension> {
        let (authority, usage, purpose) = match self.kind {
            Kind::Authority(limit) => (Some(limit), KeyUsageBits::AUTHORITY, None),
            Kind::Signer(purpose) => (None, KeyUsageBits::SIGNER, purpose),
            Kind::Recovery(purpose) => (None, KeyUsageBits::RECOVERY, Some(purpose)),
        };
        let mut extensions = vec![
            Extension::basic_constraints(authority),
            Extension::key_usage(usage),
        ];
        extensions.extend(purpose.map(|purpose| Extension::extended_key_usage(&[purpose])));
        extensions
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issuers_stand_before_what_they_issue_and_policy_signers_are_large() {
        for (index, role) in ROLES.iter().enumerate() {
            let earlier = &ROLES[..index];
            if let Some(issuer) = role.issuer {
                let issuer = earlier.iter().find(|other| other.name == issuer).unwrap();
                assert!(matches!(issuer.kind, Kind::Authority(_)), "{}", role.name);
            }
            assert!(role.bits >= 3072 || matches!(role.kind, Kind::Recovery(_)));
            let longest = MAX_OWNER + 1 + role.title.len();
            assert!(longest <= 64, "a common name has at most 64 characters");
        }
    }

    #[test]
    fn names_and_counts_that_do_not_fit_are_refused() {
        let time = OffsetDateTime::UNIX_EPOCH;
        let refused = |owner: &str| issue_all(owner, time, time, Vec::new(), &[]).err();
        let long = "x".repeat(MAX_OWNER + 1);
        for owner in ["", " Contoso", "Con\ttoso", long.as_str()] {
            assert_eq!(refused(owner), Some(OemPkiError::Owner), "{owner:?}");
        }
        assert_eq!(refused("Contoso"), Some(OemPkiError::Count(0)));
    }
}
