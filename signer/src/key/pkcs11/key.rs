//! A private key on a token.

use std::sync::atomic::{AtomicBool, Ordering};

use cryptoki::context::Function;
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, AttributeType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;
use formats::certificate::Certificate;

use super::error::{PinState, Pkcs11Error};
use super::object::{self, Object};
use super::pool::{Pool, PoolError};
use super::token::{OpenToken, list};
use crate::digest::DigestAlgorithm;
use crate::key::encode::{ecdsa_der, scalar_length};
use crate::key::{KeyError, RemoteKey};
use crate::public_key::{KeyKind, PublicKey, digest_info_prefix};

/// Which private key of a token. Without either, the only one that may sign.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyChoice {
    /// `CKA_LABEL`.
    pub label: Option<String>,
    /// `CKA_ID`.
    pub id: Option<Vec<u8>>,
}

/// A private key on a token that is logged in to.
pub struct TokenKey {
    name: String,
    token: String,
    handle: ObjectHandle,
    public: Option<PublicKey>,
    certificates: Vec<Certificate>,
    mechanisms: Vec<MechanismType>,
    pool: Pool,
    /// `CKA_ALWAYS_AUTHENTICATE`: the PIN is given for every signature.
    wants_pin_each_time: bool,
    /// Kept for such keys only.
    pin: Option<AuthPin>,
    /// Set when such a PIN was refused; from then on nothing is tried.
    is_refused: AtomicBool,
}

/// How the token is asked: with a digest, or with the message, which it hashes.
#[derive(Debug)]
enum Request {
    Digest(Mechanism<'static>),
    Message(Mechanism<'static>),
}

impl OpenToken {
    /// Finds a private key, its public half, and the certificates of the token. Those whose bytes cannot be read are
    /// left out.
    ///
    /// # Errors
    /// [`Pkcs11Error::NoKey`] and [`Pkcs11Error::AmbiguousKey`] name the keys that are there.
    pub fn key(self, choice: &KeyChoice) -> Result<TokenKey, Pkcs11Error> {
        let token = self.token.label().to_owned();
        let failed = |error: Error| Pkcs11Error::call(&format!("token {token}"), &error);
        let key = choose(&self.session, choice, &token)?;
        let certificates = object::find(&self.session, ObjectClass::CERTIFICATE, &[])
            .map_err(failed)?
            .iter()
            .filter_map(|found| Certificate::parse(&found.value()?, 0).ok())
            .collect();
        let module = &self.token.module;
        let mechanisms = module
            .context
            .get_mechanism_list(self.token.slot)
            .map_err(failed)?;
        let wants_pin_each_time = key.flag(AttributeType::AlwaysAuthenticate) == Some(true);
        let name = format!("key {} of token {token}", key.name());
        let (handle, public) = (key.handle, key.public_half());
        let context = module.context.clone();
        // A PIN that is given each time is given by one thread at a time, so that a wrong one is given once.
        let is_threaded = module.is_threaded && !wants_pin_each_time;
        Ok(TokenKey {
            name,
            handle,
            public,
            certificates,
            mechanisms,
            pool: Pool::new(context, self.token.slot, &token, self.session, is_threaded),
            token,
            wants_pin_each_time,
            pin: self.pin.filter(|_| wants_pin_each_time),
            is_refused: AtomicBool::new(false),
        })
    }
}

/// The private key that is meant.
fn choose<'a>(
    session: &'a Session,
    choice: &KeyChoice,
    token: &str,
) -> Result<Object<'a>, Pkcs11Error> {
    let failed = |error: Error| Pkcs11Error::call(&format!("token {token}"), &error);
    let mut wanted = Vec::new();
    if let Some(label) = &choice.label {
        wanted.push(Attribute::Label(label.as_bytes().to_vec()));
    }
    if let Some(id) = &choice.id {
        wanted.push(Attribute::Id(id.clone()));
    }
    let mut keys = object::find(session, ObjectClass::PRIVATE_KEY, &wanted).map_err(failed)?;
    if keys.len() > 1 {
        keys.retain(|key| key.flag(AttributeType::Sign) != Some(false));
    }
    let token = token.to_owned();
    match keys.len() {
        0 => {
            let all = object::find(session, ObjectClass::PRIVATE_KEY, &[]).map_err(failed)?;
            Err(Pkcs11Error::NoKey {
                token,
                wanted: choice.to_string(),
                found: list(all.iter().map(Object::name)),
            })
        }
        1 => Ok(keys.remove(0)),
        _ => Err(Pkcs11Error::AmbiguousKey {
            token,
            found: list(keys.iter().map(Object::name)),
        }),
    }
}

impl std::fmt::Display for KeyChoice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.label, &self.id) {
            (None, None) => f.write_str("that signs"),
            (label, id) => f.write_str(&object::name(
                label.as_deref().unwrap_or_default(),
                id.as_deref().unwrap_or_default(),
            )),
        }
    }
}

impl TokenKey {
    /// The certificates on the token.
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// How to ask for a signature: with a digest where the token takes one; with the message where it does not, and
    /// for keys that want the PIN each time, as that is given between the steps of an operation.
    fn request(&self, kind: KeyKind, digest: DigestAlgorithm) -> Result<Request, Pkcs11Error> {
        let [raw, hashing] = mechanisms(kind, digest);
        let offers =
            |mechanism: &Mechanism<'_>| self.mechanisms.contains(&mechanism.mechanism_type());
        if !self.wants_pin_each_time && offers(&raw) {
            return Ok(Request::Digest(raw));
        }
        if offers(&hashing) {
            return Ok(Request::Message(hashing));
        }
        let hashing = hashing.mechanism_type();
        Err(Pkcs11Error::NoMechanism {
            token: self.token.clone(),
            wanted: match self.wants_pin_each_time {
                false => format!("{} nor {hashing}", raw.mechanism_type()),
                true => format!("{hashing}, which a key that wants the PIN each time needs"),
            },
        })
    }

    /// Signs in steps, with the PIN in between where the key wants it. A PIN that was refused is not tried again.
    fn sign_message(
        &self,
        session: &Session,
        mechanism: &Mechanism<'_>,
        message: &[u8],
    ) -> Result<Vec<u8>, Error> {
        session.sign_init(mechanism, self.handle)?;
        if self.wants_pin_each_time {
            session
                .login(UserType::ContextSpecific, self.pin.as_ref())
                .inspect_err(|_| self.is_refused.store(true, Ordering::Release))?;
        }
        session.sign_update(message)?;
        session.sign_final()
    }

    /// Names a PIN that was refused as the login does.
    fn failed(&self, error: &Error) -> Pkcs11Error {
        let token = self.token.clone();
        match error {
            Error::Pkcs11(RvError::PinIncorrect, _) => Pkcs11Error::WrongPin {
                token,
                state: PinState::Good,
            },
            Error::Pkcs11(RvError::PinLocked, _) => Pkcs11Error::PinLocked { token },
            other => Pkcs11Error::call(&format!("token {token}"), other),
        }
    }
}

impl RemoteKey for TokenKey {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn public_key(&self) -> Option<&PublicKey> {
        self.public.as_ref()
    }

    fn sign(
        &self,
        kind: KeyKind,
        digest: DigestAlgorithm,
        message: &[u8],
    ) -> Result<Vec<u8>, KeyError> {
        let request = self.request(kind, digest)?;
        let signature = self.pool.with(|session| match &request {
            // The pool has one session for such keys, so this is seen by the next file at the latest.
            _ if self.is_refused.load(Ordering::Acquire) => {
                Err(Error::Pkcs11(RvError::PinIncorrect, Function::Login))
            }
            Request::Digest(mechanism) => {
                session.sign(mechanism, self.handle, &to_be_signed(kind, digest, message))
            }
            Request::Message(mechanism) => self.sign_message(session, mechanism, message),
        });
        let signature = signature.map_err(|error| match error {
            PoolError::Work(error) => self.failed(&error),
            PoolError::Session(error) => error,
        })?;
        match kind {
            KeyKind::Rsa(_) => Ok(signature),
            _ => ecdsa_der(kind, &signature).ok_or_else(|| KeyError::Refused {
                key: self.name(),
                problem: format!("its signature has {} bytes", signature.len()),
            }),
        }
    }
}

/// The mechanism that takes a digest, and the one that hashes.
fn mechanisms(kind: KeyKind, digest: DigestAlgorithm) -> [Mechanism<'static>; 2] {
    match (kind, digest) {
        (KeyKind::Rsa(_), DigestAlgorithm::Sha384) => {
            [Mechanism::RsaPkcs, Mechanism::Sha384RsaPkcs]
        }
        (KeyKind::Rsa(_), DigestAlgorithm::Sha512) => {
            [Mechanism::RsaPkcs, Mechanism::Sha512RsaPkcs]
        }
        (KeyKind::Rsa(_), _) => [Mechanism::RsaPkcs, Mechanism::Sha256RsaPkcs],
        (_, DigestAlgorithm::Sha384) => [Mechanism::Ecdsa, Mechanism::EcdsaSha384],
        (_, DigestAlgorithm::Sha512) => [Mechanism::Ecdsa, Mechanism::EcdsaSha512],
        (_, _) => [Mechanism::Ecdsa, Mechanism::EcdsaSha256],
    }
}

/// What a mechanism without a hash of its own takes: `DigestInfo` for RSA (RFC 8017 §9.2), for ECDSA as many leading
/// bytes of the digest as the curve's numbers have, since not every token cuts it itself (FIPS 186-5 §6.4.1).
fn to_be_signed(kind: KeyKind, digest: DigestAlgorithm, message: &[u8]) -> Vec<u8> {
    let mut hash = digest.of(message);
    match scalar_length(kind) {
        None => [digest_info_prefix(digest), hash].concat(),
        Some(length) => {
            hash.truncate(length);
            hash
        }
    }
}
