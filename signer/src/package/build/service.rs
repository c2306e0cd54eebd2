//! A service of a definition as values of its registry key.
//!
//! Finished packages of OEMs with a service are not published. Packages of Windows have an element of its own for one,
//! which a part of the servicing turns into these values; written directly they need no such part.

use formats::document::wm_xml::{FailureActions, WmService};
use formats::source::Spanned;

use super::definition::Texts;
use super::registry::{Registry, binary, dword, quoted};
use super::{DefinitionError, ModelValue};

const SERVICES: &str = r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services";

/// Words of a definition and the numbers of `winsvc.h`.
type Words = &'static [(&'static str, u64)];

const STARTS: Words = &[
    ("boot", 0),
    ("system", 1),
    ("auto", 2),
    ("delayedAuto", 2),
    ("demand", 3),
    ("disabled", 4),
];
const TYPES: Words = &[
    ("kernelDriver", 0x01),
    ("fileSystemDriver", 0x02),
    ("win32OwnProcess", 0x10),
    ("win32ShareProcess", 0x20),
    ("win32UserOwnProcess", 0x50),
    ("win32UserShareProcess", 0x60),
];
const ERRORS: Words = &[("ignore", 0), ("normal", 1), ("severe", 2), ("critical", 3)];
/// Of `SC_ACTION_TYPE` those whose words are published.
const FAILURE_ACTIONS: Words = &[("none", 0), ("restartService", 1)];
const SIDS: Words = &[("none", 0), ("unrestricted", 1), ("restricted", 3)];

/// Adds the values of a service.
pub(super) fn add(
    service: &WmService,
    texts: &Texts<'_>,
    registry: &mut Registry,
) -> Result<(), DefinitionError> {
    let fail = |span, name: &str, reason: String| {
        Err(DefinitionError::new(
            span,
            format!("{}/{name}", service.route),
            reason,
        ))
    };
    let mut others = service.children.iter();
    let other = others.find(|child| child.value != "failureActions");
    let again = service
        .children
        .iter()
        .filter(|child| child.value == "failureActions")
        .nth(1);
    if let Some(child) = other.or(again) {
        let reason = format!(
            "`{}` of services is not built: its form in a package is not known; set the values below `Services` as regKeys",
            child.value
        );
        return fail(child.span, &child.value, reason);
    }
    let Some(name) = &service.name else {
        return fail(
            service.element,
            "@name",
            "the service has no name".to_owned(),
        );
    };
    let name = texts.plain(name, &format!("{}/@name", service.route))?;
    if name.is_empty() || name.contains(['\\', '/']) {
        return fail(
            service.element,
            "@name",
            format!("`{name}` is no name of a service"),
        );
    }
    let required = [
        ("start", &service.start),
        ("type", &service.service_type),
        ("imagePath", &service.image_path),
    ];
    if let Some((missing, _)) = required.iter().find(|(_, value)| value.is_none()) {
        return fail(
            service.element,
            &format!("@{missing}"),
            format!("the service has no `{missing}`"),
        );
    }
    let key = registry.key(
        &format!("{SERVICES}\\{name}"),
        service.element,
        &service.route,
    )?;
    let mut has_error_control = false;
    for attribute in &service.attributes {
        let written = &attribute.value;
        let route = format!("{}/@{}", service.route, attribute.name.value);
        let text = texts.keeping(written, &route, &["runtime."])?;
        let wrong = |reason: String| DefinitionError::new(written.span, route.clone(), reason);
        let number = |words: Words| number(words, &text).map_err(wrong);
        let values = match attribute.name.value.as_str() {
            "name" => continue,
            "start" => {
                let mut values = vec![("Start", "REG_DWORD", dword(number(STARTS)?))];
                if text.eq_ignore_ascii_case("delayedAuto") {
                    values.push(("DelayedAutostart", "REG_DWORD", dword(1)));
                }
                values
            }
            "type" => vec![("Type", "REG_DWORD", dword(number(TYPES)?))],
            "errorControl" => {
                has_error_control = true;
                vec![("ErrorControl", "REG_DWORD", dword(number(ERRORS)?))]
            }
            "sidType" => vec![("ServiceSidType", "REG_DWORD", dword(number(SIDS)?))],
            "imagePath" => vec![("ImagePath", "REG_EXPAND_SZ", text)],
            "objectName" => vec![("ObjectName", "REG_SZ", text)],
            "displayName" => vec![("DisplayName", "REG_SZ", text)],
            "description" => vec![("Description", "REG_SZ", text)],
            "dependOnService" => vec![(
                "DependOnService",
                "REG_MULTI_SZ",
                list(&text).map_err(wrong)?,
            )],
            "requiredPrivileges" => {
                vec![(
                    "RequiredPrivileges",
                    "REG_MULTI_SZ",
                    list(&text).map_err(wrong)?,
                )]
            }
            // Nothing is started while an image is made.
            "startAfterInstall" if is_none(written) => continue,
            other => {
                let reason = format!(
                    "`{other}` of services is not built: its form in a package is not known; set the values below `Services` as regKeys"
                );
                return Err(wrong(reason));
            }
        };
        for (name, kind, data) in values {
            let name = name.to_owned();
            registry
                .value(key, ModelValue { name, kind, data })
                .map_err(wrong)?;
        }
    }
    if let Some(failure) = &service.failure_actions {
        let value = ModelValue {
            name: "FailureActions".to_owned(),
            kind: "REG_BINARY",
            data: failure_actions(failure, texts, &service.route)?,
        };
        let added = registry.value(key, value);
        added.map_err(|reason| {
            DefinitionError::new(failure.element, service.route.clone(), reason)
        })?;
    }
    if !has_error_control {
        let value = ModelValue {
            name: "ErrorControl".to_owned(),
            kind: "REG_DWORD",
            data: dword(1),
        };
        let added = registry.value(key, value);
        added.map_err(|reason| {
            DefinitionError::new(service.element, service.route.clone(), reason)
        })?;
    }
    Ok(())
}

/// `FailureActions` of a service's key: `SERVICE_FAILURE_ACTIONS_WOW64` ([MS-SCMR] 2.2.37) and behind it the actions, each
/// `SC_ACTION`.
///
/// | offset | field |
/// |---|---|
/// | 0 | seconds without a failure after which counting begins anew |
/// | 4 | offset of a message before a restart of the device, 0 for none |
/// | 8 | offset of a command, 0 for none |
/// | 12 | number of actions |
/// | 16 | offset of the actions |
/// | 20 | for each action its type and milliseconds of delay |
fn failure_actions(
    failure: &FailureActions,
    texts: &Texts<'_>,
    route: &str,
) -> Result<String, DefinitionError> {
    /// Where the actions stand.
    const ACTIONS: u32 = 20;
    let route = format!("{route}/failureActions");
    let text = |value: &Option<Spanned<String>>, name: &str, span| {
        let route = format!("{route}/{name}");
        let Some(value) = value else {
            let reason = "it has no value, and what the system would take then is not known";
            return Err(DefinitionError::new(span, route, reason));
        };
        let text = texts.plain(value, &route)?.trim().to_owned();
        Ok((text, value.span, route))
    };
    let number = |value: &Option<Spanned<String>>, name: &str, span| {
        let (text, span, route) = text(value, name, span)?;
        let reason = format!("`{text}` is no number from 0 to {}", u32::MAX);
        text.parse::<u32>()
            .map_err(|_| DefinitionError::new(span, route, reason))
    };
    let count = u32::try_from(failure.actions.len()).unwrap_or(u32::MAX);
    let period = number(&failure.reset_period, "@resetPeriod", failure.element)?;
    let mut fields = vec![period, 0, 0, count, ACTIONS];
    for action in &failure.actions {
        let (kind, span, route) = text(&action.kind, "actions/action/@type", action.element)?;
        let wrong = |reason| DefinitionError::new(span, route.clone(), reason);
        let kind = self::number(FAILURE_ACTIONS, &kind).map_err(wrong)?;
        fields.push(u32::try_from(kind).unwrap_or_default());
        fields.push(number(
            &action.delay,
            "actions/action/@delay",
            action.element,
        )?);
    }
    let bytes = fields.iter().flat_map(|field| field.to_le_bytes());
    Ok(binary(bytes))
}

fn is_none(value: &Spanned<String>) -> bool {
    let words = ["none", "false"];
    words
        .iter()
        .any(|word| value.value.eq_ignore_ascii_case(word))
}

fn number(words: Words, text: &str) -> Result<u64, String> {
    let mut pairs = words.iter();
    let found = pairs.find(|(word, _)| word.eq_ignore_ascii_case(text));
    found.map(|(_, number)| *number).ok_or_else(|| {
        let known: Vec<_> = words.iter().map(|(word, _)| *word).collect();
        format!("`{text}` is none of {}", known.join(", "))
    })
}

fn list(text: &str) -> Result<String, String> {
    let parts = text.split([',', ';']).map(str::trim);
    quoted(parts.filter(|part| !part.is_empty()))
}
