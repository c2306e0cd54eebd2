//! What is on the tokens of a module: facts, for a person who looks for the missing piece.

use std::path::Path;

use cryptoki::mechanism::MechanismType;
use cryptoki::object::{AttributeType, KeyType, ObjectClass};
use cryptoki::session::Session;
use cryptoki::slot::{Slot, TokenInfo};
use formats::certificate::Certificate;
use formats::oid::{self, Oid};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::error::{PinState, Pkcs11Error};
use super::object::{self, Object};
use super::token::{Module, Token, TokenChoice, pin_state};
use crate::chain::may_sign_code;
use crate::clock::rfc3339;
use crate::digest::{DigestAlgorithm, hex};
use crate::identity::thumbprint;
use crate::public_key::{KeyKind, PublicKey};

/// The mechanisms that signing can use.
const MECHANISMS: [MechanismType; 7] = [
    MechanismType::RSA_PKCS,
    MechanismType::SHA256_RSA_PKCS,
    MechanismType::SHA384_RSA_PKCS,
    MechanismType::SHA512_RSA_PKCS,
    MechanismType::ECDSA,
    MechanismType::ECDSA_SHA256,
    MechanismType::ECDSA_SHA384,
];

/// A module and its tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModuleSurvey {
    /// Name, manufacturer and version, from `CK_INFO`.
    pub library: String,
    /// Number of slots, with and without a token.
    pub slots: usize,
    /// The tokens that are initialised.
    pub tokens: Vec<TokenSurvey>,
}

/// A token and what is on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenSurvey {
    /// `CK_SLOT_ID`.
    pub slot: u64,
    /// `CK_TOKEN_INFO.label`.
    pub label: String,
    /// `CK_TOKEN_INFO.manufacturerID`.
    pub manufacturer: String,
    /// `CK_TOKEN_INFO.model`.
    pub model: String,
    /// `CK_TOKEN_INFO.serialNumber`.
    pub serial: String,
    /// What the token says about its PIN.
    pub pin: PinSurvey,
    /// Whether it asks for the PIN on a keypad of its own.
    pub has_keypad: bool,
    /// Whether the survey logged in; private keys are seldom visible without.
    pub is_logged_in: bool,
    /// Why it could not, though it was to.
    pub login_problem: Option<String>,
    /// What signing can use of its mechanisms, e.g. `CKM_RSA_PKCS`.
    pub mechanisms: Vec<String>,
    /// Private keys.
    pub keys: Vec<KeySurvey>,
    /// Certificates.
    pub certificates: Vec<CertificateSurvey>,
    /// Why keys and certificates could not be read.
    pub problem: Option<String>,
}

/// What a token says about its PIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PinSurvey {
    /// The token wants no login.
    NotNeeded,
    /// No PIN was set yet (`CKF_USER_PIN_INITIALIZED` is missing).
    NotSet,
    /// Nothing speaks against it.
    Good,
    /// A wrong PIN was given since the last login (`CKF_USER_PIN_COUNT_LOW`).
    CountLow,
    /// One more wrong PIN locks it (`CKF_USER_PIN_FINAL_TRY`).
    FinalTry,
    /// `CKF_USER_PIN_LOCKED`.
    Locked,
}

/// A private key. `None` where the token does not tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeySurvey {
    /// `CKA_LABEL`.
    pub label: String,
    /// `CKA_ID` in hexadecimal.
    pub id: String,
    /// E.g. `RSA-2048`.
    pub kind: String,
    /// Whether keys of this kind can sign here.
    pub is_supported: bool,
    /// `CKA_SIGN`.
    pub may_sign: Option<bool>,
    /// `CKA_EXTRACTABLE`.
    pub extractable: Option<bool>,
    /// `CKA_NEVER_EXTRACTABLE`.
    pub never_extractable: Option<bool>,
    /// `CKA_ALWAYS_AUTHENTICATE`.
    pub always_authenticate: Option<bool>,
    /// [`fingerprint`] of the public half.
    pub public_key: Option<String>,
    /// Places among the token's certificates of those with this public key; where the token does not tell it, of those
    /// with this `CKA_ID`.
    pub certificates: Vec<usize>,
    /// Places of those with this `CKA_ID` and another public key.
    pub contradictions: Vec<usize>,
}

/// A certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateSurvey {
    /// `CKA_LABEL`.
    pub label: String,
    /// `CKA_ID` in hexadecimal.
    pub id: String,
    /// Whose it is; empty where it cannot be read.
    pub subject: String,
    /// SHA-1 of its bytes.
    pub thumbprint: String,
    /// RFC 3339.
    pub not_after: String,
    /// Why it cannot sign code now.
    pub problem: Option<String>,
    /// Whether it is there to issue others, so that nobody misses its private key.
    pub is_authority: bool,
}

/// SHA-256 of a `subjectPublicKey` in hexadecimal.
pub fn fingerprint(public: &PublicKey) -> String {
    hex(&DigestAlgorithm::Sha256.of(public.subject_public_key()))
}

/// Why a certificate cannot sign code now.
pub fn certificate_problem(certificate: &Certificate, now: OffsetDateTime) -> Option<String> {
    if now > certificate.not_after {
        return Some("it has expired".to_owned());
    }
    if now < certificate.not_before {
        let date = rfc3339(certificate.not_before);
        return Some(format!("it is not valid before {date}"));
    }
    may_sign_code(certificate).err().map(str::to_owned)
}

/// How a survey logs in.
pub struct Login {
    /// To which token.
    pub token: TokenChoice,
    /// With which PIN; none for a token with a keypad.
    pub pin: Option<Zeroizing<String>>,
}

/// Loads a module and looks at its tokens, at one of them after a login. A login is tried once.
///
/// # Errors
/// Where the module cannot be used, or the token of the login is not there or not the only one that fits.
pub fn survey(
    module: &Path,
    login: Option<Login>,
    now: OffsetDateTime,
) -> Result<ModuleSurvey, Pkcs11Error> {
    let module = Module::load(module)?;
    let slots = module.context.get_all_slots();
    let mut login = match login {
        None => None,
        Some(login) => Some((module.clone().token(&login.token)?.slot, login.pin)),
    };
    let tokens = module.tokens()?.into_iter().map(|(slot, info)| {
        let login = login.take_if(|(wanted, _)| *wanted == slot);
        survey_token(&module, slot, info, login.map(|(_, pin)| pin), now)
    });
    Ok(ModuleSurvey {
        tokens: tokens.collect(),
        library: library(&module),
        slots: slots.map_or(0, |slots| slots.len()),
    })
}

fn library(module: &Module) -> String {
    match module.context.get_library_info() {
        Ok(info) => format!(
            "{} {} ({})",
            info.library_description(),
            info.library_version(),
            info.manufacturer_id()
        ),
        Err(_) => "a library that does not tell its name".to_owned(),
    }
}

fn survey_token(
    module: &Module,
    slot: Slot,
    info: TokenInfo,
    login: Option<Option<Zeroizing<String>>>,
    now: OffsetDateTime,
) -> TokenSurvey {
    let mechanisms = module.context.get_mechanism_list(slot).unwrap_or_default();
    let known = MECHANISMS.iter().filter(|m| mechanisms.contains(m));
    let mut survey = TokenSurvey {
        slot: slot.id(),
        label: info.label().to_owned(),
        manufacturer: info.manufacturer_id().to_owned(),
        model: info.model().to_owned(),
        serial: info.serial_number().to_owned(),
        pin: pin_survey(&info),
        has_keypad: info.protected_authentication_path(),
        is_logged_in: false,
        login_problem: None,
        mechanisms: known.map(ToString::to_string).collect(),
        keys: Vec::new(),
        certificates: Vec::new(),
        problem: None,
    };
    let label = survey.label.clone();
    let token = Token {
        module: module.clone(),
        slot,
        info,
    };
    let mut open = None;
    if let Some(pin) = login {
        let pin = pin.filter(|_| token.wants_pin());
        match token.log_in(pin) {
            Ok(token) => open = Some(token.session),
            Err(error) => survey.login_problem = Some(error.to_string()),
        }
        survey.is_logged_in = open.is_some();
        // The login may have changed what the token says.
        if let Ok(info) = module.context.get_token_info(slot) {
            survey.pin = pin_survey(&info);
        }
    }
    let contents = match open {
        Some(session) => contents(&session, now),
        None => match module.context.open_ro_session(slot) {
            Ok(session) => contents(&session, now),
            Err(error) => Err(error),
        },
    };
    match contents {
        Ok((keys, certificates)) => {
            survey.keys = keys;
            survey.certificates = certificates;
        }
        Err(error) => {
            let error = Pkcs11Error::call(&format!("token {label}"), &error);
            survey.problem = Some(error.to_string());
        }
    }
    survey
}

fn pin_survey(info: &TokenInfo) -> PinSurvey {
    match pin_state(info) {
        _ if !info.login_required() => PinSurvey::NotNeeded,
        _ if !info.user_pin_initialized() => PinSurvey::NotSet,
        PinState::Good => PinSurvey::Good,
        PinState::Low => PinSurvey::CountLow,
        PinState::FinalTry => PinSurvey::FinalTry,
        PinState::Locked => PinSurvey::Locked,
    }
}

type Contents = (Vec<KeySurvey>, Vec<CertificateSurvey>);

fn contents(session: &Session, now: OffsetDateTime) -> Result<Contents, cryptoki::error::Error> {
    let certificates = object::find(session, ObjectClass::CERTIFICATE, &[])?;
    let parsed: Vec<Option<Certificate>> = certificates
        .iter()
        .map(|found| Certificate::parse(&found.value()?, 0).ok())
        .collect();
    let keys = object::find(session, ObjectClass::PRIVATE_KEY, &[])?;
    let keys = keys
        .iter()
        .map(|key| survey_key(key, &certificates, &parsed));
    let surveyed = certificates
        .iter()
        .zip(&parsed)
        .map(|(found, certificate)| survey_certificate(found, certificate.as_ref(), now));
    Ok((keys.collect(), surveyed.collect()))
}

fn survey_key(
    key: &Object<'_>,
    certificates: &[Object<'_>],
    parsed: &[Option<Certificate>],
) -> KeySurvey {
    let public = key.public_half();
    let id = key.id();
    let mut own = Vec::new();
    let mut contradictions = Vec::new();
    for (place, (found, certificate)) in certificates.iter().zip(parsed).enumerate() {
        let its = certificate
            .as_ref()
            .and_then(|c| PublicKey::from_spki(&c.public_key).ok());
        let has_id = !id.is_empty() && found.id() == id;
        match (&public, its) {
            (Some(public), Some(its)) if *public == its => own.push(place),
            (Some(_), _) if has_id => contradictions.push(place),
            (None, _) if has_id => own.push(place),
            _ => {}
        }
    }
    KeySurvey {
        label: key.label(),
        id: hex(&id),
        kind: kind(key, public.as_ref()),
        is_supported: is_supported(key, public.as_ref()),
        may_sign: key.flag(AttributeType::Sign),
        extractable: key.flag(AttributeType::Extractable),
        never_extractable: key.flag(AttributeType::NeverExtractable),
        always_authenticate: key.flag(AttributeType::AlwaysAuthenticate),
        public_key: public.as_ref().map(fingerprint),
        certificates: own,
        contradictions,
    }
}

/// What kind of key it is, as far as the token tells.
fn kind(key: &Object<'_>, public: Option<&PublicKey>) -> String {
    match (public, key.key_type()) {
        (Some(public), _) => public.kind().to_string(),
        (None, Some(KeyType::RSA)) => "RSA".to_owned(),
        (None, Some(KeyType::EC)) => match key.curve() {
            Some(curve) if Oid(&curve) == oid::P256 => KeyKind::P256.to_string(),
            Some(curve) if Oid(&curve) == oid::P384 => KeyKind::P384.to_string(),
            Some(curve) => format!("ECDSA on the curve {}", Oid(&curve)),
            None => "ECDSA".to_owned(),
        },
        (None, Some(other)) => other.to_string(),
        (None, None) => "a key of unknown type".to_owned(),
    }
}

fn is_supported(key: &Object<'_>, public: Option<&PublicKey>) -> bool {
    match (public.map(PublicKey::kind), key.key_type()) {
        (Some(KeyKind::Rsa(bits)), _) => (2048..=4096).contains(&bits),
        (Some(_), _) | (None, Some(KeyType::RSA)) => true,
        (None, Some(KeyType::EC)) => key
            .curve()
            .is_none_or(|curve| [oid::P256, oid::P384].contains(&Oid(&curve))),
        (None, _) => false,
    }
}

fn survey_certificate(
    found: &Object<'_>,
    certificate: Option<&Certificate>,
    now: OffsetDateTime,
) -> CertificateSurvey {
    let (label, id) = (found.label(), hex(&found.id()));
    let Some(certificate) = certificate else {
        return CertificateSurvey {
            label,
            id,
            subject: String::new(),
            thumbprint: String::new(),
            not_after: String::new(),
            problem: Some("it cannot be read".to_owned()),
            is_authority: false,
        };
    };
    let problem = certificate_problem(certificate, now);
    let constraints = certificate.basic_constraints;
    CertificateSurvey {
        label,
        id,
        subject: certificate.subject.to_string(),
        thumbprint: thumbprint(certificate),
        not_after: rfc3339(certificate.not_after),
        problem,
        is_authority: constraints.is_some_and(|constraints| constraints.ca),
    }
}
