//! PKCS#12 files (`.pfx`): the one door to `p12-keystore`, with the checks that it leaves to its caller.

use formats::der::{self, Reader, Tlv};
use formats::error::ParseError;
use formats::oid::Oid;
use p12_keystore::error::Error as ArchiveError;
use p12_keystore::{
    EncryptionAlgorithm, KeyStore, KeyStoreEntry, MacAlgorithm, Pkcs12Archive, PrivateKeyChain,
};
use zeroize::Zeroizing;

use crate::digest::DigestAlgorithm;

/// Largest PFX that is read, in bytes.
const MAX_PFX: usize = 4 << 20;
/// Most rounds of key derivation; files in use have 1 to 600,000.
const MAX_ITERATIONS: u32 = 1_000_000;

/// Rounds of key derivation in files that are written.
const ITERATIONS: u32 = 100_000;

/// Why a PFX cannot be used. No variant carries key material or the password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PfxError {
    /// Not a PFX at all, or a damaged one.
    #[error("not a PKCS#12 file: {0}")]
    Malformed(#[from] ParseError),
    /// Contents that do not decode after decryption.
    #[error("the PKCS#12 file is damaged: {0}")]
    Damaged(String),
    /// The integrity check failed: wrong password, or a changed file.
    #[error("the password is wrong, or the file was changed (its MAC does not match)")]
    WrongPassword,
    /// No integrity check in the file.
    #[error(
        "the file has no MAC, so nothing shows that it is unchanged; export it again with a password"
    )]
    NoMac,
    /// A derivation that would take too long.
    #[error("{found} rounds of key derivation are declared, at most {limit} are accepted")]
    TooManyIterations {
        /// Declared rounds.
        found: u32,
        /// Accepted rounds.
        limit: u32,
    },
    /// An encryption scheme that is not implemented.
    #[error("encryption scheme {0} is not supported; export the file again with AES-256")]
    UnsupportedScheme(String),
    /// Not exactly one private key.
    #[error("the file holds {0} private keys, exactly one is needed")]
    KeyCount(usize),
}

/// What a PFX holds: one private key and any certificates, related or not.
pub struct Pfx {
    /// The private key in PKCS#8 form.
    pub key: Zeroizing<Vec<u8>>,
    /// Certificates in the order of the file.
    pub certificates: Vec<Vec<u8>>,
}

impl Pfx {
    /// Opens a PFX.
    ///
    /// # Errors
    /// [`PfxError`] tells a wrong password from a damaged file and from an unsupported scheme.
    pub fn open(bytes: &[u8], password: &str) -> Result<Self, PfxError> {
        let archive = open(bytes, password)?;
        let [key] = archive.keys.as_slice() else {
            return Err(PfxError::KeyCount(archive.keys.len()));
        };
        Ok(Self {
            key: Zeroizing::new(key.key.as_der().to_vec()),
            certificates: certificates(&archive),
        })
    }

    /// Writes a PFX: AES-256 and HMAC with SHA-256. `certificates` begin with the key's own and end with the root;
    /// `name` is shown by Windows. The salts are random.
    ///
    /// # Errors
    /// Where a part cannot be encoded, e.g. a name with characters beyond the first 65,536.
    pub fn write(&self, name: &str, password: &str) -> Result<Vec<u8>, PfxError> {
        let damaged = |error: ArchiveError| PfxError::Damaged(error.to_string());
        let key = p12_keystore::PrivateKey::from_der(&self.key).map_err(damaged)?;
        let certificates: Vec<_> = self
            .certificates
            .iter()
            .map(|der| p12_keystore::Certificate::from_der(der))
            .collect::<Result<_, _>>()
            .map_err(damaged)?;
        let leaf = self
            .certificates
            .first()
            .map(Vec::as_slice)
            .unwrap_or_default();
        let identifier = DigestAlgorithm::Sha1.of(leaf);
        let chain = PrivateKeyChain::new(identifier, key, certificates);
        let mut store = KeyStore::new();
        store.add_entry(name, KeyStoreEntry::PrivateKeyChain(chain));
        let writer = store
            .writer(password)
            .encryption_algorithm(EncryptionAlgorithm::PbeWithHmacSha256AndAes256)
            .encryption_iterations(ITERATIONS)
            .mac_algorithm(MacAlgorithm::HmacSha256)
            .mac_iterations(ITERATIONS);
        writer.write().map_err(damaged)
    }
}

/// The certificates of a PFX, whatever keys it holds.
///
/// # Errors
/// As [`Pfx::open`], except for the number of keys.
pub fn read_certificates(bytes: &[u8], password: &str) -> Result<Vec<Vec<u8>>, PfxError> {
    Ok(certificates(&open(bytes, password)?))
}

fn certificates(archive: &Pkcs12Archive) -> Vec<Vec<u8>> {
    let bags = archive.certs.iter();
    bags.map(|bag| bag.cert.as_der().to_vec()).collect()
}

fn open(bytes: &[u8], password: &str) -> Result<Pkcs12Archive, PfxError> {
    if bytes.len() > MAX_PFX {
        let found = format!("{} bytes", bytes.len());
        return Err(ParseError::invalid("PFX", "file", 0, found, "at most 4 MiB").into());
    }
    let normalised = der::from_ber("PFX", bytes)?;
    check_parameters(&normalised)?;
    Pkcs12Archive::from_pkcs12(&normalised, password).map_err(diagnose)
}

fn diagnose(error: ArchiveError) -> PfxError {
    match error {
        ArchiveError::MacError(_) => PfxError::WrongPassword,
        ArchiveError::UnsupportedEncryptionScheme => {
            PfxError::UnsupportedScheme("of an inner bag".to_owned())
        }
        other => PfxError::Damaged(other.to_string()),
    }
}

/// Checks MAC, round counts and schemes before any derivation runs.
///
/// ```text
/// PFX ::= SEQUENCE { version INTEGER, authSafe ContentInfo, macData MacData OPTIONAL }   -- RFC 7292 §4
/// ```
fn check_parameters(bytes: &[u8]) -> Result<(), PfxError> {
    let mut file = Reader::new("PFX", bytes, 0);
    let mut pfx = file.expect("PFX", der::SEQUENCE)?.reader("PFX");
    file.finish()?;
    pfx.small_integer("version")?;
    let auth_safe = pfx.expect("authSafe", der::SEQUENCE)?;
    let Some(mac) = pfx.optional("macData", der::SEQUENCE)? else {
        return Err(PfxError::NoMac);
    };
    let mut mac = mac.reader("MacData");
    mac.expect("mac", der::SEQUENCE)?;
    mac.expect("macSalt", der::OCTET_STRING)?;
    if !mac.is_empty() {
        limit(mac.small_integer("iterations")?)?;
    }
    let mut info = auth_safe.reader("ContentInfo");
    info.oid("contentType")?;
    let wrapper = info.expect("content", der::context(0))?;
    let data = wrapper
        .reader("ContentInfo")
        .expect("content", der::OCTET_STRING)?;
    let mut safes = Reader::new("AuthenticatedSafe", data.value, data.value_offset());
    let safes = safes.expect("AuthenticatedSafe", der::SEQUENCE)?;
    for safe in safes.reader("AuthenticatedSafe").all("ContentInfo")? {
        let mut info = safe.reader("ContentInfo");
        info.oid("contentType")?;
        let wrapper = info.expect("content", der::context(0))?;
        let content = wrapper.reader("ContentInfo").next("content")?;
        if content.tag == der::SEQUENCE {
            // EncryptedData: version, EncryptedContentInfo { type, algorithm, [0] data }.
            let mut encrypted = content.reader("EncryptedData");
            encrypted.small_integer("version")?;
            let mut inner = encrypted
                .expect("encryptedContentInfo", der::SEQUENCE)?
                .reader("EncryptedContentInfo");
            inner.oid("contentType")?;
            check_scheme(inner.expect("contentEncryptionAlgorithm", der::SEQUENCE)?)?;
        }
    }
    Ok(())
}

/// Schemes that can be opened: PBES2, and PBE with SHA-1 and 3-key 3DES or 40-bit RC2.
fn check_scheme(algorithm: Tlv<'_>) -> Result<(), PfxError> {
    const PBES2: Oid<'_> = Oid(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 13]);
    const PKCS12_PBE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 12, 1];
    let mut reader = algorithm.reader("AlgorithmIdentifier");
    let scheme = reader.oid("algorithm")?;
    let mut parameters = reader
        .expect("parameters", der::SEQUENCE)?
        .reader("parameters");
    if scheme == PBES2 {
        let mut derivation = parameters
            .expect("keyDerivationFunc", der::SEQUENCE)?
            .reader("keyDerivationFunc");
        derivation.oid("algorithm")?;
        let mut parameters = derivation
            .expect("parameters", der::SEQUENCE)?
            .reader("PBKDF2-params");
        parameters.expect("salt", der::OCTET_STRING)?;
        return limit(parameters.small_integer("iterationCount")?);
    }
    let name = match scheme.0.strip_prefix(PKCS12_PBE) {
        Some([3 | 6]) => {
            parameters.expect("salt", der::OCTET_STRING)?;
            return limit(parameters.small_integer("iterations")?);
        }
        Some([1]) => "RC4-128",
        Some([2]) => "RC4-40",
        Some([4]) => "2-key 3DES",
        Some([5]) => "RC2-128",
        _ => return Err(PfxError::UnsupportedScheme(scheme.to_string())),
    };
    Err(PfxError::UnsupportedScheme(name.to_owned()))
}

fn limit(found: u32) -> Result<(), PfxError> {
    if found > MAX_ITERATIONS {
        return Err(PfxError::TooManyIterations {
            found,
            limit: MAX_ITERATIONS,
        });
    }
    Ok(())
}
