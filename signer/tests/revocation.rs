//! Lists and responses that say which certificates were revoked, made with the test authorities.

use formats::certificate::Certificate;
use formats::der;
use formats::der_time;
use formats::oid::{self, Oid};
use formats::revocation::crl::RevocationList;
use formats::revocation::ocsp::OcspResponse;
use formats::tbs_certificate::{Extension, KeyUsageBits, name};
use signer::anchor::Anchors;
use signer::clock::parse_rfc3339;
use signer::digest::DigestAlgorithm;
use signer::identity::Identity;
use signer::issue::{Subject, issue, key_identifier};
use signer::revocation::{RevocationData, RevocationError, State};
use signer::verify::{Check, Outcome, SignatureReport};
use time::OffsetDateTime;

use crate::stamped::stamped;
use crate::support::{certificate, identity, now, signed, small_cabinet, testcert, verified_at};

fn time(text: &str) -> OffsetDateTime {
    parse_rfc3339(text).unwrap()
}

fn authority(name: &str) -> Identity {
    let (key, certificate) = (
        testcert(&format!("{name}.key")),
        testcert(&format!("{name}.cer")),
    );
    Identity::from_files(&key, None, &certificate).unwrap()
}

fn extension(kind: Oid<'_>, critical: bool, value: &[u8]) -> Vec<u8> {
    let critical = match critical {
        true => der::tlv(der::BOOLEAN, &[0xff]),
        false => Vec::new(),
    };
    der::sequence(&[&der::oid(kind), &critical, &der::octet_string(value)])
}

fn generalized(text: &str) -> Vec<u8> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    der::tlv(der::GENERALIZED_TIME, format!("{digits:0<14}Z").as_bytes())
}

/// A list to be: serial number, date, reason of each entry.
struct Plan<'a> {
    issuer: &'a str,
    key: &'a str,
    this_update: &'a str,
    next_update: &'a str,
    entries: Vec<(Vec<u8>, &'a str, u8)>,
    entry_extensions: Vec<Vec<u8>>,
    extensions: Vec<Vec<u8>>,
}

impl<'a> Plan<'a> {
    fn of(issuer: &'a str) -> Self {
        Self {
            issuer,
            key: issuer,
            this_update: "2026-05-20",
            next_update: "2026-06-20",
            entries: Vec::new(),
            entry_extensions: Vec::new(),
            extensions: Vec::new(),
        }
    }

    fn revoking(mut self, name: &str, date: &'a str, reason: u8) -> Self {
        self.entries.push((certificate(name).serial, date, reason));
        self
    }

    fn with(mut self, extension: Vec<u8>) -> Self {
        self.extensions.push(extension);
        self
    }

    fn write(&self) -> Vec<u8> {
        let algorithm = der::algorithm_with_null(oid::SHA256_WITH_RSA);
        let entries: Vec<Vec<u8>> = self
            .entries
            .iter()
            .map(|(serial, date, reason)| {
                let reason = der::tlv(der::ENUMERATED, &[*reason]);
                let mut extensions = vec![extension(oid::CRL_REASONS, false, &reason)];
                extensions.extend(self.entry_extensions.clone());
                der::sequence(&[
                    &der::tlv(der::INTEGER, serial),
                    &der_time::write(time(date)),
                    &der::tlv(der::SEQUENCE, &extensions.concat()),
                ])
            })
            .collect();
        let revoked = match entries.is_empty() {
            true => Vec::new(),
            false => der::tlv(der::SEQUENCE, &entries.concat()),
        };
        let extensions = match self.extensions.is_empty() {
            true => Vec::new(),
            false => der::tlv(
                der::context(0),
                &der::tlv(der::SEQUENCE, &self.extensions.concat()),
            ),
        };
        let tbs = der::sequence(&[
            &der::integer(1),
            &algorithm,
            &certificate(self.issuer).subject.raw,
            &der_time::write(time(self.this_update)),
            &der_time::write(time(self.next_update)),
            &revoked,
            &extensions,
        ]);
        let key = authority(self.key);
        let signature = key.key().sign(DigestAlgorithm::Sha256, &tbs).unwrap();
        der::sequence(&[&tbs, &algorithm, &bits(&signature)])
    }
}

fn bits(bytes: &[u8]) -> Vec<u8> {
    der::tlv(der::BIT_STRING, &[&[0], bytes].concat())
}

fn anchors(lists: &[Plan<'_>]) -> Anchors {
    let mut data = RevocationData::default();
    for list in lists {
        data.add_lists(list.write()).unwrap();
    }
    Anchors::built_in()
        .with(&certificate("tsa-root"))
        .with_revocation(data)
}

/// The record of a cabinet signed by `leaf`, time-stamped if a time is given.
fn report(leaf: &str, stamp: Option<&str>, anchors: &Anchors) -> SignatureReport {
    let mut file = signed(&small_cabinet(), &identity(leaf));
    if let Some(stamp) = stamp {
        file = stamped(&file, time(stamp));
    }
    verified_at(&file, now(), anchors).signatures.remove(0)
}

fn outcome(report: &SignatureReport) -> String {
    match report.outcome(Check::Revocation).unwrap() {
        Outcome::Passed => "passed".to_owned(),
        Outcome::Failed(kind, message) => format!("{}: {message}", kind.name()),
        Outcome::NotChecked(why) => why.to_string(),
    }
}

fn verdicts(report: &SignatureReport) -> Vec<&'static str> {
    let findings = report.revocation.iter();
    findings.map(|finding| finding.verdict.name()).collect()
}

fn why_unknown(report: &SignatureReport) -> String {
    match &report.revocation[0].facts[0].state {
        State::Unknown(why) => why.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn lists_that_cover_the_chain_pass_and_others_are_not_enough() {
    let all = [Plan::of("intermediate"), Plan::of("root")];
    assert_eq!(outcome(&report("oem", None, &anchors(&all))), "passed");
    let some = report("oem", None, &anchors(&all[..1]));
    assert!(outcome(&some).contains("some of the certificates"));
    assert_eq!(verdicts(&some), ["good", "unknown"]);
    let others = report("oem", None, &anchors(&[Plan::of("tsa-root")]));
    assert!(outcome(&others).contains("nothing of these"));
    let none = report("oem", None, &anchors(&[]));
    assert!(outcome(&none).contains("no revocation list"));
    assert!(some.holds() && others.holds() && none.holds());
}

#[test]
fn what_was_revoked_before_it_counted_fails() {
    let list = || Plan::of("intermediate").revoking("oem", "2026-05-01", 4);
    let revoked = report("oem", None, &anchors(&[list()]));
    assert_eq!(verdicts(&revoked)[0], "revoked");
    assert!(!revoked.holds());
    let message = outcome(&revoked);
    assert!(
        message.starts_with("revoked: ") && message.contains("2026-05-01"),
        "{message}"
    );
    assert!(message.contains("superseded"), "{message}");
    // Others in the list do not matter, nor does their order.
    let mut long = list()
        .revoking("app", "2020-01-01", 1)
        .revoking("ppl", "2020-01-01", 1);
    for n in 0..500u32 {
        long.entries
            .push((n.to_be_bytes().to_vec(), "2021-01-01", 0));
    }
    let long = anchors(&[long]);
    assert_eq!(verdicts(&report("oem", None, &long))[0], "revoked");
    assert_eq!(verdicts(&report("pp", None, &long))[0], "good");
    // A revoked authority takes what it issued along.
    let authority = Plan::of("root").revoking("intermediate", "2026-01-01", 2);
    let revoked = report(
        "oem",
        None,
        &anchors(&[authority, Plan::of("intermediate")]),
    );
    assert_eq!(verdicts(&revoked), ["good", "revoked"]);
    assert!(!revoked.holds());
}

#[test]
fn a_time_stamp_from_before_saves_a_signature_unless_the_key_was_compromised() {
    let others = || [Plan::of("root"), Plan::of("tsa-root")];
    let check = |date, reason| {
        let mut list = Plan::of("intermediate").revoking("expired-2022", date, reason);
        list.this_update = "2022-12-01";
        let [root, tsa_root] = others();
        let record = report(
            "expired-2022",
            Some("2022-06-01"),
            &anchors(&[list, root, tsa_root]),
        );
        assert!(record.timestamp.is_some());
        (outcome(&record), verdicts(&record)[0])
    };
    assert_eq!(
        check("2022-11-01", 4),
        ("passed".to_owned(), "revoked-later")
    );
    let (message, verdict) = check("2022-11-01", 1);
    assert!(
        message.contains("keyCompromise") && verdict == "compromised",
        "{message}"
    );
    assert_eq!(check("2022-05-01", 5).1, "revoked");
    // A stated earlier time of the compromise counts.
    let mut list = Plan::of("intermediate").revoking("expired-2022", "2022-11-01", 0);
    list.this_update = "2022-12-01";
    list.entry_extensions.push(extension(
        oid::INVALIDITY_DATE,
        false,
        &generalized("2022-03-01"),
    ));
    let record = report("expired-2022", Some("2022-06-01"), &anchors(&[list]));
    assert_eq!(verdicts(&record)[0], "revoked");
    // A revoked time-stamping authority is no better.
    let tsa = Plan::of("tsa-root").revoking("tsa", "2022-01-01", 0);
    let record = report("expired-2022", Some("2022-06-01"), &anchors(&[tsa]));
    assert_eq!(*verdicts(&record).last().unwrap(), "revoked");
    assert!(!record.holds());
}

#[test]
fn a_list_that_cannot_be_relied_on_says_why() {
    let revoking = || Plan::of("intermediate").revoking("oem", "2026-05-01", 0);
    let check = |list: Plan<'_>| {
        let record = report("oem", None, &anchors(&[list]));
        assert!(record.holds());
        why_unknown(&record)
    };
    let forged = Plan {
        key: "unknown-root",
        ..revoking()
    };
    assert!(check(forged).contains("signature does not hold"));
    let delta = extension(oid::DELTA_CRL_INDICATOR, true, &der::integer(1));
    assert!(check(revoking().with(delta)).contains("delta"));
    let unknown = extension(oid::CTL, true, &der::null());
    assert!(check(revoking().with(unknown)).contains("1.3.6.1.4.1.311.10.1"));
    let scope = |fields: &[u8]| {
        let value = der::tlv(der::SEQUENCE, fields);
        extension(oid::ISSUING_DISTRIBUTION_POINT, true, &value)
    };
    let authorities = Plan::of("intermediate").with(scope(&[0x82, 1, 0xff]));
    assert!(check(authorities).contains("another kind"));
    let indirect = revoking().with(scope(&[0x84, 1, 0xff]));
    assert!(check(indirect).contains("other issuers"));
    let address = der::tlv(der::context_primitive(6), b"http://example.com/1.crl");
    let point = der::tlv(der::context(0), &der::tlv(der::context(0), &address));
    let elsewhere = Plan::of("intermediate").with(scope(&point));
    assert!(check(elsewhere).contains("distribution point"));
    let mut unknown = revoking();
    unknown
        .entry_extensions
        .push(extension(oid::CTL, true, &der::null()));
    assert!(check(unknown).contains("entry"));
    // What expired before the list was made may have been dropped from it.
    let stamped = |list: Plan<'_>| {
        report("expired-2022", Some("2022-06-01"), &anchors(&[list])).revocation[0].clone()
    };
    let dropped = stamped(Plan::of("intermediate"));
    assert_eq!(dropped.verdict.name(), "unknown");
    let keeping = extension(oid::EXPIRED_CERTS_ON_CRL, false, &generalized("2020-01-01"));
    let kept = stamped(Plan::of("intermediate").with(keeping));
    assert_eq!(kept.verdict.name(), "good");
}

#[test]
fn late_lists_count_and_are_called_late_and_a_newer_one_lifts_a_hold() {
    let mut late = Plan::of("intermediate").revoking("oem", "2025-01-01", 6);
    (late.this_update, late.next_update) = ("2025-01-02", "2025-02-01");
    let record = report("oem", None, &anchors(&[late]));
    assert_eq!(verdicts(&record)[0], "revoked");
    assert!(record.revocation[0].facts[0].is_late);
    let hold = || {
        let mut hold = Plan::of("intermediate").revoking("oem", "2025-01-01", 6);
        hold.this_update = "2025-01-02";
        hold
    };
    let record = report("oem", None, &anchors(&[hold(), Plan::of("intermediate")]));
    assert_eq!(verdicts(&record)[0], "good");
    let facts = &record.revocation[0].facts;
    assert!(facts.len() == 2 && !facts[0].is_late);
}

/// A response to be, about one certificate of `intermediate`.
struct Response<'a> {
    about: &'a str,
    issuer: &'a str,
    status: Vec<u8>,
    /// The responder with its key: the issuer itself, or one that it made.
    responder: Option<(Certificate, Identity)>,
    with_certificate: bool,
}

impl<'a> Response<'a> {
    fn about(about: &'a str, status: &[u8]) -> Self {
        Self {
            about,
            issuer: "intermediate",
            status: status.to_vec(),
            responder: None,
            with_certificate: true,
        }
    }

    fn write(&self) -> Vec<u8> {
        let issuer = certificate(self.issuer);
        let digest = DigestAlgorithm::Sha1;
        let id = der::sequence(&[
            &der::algorithm_with_null(oid::SHA1),
            &der::octet_string(&digest.of(&issuer.subject.raw)),
            &der::octet_string(&key_identifier(&issuer.public_key).unwrap()),
            &der::tlv(der::INTEGER, &certificate(self.about).serial),
        ]);
        let answer = der::sequence(&[
            &id,
            &self.status,
            &generalized("2026-05-20"),
            &der::tlv(der::context(0), &generalized("2026-05-27")),
        ]);
        let own = (certificate(self.issuer), authority(self.issuer));
        let (responder, identity) = self.responder.as_ref().unwrap_or(&own);
        let by_name = der::tlv(der::context(1), &responder.subject.raw);
        let by_key = der::octet_string(&key_identifier(&responder.public_key).unwrap());
        let by_key = der::tlv(der::context(2), &by_key);
        let tbs = der::sequence(&[
            match self.responder {
                Some(_) => &by_key,
                None => &by_name,
            },
            &generalized("2026-05-20"),
            &der::sequence(&[&answer]),
        ]);
        let key = identity.key();
        let digest = DigestAlgorithm::Sha256;
        let algorithm = match key.kind().to_string().starts_with("RSA") {
            true => der::algorithm_with_null(oid::SHA256_WITH_RSA),
            false => key.signature_algorithm(digest),
        };
        let signature = bits(&key.sign(digest, &tbs).unwrap());
        let certificates = match self.with_certificate && self.responder.is_some() {
            true => der::tlv(der::context(0), &der::sequence(&[&responder.der])),
            false => Vec::new(),
        };
        let basic = der::sequence(&[&tbs, &algorithm, &signature, &certificates]);
        let bytes = der::sequence(&[&der::oid(oid::OCSP_BASIC), &der::octet_string(&basic)]);
        der::sequence(&[
            &der::tlv(der::ENUMERATED, &[0]),
            &der::tlv(der::context(0), &bytes),
        ])
    }
}

const GOOD: &[u8] = &[0x80, 0];
const UNKNOWN: &[u8] = &[0x82, 0];

fn revoked_at(date: &str, reason: u8) -> Vec<u8> {
    let reason = der::tlv(der::context(0), &der::tlv(der::ENUMERATED, &[reason]));
    der::tlv(der::context(1), &[generalized(date), reason].concat())
}

fn judged(response: &Response<'_>) -> SignatureReport {
    let mut data = RevocationData::default();
    data.add_response(&response.write()).unwrap();
    let anchors = Anchors::built_in().with_revocation(data);
    report("oem", None, &anchors)
}

/// A responder with the key of a test leaf, made by `issuer`.
fn responder(issuer: &str, purposes: &[Oid<'_>], until: &str) -> (Certificate, Identity) {
    let holder = identity("ecdsa-p256");
    let subject = Subject {
        serial: &[0x55],
        name: &name("Proofmark", "Responder (TEST ONLY)"),
        public_key: &holder.leaf().public_key,
        not_before: time("2026-01-01"),
        not_after: time(until),
        extensions: vec![
            Extension::key_usage(KeyUsageBits::SIGNER),
            Extension::extended_key_usage(purposes),
        ],
    };
    let key = authority(issuer);
    let made = issue(&subject, Some(&certificate(issuer)), key.key()).unwrap();
    (made, holder)
}

#[test]
fn responses_of_the_issuer_say_good_revoked_or_unknown() {
    let record = judged(&Response::about("oem", GOOD));
    assert_eq!(verdicts(&record), ["good", "unknown"]);
    let record = judged(&Response::about("oem", &revoked_at("2026-05-01", 4)));
    assert!(outcome(&record).contains("superseded") && !record.holds());
    let record = judged(&Response::about("oem", UNKNOWN));
    assert!(why_unknown(&record).contains("does not know"));
    assert!(
        judged(&Response::about("app", GOOD)).revocation[0]
            .facts
            .is_empty()
    );
    let another_issuer = Response {
        issuer: "root",
        ..Response::about("oem", GOOD)
    };
    assert!(judged(&another_issuer).revocation[0].facts.is_empty());
}

#[test]
fn a_responder_must_be_made_one_by_the_issuer() {
    let signing: &[Oid<'_>] = &[oid::EKU_OCSP_SIGNING];
    let by = |responder| Response {
        responder: Some(responder),
        ..Response::about("oem", GOOD)
    };
    let made = || responder("intermediate", signing, "2027-01-01");
    assert_eq!(verdicts(&judged(&by(made())))[0], "good");
    let without_certificate = Response {
        with_certificate: false,
        ..by(made())
    };
    let why = |response: &Response<'_>| why_unknown(&judged(response));
    assert!(why(&without_certificate).contains("missing"));
    let no_purpose = by(responder(
        "intermediate",
        &[oid::EKU_CODE_SIGNING],
        "2027-01-01",
    ));
    assert!(why(&no_purpose).contains("may not sign"));
    assert!(why(&by(responder("root", signing, "2027-01-01"))).contains("not made one"));
    let ended = by(responder("intermediate", signing, "2026-02-01"));
    assert!(why(&ended).contains("not valid"));
    let (_, impostor) = (made(), identity("rsa4096"));
    let stolen = by((made().0, impostor));
    assert!(why(&stolen).contains("signature does not hold"));
}

#[test]
fn damaged_lists_and_responses_are_refused_or_not_relied_on() {
    let list = Plan::of("intermediate")
        .revoking("oem", "2026-05-01", 1)
        .write();
    let response = Response::about("oem", &revoked_at("2026-05-01", 1)).write();
    for length in 0..list.len() {
        assert!(
            RevocationList::read(list[..length].to_vec()).is_err(),
            "{length}"
        );
    }
    for length in 0..response.len() {
        assert!(OcspResponse::read(&response[..length]).is_err(), "{length}");
    }
    let record = report("oem", None, &anchors(&[]));
    let chain = record.chain.unwrap();
    let judge = |data: &RevocationData| data.judge(&chain, now(), now())[0].verdict.name();
    for bit in 0..list.len() * 8 {
        let mut bad = list.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        let mut data = RevocationData::default();
        if data.add_lists(bad).is_ok() {
            assert_eq!(judge(&data), "unknown", "list, bit {bit}");
        }
    }
    for bit in 0..response.len() * 8 {
        let mut bad = response.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        let mut data = RevocationData::default();
        if data.add_response(&bad).is_ok() {
            let verdict = judge(&data);
            assert_eq!(verdict, "unknown", "response, bit {bit}");
        }
    }
}

#[test]
fn files_of_another_kind_are_named() {
    let mut data = RevocationData::default();
    let add = |data: &mut RevocationData, file: &[u8]| data.add_lists(file.to_vec());
    assert!(matches!(
        add(&mut data, b"text"),
        Err(RevocationError::Pem(_))
    ));
    let certificate = testcert("oem.cer");
    assert!(matches!(
        add(&mut data, &certificate),
        Err(RevocationError::Malformed(_))
    ));
    assert!(data.add_response(&certificate).is_err());
    let refused = der::sequence(&[&der::tlv(der::ENUMERATED, &[3])]);
    let error = data.add_response(&refused).unwrap_err();
    assert!(error.to_string().contains("tryLater"), "{error}");
    assert!(data.is_empty());
}
