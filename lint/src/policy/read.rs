//! A policy's TOML, read with places and checked into settings of rules that exist.

use std::collections::BTreeMap;
use std::sync::Arc;

use formats::source::{Source, Span};
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::{CORE, Layer, PolicyError, PolicyProblem, PolicyProblemKind, Setting, Standing, place};
use crate::diagnostic::Level;
use crate::expiry::Until;
use crate::image::ImageType;
use crate::nearest::nearest;
use crate::rule::RuleInfo;

/// The keys at the top of a policy.
const TOP_KEYS: &[&str] = &[
    "description",
    "extends",
    "mmos",
    "rego",
    "retail",
    "rules",
    "test",
];
/// The keys of an entry beside the rule's parameters.
const ENTRY_KEYS: &[&str] = &["level", "reason", "until"];

/// What a policy file says.
pub(super) struct Document {
    pub(super) layer: Layer,
    pub(super) problems: Vec<PolicyProblem>,
}

struct Reader<'a> {
    source: &'a Source,
    rules: &'a [&'static RuleInfo],
    /// Whether the policy belongs to the program and may say anything.
    built_in: bool,
    problems: Vec<PolicyProblem>,
}

type Entry<'a, 't> = (&'a Spanned<DeString<'t>>, &'a Spanned<DeValue<'t>>);

fn parse(source: &Source) -> Result<Spanned<DeTable<'_>>, PolicyError> {
    DeTable::parse(source.text()).map_err(|error| PolicyError::NotToml {
        place: Box::new(place(source, error.span().unwrap_or_default(), "")),
        problem: error.message().to_owned(),
    })
}

/// The policies that a policy builds on, weakest first: built-in ones by name, others relative to its own folder.
pub(super) fn extends(source: &Source) -> Result<Vec<String>, PolicyError> {
    let table = parse(source)?;
    Ok(match table.get_ref().get("extends").map(Spanned::get_ref) {
        Some(DeValue::String(one)) => vec![one.to_string()],
        Some(DeValue::Array(several)) => {
            let texts = several.iter().filter_map(|one| one.get_ref().as_str());
            texts.map(str::to_owned).collect()
        }
        _ => Vec::new(),
    })
}

/// The folders of own rules that a policy names, relative to its own folder.
pub(super) fn own_rules(source: &Source) -> Result<Vec<String>, PolicyError> {
    let table = parse(source)?;
    let rego = table.get_ref().get("rego").map(Spanned::get_ref);
    let folders = rego.and_then(|rego| rego.as_table()?.get("folders"));
    let folders = folders.and_then(|folders| folders.get_ref().as_array());
    let texts = folders.into_iter().flat_map(|folders| folders.iter());
    let texts = texts.filter_map(|folder| folder.get_ref().as_str());
    Ok(texts.map(str::to_owned).collect())
}

/// Reads a policy. `only` is the image type of a built-in one, whose `[rules]` are for that type alone.
pub(super) fn document(
    source: &Arc<Source>,
    standing: Standing,
    only: Option<ImageType>,
    rules: &[&'static RuleInfo],
) -> Result<Document, PolicyError> {
    let table = parse(source)?;
    let mut reader = Reader {
        source,
        rules,
        built_in: standing == Standing::BuiltIn,
        problems: Vec::new(),
    };
    let mut layer = Layer {
        standing,
        source: source.clone(),
        description: None,
        rules: BTreeMap::new(),
        images: BTreeMap::new(),
    };
    for entry in table.get_ref() {
        match entry.0.get_ref().as_ref() {
            "description" => layer.description = reader.text(entry),
            "extends" => reader.texts(entry),
            "rego" => reader.rego(entry),
            "rules" => {
                let settings = reader.section(entry, "rules", only);
                match only {
                    Some(image) => {
                        layer.images.insert(image, settings);
                    }
                    None => layer.rules = settings,
                }
            }
            word => match ImageType::from_word(word) {
                Some(image) => {
                    let settings = reader.section(entry, image.as_str(), Some(image));
                    layer.images.insert(image, settings);
                }
                None => reader.unknown(entry, "a policy has no", TOP_KEYS.iter().copied()),
            },
        }
    }
    reader.overridden(&layer);
    Ok(Document {
        layer,
        problems: reader.problems,
    })
}

impl Reader<'_> {
    fn problem(
        &mut self,
        kind: PolicyProblemKind,
        span: std::ops::Range<usize>,
        route: &str,
        message: String,
        help: Option<String>,
    ) {
        self.problems.push(PolicyProblem {
            kind,
            place: place(self.source, span, route),
            message,
            help,
        });
    }

    fn unknown<'a>(
        &mut self,
        (key, _): Entry<'_, '_>,
        what: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) {
        let word = key.get_ref().as_ref();
        let help = nearest(word, known).map(|near| format!("did you mean `{near}`?"));
        let message = format!("{what} `{word}`");
        self.problem(
            PolicyProblemKind::UnknownEntry,
            key.span(),
            word,
            message,
            help,
        );
    }

    fn invalid(&mut self, span: std::ops::Range<usize>, route: &str, message: String) {
        self.problem(PolicyProblemKind::InvalidValue, span, route, message, None);
    }

    fn text(&mut self, (key, value): Entry<'_, '_>) -> Option<String> {
        let text = value.get_ref().as_str();
        if text.is_none() {
            let key = key.get_ref().as_ref();
            let found = value.get_ref().type_str();
            self.invalid(
                value.span(),
                key,
                format!("`{key}` is {found}, expected a string"),
            );
        }
        text.map(str::to_owned)
    }

    /// A string or an array of strings.
    fn texts(&mut self, (key, value): Entry<'_, '_>) {
        match value.get_ref() {
            DeValue::Array(several) => {
                for one in several.iter() {
                    self.text((key, one));
                }
            }
            _ => {
                self.text((key, value));
            }
        }
    }

    /// `[rego]`: the folders of own rules.
    fn rego(&mut self, (_, value): Entry<'_, '_>) {
        let Some(table) = value.get_ref().as_table() else {
            let found = value.get_ref().type_str();
            let message = format!("`rego` is {found}, expected a table");
            self.invalid(value.span(), "rego", message);
            return;
        };
        for entry in table {
            match entry.0.get_ref().as_ref() {
                "folders" if entry.1.get_ref().as_array().is_some() => self.texts(entry),
                "folders" => {
                    let found = entry.1.get_ref().type_str();
                    let message = format!("`folders` is {found}, expected an array of strings");
                    self.invalid(entry.1.span(), "folders", message);
                }
                _ => self.unknown(entry, "`rego` has no", ["folders"]),
            }
        }
    }

    /// Reports levels for every image type that this same policy overrides for each of them.
    fn overridden(&mut self, layer: &Layer) {
        for info in self.rules.iter().filter(|info| !info.images.is_empty()) {
            let general = layer.rules.get(info.id);
            let Some(general) = general.filter(|setting| setting.level.is_some()) else {
                continue;
            };
            let is_set = |image: &ImageType| {
                let of_image = layer.images.get(image);
                let setting = of_image.and_then(|settings| settings.get(info.id));
                setting.is_some_and(|setting| setting.level.is_some())
            };
            if info.images.iter().all(is_set) {
                let id = info.id;
                self.problems.push(PolicyProblem {
                    kind: PolicyProblemKind::UnusedEntry,
                    place: general.place.clone(),
                    message: format!(
                        "`{id}` is set again for every type of image that it is about"
                    ),
                    help: Some("remove this entry".to_owned()),
                });
            }
        }
    }

    /// The table of rules called `name`; `image` is the type it is for.
    fn section(
        &mut self,
        (_, value): Entry<'_, '_>,
        name: &'static str,
        image: Option<ImageType>,
    ) -> BTreeMap<&'static str, Setting> {
        let mut settings = BTreeMap::new();
        let Some(table) = value.get_ref().as_table() else {
            let found = value.get_ref().type_str();
            self.invalid(
                value.span(),
                name,
                format!("`{name}` is {found}, expected a table"),
            );
            return settings;
        };
        for entry in table {
            let id = entry.0.get_ref().as_ref();
            let rules = self.rules;
            let Some(info) = rules.iter().find(|info| info.id == id) else {
                self.unknown(entry, "there is no rule", rules.iter().map(|info| info.id));
                continue;
            };
            if image.is_some_and(|image| !info.applies_to(Some(image))) {
                let image = image.map_or("", ImageType::as_str);
                let message = format!("`{id}` says nothing about {image} images");
                let kind = PolicyProblemKind::UnusedEntry;
                self.problem(kind, entry.0.span(), id, message, None);
                continue;
            }
            if let Some(setting) = self.setting(info, name, entry) {
                settings.insert(info.id, setting);
            }
        }
        settings
    }

    /// `id = "level"` or `id = { level = "...", parameter = ... }`.
    fn setting(
        &mut self,
        info: &'static RuleInfo,
        section: &'static str,
        (key, value): Entry<'_, '_>,
    ) -> Option<Setting> {
        let mut setting = Setting {
            level: None,
            section,
            parameters: Vec::new(),
            place: place(self.source, key.span().start..value.span().end, info.id),
            reason: None,
            until: None,
        };
        match value.get_ref() {
            DeValue::String(_) => setting.level = Some(self.level(info, value)?),
            DeValue::Table(table) => {
                for entry in table {
                    let (key, value) = entry;
                    if key.get_ref() == "level" {
                        setting.level = self.level(info, value);
                        setting.place = place(self.source, value.span(), info.id);
                    } else if key.get_ref() == "reason" {
                        setting.reason = self.text(entry);
                    } else if key.get_ref() == "until" {
                        setting.until = self.until(entry);
                    } else if info
                        .parameters
                        .iter()
                        .any(|known| known.key() == *key.get_ref())
                    {
                        self.parameter(info, entry, &mut setting);
                    } else {
                        let keys: Vec<String> =
                            info.parameters.iter().map(|known| known.key()).collect();
                        let known = keys
                            .iter()
                            .map(String::as_str)
                            .chain(ENTRY_KEYS.iter().copied());
                        self.unknown(entry, &format!("`{}` has no parameter", info.id), known);
                    }
                }
            }
            other => {
                let found = other.type_str();
                let message = format!("`{}` is {found}, expected a level or a table", info.id);
                self.invalid(value.span(), info.id, message);
                return None;
            }
        }
        self.reason(info, &setting);
        Some(setting)
    }

    /// Asks for a reason where a rule is set below its own level.
    fn reason(&mut self, info: &'static RuleInfo, setting: &Setting) {
        let lowered = setting.level.filter(|level| *level < Some(info.level));
        let has_reason = setting
            .reason
            .as_ref()
            .is_some_and(|reason| !reason.trim().is_empty());
        let Some(level) = lowered.filter(|_| !self.built_in && !has_reason) else {
            return;
        };
        let word = level.map_or("off", Level::as_str);
        let id = info.id;
        self.problems.push(PolicyProblem {
            kind: PolicyProblemKind::MissingReason,
            place: setting.place.clone(),
            message: format!("`{id}` is set to `{word}` without a reason"),
            help: Some(format!(
                "write `{id} = {{ level = \"{word}\", reason = \"...\" }}`"
            )),
        });
    }

    /// The last day of an entry: a date of TOML, or one in a string.
    fn until(&mut self, (_, value): Entry<'_, '_>) -> Option<Until> {
        let text = match value.get_ref() {
            DeValue::Datetime(date) => date.to_string(),
            DeValue::String(text) => text.to_string(),
            other => other.type_str().to_owned(),
        };
        let until = Until::parse(&text);
        if until.is_none() {
            let message = format!("`{text}` is no date, expected one like 2027-03-31");
            self.invalid(value.span(), "until", message);
        }
        // What was meant to end does not go on for ever.
        until.or(Some(Until::OVER))
    }

    fn level(
        &mut self,
        info: &'static RuleInfo,
        value: &Spanned<DeValue<'_>>,
    ) -> Option<Option<Level>> {
        let word = value.get_ref().as_str();
        let level = match word {
            Some("off") => None,
            Some(word) if Level::from_word(word).is_some() => Level::from_word(word),
            _ => {
                let found = word.unwrap_or(value.get_ref().type_str());
                let message =
                    format!("`{found}` is no level, expected `error`, `warning`, `info` or `off`");
                self.invalid(value.span(), info.id, message);
                return None;
            }
        };
        if !self.built_in && CORE.contains(&info.id) && level < Some(info.level) {
            let wanted = level.map_or("off", Level::as_str);
            let message = format!("`{}` cannot be set to `{wanted}`", info.id);
            self.core(value.span(), info, message);
            return None;
        }
        Some(level)
    }

    fn parameter(
        &mut self,
        info: &'static RuleInfo,
        (key, value): Entry<'_, '_>,
        setting: &mut Setting,
    ) {
        if !self.built_in && CORE.contains(&info.id) {
            let message = format!("the parameters of `{}` cannot be changed", info.id);
            self.core(key.span(), info, message);
            return;
        }
        let mut alone = DeTable::new();
        alone.insert(key.clone(), value.clone());
        if let Err(error) = (info.build)(alone) {
            let span = error.span().unwrap_or(value.span());
            let message = format!("`{}`: {}", key.get_ref(), error.message());
            self.invalid(span, info.id, message);
            return;
        }
        let value = Span::from(value.span());
        setting.parameters.push((key.get_ref().to_string(), value));
    }

    fn core(&mut self, span: std::ops::Range<usize>, info: &RuleInfo, message: String) {
        let help = "what this rule finds must never ship; the entry has no effect";
        let kind = PolicyProblemKind::LoweredCoreRule;
        self.problem(kind, span, info.id, message, Some(help.to_owned()));
    }
}
