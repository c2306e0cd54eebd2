//! A private key on a token. What is lost while the token is away is opened again: sessions, the login, the key's handle.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

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
use super::token::{OpenToken, TokenId, list};
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
    token: TokenId,
    choice: KeyChoice,
    public: Option<PublicKey>,
    certificates: Vec<Certificate>,
    mechanisms: Vec<MechanismType>,
    held: Mutex<Arc<Held>>,
    /// `CKA_ALWAYS_AUTHENTICATE`: the PIN is given for every signature.
    wants_pin_each_time: bool,
    /// Kept for such keys, and for a token that comes back.
    pin: Option<AuthPin>,
    /// Set when the PIN was refused; from then on it is not tried again.
    is_refused: AtomicBool,
}

/// What counts until the token goes away.
struct Held {
    handle: ObjectHandle,
    pool: Pool,
    /// How often the library had been started again when it was opened.
    start: u64,
}

/// How often a signature is tried again after the token was away.
const AGAIN: usize = 3;

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
        let context = &self.token.module.context;
        let mechanisms = context
            .get_mechanism_list(self.token.slot)
            .map_err(failed)?;
        let wants_pin_each_time = key.flag(AttributeType::AlwaysAuthenticate) == Some(true);
        let name = format!("key {} of token {token}", key.name());
        let (handle, public) = (key.handle, key.public_half());
        let token = self.token.id();
        let start = *self.token.module.started();
        let (held, pin) = self.hold(handle, wants_pin_each_time, start);
        Ok(TokenKey {
            name,
            token,
            choice: choice.clone(),
            public,
            certificates,
            mechanisms,
            held: Mutex::new(Arc::new(held)),
            wants_pin_each_time,
            pin,
            is_refused: AtomicBool::new(false),
        })
    }

    fn hold(
        self,
        handle: ObjectHandle,
        wants_pin_each_time: bool,
        start: u64,
    ) -> (Held, Option<AuthPin>) {
        let module = &self.token.module;
        // A PIN that is given each time is given by one thread at a time, so that a wrong one is given once.
        let is_threaded = module.is_threaded && !wants_pin_each_time;
        let (context, label) = (module.context.clone(), self.token.label());
        let pool = Pool::new(context, self.token.slot, label, self.session, is_threaded);
        let held = Held {
            handle,
            pool,
            start,
        };
        (held, self.pin)
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
            token: self.token.label.clone(),
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
        handle: ObjectHandle,
        mechanism: &Mechanism<'_>,
        message: &[u8],
    ) -> Result<Vec<u8>, Error> {
        session.sign_init(mechanism, handle)?;
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
        let token = self.token.label.clone();
        match error {
            Error::Pkcs11(RvError::PinIncorrect, _) => Pkcs11Error::WrongPin {
                token,
                state: PinState::Good,
            },
            Error::Pkcs11(RvError::PinLocked, _) => Pkcs11Error::PinLocked { token },
            other => Pkcs11Error::call(&format!("token {token}"), other),
        }
    }

    fn held(&self) -> Arc<Held> {
        Arc::clone(&self.held.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Opens the token again after `lost` was. Who comes while another does that waits for it.
    fn hold_again(&self, lost: &Arc<Held>) -> Result<Arc<Held>, Pkcs11Error> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if !Arc::ptr_eq(&held, lost) {
            return Ok(Arc::clone(&held));
        }
        let seen = *self.token.module.started();
        let opened = match self.open_again() {
            Err(_) if !self.is_refused.load(Ordering::Acquire) => {
                self.token.module.start_again(seen)?;
                self.open_again()?
            }
            opened => opened?,
        };
        if opened.start != lost.start {
            lost.pool.abandon();
        }
        *held = Arc::new(opened);
        Ok(Arc::clone(&held))
    }

    /// Finds the token and logs in, with the PIN that it took before. One that it refuses is not tried again.
    fn open_again(&self) -> Result<Held, Pkcs11Error> {
        let start = self.token.module.started();
        let token = self.token.find()?;
        if self.is_refused.load(Ordering::Acquire) {
            let token = self.token.label.clone();
            let state = PinState::Good;
            return Err(Pkcs11Error::WrongPin { token, state });
        }
        let opened = token.log_in_with(self.pin.clone()).inspect_err(|error| {
            if matches!(
                error,
                Pkcs11Error::WrongPin { .. } | Pkcs11Error::PinLocked { .. }
            ) {
                self.is_refused.store(true, Ordering::Release);
            }
        })?;
        let handle = choose(&opened.session, &self.choice, &self.token.label)?.handle;
        Ok(opened.hold(handle, self.wants_pin_each_time, *start).0)
    }

    fn sign_holding(
        &self,
        held: &Held,
        request: &Request,
        kind: KeyKind,
        digest: DigestAlgorithm,
        message: &[u8],
    ) -> Result<Vec<u8>, PoolError> {
        let start = self.token.module.started();
        if *start != held.start {
            let gone = Error::Pkcs11(RvError::SessionHandleInvalid, Function::Sign);
            return Err(PoolError::Work(gone));
        }
        held.pool.with(|session| match request {
            // The pool has one session for such keys, so this is seen by the next file at the latest.
            _ if self.wants_pin_each_time && self.is_refused.load(Ordering::Acquire) => {
                Err(Error::Pkcs11(RvError::PinIncorrect, Function::Login))
            }
            Request::Digest(mechanism) => {
                let signed = to_be_signed(kind, digest, message);
                session.sign(mechanism, held.handle, &signed)
            }
            Request::Message(mechanism) => {
                self.sign_message(session, held.handle, mechanism, message)
            }
        })
    }
}

/// Whether it says that the token was away: what was opened before is worth nothing.
fn is_lost(error: &PoolError) -> bool {
    match error {
        PoolError::Session(_) => true,
        PoolError::Work(Error::Pkcs11(code, _)) => matches!(
            code,
            RvError::SessionHandleInvalid
                | RvError::SessionClosed
                | RvError::DeviceRemoved
                | RvError::DeviceError
                | RvError::TokenNotPresent
                | RvError::UserNotLoggedIn
                | RvError::KeyHandleInvalid
                | RvError::ObjectHandleInvalid
                | RvError::GeneralError
        ),
        PoolError::Work(_) => false,
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
        let mut held = self.held();
        let mut signature = self.sign_holding(&held, &request, kind, digest, message);
        for _ in 0..AGAIN {
            if !signature.as_ref().is_err_and(is_lost) {
                break;
            }
            held = self.hold_again(&held)?;
            signature = self.sign_holding(&held, &request, kind, digest, message);
        }
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
