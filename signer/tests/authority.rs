//! Time-stamping authorities for tests: one that is openssl's own, one of ours that can be told to lie.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;

use base64ct::{Base64, Encoding};
use formats::der::{self, Reader};
use formats::oid::{self, Oid};
use formats::signed_data::SignedDataParts;
use signer::digest::DigestAlgorithm;
use signer::identity::Identity;
use time::OffsetDateTime;

/// What an authority gets wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lie {
    Nothing,
    Nonce,
    NoNonce,
    Imprint,
    ShortImprint,
    OtherDigest,
    Signature,
    NoCertificate,
    NoToken,
    /// A token under a status that takes it back.
    Revoked,
    Refusal,
    TryLater,
}

/// An authority with a key of ours and any clock.
pub(crate) struct Authority {
    pub(crate) identity: Identity,
    pub(crate) time: OffsetDateTime,
    pub(crate) lie: Lie,
    /// Certificates that come with a countersignature besides the authority's own.
    pub(crate) chain: Vec<Vec<u8>>,
}

impl Authority {
    /// Answers an RFC 3161 request.
    pub(crate) fn answer(&self, request: &[u8]) -> Vec<u8> {
        let status = |info: &[&[u8]]| der::sequence(&[&der::sequence(info)]);
        let words = der::sequence(&[&der::tlv(0x0c, b"we are closed")]);
        match self.lie {
            // failInfo badRequest, then timeNotAvailable.
            Lie::Refusal => {
                let bits = der::tlv(der::BIT_STRING, &[5, 0x20]);
                return status(&[&der::integer(2), &words, &bits]);
            }
            Lie::TryLater => {
                let bits = der::tlv(der::BIT_STRING, &[1, 0, 2]);
                return status(&[&der::integer(2), &words, &bits]);
            }
            Lie::NoToken => return status(&[&der::integer(0)]),
            _ => {}
        }
        let mut file = Reader::new("TimeStampReq", request, 0);
        let mut reader = file
            .expect("TimeStampReq", der::SEQUENCE)
            .unwrap()
            .reader("TimeStampReq");
        reader.small_integer("version").unwrap();
        let imprint = reader.expect("messageImprint", der::SEQUENCE).unwrap();
        let nonce = reader.expect("nonce", der::INTEGER).unwrap();
        let algorithm = |oid| der::algorithm_with_null(oid);
        let imprint = match self.lie {
            Lie::Imprint => der::sequence(&[&algorithm(oid::SHA256), &der::octet_string(&[9; 32])]),
            Lie::ShortImprint => {
                let mut inner = imprint.reader("MessageImprint");
                inner.next("hashAlgorithm").unwrap();
                let hash = inner.next("hashedMessage").unwrap().value;
                der::sequence(&[&algorithm(oid::SHA256), &der::octet_string(&hash[..4])])
            }
            Lie::OtherDigest => {
                der::sequence(&[&algorithm(oid::SHA384), &der::octet_string(&[9; 48])])
            }
            _ => imprint.raw.to_vec(),
        };
        let nonce = match self.lie {
            Lie::Nonce => der::integer(12345),
            Lie::NoNonce => Vec::new(),
            _ => nonce.raw.to_vec(),
        };
        let policy = Oid(&[42, 3, 4, 1]);
        let info = der::sequence(&[
            &der::integer(1),
            &der::oid(policy),
            &imprint,
            &der::integer(77),
            &der::tlv(
                der::GENERALIZED_TIME,
                format!("20{}", self.time_text()).as_bytes(),
            ),
            &nonce,
        ]);
        let attributes = self.attributes(oid::TST_INFO, &info);
        let signer_info = self.signer_info(attributes);
        let certificates = match self.lie {
            Lie::NoCertificate => Vec::new(),
            _ => der::tlv(der::context(0), &self.identity.leaf().der),
        };
        let body = der::sequence(&[
            &der::integer(3),
            &der::set_of(vec![algorithm(oid::SHA256)]),
            &der::sequence(&[
                &der::oid(oid::TST_INFO),
                &der::tlv(der::context(0), &der::octet_string(&info)),
            ]),
            &certificates,
            &der::set_of(vec![signer_info]),
        ]);
        let token = der::sequence(&[
            &der::oid(oid::SIGNED_DATA),
            &der::tlv(der::context(0), &body),
        ]);
        let status = match self.lie {
            Lie::Revoked => 4,
            _ => 0,
        };
        der::sequence(&[&der::sequence(&[&der::integer(status)]), &token])
    }

    /// Answers a request of the legacy protocol.
    pub(crate) fn countersign(&self, request: &[u8]) -> Vec<u8> {
        let text: String = String::from_utf8(request.to_vec())
            .unwrap()
            .split_whitespace()
            .collect();
        let request = Base64::decode_vec(&text).unwrap();
        let mut file = Reader::new("TimeStampRequest", &request, 0);
        let mut reader = file
            .expect("TimeStampRequest", der::SEQUENCE)
            .unwrap()
            .reader("TimeStampRequest");
        reader.oid("type").unwrap();
        let content = reader.expect("content", der::SEQUENCE).unwrap();
        let mut content = content.reader("Content");
        content.oid("type").unwrap();
        let wrapper = content.expect("content", der::context(0)).unwrap();
        let octets = wrapper.reader("Content").next("content").unwrap();
        let stamped: &[u8] = match self.lie {
            Lie::Imprint => b"another signature",
            _ => octets.value,
        };
        let signer_info = self.signer_info(self.attributes(oid::DATA, stamped));
        let reply = SignedDataParts {
            digest_algorithm: oid::SHA256,
            content_type: oid::DATA,
            content: octets.raw,
            certificates: match self.lie {
                Lie::NoCertificate => Vec::new(),
                _ => [vec![self.identity.leaf().der.clone()], self.chain.clone()].concat(),
            },
            signer_info: &signer_info,
        };
        Base64::encode_string(&reply.write()).into_bytes()
    }

    fn time_text(&self) -> String {
        let time = self.time;
        format!(
            "{:02}{:02}{:02}{:02}{:02}{:02}Z",
            time.year() % 100,
            u8::from(time.month()),
            time.day(),
            time.hour(),
            time.minute(),
            time.second()
        )
    }

    fn attributes(&self, content_type: Oid<'_>, content: &[u8]) -> Vec<u8> {
        let attribute =
            |kind, value: &[u8]| der::sequence(&[&der::oid(kind), &der::tlv(der::SET, value)]);
        let digest = DigestAlgorithm::Sha256.of(content);
        let time = der::tlv(der::UTC_TIME, self.time_text().as_bytes());
        der::set_of(vec![
            attribute(oid::CONTENT_TYPE, &der::oid(content_type)),
            attribute(oid::SIGNING_TIME, &time),
            attribute(oid::MESSAGE_DIGEST, &der::octet_string(&digest)),
        ])
    }

    fn signer_info(&self, attributes: Vec<u8>) -> Vec<u8> {
        let (key, leaf) = (self.identity.key(), self.identity.leaf());
        let mut signature = key.sign(DigestAlgorithm::Sha256, &attributes).unwrap();
        if self.lie == Lie::Signature {
            signature[40] ^= 1;
        }
        der::sequence(&[
            &der::integer(1),
            &der::sequence(&[&leaf.issuer.raw, &der::tlv(der::INTEGER, &leaf.serial)]),
            &der::algorithm_with_null(oid::SHA256),
            &[&[der::context(0)], &attributes[1..]].concat(),
            &key.signature_algorithm(DigestAlgorithm::Sha256),
            &der::octet_string(&signature),
        ])
    }
}

/// `openssl ts` with the test authority's key, in a folder of its own.
pub(crate) struct OpensslAuthority {
    folder: tempfile::TempDir,
    /// The serial number is kept in a file.
    lock: Mutex<()>,
}

impl OpensslAuthority {
    /// `testcerts` is the folder with the authority's key and certificate; the token carries `chain` besides.
    pub(crate) fn new(testcerts: &Path, chain: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let pem = |name: &str| {
            let der = std::fs::read(testcerts.join(name)).unwrap();
            let text = Base64::encode_string(&der);
            let lines: Vec<&str> = text
                .as_bytes()
                .chunks(64)
                .map(|line| std::str::from_utf8(line).unwrap())
                .collect();
            format!(
                "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
                lines.join("\n")
            )
        };
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text);
        write("tsa.pem", &pem("tsa.cer")).unwrap();
        let chain: String = chain.iter().map(|name| pem(name)).collect();
        write("chain.pem", &chain).unwrap();
        write("serial", "01\n").unwrap();
        std::fs::copy(testcerts.join("tsa.key"), folder.path().join("tsa.key")).unwrap();
        let certs = match chain.is_empty() {
            true => "",
            false => "certs = chain.pem\n",
        };
        let config = format!(
            "[tsa]\ndefault_tsa = here\n[here]\nserial = serial\nsigner_cert = tsa.pem\n{certs}\
             signer_key = tsa.key\nsigner_digest = sha256\ndefault_policy = 1.2.3.4.1\n\
             digests = sha256, sha384, sha512\naccuracy = secs:1\nordering = yes\ntsa_name = yes\n\
             ess_cert_id_chain = no\ness_cert_id_alg = sha256\n"
        );
        write("tsa.cnf", &config).unwrap();
        Self {
            folder,
            lock: Mutex::new(()),
        }
    }

    /// The reply to an RFC 3161 request.
    pub(crate) fn answer(&self, request: &[u8]) -> Vec<u8> {
        let _serial = self.lock.lock().unwrap();
        std::fs::write(self.folder.path().join("query.tsq"), request).unwrap();
        let run = Command::new("openssl")
            .args(["ts", "-reply", "-config", "tsa.cnf"])
            .args(["-queryfile", "query.tsq", "-out", "reply.tsr"])
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .output()
            .expect("openssl is needed by this test");
        assert!(
            run.status.success(),
            "{}",
            String::from_utf8_lossy(&run.stderr)
        );
        std::fs::read(self.folder.path().join("reply.tsr")).unwrap()
    }
}
