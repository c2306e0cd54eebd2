//! What a time-stamping server is asked, and whether its reply answers that. Bytes in, bytes out.

use base64ct::{Base64, Encoding};
use formats::certificate::Certificate;
use formats::der::{self, Reader, Tlv};
use formats::oid;
use formats::signed_data::SignedData;
use time::OffsetDateTime;

use super::reply::{ReplyError, TimeStampResp, decode_base64, not_an_answer};
use super::tst_info::TstInfo;
use super::verify::{token_content, verify_countersignature, verify_token};
use super::{Protocol, Timestamp, invalid};
use crate::anchor::Anchors;
use crate::clock::rfc3339;
use crate::digest::{DigestAlgorithm, hex};

/// Seconds that a server's clock may be from ours. A stamp with a wrong time is worse than none.
const MAX_CLOCK_DIFFERENCE: u64 = 24 * 60 * 60;
/// Characters per line of a legacy request, as its clients have always written it.
const BASE64_LINE: usize = 64;

/// A question to a time-stamping server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request<'a> {
    protocol: Protocol,
    digest: DigestAlgorithm,
    stamped: &'a [u8],
    /// Content octets of the nonce's INTEGER.
    nonce: Vec<u8>,
}

/// A time stamp that answers a request, ready to be attached.
#[derive(Debug, Clone)]
pub struct Stamp {
    /// What it states; its chain ends at an anchor.
    pub timestamp: Timestamp,
    /// The attribute's value: a token's `ContentInfo`, or a legacy `SignerInfo`.
    pub(super) value: Vec<u8>,
    /// Certificates that must join those of the signature: a countersignature carries none itself.
    pub(super) certificates: Vec<Vec<u8>>,
}

impl<'a> Request<'a> {
    /// A request to stamp `stamped`, the octets of a signature value. `digest` is what RFC 3161 sends instead of
    /// them, `nonce` what ties the reply to this request; the legacy protocol knows neither.
    pub fn new(
        protocol: Protocol,
        digest: DigestAlgorithm,
        stamped: &'a [u8],
        nonce: [u8; 8],
    ) -> Self {
        let first = nonce.iter().position(|byte| *byte != 0);
        let digits = first.and_then(|first| nonce.get(first..)).unwrap_or(&[0]);
        let sign: &[u8] = match digits.first() {
            Some(high) if *high > 0x7f => &[0],
            _ => &[],
        };
        Self {
            protocol,
            digest,
            stamped,
            nonce: [sign, digits].concat(),
        }
    }

    /// `Content-Type` of the request.
    pub fn content_type(&self) -> &'static str {
        match self.protocol {
            Protocol::Rfc3161 => "application/timestamp-query",
            Protocol::Legacy => "application/octet-stream",
        }
    }

    /// `Content-Type` that the reply should have; servers do not keep to it.
    pub fn accept(&self) -> &'static str {
        match self.protocol {
            Protocol::Rfc3161 => "application/timestamp-reply",
            Protocol::Legacy => "application/octet-stream",
        }
    }

    /// The bytes to send.
    ///
    /// ```text
    /// TimeStampReq ::= SEQUENCE { version INTEGER (1), messageImprint SEQUENCE { AlgorithmIdentifier, OCTET STRING },
    ///   reqPolicy OID OPTIONAL, nonce INTEGER OPTIONAL, certReq BOOLEAN DEFAULT FALSE, ... }      -- RFC 3161 §2.4.1
    /// TimeStampRequest ::= SEQUENCE { SPC_TIME_STAMP_REQUEST, attributes OPTIONAL,
    ///   content SEQUENCE { id-data, [0] EXPLICIT OCTET STRING } }                               -- legacy, in base64
    /// ```
    pub fn body(&self) -> Vec<u8> {
        match self.protocol {
            Protocol::Rfc3161 => der::sequence(&[
                &der::integer(1),
                &der::sequence(&[
                    &der::algorithm_with_null(self.digest.oid()),
                    &der::octet_string(&self.digest.of(self.stamped)),
                ]),
                &der::tlv(der::INTEGER, &self.nonce),
                &der::tlv(der::BOOLEAN, &[0xff]),
            ]),
            Protocol::Legacy => {
                let content = der::octet_string(self.stamped);
                let request = der::sequence(&[
                    &der::oid(oid::SPC_TIME_STAMP_REQUEST),
                    &der::sequence(&[&der::oid(oid::DATA), &der::tlv(der::context(0), &content)]),
                ]);
                let text = Base64::encode_string(&request);
                let lines = text.as_bytes().chunks(BASE64_LINE);
                lines.flat_map(|line| [line, b"\n"].concat()).collect()
            }
        }
    }

    /// Reads the body of a reply and checks all of it: that it answers this request, that the signature holds, that
    /// its chain ends at one of `anchors`, and that its time is within a day of `now`.
    ///
    /// # Errors
    /// [`ReplyError`] says what the server answered instead, or what does not hold.
    pub fn read_reply(
        &self,
        body: &[u8],
        anchors: &Anchors,
        now: OffsetDateTime,
    ) -> Result<Stamp, ReplyError> {
        let stamp = match self.protocol {
            Protocol::Rfc3161 => self.read_token(body, anchors)?,
            Protocol::Legacy => self.read_countersignature(body, anchors)?,
        };
        let time = stamp.timestamp.time;
        let difference = time.unix_timestamp().abs_diff(now.unix_timestamp());
        if difference > MAX_CLOCK_DIFFERENCE {
            let message = format!(
                "its time is {}, more than a day from this machine's {}",
                rfc3339(time),
                rfc3339(now)
            );
            return Err(invalid(message).into());
        }
        Ok(stamp)
    }

    fn read_token(&self, body: &[u8], anchors: &Anchors) -> Result<Stamp, ReplyError> {
        let reply = TimeStampResp::read(body)
            .map_err(|error| not_an_answer(body, self.protocol, &error))?;
        let token = reply.token()?;
        let signed_data = SignedData::read_element(token).map_err(super::TimestampError::from)?;
        let info = TstInfo::read(token_content(&signed_data)?)?;
        self.check_imprint(&info)?;
        if info.nonce != Some(self.nonce.as_slice()) {
            let found = info.nonce.map_or("none".to_owned(), hex);
            let message = format!("its nonce is {found}, {} was sent", hex(&self.nonce));
            return Err(invalid(message).into());
        }
        Ok(Stamp {
            timestamp: verify_token(token, self.stamped, &[], anchors)?,
            value: token.raw.to_vec(),
            certificates: Vec::new(),
        })
    }

    /// The imprint must be the one that was sent; its length is judged first, and by name.
    fn check_imprint(&self, info: &TstInfo<'_>) -> Result<(), ReplyError> {
        if info.digest != self.digest {
            let message = format!(
                "its imprint is of {}, {} was sent",
                info.digest, self.digest
            );
            return Err(invalid(message).into());
        }
        let sent = self.digest.of(self.stamped);
        if info.imprint.len() != sent.len() {
            let message = format!(
                "its imprint has {} bytes, {} has {}",
                info.imprint.len(),
                self.digest,
                sent.len()
            );
            return Err(invalid(message).into());
        }
        match info.imprint == sent {
            true => Ok(()),
            false => Err(invalid("its imprint is of another signature").into()),
        }
    }

    fn read_countersignature(&self, body: &[u8], anchors: &Anchors) -> Result<Stamp, ReplyError> {
        let decoded = decode_base64(body);
        let der = decoded.as_deref().unwrap_or(body);
        let signed_data =
            SignedData::read(der, 0).map_err(|error| not_an_answer(body, self.protocol, &error))?;
        if signed_data.content_type == oid::TST_INFO {
            return Err(ReplyError::OtherProtocol(Protocol::Rfc3161));
        }
        let signer = only_signer(der, &signed_data)?;
        let certificates: Vec<Certificate> = signed_data
            .certificates
            .iter()
            .filter_map(|tlv| Certificate::parse(tlv.raw, tlv.offset).ok())
            .collect();
        let timestamp = verify_countersignature(signer, self.stamped, &certificates, anchors)?;
        // A root adds nothing: whoever does not have it already does not trust it.
        let certificates = certificates.into_iter().filter(|c| !c.is_self_issued());
        Ok(Stamp {
            timestamp,
            value: signer.raw.to_vec(),
            certificates: certificates.map(|certificate| certificate.der).collect(),
        })
    }
}

/// The one `SignerInfo` of a reply as it stands.
fn only_signer<'a>(der: &'a [u8], signed_data: &SignedData<'a>) -> Result<Tlv<'a>, ReplyError> {
    let count = signed_data.signer_infos.len();
    if count != 1 {
        return Err(invalid(format!("it has {count} signers, one is expected")).into());
    }
    let offset = signed_data.signer_infos_offset;
    let rest = usize::try_from(offset)
        .ok()
        .and_then(|offset| der.get(offset..));
    let mut reader = Reader::new("SignedData", rest.unwrap_or_default(), offset);
    let set = reader
        .expect("signerInfos", der::SET)
        .map_err(super::TimestampError::from)?;
    let signer = set.reader("SignedData").next("signerInfo");
    Ok(signer.map_err(super::TimestampError::from)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(protocol: Protocol, nonce: [u8; 8]) -> Vec<u8> {
        Request::new(protocol, DigestAlgorithm::Sha256, b"signature", nonce).body()
    }

    #[test]
    fn a_nonce_is_a_positive_integer_in_its_shortest_form() {
        let cases: [([u8; 8], &[u8]); 4] = [
            ([0; 8], &[0]),
            ([0, 0, 0, 0, 0, 0, 0, 5], &[5]),
            ([0, 0x80, 0, 0, 0, 0, 0, 1], &[0, 0x80, 0, 0, 0, 0, 0, 1]),
            ([0xff; 8], &[0, 255, 255, 255, 255, 255, 255, 255, 255]),
        ];
        for (nonce, integer) in cases {
            let body = body(Protocol::Rfc3161, nonce);
            let mut file = Reader::new("TimeStampReq", &body, 0);
            let mut reader = file
                .expect("TimeStampReq", der::SEQUENCE)
                .unwrap()
                .reader("TimeStampReq");
            assert_eq!(reader.small_integer("version").unwrap(), 1);
            reader.expect("messageImprint", der::SEQUENCE).unwrap();
            assert_eq!(reader.expect("nonce", der::INTEGER).unwrap().value, integer);
            assert_eq!(reader.expect("certReq", der::BOOLEAN).unwrap().value, [255]);
            reader.finish().unwrap();
        }
    }

    #[test]
    fn a_legacy_request_holds_the_signature_itself() {
        let body = body(Protocol::Legacy, [7; 8]);
        assert!(body.split(|b| *b == b'\n').all(|line| line.len() <= 64));
        let der = decode_base64(&body).unwrap();
        // SEQUENCE { 1.3.6.1.4.1.311.3.2.1, SEQUENCE { id-data, [0] { OCTET STRING "signature" } } }
        let expected = [
            &[0x30, 38, 6, 10, 43, 6, 1, 4, 1, 0x82, 55, 3, 2, 1][..],
            &[0x30, 24, 6, 9, 42, 0x86, 72, 0x86, 0xf7, 13, 1, 7, 1],
            &[0xa0, 11, 4, 9],
            b"signature",
        ];
        assert_eq!(der, expected.concat());
    }
}
