//! The doctor's report for people.

use std::fmt::Write as _;

use signer::key::pkcs11::{CertificateSurvey, KeySurvey, PinSurvey, TokenSurvey};

use super::cloud::CloudKey;
use super::findings::{Finding, Looked, key_name, name};

/// Modules, tokens, cloud keys and certificates, then what is wrong or missing.
pub(super) fn report(looked: &[Looked], cloud: &[CloudKey], findings: &[Finding]) -> String {
    let mut out = String::new();
    for looked in looked {
        line(&mut out, 0, &format!("module {}", looked.module.display()));
        match &looked.survey {
            None => line(&mut out, 1, looked.error.as_deref().unwrap_or("no answer")),
            Some(survey) => {
                let slots = match survey.slots {
                    1 => "1 slot".to_owned(),
                    number => format!("{number} slots"),
                };
                line(&mut out, 1, &format!("{}, {slots}", survey.library));
                for one in &survey.tokens {
                    token(&mut out, one);
                }
            }
        }
    }
    for key in cloud {
        cloud_key(&mut out, key);
    }
    for finding in findings {
        line(
            &mut out,
            0,
            &format!("{}: {}: {}", finding.level, finding.place, finding.message),
        );
        if let Some(help) = &finding.help {
            line(&mut out, 1, &format!("hint: {help}"));
        }
    }
    out
}

fn token(out: &mut String, token: &TokenSurvey) {
    let TokenSurvey {
        label,
        slot,
        manufacturer,
        model,
        serial,
        ..
    } = token;
    line(
        out,
        1,
        &format!("token '{label}' in slot {slot} ({manufacturer} {model}, serial number {serial})"),
    );
    let state = match token.pin {
        PinSurvey::NotNeeded => "not needed",
        PinSurvey::NotSet => "not set",
        PinSurvey::Good => "good",
        PinSurvey::CountLow => "wrong attempts were made",
        PinSurvey::FinalTry => "one attempt left",
        PinSurvey::Locked => "locked",
    };
    let login = match (token.is_logged_in, token.has_keypad) {
        (true, _) => ", logged in",
        (false, true) => ", not logged in, entered on a keypad",
        (false, false) => ", not logged in",
    };
    line(out, 2, &format!("PIN: {state}{login}"));
    let mechanisms = match token.mechanisms.is_empty() {
        true => "none that signs".to_owned(),
        false => token.mechanisms.join(", "),
    };
    line(out, 2, &format!("mechanisms: {mechanisms}"));
    for one in &token.keys {
        key(out, token, one);
    }
    for (number, one) in token.certificates.iter().enumerate() {
        if !token
            .keys
            .iter()
            .any(|key| key.certificates.contains(&number))
        {
            certificate(out, 2, one);
        }
    }
}

fn key(out: &mut String, token: &TokenSurvey, key: &KeySurvey) {
    let mut traits = vec![key.kind.as_str()];
    if key.may_sign == Some(false) {
        traits.push("does not sign");
    }
    match (key.extractable, key.never_extractable) {
        (Some(true), _) => traits.push("extractable"),
        (_, Some(true)) => traits.push("never extractable"),
        (_, Some(false)) => traits.push("not extractable, though it once was"),
        (Some(false), None) => traits.push("not extractable"),
        (None, None) => {}
    }
    if key.always_authenticate == Some(true) {
        traits.push("wants the PIN each time");
    }
    let text = format!("key {}: {}", key_name(key), traits.join(", "));
    line(out, 2, &text);
    if key.is_supported && key.may_sign != Some(false) {
        line(out, 3, &format!("profile: {}", profile_lines(token, key)));
    }
    let own = key.certificates.iter();
    for one in own.filter_map(|place| token.certificates.get(*place)) {
        certificate(out, 3, one);
    }
}

fn cloud_key(out: &mut String, key: &CloudKey) {
    let CloudKey {
        profile,
        service,
        key: name,
        ..
    } = key;
    line(
        out,
        0,
        &format!("{service}, key {name} (profile '{profile}')"),
    );
    match &key.kind {
        Some(kind) => line(out, 1, kind),
        None => line(out, 1, "not reached"),
    }
    if let Some(fitting) = &key.certificate {
        let text = format!(
            "certificate {}, until {}, SHA-1 {}",
            fitting.subject, fitting.not_after, fitting.thumbprint
        );
        line(out, 1, &text);
    }
}

/// What a profile says to mean this key.
fn profile_lines(token: &TokenSurvey, key: &KeySurvey) -> String {
    // Debug writes what TOML reads: quotes and backslashes escaped.
    let token_label = format!("token-label = {:?}", token.label);
    match key.id.is_empty() {
        true => format!("{token_label}, key-label = {:?}", key.label),
        false => format!("{token_label}, key-id = {:?}", key.id),
    }
}

fn certificate(out: &mut String, depth: usize, certificate: &CertificateSurvey) {
    let name = name(&certificate.label, &certificate.id);
    let text = match certificate.subject.is_empty() {
        true => format!("certificate {name}: unreadable"),
        false => format!(
            "certificate {name}: {}, until {}, SHA-1 {}",
            certificate.subject, certificate.not_after, certificate.thumbprint
        ),
    };
    line(out, depth, &text);
}

/// A line, without the control characters that a token's labels may hold.
fn line(out: &mut String, depth: usize, text: &str) {
    let text: String = text.chars().filter(|c| !c.is_control()).collect();
    // Writing to a string does not fail.
    writeln!(out, "{:indent$}{text}", "", indent = 2 * depth).ok();
}
