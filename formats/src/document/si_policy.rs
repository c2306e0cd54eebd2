//! The XML form of a code-integrity policy, e.g. `EnforcedPolicy.xml`, from which the binary form is made.

use std::collections::HashMap;

use super::error::DocumentError;
use super::parts::{Comment, Root, Unexpected};
use super::reader::{self, Element, Reader};
use crate::container::si_policy::{
    CertRoot, Eku, FileRule, FileRuleKind, Policy, PolicyOption, Reference, Scenario, Setting,
    SettingValue, Signer, SignerRule, SignerSet,
};
use crate::guid::Guid;
use crate::source::{Source, Spanned};

/// Name of the root element.
pub const ROOT: &str = "SiPolicy";
/// Its namespace.
pub const NAMESPACE: &str = "urn:schemas-microsoft-com:sipolicy";

/// `MinimumHashAlgorithm` where nothing is said: SHA-256, by the number that Windows has for it.
const SHA256: u32 = 0x800c;

/// A policy as a document.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SiPolicyDocument {
    /// The root.
    pub root: Root,
    /// What it says. Its places are those of the text.
    pub policy: Policy,
    /// All comments in order.
    pub comments: Vec<Comment>,
    /// What the schema does not have; only what leads to the policy is looked at.
    pub unexpected: Vec<Unexpected>,
}

/// What identifiers stand for.
#[derive(Default)]
struct Ids {
    ekus: HashMap<String, usize>,
    rules: HashMap<String, usize>,
    signers: HashMap<String, usize>,
    scenarios: HashMap<String, usize>,
    dangling: Vec<Spanned<String>>,
}

impl SiPolicyDocument {
    /// Reads a policy. A wrong root is read like the right one.
    ///
    /// # Errors
    /// Text that is not well-formed XML, or is beyond the limits of [`super::xml`].
    pub fn parse(source: &Source) -> Result<Self, DocumentError> {
        reader::read(source, |mut reader| {
            let root = reader.root();
            let mut document = Self {
                root: reader.root_value(),
                ..Self::default()
            };
            let mut ids = Ids::default();
            let policy = &mut document.policy;
            let children = reader.children(&root);
            // What is referred to may stand behind the reference.
            for child in &children {
                match child.name() {
                    "EKUs" => read_ekus(&mut reader, child, policy, &mut ids),
                    "FileRules" => read_file_rules(&mut reader, child, policy, &mut ids),
                    _ => {}
                }
            }
            for child in children.iter().filter(|child| child.name() == "Signers") {
                for signer in reader.members(child, "Signer") {
                    let read = read_signer(&mut reader, &signer, &mut ids);
                    define(&mut ids.signers, read.id.as_deref(), policy.signers.len());
                    policy.signers.push(read);
                }
            }
            for child in &children {
                policy.read_part(&mut reader, child, &root, &mut ids);
            }
            policy.dangling = ids.dangling;
            (document.comments, document.unexpected) = reader.finish();
            document
        })
    }
}

impl Policy {
    fn read_part<'a>(
        &mut self,
        reader: &mut Reader<'a>,
        child: &Element<'a>,
        root: &Element<'a>,
        ids: &mut Ids,
    ) {
        let text = |reader: &mut Reader<'a>| reader.text(child.node).value;
        match child.name() {
            "EKUs" | "FileRules" | "Signers" | "Macros" | "AppSettings" => {}
            "VersionEx" => self.version = version(&text(reader)),
            "PolicyTypeID" => self.policy_type = Guid::parse(&text(reader)),
            "PlatformID" => self.platform = Guid::parse(&text(reader)),
            "PolicyID" => {
                if let Some(id) = Guid::parse(&text(reader)) {
                    let base = self.policy_id.map_or(id, |(_, base)| base);
                    self.policy_id = Some((id, base));
                }
            }
            "BasePolicyID" => {
                if let Some(base) = Guid::parse(&text(reader)) {
                    let id = self.policy_id.map_or(base, |(id, _)| id);
                    self.policy_id = Some((id, base));
                }
            }
            "HvciOptions" => self.hvci = text(reader).parse().unwrap_or_default(),
            "Rules" => {
                for rule in reader.members(child, "Rule") {
                    for option in reader.members(&rule, "Option") {
                        let name = reader.leaf(&option);
                        match PolicyOption::from_name(&name.value) {
                            Some(value) => self.options.push(Spanned {
                                value,
                                span: name.span,
                            }),
                            None => self.unknown_options.push(name),
                        }
                    }
                }
            }
            "UpdatePolicySigners" => {
                self.update_signers = references(reader, child, "UpdatePolicySigner", ids);
            }
            "CiSigners" => self.ci_signers = references(reader, child, "CiSigner", ids),
            "SupplementalPolicySigners" => {
                let member = "SupplementalPolicySigner";
                self.supplemental_signers = references(reader, child, member, ids);
            }
            "SigningScenarios" => {
                let scenarios = reader.members(child, "SigningScenario");
                for (index, scenario) in scenarios.iter().enumerate() {
                    let id = reader.attribute(scenario, "ID").map(|id| id.value);
                    define(&mut ids.scenarios, id.as_deref(), index);
                }
                for scenario in &scenarios {
                    self.scenarios.push(read_scenario(reader, scenario, ids));
                }
            }
            "Settings" => {
                for setting in reader.members(child, "Setting") {
                    self.settings.extend(read_setting(reader, &setting));
                }
            }
            _ => reader.unexpected(child, root),
        }
    }
}

/// Makes an identifier known; of two the first counts.
fn define(ids: &mut HashMap<String, usize>, id: Option<&str>, index: usize) {
    if let Some(id) = id {
        ids.entry(id.to_owned()).or_insert(index);
    }
}

/// The index of an identifier, which is noted where nothing has it.
fn find(
    ids: &HashMap<String, usize>,
    id: Option<Spanned<String>>,
    dangling: &mut Vec<Spanned<String>>,
) -> Option<Reference> {
    let id = id?;
    match ids.get(&id.value) {
        Some(index) => Some(Reference {
            index: *index,
            span: id.span,
        }),
        None => {
            dangling.push(id);
            None
        }
    }
}

fn read_ekus<'a>(reader: &mut Reader<'a>, list: &Element<'a>, policy: &mut Policy, ids: &mut Ids) {
    for element in reader.members(list, "EKU") {
        let id = reader.attribute(&element, "ID").map(|id| id.value);
        let value = reader.attribute(&element, "Value");
        define(&mut ids.ekus, id.as_deref(), policy.ekus.len());
        policy.ekus.push(Eku {
            id,
            value: value.map_or_else(Vec::new, |value| bytes(&value.value)),
            span: element.span(),
        });
    }
}

fn read_file_rules<'a>(
    reader: &mut Reader<'a>,
    list: &Element<'a>,
    policy: &mut Policy,
    ids: &mut Ids,
) {
    for element in reader.children(list) {
        let kind = match element.name() {
            "Deny" => FileRuleKind::Deny,
            "Allow" => FileRuleKind::Allow,
            "FileAttrib" => FileRuleKind::FileAttrib,
            _ => {
                reader.unexpected(&element, list);
                continue;
            }
        };
        let text = |name| {
            let value = reader.attribute(&element, name).map(|value| value.value);
            value.filter(|value| !value.is_empty())
        };
        define(
            &mut ids.rules,
            text("ID").as_deref(),
            policy.file_rules.len(),
        );
        policy.file_rules.push(FileRule {
            kind,
            file_name: text("FileName"),
            minimum_version: text("MinimumFileVersion").map_or(0, |text| version(&text)),
            maximum_version: text("MaximumFileVersion").map_or(0, |text| version(&text)),
            hash: text("Hash").map_or_else(Vec::new, |text| bytes(&text)),
            names: [
                text("InternalName"),
                text("FileDescription"),
                text("ProductName"),
            ],
            package_family: text("PackageFamilyName"),
            path: text("FilePath"),
            span: element.span(),
        });
    }
}

fn read_signer<'a>(reader: &mut Reader<'a>, element: &Element<'a>, ids: &mut Ids) -> Signer {
    let value = |reader: &Reader<'a>, element: &Element<'a>, name: &str| {
        reader.attribute(element, name).map(|value| value.value)
    };
    let mut signer = Signer {
        id: value(reader, element, "ID"),
        name: value(reader, element, "Name"),
        root: CertRoot::Tbs(Vec::new()),
        ekus: Vec::new(),
        issuer: None,
        publisher: None,
        oem_id: None,
        file_attributes: Vec::new(),
        sign_time_after: 0,
        span: element.span(),
    };
    for child in reader.children(element) {
        match child.name() {
            "CertRoot" => {
                let kind = value(reader, &child, "Type").unwrap_or_default();
                let content = bytes(&value(reader, &child, "Value").unwrap_or_default());
                signer.root = match (kind.eq_ignore_ascii_case("Wellknown"), content.as_slice()) {
                    (true, [number]) => CertRoot::Wellknown((*number).into()),
                    _ => CertRoot::Tbs(content),
                };
            }
            "CertEKU" => {
                let id = reader.attribute(&child, "ID");
                let found = find(&ids.ekus, id, &mut ids.dangling);
                signer.ekus.extend(found.map(|found| found.index));
            }
            "CertIssuer" => signer.issuer = value(reader, &child, "Value"),
            "CertPublisher" => signer.publisher = value(reader, &child, "Value"),
            "CertOemID" => signer.oem_id = value(reader, &child, "Value"),
            "FileAttribRef" => {
                let id = reader.attribute(&child, "RuleID");
                let found = find(&ids.rules, id, &mut ids.dangling);
                signer
                    .file_attributes
                    .extend(found.map(|found| found.index));
            }
            _ => reader.unexpected(&child, element),
        }
    }
    signer
}

fn references<'a>(
    reader: &mut Reader<'a>,
    list: &Element<'a>,
    member: &str,
    ids: &mut Ids,
) -> Vec<Reference> {
    let members = reader.members(list, member);
    let found = members.iter().map(|member| {
        let id = reader.attribute(member, "SignerId");
        find(&ids.signers, id, &mut ids.dangling)
    });
    found.flatten().collect()
}

fn read_scenario<'a>(reader: &mut Reader<'a>, element: &Element<'a>, ids: &mut Ids) -> Scenario {
    let number = |reader: &Reader<'a>, name: &str| {
        let value = reader.attribute(element, name);
        value.and_then(|value| value.value.trim().parse().ok())
    };
    let mut scenario = Scenario {
        value: number(reader, "Value").unwrap_or_default(),
        minimum_hash: number(reader, "MinimumHashAlgorithm").unwrap_or(SHA256),
        span: element.span(),
        ..Scenario::default()
    };
    if let Some(inherited) = reader.attribute(element, "InheritedScenarios") {
        let names = inherited.value.split(',').map(str::trim);
        for name in names.filter(|name| !name.is_empty()) {
            let id = Some(Spanned {
                value: name.to_owned(),
                span: inherited.span,
            });
            let found = find(&ids.scenarios, id, &mut ids.dangling);
            scenario.inherited.extend(found.map(|found| found.index));
        }
    }
    for child in reader.children(element) {
        match child.name() {
            "ProductSigners" => scenario.product = read_signer_set(reader, &child, ids),
            "TestSigners" => scenario.test = read_signer_set(reader, &child, ids),
            "TestSigningSigners" => scenario.test_signing = read_signer_set(reader, &child, ids),
            "AppIDTags" => {}
            _ => reader.unexpected(&child, element),
        }
    }
    scenario
}

fn read_signer_set<'a>(reader: &mut Reader<'a>, element: &Element<'a>, ids: &mut Ids) -> SignerSet {
    let mut set = SignerSet::default();
    for child in reader.children(element) {
        match child.name() {
            "AllowedSigners" => {
                let names = ["AllowedSigner", "ExceptDenyRule", "DenyRuleID"];
                set.allowed = signer_rules(reader, &child, names, ids);
            }
            "DeniedSigners" => {
                let names = ["DeniedSigner", "ExceptAllowRule", "AllowRuleID"];
                set.denied = signer_rules(reader, &child, names, ids);
            }
            "FileRulesRef" => {
                for member in reader.members(&child, "FileRuleRef") {
                    let id = reader.attribute(&member, "RuleID");
                    let found = find(&ids.rules, id, &mut ids.dangling);
                    set.file_rules.extend(found.map(|found| found.index));
                }
            }
            _ => reader.unexpected(&child, element),
        }
    }
    set
}

fn signer_rules<'a>(
    reader: &mut Reader<'a>,
    list: &Element<'a>,
    [member, exception, attribute]: [&str; 3],
    ids: &mut Ids,
) -> Vec<SignerRule> {
    let mut rules = Vec::new();
    for element in reader.members(list, member) {
        let id = reader.attribute(&element, "SignerId");
        let signer = find(&ids.signers, id, &mut ids.dangling);
        let mut except = Vec::new();
        for child in reader.members(&element, exception) {
            let id = reader.attribute(&child, attribute);
            let found = find(&ids.rules, id, &mut ids.dangling);
            except.extend(found.map(|found| found.index));
        }
        rules.extend(signer.map(|signer| SignerRule { signer, except }));
    }
    rules
}

fn read_setting<'a>(reader: &mut Reader<'a>, element: &Element<'a>) -> Option<Setting> {
    let text = |reader: &Reader<'a>, name: &str| {
        let value = reader.attribute(element, name);
        value.map_or_else(String::new, |value| value.value)
    };
    let (provider, key) = (text(reader, "Provider"), text(reader, "Key"));
    let value_name = text(reader, "ValueName");
    let values = reader.members(element, "Value");
    let value = reader.children(values.first()?).into_iter().next()?;
    let content = reader.text(value.node).value;
    let value = match value.name() {
        "Boolean" => SettingValue::Boolean(matches!(content.as_str(), "true" | "1")),
        "DWord" => SettingValue::DWord(content.parse().unwrap_or_default()),
        "Binary" => SettingValue::Binary(bytes(&content)),
        _ => SettingValue::String(content),
    };
    Some(Setting {
        provider,
        key,
        value_name,
        value,
    })
}

/// The bytes of hexadecimal digits; none where the text is something else.
fn bytes(text: &str) -> Vec<u8> {
    let text = text.trim();
    let pairs = text.as_bytes().chunks(2);
    let byte = |pair: &[u8]| match pair {
        [_, _] => u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok(),
        _ => None,
    };
    pairs.map(byte).collect::<Option<_>>().unwrap_or_default()
}

/// Four numbers as one, the first in the high bits; numbers that are missing or too large are 0.
fn version(text: &str) -> u64 {
    let mut parts = text.trim().split('.');
    let mut version = 0;
    for _ in 0..4 {
        let part = parts.next().and_then(|part| part.parse::<u16>().ok());
        version = version << 16 | u64::from(part.unwrap_or_default());
    }
    version
}
