//! What a code-integrity policy says, whether it was read from its binary form or from XML.

use std::fmt;

use crate::guid::Guid;
use crate::oid::Oid;
use crate::source::{Span, Spanned};

/// The scenario of kernel-mode code: drivers.
pub const KERNEL: u32 = 131;
/// The scenario of user-mode code: programs, libraries, app packages.
pub const USER: u32 = 12;

/// A policy. All places are byte ranges, of the file in the binary form and of the text in the XML form.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policy {
    /// Version of the binary format; XML has none.
    pub format_version: Option<u32>,
    /// `PolicyTypeID`.
    pub policy_type: Option<Guid>,
    /// `PlatformID`.
    pub platform: Option<Guid>,
    /// `VersionEx`, four numbers, the first in the high bits.
    pub version: u64,
    /// `Rules`.
    pub options: Vec<Spanned<PolicyOption>>,
    /// Options of XML whose names are not known.
    pub unknown_options: Vec<Spanned<String>>,
    /// `EKUs`.
    pub ekus: Vec<Eku>,
    /// `FileRules`.
    pub file_rules: Vec<FileRule>,
    /// `Signers`.
    pub signers: Vec<Signer>,
    /// `UpdatePolicySigners`: who may sign the policies that follow this one.
    pub update_signers: Vec<Reference>,
    /// `CiSigners`.
    pub ci_signers: Vec<Reference>,
    /// `SupplementalPolicySigners`.
    pub supplemental_signers: Vec<Reference>,
    /// `SigningScenarios`.
    pub scenarios: Vec<Scenario>,
    /// `HvciOptions`.
    pub hvci: u32,
    /// `Settings`, the secure settings among them.
    pub settings: Vec<Setting>,
    /// `PolicyID` and `BasePolicyID`, from format version 6 on.
    pub policy_id: Option<(Guid, Guid)>,
    /// Identifiers in XML that nothing has.
    pub dangling: Vec<Spanned<String>>,
}

/// One of the options of a policy, as the bit that the binary form has for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PolicyOption(pub u32);

impl PolicyOption {
    /// `Enabled:UMCI`: user-mode code is checked too.
    pub const UMCI: Self = Self(0x4);
    /// `Enabled:Audit Mode`: violations are written down, nothing is stopped.
    pub const AUDIT_MODE: Self = Self(0x1_0000);
    /// `Enabled:Unsigned System Integrity Policy`.
    pub const UNSIGNED_POLICY: Self = Self(0x8_0000);
    /// `Enabled:Advanced Boot Options Menu`.
    pub const ADVANCED_BOOT_MENU: Self = Self(0x80_0000);
    /// `Required:Enforce Store Applications`.
    pub const ENFORCE_STORE: Self = Self(0x200_0000);

    const NAMES: [(u32, &'static str); 23] = [
        (0x4, "Enabled:UMCI"),
        (0x8, "Enabled:Boot Menu Protection"),
        (0x10, "Enabled:Intelligent Security Graph Authorization"),
        (0x20, "Enabled:Invalidate EAs on Reboot"),
        (0x80, "Required:WHQL"),
        (0x100, "Enabled:Developer Mode Dynamic Code Trust"),
        (0x400, "Enabled:Allow Supplemental Policies"),
        (0x800, "Disabled:Runtime FilePath Rule Protection"),
        (0x2000, "Enabled:Revoked Expired As Unsigned"),
        (0x1_0000, "Enabled:Audit Mode"),
        (0x2_0000, "Disabled:Flight Signing"),
        (0x4_0000, "Enabled:Inherit Default Policy"),
        (0x8_0000, "Enabled:Unsigned System Integrity Policy"),
        (0x10_0000, "Enabled:Dynamic Code Security"),
        (0x20_0000, "Required:EV Signers"),
        (0x40_0000, "Enabled:Boot Audit On Failure"),
        (0x80_0000, "Enabled:Advanced Boot Options Menu"),
        (0x100_0000, "Disabled:Script Enforcement"),
        (0x200_0000, "Required:Enforce Store Applications"),
        (0x400_0000, "Enabled:Secure Setting Policy"),
        (0x800_0000, "Enabled:Managed Installer"),
        (0x1000_0000, "Enabled:Update Policy No Reboot"),
        (0x2000_0000, "Enabled:Conditional Windows Lockdown Policy"),
    ];

    /// The option of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        let mut names = Self::NAMES.iter();
        let found = names.find(|(_, known)| known.eq_ignore_ascii_case(name))?;
        Some(Self(found.0))
    }

    /// The name that XML has for it.
    pub fn name(self) -> Option<&'static str> {
        let mut names = Self::NAMES.iter();
        names.find(|(bit, _)| *bit == self.0).map(|(_, name)| *name)
    }
}

impl fmt::Display for PolicyOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "option 0x{:08x}", self.0),
        }
    }
}

/// An extended key usage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Eku {
    /// `ID`; only XML has one.
    pub id: Option<String>,
    /// `Value`: 01, then length and content of an object identifier.
    pub value: Vec<u8>,
    /// Its place.
    pub span: Span,
}

impl Eku {
    /// The identifier, dotted; `None` where the value is none.
    pub fn oid(&self) -> Option<String> {
        match self.value.as_slice() {
            [1, length, content @ ..] if usize::from(*length) == content.len() => {
                Some(Oid(content).to_string())
            }
            _ => None,
        }
    }
}

/// What a file rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileRuleKind {
    /// `Deny`.
    Deny,
    /// `Allow`.
    Allow,
    /// `FileAttrib`: narrows signers that refer to it.
    FileAttrib,
}

/// A rule about a file. What is absent does not matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRule {
    /// What it does.
    pub kind: FileRuleKind,
    /// `FileName`, the original name in the version resource.
    pub file_name: Option<String>,
    /// `MinimumFileVersion`, four numbers.
    pub minimum_version: u64,
    /// `MaximumFileVersion`.
    pub maximum_version: u64,
    /// `Hash`, the Authenticode hash of the file.
    pub hash: Vec<u8>,
    /// `InternalName`, `FileDescription` and `ProductName` of the version resource.
    pub names: [Option<String>; 3],
    /// `PackageFamilyName`.
    pub package_family: Option<String>,
    /// `FilePath`.
    pub path: Option<String>,
    /// Its place.
    pub span: Span,
}

/// What a signer's chain must hold.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CertRoot {
    /// A certificate whose signed part has this hash, by the digest of that certificate's own signature.
    Tbs(Vec<u8>),
    /// A root that Windows knows under this number.
    Wellknown(u32),
}

/// The names of well-known roots.
const WELLKNOWN: [(u32, &str); 13] = [
    (3, "Microsoft Authenticode Root"),
    (4, "Microsoft Product Root 1997"),
    (5, "Microsoft Product Root 2001"),
    (6, "Microsoft Product Root 2010"),
    (7, "Microsoft Standard Root 2011"),
    (8, "Microsoft Code Verification Root 2006"),
    (9, "Microsoft Test Root 1999"),
    (10, "Microsoft Test Root 2010"),
    (11, "Microsoft DMD Test Root 2005"),
    (12, "Microsoft DMD Root 2005"),
    (13, "Microsoft DMD Preview Root 2005"),
    (14, "Microsoft Flight Root 2014"),
    (15, "Microsoft Third Party Marketplace Root"),
];

impl fmt::Display for CertRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tbs(hash) => {
                f.write_str("certificate ")?;
                hash.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
            }
            Self::Wellknown(number) => {
                let name = WELLKNOWN.iter().find(|(known, _)| known == number);
                match name {
                    Some((_, name)) => f.write_str(name),
                    None => write!(f, "well-known root {number:02X}"),
                }
            }
        }
    }
}

/// A signer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    /// `ID`; only XML has one.
    pub id: Option<String>,
    /// `Name`; only XML has one, and it proves nothing.
    pub name: Option<String>,
    /// `CertRoot`.
    pub root: CertRoot,
    /// `CertEKU`: indices of [`Policy::ekus`], all of which the leaf must have.
    pub ekus: Vec<usize>,
    /// `CertIssuer`: common name of the leaf's issuer.
    pub issuer: Option<String>,
    /// `CertPublisher`: common name of the leaf.
    pub publisher: Option<String>,
    /// `CertOemID`.
    pub oem_id: Option<String>,
    /// `FileAttribRef`: indices of [`Policy::file_rules`], one of which the file must fulfil.
    pub file_attributes: Vec<usize>,
    /// `SignTimeAfter`, in 100 nanoseconds since 1601; 0 for none.
    pub sign_time_after: u64,
    /// Its place.
    pub span: Span,
}

impl Signer {
    /// What a person calls it.
    pub fn described(&self) -> String {
        match &self.name {
            Some(name) if !name.is_empty() => format!("{name} ({})", self.root),
            _ => self.root.to_string(),
        }
    }
}

/// A use of something by its index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reference {
    /// The index, which exists.
    pub index: usize,
    /// The place of the use.
    pub span: Span,
}

/// A signer in a scenario, and the file rules that are excepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignerRule {
    /// Index of [`Policy::signers`].
    pub signer: Reference,
    /// Indices of [`Policy::file_rules`].
    pub except: Vec<usize>,
}

/// Who and what is allowed and denied.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SignerSet {
    /// `AllowedSigners`.
    pub allowed: Vec<SignerRule>,
    /// `DeniedSigners`.
    pub denied: Vec<SignerRule>,
    /// `FileRulesRef`: indices of [`Policy::file_rules`].
    pub file_rules: Vec<usize>,
}

/// A signing scenario.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scenario {
    /// `Value`: [`KERNEL`] or [`USER`].
    pub value: u32,
    /// Indices of [`Policy::scenarios`] whose rules count here too.
    pub inherited: Vec<usize>,
    /// `MinimumHashAlgorithm`.
    pub minimum_hash: u32,
    /// `ProductSigners`.
    pub product: SignerSet,
    /// `TestSigners`, which count with test signing on.
    pub test: SignerSet,
    /// `TestSigningSigners`, likewise.
    pub test_signing: SignerSet,
    /// Its place.
    pub span: Span,
}

/// A value of a setting.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum SettingValue {
    /// `Boolean`.
    Boolean(bool),
    /// `DWord`.
    DWord(u32),
    /// `Binary`.
    Binary(Vec<u8>),
    /// `String`.
    String(String),
}

/// A setting.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Setting {
    /// `Provider`.
    pub provider: String,
    /// `Key`.
    pub key: String,
    /// `ValueName`.
    pub value_name: String,
    /// `Value`.
    pub value: SettingValue,
}

impl Policy {
    /// Where an option is switched on.
    pub fn option(&self, option: PolicyOption) -> Option<Span> {
        let mut options = self.options.iter();
        options.find(|set| set.value == option).map(|set| set.span)
    }

    /// The scenario of a number.
    pub fn scenario(&self, value: u32) -> Option<&Scenario> {
        self.scenarios
            .iter()
            .find(|scenario| scenario.value == value)
    }

    /// The signers that references name.
    pub fn referred<'a>(&'a self, references: &'a [Reference]) -> impl Iterator<Item = &'a Signer> {
        let referred = references.iter();
        referred.filter_map(|reference| self.signers.get(reference.index))
    }

    /// `VersionEx` as it is written.
    pub fn version_text(&self) -> String {
        let [a, b, c, d, e, f, g, h] = self.version.to_be_bytes();
        let parts =
            [[a, b], [c, d], [e, f], [g, h]].map(|part| u16::from_be_bytes(part).to_string());
        parts.join(".")
    }

    /// In what two policies differ, as phrases that name the part: what this one has and the other has not, and the
    /// reverse. Identifiers and names of XML do not count, nor does the order.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let (own, theirs) = (self.outline(), other.outline());
        let mut found = Vec::new();
        for ((part, own), (_, theirs)) in own.iter().zip(&theirs) {
            for (these, those, word) in [(own, theirs, "lacks"), (theirs, own, "has besides")] {
                let mut rest = those.clone();
                for one in these {
                    match rest.iter().position(|known| known == one) {
                        Some(place) => drop(rest.swap_remove(place)),
                        None => found.push(format!("{word} {part} {one}")),
                    }
                }
            }
        }
        found
    }

    /// What a policy says, part by part, without what only one of the forms has.
    fn outline(&self) -> Vec<(&'static str, Vec<String>)> {
        let signer = |signer: &Signer| {
            let mut text = signer.root.to_string();
            for eku in signer.ekus.iter().filter_map(|index| self.ekus.get(*index)) {
                text += &format!(" with usage {}", eku.oid().unwrap_or_default());
            }
            let names = [&signer.issuer, &signer.publisher, &signer.oem_id];
            for name in names.into_iter().flatten().filter(|name| !name.is_empty()) {
                text += &format!(" named {name}");
            }
            for rule in &signer.file_attributes {
                text += &self.file_rule(*rule);
            }
            text
        };
        let references = |references: &[Reference]| self.referred(references).map(signer).collect();
        let mut parts: Vec<(&'static str, Vec<String>)> = vec![
            ("version", vec![self.version_text()]),
            (
                "option",
                self.options.iter().map(|o| o.value.to_string()).collect(),
            ),
            ("usage", self.ekus.iter().filter_map(Eku::oid).collect()),
            ("signer", self.signers.iter().map(signer).collect()),
            ("update signer", references(&self.update_signers)),
            ("CI signer", references(&self.ci_signers)),
            (
                "supplemental signer",
                references(&self.supplemental_signers),
            ),
            (
                "file rule",
                (0..self.file_rules.len())
                    .map(|index| self.file_rule(index))
                    .collect(),
            ),
            ("HVCI option", vec![self.hvci.to_string()]),
            (
                "setting",
                self.settings.iter().map(|s| format!("{s:?}")).collect(),
            ),
        ];
        for (value, part) in [(KERNEL, "kernel signer"), (USER, "user signer")] {
            let scenario = self.scenario(value);
            let rules = scenario.map(|scenario| scenario.product.allowed.as_slice());
            let allowed = rules.unwrap_or_default().iter();
            let allowed = allowed.filter_map(|rule| self.signers.get(rule.signer.index));
            parts.push((part, allowed.map(signer).collect()));
        }
        parts
    }

    fn file_rule(&self, index: usize) -> String {
        let Some(rule) = self.file_rules.get(index) else {
            return String::new();
        };
        let hash: String = rule.hash.iter().map(|byte| format!("{byte:02X}")).collect();
        let texts = [&rule.file_name, &rule.package_family, &rule.path];
        let texts = texts.into_iter().chain(&rule.names).flatten();
        let texts: Vec<&str> = texts.map(String::as_str).collect();
        format!(
            "{:?} {hash}{} from {:#x} to {:#x}",
            rule.kind,
            texts.join(", "),
            rule.minimum_version,
            rule.maximum_version
        )
    }
}
