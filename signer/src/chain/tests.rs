//! Chains of certificates that are made here, each wrong in one respect.

use formats::certificate::Certificate;
use formats::der;
use formats::oid;
use formats::tbs_certificate::{Extension, KeyUsageBits, name};
use time::OffsetDateTime;

use super::*;
use crate::clock::parse_rfc3339;
use crate::issue::{Subject, issue};
use crate::key::SigningKey;

fn time(text: &str) -> OffsetDateTime {
    parse_rfc3339(text).unwrap()
}

/// A P-256 key by its number, and its `SubjectPublicKeyInfo`.
fn key(number: u8) -> (SigningKey, Vec<u8>) {
    let scalar = [number; 32];
    let curve = der::oid(oid::P256);
    let encoded = der::sequence(&[
        &der::integer(1),
        &der::octet_string(&scalar),
        &der::tlv(der::context(0), &curve),
    ]);
    let public = p256::ecdsa::SigningKey::from_slice(&scalar).unwrap();
    let point = public.verifying_key().to_encoded_point(false);
    let bits = [&[0], point.as_bytes()].concat();
    let public = der::sequence(&[
        &der::sequence(&[&der::oid(oid::EC_PUBLIC_KEY), &curve]),
        &der::tlv(der::BIT_STRING, &bits),
    ]);
    (SigningKey::from_der(&encoded).unwrap(), public)
}

/// A certificate to be; key and serial number are numbers.
#[derive(Clone)]
struct Plan {
    name: &'static str,
    key: u8,
    serial: u8,
    valid: (&'static str, &'static str),
    extensions: Vec<Extension>,
}

impl Plan {
    fn authority(name: &'static str, key: u8) -> Self {
        Self {
            name,
            key,
            serial: key,
            valid: ("2010-01-01", "2040-01-01"),
            extensions: vec![
                Extension::basic_constraints(Some(None)),
                Extension::key_usage(KeyUsageBits::AUTHORITY),
            ],
        }
    }

    fn leaf(key: u8) -> Self {
        Self {
            extensions: vec![
                Extension::basic_constraints(None),
                Extension::key_usage(KeyUsageBits::SIGNER),
                Extension::extended_key_usage(&[oid::EKU_CODE_SIGNING]),
            ],
            ..Self::authority("leaf", key)
        }
    }

    fn valid(self, from: &'static str, to: &'static str) -> Self {
        Self {
            valid: (from, to),
            ..self
        }
    }

    /// Issues it under `issuer`, whose key has the number.
    fn under(&self, issuer: Option<(&Certificate, u8)>) -> Certificate {
        let subject = Subject {
            serial: &[self.serial],
            name: &name("Example", self.name),
            public_key: &key(self.key).1,
            not_before: time(self.valid.0),
            not_after: time(self.valid.1),
            extensions: self.extensions.clone(),
        };
        let signer = issuer.map_or(self.key, |(_, number)| number);
        issue(&subject, issuer.map(|(issuer, _)| issuer), &key(signer).0).unwrap()
    }
}

fn wanted(at: &str) -> Wanted {
    Wanted {
        purpose: Purpose::Code,
        time: time(at),
    }
}

/// The tree as lines: depth, subject, source, reason.
fn drawn(chain: &Chain) -> Vec<String> {
    let candidates = chain.explanation.candidates.iter();
    candidates
        .map(|c| {
            let verdict = match &c.verdict {
                Verdict::Used => "used",
                Verdict::Followed => "followed",
                Verdict::Dropped(reason) => reason.name(),
            };
            format!("{} {} {} {verdict}", c.depth, c.subject, c.source.name())
        })
        .collect()
}

#[test]
fn a_renewed_intermediate_is_taken_rather_than_the_expired_one() {
    let root = Plan::authority("root", 1).under(None);
    let old = Plan::authority("issuer", 2).valid("2012-01-01", "2020-01-01");
    let new = Plan {
        serial: 9,
        ..Plan::authority("issuer", 2)
    };
    let (old, new) = (old.under(Some((&root, 1))), new.under(Some((&root, 1))));
    let leaf = Plan::leaf(3).under(Some((&old, 2)));
    let anchors = Anchors::built_in().with(&root);
    let pool = [leaf.clone(), old.clone(), new.clone()];
    let chain = build_for(&leaf, &pool, &anchors, wanted("2026-01-01"));
    assert_eq!(chain.certificates, [leaf.clone(), new]);
    assert_eq!(chain.invalid_at(time("2026-01-01")), None);
    assert_eq!(
        drawn(&chain),
        [
            "0 leaf signer used",
            "1 issuer embedded validity",
            "2 root anchor validity",
            "1 issuer embedded used",
            "2 root anchor used",
        ]
    );
    // With the old one alone the chain is still found, so that its expiry is reported and not a gap.
    let chain = build_for(
        &leaf,
        &[leaf.clone(), old.clone()],
        &anchors,
        wanted("2026-01-01"),
    );
    assert_eq!(chain.certificates, [leaf.clone(), old]);
    assert!(chain.anchor().is_some() && chain.invalid_at(time("2026-01-01")).is_some());
}

#[test]
fn a_cross_certificate_leads_on_while_it_was_valid() {
    let public = Plan::authority("public root", 1).under(None);
    let above = Plan::authority("verification root", 2).under(None);
    let cross = Plan::authority("public root", 1).valid("2011-01-01", "2021-04-15");
    let cross = cross.under(Some((&above, 2)));
    let leaf = Plan::leaf(3).under(Some((&public, 1)));
    let kernel = Anchors::built_in().with_class(&above, TrustClass::CrossSigned);
    let both = kernel.clone().with_class(&public, TrustClass::Public);
    let pool = [leaf.clone(), cross.clone(), public.clone()];
    let class = |anchors: &Anchors, pool: &[Certificate], at: &str| {
        let chain = build_for(&leaf, pool, anchors, wanted(at));
        let class = chain.anchor().map(|anchor| anchor.class);
        (
            class,
            chain.cross_certificate().cloned(),
            chain.invalid_at(time(at)).is_none(),
        )
    };
    let (public_class, crossed) = (Some(TrustClass::Public), Some(TrustClass::CrossSigned));
    assert_eq!(
        class(&both, &pool, "2015-01-01"),
        (crossed, Some(cross.clone()), true)
    );
    assert_eq!(
        class(&both, &pool, "2026-01-01"),
        (public_class, None, true)
    );
    assert_eq!(
        class(&both, &pool[..1], "2015-01-01"),
        (public_class, None, true)
    );
    assert_eq!(
        class(&kernel, &pool, "2015-01-01"),
        (crossed, Some(cross.clone()), true)
    );
    assert_eq!(
        class(&kernel, &pool, "2026-01-01"),
        (crossed, Some(cross), false)
    );
    let chain = build_for(&leaf, &pool, &both, wanted("2026-01-01"));
    assert_eq!(
        drawn(&chain),
        [
            "0 leaf signer used",
            "1 public root anchor used",
            "1 public root embedded validity",
            "2 verification root anchor validity",
            "1 public root embedded not-needed",
        ]
    );
    // Time-stamping authorities carry cross-certificates too; there the first anchor is meant.
    assert_eq!(
        build(&leaf, &pool, &both).anchor().unwrap().class,
        TrustClass::Public
    );
}

#[test]
fn a_gap_is_filled_from_the_intermediates() {
    let root = Plan::authority("root", 1).under(None);
    let issuer = Plan::authority("issuer", 2).under(Some((&root, 1)));
    let leaf = Plan::leaf(3).under(Some((&issuer, 2)));
    let anchors = Anchors::built_in().with(&root);
    let chain = build(&leaf, &[], &anchors);
    assert_eq!(chain.end, End::MissingIssuer("issuer".to_owned()));
    let anchors = anchors.with_intermediates(vec![issuer.clone(), issuer.clone()]);
    assert_eq!(anchors.intermediates().all().len(), 1);
    let chain = build(&leaf, &[], &anchors);
    assert_eq!(chain.certificates, [leaf, issuer]);
    assert_eq!(
        drawn(&chain)[1..],
        ["1 issuer folder used", "2 root anchor used"]
    );
}

#[test]
fn each_dropped_candidate_has_its_reason() {
    let root = Plan::authority("root", 1).under(None);
    let issuer = Plan::authority("issuer", 2).under(Some((&root, 1)));
    let leaf = Plan::leaf(3).under(Some((&issuer, 2)));
    let impostor = Plan::authority("issuer", 4).under(Some((&root, 1)));
    let without_identifier = {
        let mut certificate = Plan::authority("issuer", 5).under(Some((&root, 1)));
        certificate.subject_key_identifier = None;
        certificate
    };
    // The same common name in another organisation is another name.
    let mut renamed = Plan::authority("issuer", 2).under(Some((&root, 1)));
    renamed.subject.raw = name("Another", "issuer");
    let orphan = Plan::authority("issuer", 2).under(Some((&impostor, 4)));
    let anchors = Anchors::built_in();
    let chain = build(&leaf, &[impostor.clone(), without_identifier], &anchors);
    assert_eq!(chain.end, End::ForgedIssuer("issuer".to_owned()));
    assert_eq!(
        drawn(&chain)[1..],
        [
            "1 issuer embedded signature",
            "1 issuer embedded key-identifier"
        ]
    );
    let chain = build(&leaf, std::slice::from_ref(&renamed), &anchors);
    assert_eq!(chain.end, End::MissingIssuer("issuer".to_owned()));
    assert_eq!(drawn(&chain)[1..], ["1 issuer embedded name"]);
    let chain = build(&leaf, std::slice::from_ref(&issuer), &anchors);
    assert_eq!(drawn(&chain)[1..], ["1 issuer embedded used"]);
    let named = anchors.with(&root);
    let chain = build(&leaf, &[orphan, issuer], &named);
    assert_eq!(
        drawn(&chain)[1..],
        [
            "1 issuer embedded dead-end",
            "2 issuer embedded key-identifier",
            "1 issuer embedded used",
            "2 root anchor used",
        ]
    );
}

#[test]
fn certificates_that_issue_each_other_cost_no_more_than_the_budget() {
    let root = Plan::authority("root", 1).under(None);
    let leaf = Plan::leaf(3).under(Some((&root, 1)));
    // The same key and name under many serial numbers: every one has issued every other.
    let pool: Vec<Certificate> = (10..110)
        .map(|serial| {
            let plan = Plan {
                serial,
                ..Plan::authority("root", 1)
            };
            plan.under(Some((&root, 1)))
        })
        .collect();
    let started = std::time::Instant::now();
    let chain = build(&leaf, &pool, &Anchors::built_in());
    assert!(started.elapsed().as_secs() < 20);
    assert_eq!(chain.anchor(), None);
    assert!(drawn(&chain).iter().any(|line| line.ends_with("budget")));
    assert!(chain.explanation.candidates.len() < explanation::MAX_CANDIDATES);
    assert!(chain.explanation.omitted > 0);
    // An anchor is asked before the file is.
    let chain = build(&leaf, &pool, &Anchors::built_in().with(&root));
    assert!(chain.anchor().is_some());
}

#[test]
fn self_issued_certificates_do_not_count_towards_the_path_length() {
    let limited = |limit| {
        let mut plan = Plan::authority("root", 1);
        plan.extensions[0] = Extension::basic_constraints(Some(Some(limit)));
        plan.under(None)
    };
    let top = Plan::authority("top", 7).under(None);
    let anchors = Anchors::built_in().with(&top);
    for (limit, faults) in [(0, 1), (1, 0)] {
        let root = limited(limit);
        let mut under_top = Plan::authority("root", 1);
        under_top.extensions = vec![Extension::basic_constraints(Some(Some(limit)))];
        let under_top = under_top.under(Some((&top, 7)));
        let rollover = Plan::authority("root", 2).under(Some((&root, 1)));
        let issuer = Plan::authority("issuer", 4).under(Some((&rollover, 2)));
        let leaf = Plan::leaf(3).under(Some((&issuer, 4)));
        let pool = [issuer, rollover, under_top];
        let chain = build_for(&leaf, &pool, &anchors, wanted("2026-01-01"));
        assert_eq!(chain.certificates.len(), 4);
        assert_eq!(chain.faults(Purpose::Code).len(), faults, "limit {limit}");
    }
}

#[test]
fn an_issuer_must_be_an_authority_for_the_purpose() {
    let root = Plan::authority("root", 1).under(None);
    let anchors = Anchors::built_in().with(&root);
    let fault = |extensions: Vec<Extension>| {
        let plan = Plan {
            extensions,
            ..Plan::authority("issuer", 2)
        };
        let issuer = plan.under(Some((&root, 1)));
        let leaf = Plan::leaf(3).under(Some((&issuer, 2)));
        let chain = build_for(&leaf, &[issuer], &anchors, wanted("2026-01-01"));
        chain.faults(Purpose::Code).first().map(ToString::to_string)
    };
    let authority = Extension::basic_constraints(Some(None));
    assert_eq!(fault(vec![authority.clone()]), None);
    let told = |extensions| fault(extensions).unwrap();
    assert!(told(vec![]).contains("no basicConstraints"));
    assert!(told(vec![Extension::basic_constraints(None)]).contains("cA is false"));
    let usage = Extension::key_usage(KeyUsageBits::SIGNER);
    assert!(told(vec![authority.clone(), usage]).contains("keyCertSign"));
    let purpose = Extension::extended_key_usage(&[oid::EKU_TIME_STAMPING]);
    assert!(told(vec![authority.clone(), purpose]).contains("may not issue"));
    let unknown = Extension {
        kind: oid::CTL,
        critical: true,
        value: der::null(),
    };
    assert!(told(vec![authority.clone(), unknown]).contains("1.3.6.1.4.1.311.10.1"));
    assert!(told(vec![authority.clone(), authority]).contains("more than once"));
}

#[test]
fn an_authority_gives_away_only_the_names_that_it_may() {
    let root = Plan::authority("root", 1).under(None);
    let anchors = Anchors::built_in().with(&root);
    let fault = |permitted: &[u8], critical| {
        let subtree = der::sequence(&[&der::tlv(der::context(4), permitted)]);
        let mut top = Plan::authority("top", 4);
        top.extensions.push(Extension {
            kind: oid::NAME_CONSTRAINTS,
            critical,
            value: der::sequence(&[&der::tlv(der::context(0), &subtree)]),
        });
        let top = top.under(Some((&root, 1)));
        let issuer = Plan::authority("issuer", 2).under(Some((&top, 4)));
        let leaf = Plan::leaf(3).under(Some((&issuer, 2)));
        let chain = build_for(&leaf, &[issuer, top], &anchors, wanted("2026-01-01"));
        chain.faults(Purpose::Code).first().map(ToString::to_string)
    };
    let organization = |text: &str| {
        let whole = name(text, "any");
        let first = der::Reader::new("Name", &whole, 0)
            .next("Name")
            .and_then(|name| name.reader("Name").next("component"))
            .unwrap();
        der::sequence(&[first.raw])
    };
    assert_eq!(fault(&organization("Example"), true), None);
    let message = fault(&organization("Another"), true).unwrap();
    assert!(
        message.starts_with("top may not issue a certificate to leaf"),
        "{message}"
    );
    // What is not critical, or cannot be read, binds as well.
    assert!(fault(&organization("Another"), false).is_some());
    for critical in [true, false] {
        assert!(fault(&[4, 1], critical).unwrap().contains("2.5.29.30"));
    }
}
