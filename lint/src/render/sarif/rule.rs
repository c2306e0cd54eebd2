//! What a log says of the rules.

use super::{level, log};
use crate::diagnostic::Level;
use crate::image::ImageType;
use crate::policy::CORE;
use crate::rule::{Input, RuleInfo};
use crate::rules;

/// Where the manuals are to be read; one file for each rule.
const MANUALS: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/main/docs/rules");

/// The entry of a rule: its manual, its level and how GitHub ranks it.
pub(super) fn descriptor(id: &str) -> log::Rule {
    let Some(info) = rules::find(id) else {
        return foreign(id);
    };
    let manual = info.manual();
    let mut tags = vec![info.input.as_str()];
    tags.extend(info.images.iter().map(|image| image.as_str()));
    let security_severity = security_severity(info);
    // Some rules have it already, by what they judge.
    if security_severity.is_some() && !tags.contains(&"security") {
        tags.push("security");
    }
    log::Rule {
        id: id.to_owned(),
        name: pascal_case(id),
        short_description: log::Text {
            text: sentence(info.summary()),
        },
        full_description: log::Text {
            text: sentence(&checks(&manual).unwrap_or_else(|| info.summary().to_owned())),
        },
        help: log::Help {
            markdown: format!(
                "# {manual}\n\nAuthority: {}, {}. `proofmark explain {id}` prints this.\n",
                info.authority, info.clause
            ),
            text: manual,
        },
        help_uri: Some(format!("{MANUALS}/{id}.md")),
        default_configuration: log::Configuration {
            level: level(info.level),
        },
        properties: log::RuleProperties {
            tags,
            precision: "very-high",
            problem_severity: problem_severity(info.level),
            security_severity,
        },
    }
}

/// A rule that is not built in: its findings say all that is known.
fn foreign(id: &str) -> log::Rule {
    let text = format!("A rule of the organisation, {id}.");
    log::Rule {
        id: id.to_owned(),
        name: pascal_case(id),
        short_description: log::Text { text: text.clone() },
        full_description: log::Text { text: text.clone() },
        help: log::Help {
            markdown: text.clone(),
            text,
        },
        help_uri: None,
        default_configuration: log::Configuration { level: "warning" },
        properties: log::RuleProperties {
            tags: vec!["organisation"],
            precision: "high",
            problem_severity: "warning",
            security_severity: None,
        },
    }
}

/// How bad it is for security on GitHub's scale (above 9.0 critical, 7.0 high, 4.0 medium). Rules whose findings an
/// attacker could use have one: those that no policy may lower, those about signatures and code integrity, and those
/// that speak about retail images alone. The others are about quality.
fn security_severity(info: &RuleInfo) -> Option<&'static str> {
    let is_core = CORE.contains(&info.id);
    let is_about_trust = matches!(info.input, Input::Signature | Input::Security);
    let is_about_retail = info.images == [ImageType::Retail];
    if !(is_core || is_about_trust || is_about_retail) {
        return None;
    }
    Some(match info.level {
        _ if is_core => "9.5",
        Level::Error => "8.0",
        Level::Warning => "5.5",
        Level::Info => "2.0",
    })
}

fn problem_severity(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Info => "recommendation",
    }
}

/// The notice of results that were left out.
pub(super) fn cut_notice(id: &'static str) -> log::Notice {
    let text = "Findings are left out because a service would refuse the file.";
    let text = || log::Text { text: text.into() };
    log::Notice {
        id,
        name: pascal_case(id),
        short_description: text(),
        full_description: text(),
        help: log::Text {
            text: "Lint the products one by one, each with a --category of its own, or mend what is worst.".into(),
        },
    }
}

/// The first paragraph below "What it checks", on one line.
fn checks(manual: &str) -> Option<String> {
    let (_, rest) = manual.split_once("## What it checks\n")?;
    let lines = rest.lines().take_while(|line| !line.is_empty());
    let text = lines.map(str::trim).collect::<Vec<_>>().join(" ");
    (!text.is_empty()).then_some(text)
}

fn sentence(text: &str) -> String {
    let text = text.trim();
    match text.ends_with(['.', ':', '!', '?']) {
        true => text.to_owned(),
        false => format!("{text}."),
    }
}

/// `test-fm-in-retail` as `TestFmInRetail`.
fn pascal_case(id: &str) -> String {
    let words = id.split('-').map(|word| {
        let mut characters = word.chars();
        let first = characters.next().map(|first| first.to_ascii_uppercase());
        first.into_iter().chain(characters).collect::<String>()
    });
    words.collect()
}
