//! OCSP responses (RFC 6960 §4.2), as a responder sends them and a file keeps them.

use time::OffsetDateTime;

use super::{RevocationReason, Revoked, extensions, octets_of_bits, reason, signature_algorithm};
use crate::certificate::Certificate;
use crate::der::{self, Reader, Tlv};
use crate::der_time;
use crate::error::ParseError;
use crate::oid;

/// Most bytes of a response that is read.
pub const MAX_RESPONSE: usize = 1 << 20;
/// Most certificates and answers in one response.
const MAX_ELEMENTS: usize = 256;

/// Who signed a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Responder {
    /// By its encoded name.
    Name(Vec<u8>),
    /// By SHA-1 of its key.
    KeyHash(Vec<u8>),
}

/// What is said of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It is not revoked.
    Good,
    /// It is revoked.
    Revoked(Revoked),
    /// The responder does not know it.
    Unknown,
}

/// `SingleResponse`: the answer about one certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Content octets of the identifier of the digest below.
    pub digest_algorithm: Vec<u8>,
    /// Digest of the issuer's encoded name.
    pub issuer_name_hash: Vec<u8>,
    /// Digest of the issuer's `subjectPublicKey`.
    pub issuer_key_hash: Vec<u8>,
    /// Content octets of the serial number.
    pub serial: Vec<u8>,
    /// What is said.
    pub status: Status,
    /// When this was known to be so.
    pub this_update: OffsetDateTime,
    /// When news is due, where it says so.
    pub next_update: Option<OffsetDateTime>,
}

/// A response that answers.
#[derive(Clone, PartialEq, Eq)]
pub struct OcspResponse {
    /// The bytes that the responder signed.
    pub tbs: Vec<u8>,
    /// Who that is.
    pub responder: Responder,
    /// When it signed.
    pub produced_at: OffsetDateTime,
    /// The answers.
    pub answers: Vec<Answer>,
    /// Content octets of the signature algorithm's identifier.
    pub signature_algorithm: Vec<u8>,
    /// `signature`.
    pub signature: Vec<u8>,
    /// The certificates that come with it.
    pub certificates: Vec<Certificate>,
}

impl std::fmt::Debug for OcspResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OcspResponse({} answers)", self.answers.len())
    }
}

impl OcspResponse {
    /// Reads a response.
    ///
    /// ```text
    /// OCSPResponse ::= SEQUENCE { responseStatus ENUMERATED, responseBytes [0] SEQUENCE { responseType OID,
    ///   response OCTET STRING } OPTIONAL }
    /// BasicOCSPResponse ::= SEQUENCE { tbsResponseData, signatureAlgorithm, signature BIT STRING,
    ///   certs [0] SEQUENCE OF Certificate OPTIONAL }
    /// ```
    ///
    /// # Errors
    /// Where the bytes are no basic response, or one that refuses to answer.
    pub fn read(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut file = Reader::new("OCSPResponse", bytes, 0);
        if bytes.len() > MAX_RESPONSE {
            let found = format!("{} bytes", bytes.len());
            return Err(file.invalid("file", found, format_args!("at most {MAX_RESPONSE}")));
        }
        let mut response = file
            .expect("OCSPResponse", der::SEQUENCE)?
            .reader("OCSPResponse");
        file.finish()?;
        let status = response.expect("responseStatus", der::ENUMERATED)?;
        if status.value != [0] {
            let refusal = refusal(status.value);
            return Err(response.invalid("responseStatus", refusal, "successful"));
        }
        let wrapper = response.expect("responseBytes", der::context(0))?;
        response.finish()?;
        let mut response = wrapper
            .reader("ResponseBytes")
            .expect("responseBytes", der::SEQUENCE)?
            .reader("ResponseBytes");
        let kind = response.oid("responseType")?;
        if kind != oid::OCSP_BASIC {
            return Err(response.invalid("responseType", kind, oid::OCSP_BASIC));
        }
        let basic = response.expect("response", der::OCTET_STRING)?;
        response.finish()?;
        Self::read_basic(basic)
    }

    fn read_basic(octets: Tlv<'_>) -> Result<Self, ParseError> {
        let mut outer = Reader::new("BasicOCSPResponse", octets.value, octets.value_offset());
        let mut basic = outer
            .expect("BasicOCSPResponse", der::SEQUENCE)?
            .reader("BasicOCSPResponse");
        outer.finish()?;
        let tbs = basic.expect("tbsResponseData", der::SEQUENCE)?;
        let algorithm = basic.expect("signatureAlgorithm", der::SEQUENCE)?;
        let signature = basic.expect("signature", der::BIT_STRING)?;
        let certificates = match basic.optional("certs", der::context(0))? {
            None => Vec::new(),
            Some(wrapper) => {
                let mut reader = wrapper.reader("BasicOCSPResponse");
                let sequence = reader.expect("certs", der::SEQUENCE)?;
                reader.finish()?;
                let elements = bounded(sequence, "certs")?;
                let parsed = elements.iter().map(|c| Certificate::parse(c.raw, c.offset));
                parsed.collect::<Result<_, _>>()?
            }
        };
        basic.finish()?;

        // ResponseData: version [0], responderID, producedAt, responses, responseExtensions [1]
        let mut reader = tbs.reader("ResponseData");
        reader.optional("version", der::context(0))?;
        let responder = reader.next("responderID")?;
        let mut inner = responder.reader("ResponderID");
        let responder = match responder.tag {
            0xa1 => Responder::Name(inner.expect("byName", der::SEQUENCE)?.raw.to_vec()),
            0xa2 => Responder::KeyHash(inner.expect("byKey", der::OCTET_STRING)?.value.to_vec()),
            tag => {
                let found = format_args!("tag 0x{tag:02x}");
                return Err(reader.invalid("responderID", found, "byName or byKey"));
            }
        };
        inner.finish()?;
        let produced_at = reader.expect("producedAt", der::GENERALIZED_TIME)?;
        let produced_at = der_time::read(produced_at, "ResponseData", "producedAt")?;
        let responses = reader.expect("responses", der::SEQUENCE)?;
        refuse_critical(reader.optional("responseExtensions", der::context(1))?)?;
        reader.finish()?;
        let answers = bounded(responses, "responses")?;
        Ok(Self {
            tbs: tbs.raw.to_vec(),
            responder,
            produced_at,
            answers: answers
                .into_iter()
                .map(Answer::read)
                .collect::<Result<_, _>>()?,
            signature_algorithm: signature_algorithm(algorithm)?,
            signature: octets_of_bits(signature, "BasicOCSPResponse", "signature")?.to_vec(),
            certificates,
        })
    }
}

impl Answer {
    /// ```text
    /// SingleResponse ::= SEQUENCE { certID SEQUENCE { hashAlgorithm, issuerNameHash, issuerKeyHash, serialNumber },
    ///   certStatus CHOICE { good [0] NULL, revoked [1] SEQUENCE { revocationTime, revocationReason [0] OPTIONAL },
    ///   unknown [2] NULL }, thisUpdate, nextUpdate [0] OPTIONAL, singleExtensions [1] OPTIONAL }
    /// ```
    fn read(element: Tlv<'_>) -> Result<Self, ParseError> {
        let mut reader = element.reader("SingleResponse");
        let mut id = reader.expect("certID", der::SEQUENCE)?.reader("CertID");
        let algorithm = id.expect("hashAlgorithm", der::SEQUENCE)?;
        let issuer_name_hash = id.expect("issuerNameHash", der::OCTET_STRING)?;
        let issuer_key_hash = id.expect("issuerKeyHash", der::OCTET_STRING)?;
        let serial = id.expect("serialNumber", der::INTEGER)?;
        id.finish()?;
        let status = reader.next("certStatus")?;
        let status = match status.tag {
            0x80 => Status::Good,
            0xa1 => Status::Revoked(revoked(status)?),
            0x82 => Status::Unknown,
            tag => {
                let found = format_args!("tag 0x{tag:02x}");
                return Err(reader.invalid("certStatus", found, "good, revoked or unknown"));
            }
        };
        let this_update = reader.expect("thisUpdate", der::GENERALIZED_TIME)?;
        let next_update = match reader.optional("nextUpdate", der::context(0))? {
            None => None,
            Some(wrapper) => {
                let time = wrapper.reader("SingleResponse").next("nextUpdate")?;
                Some(der_time::read(time, "SingleResponse", "nextUpdate")?)
            }
        };
        refuse_critical(reader.optional("singleExtensions", der::context(1))?)?;
        reader.finish()?;
        Ok(Self {
            digest_algorithm: algorithm
                .reader("AlgorithmIdentifier")
                .oid("algorithm")?
                .0
                .to_vec(),
            issuer_name_hash: issuer_name_hash.value.to_vec(),
            issuer_key_hash: issuer_key_hash.value.to_vec(),
            serial: serial.value.to_vec(),
            status,
            this_update: der_time::read(this_update, "SingleResponse", "thisUpdate")?,
            next_update,
        })
    }
}

fn revoked(info: Tlv<'_>) -> Result<Revoked, ParseError> {
    let mut reader = info.reader("RevokedInfo");
    let time = reader.expect("revocationTime", der::GENERALIZED_TIME)?;
    let reason = match reader.optional("revocationReason", der::context(0))? {
        None => RevocationReason::Unspecified,
        Some(wrapper) => {
            let mut reader = wrapper.reader("RevokedInfo");
            reason(reader.expect("revocationReason", der::ENUMERATED)?)
        }
    };
    reader.finish()?;
    let since = der_time::read(time, "RevokedInfo", "revocationTime")?;
    Ok(Revoked { since, reason })
}

/// Extensions change nothing here unless they are critical, and then they cannot be passed over.
fn refuse_critical(wrapper: Option<Tlv<'_>>) -> Result<(), ParseError> {
    let Some(wrapper) = wrapper else {
        return Ok(());
    };
    let mut reader = wrapper.reader("extensions");
    let sequence = reader.expect("extensions", der::SEQUENCE)?;
    reader.finish()?;
    match extensions(sequence, "extensions")?
        .iter()
        .find(|e| e.critical)
    {
        Some(extension) => {
            let found = format_args!("the critical extension {}", extension.kind);
            Err(reader.invalid("extensions", found, "none that is critical"))
        }
        None => Ok(()),
    }
}

fn bounded<'a>(sequence: Tlv<'a>, field: &'static str) -> Result<Vec<Tlv<'a>>, ParseError> {
    let reader = sequence.reader("BasicOCSPResponse");
    let elements = reader.clone().all(field)?;
    match elements.len() {
        0..=MAX_ELEMENTS => Ok(elements),
        count => Err(reader.invalid(field, count, format_args!("at most {MAX_ELEMENTS}"))),
    }
}

/// `OCSPResponseStatus`.
fn refusal(code: &[u8]) -> &'static str {
    match code {
        [1] => "malformedRequest",
        [2] => "internalError",
        [3] => "tryLater",
        [5] => "sigRequired",
        [6] => "unauthorized",
        _ => "an unknown status",
    }
}
