//! What is wrong or missing, judged from what a survey found.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;
use signer::key::pkcs11::{CertificateSurvey, KeySurvey, ModuleSurvey, PinSurvey, TokenSurvey};

/// Something to know or to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub(super) level: Level,
    /// Module, token, key or certificate.
    pub(super) place: String,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    /// Signing fails until this is put right.
    Problem,
    /// Good to know.
    Note,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Problem => "problem",
            Self::Note => "note",
        })
    }
}

/// A module that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Looked {
    pub(super) module: PathBuf,
    pub(super) survey: Option<ModuleSurvey>,
    /// Why there is no survey.
    pub(super) error: Option<String>,
}

/// What a profile wants of a token.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) slot: Option<u64>,
    pub(super) token: Option<String>,
    pub(super) label: Option<String>,
    /// Lower-case hexadecimal.
    pub(super) id: Option<String>,
    /// The certificate file, and the fingerprints of the public keys in it.
    pub(super) file: Option<(PathBuf, Vec<String>)>,
}

impl Wanted {
    fn is_token(&self, token: &TokenSurvey) -> bool {
        self.slot.is_none_or(|slot| slot == token.slot)
            && self.token.as_ref().is_none_or(|l| *l == token.label)
    }

    fn is_key(&self, key: &KeySurvey) -> bool {
        self.label.as_ref().is_none_or(|l| *l == key.label)
            && self.id.as_ref().is_none_or(|id| *id == key.id)
    }
}

/// Collects findings.
pub(super) struct Judge<'a> {
    /// Whether the modules were named, so that one without a token is missed.
    pub(super) is_named: bool,
    pub(super) wanted: Option<&'a Wanted>,
    pub(super) findings: Vec<Finding>,
}

impl Judge<'_> {
    /// Judges all that was looked at.
    pub(super) fn judge(mut self, looked: &[Looked]) -> Vec<Finding> {
        if looked.is_empty() {
            self.problem(
                "modules",
                "there is no PKCS#11 module in the usual places",
                Some("--module FILE names one; its maker's manual says where it is"),
            );
        }
        for looked in looked {
            self.module(looked);
        }
        if let Some(wanted) = self.wanted {
            self.profile(wanted, looked);
        }
        self.findings
    }

    fn add(&mut self, level: Level, place: &str, message: impl fmt::Display, help: Option<&str>) {
        self.findings.push(Finding {
            level,
            place: place.to_owned(),
            message: message.to_string(),
            help: help.map(str::to_owned),
        });
    }

    fn problem(&mut self, place: &str, message: impl fmt::Display, help: Option<&str>) {
        self.add(Level::Problem, place, message, help);
    }

    fn note(&mut self, place: &str, message: impl fmt::Display, help: Option<&str>) {
        self.add(Level::Note, place, message, help);
    }

    fn module(&mut self, looked: &Looked) {
        let place = format!("module {}", looked.module.display());
        let level = match self.is_named {
            true => Level::Problem,
            false => Level::Note,
        };
        let Some(survey) = &looked.survey else {
            let message = looked.error.as_deref().unwrap_or("it gave no answer");
            self.add(level, &place, message, None);
            return;
        };
        if survey.tokens.is_empty() {
            let help = "is the token plugged in, the reader's service (pcscd) running, the module's configuration set?";
            let message = format!(
                "none of its {} slots has an initialised token",
                survey.slots
            );
            self.add(level, &place, message, Some(help));
        }
        for token in &survey.tokens {
            if self.wanted.is_none_or(|wanted| wanted.is_token(token)) {
                self.token(token);
            }
        }
    }

    fn token(&mut self, token: &TokenSurvey) {
        let place = format!("token '{}'", token.label);
        match token.pin {
            PinSurvey::NotNeeded | PinSurvey::Good => {}
            PinSurvey::NotSet => self.problem(
                &place,
                "it has no user PIN yet",
                Some("its security officer sets one, e.g. pkcs11-tool --init-pin"),
            ),
            PinSurvey::CountLow => {
                self.note(&place, "a wrong PIN was given since the last login", None);
            }
            PinSurvey::FinalTry => self.problem(
                &place,
                "one more wrong PIN locks it",
                Some("log in once with a PIN that is certainly right; that sets the count back"),
            ),
            PinSurvey::Locked => self.problem(
                &place,
                "its PIN is locked",
                Some("its security officer can set a new one, e.g. pkcs11-tool --init-pin"),
            ),
        }
        for problem in token.login_problem.iter().chain(&token.problem) {
            self.problem(&place, problem, None);
        }
        let needs_login = token.pin != PinSurvey::NotNeeded && !token.is_logged_in;
        if needs_login && token.login_problem.is_none() {
            self.note(
                &place,
                "private keys are listed after a login only, and there was none",
                Some("--pin-env NAME, --pin-file FILE or --pin-prompt, with --module and --token-label"),
            );
        }
        for key in &token.keys {
            if self.wanted.is_none_or(|wanted| wanted.is_key(key)) {
                self.key(token, key);
            }
        }
        if self.wanted.is_some() {
            return;
        }
        if token.is_logged_in || token.pin == PinSurvey::NotNeeded {
            self.lone_certificates(token);
        }
    }

    fn key(&mut self, token: &TokenSurvey, key: &KeySurvey) {
        let place = key_place(token, key);
        let place = place.as_str();
        if !key.is_supported {
            let message = format!("{} cannot sign packages", key.kind);
            self.note(
                place,
                message,
                Some("RSA of 2048 to 4096 bits, P-256 and P-384 can"),
            );
            return;
        }
        if key.may_sign == Some(false) {
            self.note(
                place,
                "it is not meant for signatures (CKA_SIGN is off)",
                None,
            );
            return;
        }
        let family = if key.kind.starts_with("RSA") {
            "RSA"
        } else {
            "ECDSA"
        };
        if !token.mechanisms.iter().any(|m| m.contains(family)) {
            let message = format!("the token offers no mechanism for {family} signatures");
            self.problem(place, message, None);
        }
        let certificates = key
            .certificates
            .iter()
            .filter_map(|p| token.certificates.get(*p));
        let certificates: Vec<&CertificateSurvey> = certificates.collect();
        let is_in_file = self
            .wanted
            .and_then(|wanted| wanted.file.as_ref())
            .is_some_and(|(_, keys)| key.public_key.as_ref().is_none_or(|k| keys.contains(k)));
        if certificates.is_empty() && !is_in_file {
            self.problem(
                place,
                "it has no certificate on the token",
                Some("store it there with the key's id, or name its file: certificate = \"FILE\""),
            );
        }
        for certificate in certificates {
            let whose = format!("its certificate, {}", certificate.subject);
            if let Some(problem) = &certificate.problem {
                self.problem(place, format!("{whose}, cannot sign code: {problem}"), None);
            }
            if certificate.id != key.id {
                let message = format!("{whose}, has the id '{}'", certificate.id);
                let help = "it was found by its public key; other programs go by the id (CKA_ID)";
                self.note(place, message, Some(help));
            }
        }
        for place_of in &key.contradictions {
            if let Some(certificate) = token.certificates.get(*place_of) {
                let subject = &certificate.subject;
                self.problem(
                    place,
                    format!("the certificate with its id, {subject}, has another public key"),
                    Some("give each certificate the id of its own key"),
                );
            }
        }
        self.hygiene(place, key);
    }

    fn hygiene(&mut self, place: &str, key: &KeySurvey) {
        if key.public_key.is_none() {
            let message =
                "the token does not tell its public half, so certificates are matched by id";
            self.note(place, message, None);
        }
        if key.extractable == Some(true) {
            let help = "make a new key on the token, where it cannot leave (CKA_EXTRACTABLE off)";
            self.note(
                place,
                "it can leave the token (CKA_EXTRACTABLE is on)",
                Some(help),
            );
        } else if key.never_extractable == Some(false) {
            let message = "it was once outside the token (CKA_NEVER_EXTRACTABLE is off)";
            self.note(place, message, None);
        }
        if key.always_authenticate == Some(true) {
            let message = "it wants the PIN for every signature (CKA_ALWAYS_AUTHENTICATE), and signs one file after the other";
            self.note(place, message, None);
        }
    }

    fn lone_certificates(&mut self, token: &TokenSurvey) {
        for (number, certificate) in token.certificates.iter().enumerate() {
            let mut keys = token.keys.iter();
            if !certificate.is_authority && !keys.any(|k| k.certificates.contains(&number)) {
                let place = format!(
                    "token '{}', certificate {}",
                    token.label, certificate.subject
                );
                self.problem(&place, "its private key is not on the token", None);
            }
        }
    }

    /// What a profile asks for must be there, and be one.
    fn profile(&mut self, wanted: &Wanted, looked: &[Looked]) {
        let surveys = looked.iter().filter_map(|looked| looked.survey.as_ref());
        let mut tokens = surveys.flat_map(|survey| &survey.tokens);
        // Without a login there is a finding already.
        let Some(token) = tokens.find(|token| wanted.is_token(token) && token.is_logged_in) else {
            return;
        };
        let keys = token.keys.iter().filter(|key| wanted.is_key(key));
        let keys: Vec<&KeySurvey> = keys.collect();
        let place = "profile";
        let [key] = keys.as_slice() else {
            let there: Vec<String> = token.keys.iter().map(key_name).collect();
            let there = match there.is_empty() {
                true => "none".to_owned(),
                false => there.join(", "),
            };
            let message = format!(
                "{} keys of token '{}' are what it asks for; there are: {there}",
                keys.len(),
                token.label
            );
            self.problem(
                place,
                message,
                Some("key-label and key-id say which is meant"),
            );
            return;
        };
        if !key.is_supported || key.may_sign == Some(false) {
            self.problem(
                place,
                format!("its key {} cannot sign", key_name(key)),
                None,
            );
        }
        if let (Some((file, keys)), Some(own)) = (&wanted.file, &key.public_key)
            && !keys.contains(own)
        {
            let file = Path::new(file).display();
            let message = format!(
                "no certificate in {file} belongs to its key {}",
                key_name(key)
            );
            self.problem(place, message, None);
        }
    }
}

fn key_place(token: &TokenSurvey, key: &KeySurvey) -> String {
    format!("token '{}', key {}", token.label, key_name(key))
}

/// Label and id.
pub(super) fn key_name(key: &KeySurvey) -> String {
    name(&key.label, &key.id)
}

/// Label and id.
pub(super) fn name(label: &str, id: &str) -> String {
    match (label.is_empty(), id.is_empty()) {
        (true, true) => "without label and id".to_owned(),
        (true, false) => format!("with id {id}"),
        (false, true) => format!("'{label}'"),
        (false, false) => format!("'{label}' with id {id}"),
    }
}
