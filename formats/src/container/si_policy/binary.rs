//! The body of a binary policy, after the header: lists, then what each format version brought, each part behind its
//! version's number.
//!
//! | part | content |
//! |---|---|
//! | EKUs | counted bytes each |
//! | file rules | kind, `FileName`, `MinimumFileVersion`, `Hash` |
//! | signers | 0 and a counted hash, or 1 and a well-known root; indices of EKUs; issuer, publisher, OEM id; indices of file rules |
//! | update signers, CI signers | indices |
//! | scenarios | value, inherited ones, least hash, and three times allowed signers, denied signers, file rules |
//! | HVCI | a number |
//! | settings | provider, key, name, type, value |
//! | 3 | per file rule `MaximumFileVersion` and app identifiers; per signer `SignTimeAfter` |
//! | 4 | per file rule three names |
//! | 5 | per file rule package family and package version |
//! | 6 | `PolicyID`, `BasePolicyID`, supplemental signers |
//! | 7 | per file rule `FilePath` |
//! | version + 1 | the end |
//!
//! Counted bytes are filled up to 4; texts are counted UTF-16 with 4 bytes of zeros behind them.

use super::policy::{
    CertRoot, Eku, FileRule, FileRuleKind, Policy, PolicyOption, Reference, Scenario, Setting,
    SettingValue, Signer, SignerRule, SignerSet,
};
use crate::cursor::Cursor;
use crate::error::ParseError;
use crate::guid::Guid;
use crate::source::{Span, Spanned};

/// Set in the options of every policy.
const ALWAYS: u32 = 0x8000_0000;
/// The newest format version whose parts are all known.
const LAST_KNOWN: u32 = 7;

impl Policy {
    /// Reads a binary policy, which stands at `offset` of its file. What versions after 7 brought is not read.
    ///
    /// # Errors
    /// Where the bytes are no policy; the message names field and offset.
    pub fn read(bytes: &[u8], offset: u64) -> Result<Self, ParseError> {
        let mut body = Body {
            cursor: Cursor::new("SIPolicy", bytes, offset),
        };
        let version = body.u32("formatVersion")?;
        let policy_type = Guid(body.cursor.array("PolicyTypeID")?);
        let platform = Guid(body.cursor.array("PlatformID")?);
        let start = body.place();
        let options = body.u32("options")?;
        let span = body.span(start);
        let counts = [
            body.u32("ekuCount")?,
            body.u32("fileRuleCount")?,
            body.u32("signerCount")?,
            body.u32("scenarioCount")?,
        ];
        let [ekus, file_rules, signers, scenarios] = counts;
        let mut policy = Self {
            format_version: Some(version),
            policy_type: Some(policy_type),
            platform: Some(platform),
            version: body.u64("VersionEx")?,
            options: (0..32)
                .map(|bit| 1_u32 << bit)
                .filter(|bit| options & bit != 0 && *bit != ALWAYS)
                .map(|bit| Spanned {
                    value: PolicyOption(bit),
                    span,
                })
                .collect(),
            ..Self::default()
        };
        body.u32("headerLength")?;
        policy.ekus = body.list(ekus, Body::eku)?;
        policy.file_rules = body.list(file_rules, Body::file_rule)?;
        let (ekus, rules) = (policy.ekus.len(), policy.file_rules.len());
        policy.signers = body.list(signers, |body| body.signer(ekus, rules))?;
        let signers = policy.signers.len();
        policy.update_signers = body.references("UpdatePolicySigner", signers)?;
        policy.ci_signers = body.references("CiSigner", signers)?;
        policy.scenarios = body.list(scenarios, |body| body.scenario(signers, rules, scenarios))?;
        policy.hvci = body.u32("HvciOptions")?;
        let settings = body.u32("settingCount")?;
        policy.settings = body.list(settings, Body::setting)?;
        body.later_parts(version, &mut policy)?;
        Ok(policy)
    }
}

struct Body<'a> {
    cursor: Cursor<'a>,
}

impl Body<'_> {
    fn u32(&mut self, field: &'static str) -> Result<u32, ParseError> {
        self.cursor.u32(field)
    }

    fn u64(&mut self, field: &'static str) -> Result<u64, ParseError> {
        Ok(u64::from_le_bytes(self.cursor.array(field)?))
    }

    fn place(&self) -> usize {
        usize::try_from(self.cursor.offset()).unwrap_or(usize::MAX)
    }

    /// From a place to the next byte.
    fn span(&self, start: usize) -> Span {
        Span {
            start,
            end: self.place(),
        }
    }

    /// So many elements. Every one takes at least 4 bytes, so a false count ends with the input.
    fn list<T>(
        &mut self,
        count: u32,
        mut read: impl FnMut(&mut Self) -> Result<T, ParseError>,
    ) -> Result<Vec<T>, ParseError> {
        let mut list = Vec::new();
        for _ in 0..count {
            list.push(read(self)?);
        }
        Ok(list)
    }

    fn counted(&mut self, field: &'static str) -> Result<Vec<u8>, ParseError> {
        let length = usize::try_from(self.u32(field)?).unwrap_or(usize::MAX);
        let bytes = self.cursor.bytes(field, length)?.to_vec();
        let fill = length.wrapping_neg() & 3;
        self.cursor.bytes(field, fill)?;
        Ok(bytes)
    }

    fn text(&mut self, field: &'static str) -> Result<Option<String>, ParseError> {
        let bytes = self.counted(field)?;
        self.u32(field)?;
        if bytes.len() % 2 != 0 {
            return Err(self
                .cursor
                .invalid(field, "an odd number of bytes", "UTF-16"));
        }
        let units = bytes.as_chunks::<2>().0;
        let units: Vec<u16> = units.iter().map(|unit| u16::from_le_bytes(*unit)).collect();
        let text = String::from_utf16_lossy(&units);
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    /// An index of a list of `count` elements.
    fn index(&mut self, field: &'static str, count: usize) -> Result<Reference, ParseError> {
        let start = self.place();
        let index = usize::try_from(self.u32(field)?).unwrap_or(usize::MAX);
        if index >= count {
            let expected = format_args!("less than {count}").to_string();
            return Err(self.cursor.invalid(field, index, expected));
        }
        let span = self.span(start);
        Ok(Reference { index, span })
    }

    fn references(
        &mut self,
        field: &'static str,
        count: usize,
    ) -> Result<Vec<Reference>, ParseError> {
        let number = self.u32(field)?;
        self.list(number, |body| body.index(field, count))
    }

    fn indices(&mut self, field: &'static str, count: usize) -> Result<Vec<usize>, ParseError> {
        let references = self.references(field, count)?;
        Ok(references.iter().map(|reference| reference.index).collect())
    }

    fn eku(&mut self) -> Result<Eku, ParseError> {
        let start = self.place();
        let value = self.counted("EKU")?;
        Ok(Eku {
            id: None,
            value,
            span: self.span(start),
        })
    }

    fn file_rule(&mut self) -> Result<FileRule, ParseError> {
        let start = self.place();
        let kind = match self.u32("fileRuleType")? {
            0 => FileRuleKind::Deny,
            1 => FileRuleKind::Allow,
            2 => FileRuleKind::FileAttrib,
            other => return Err(self.cursor.invalid("fileRuleType", other, "0 to 2")),
        };
        Ok(FileRule {
            kind,
            file_name: self.text("FileName")?,
            minimum_version: self.u64("MinimumFileVersion")?,
            maximum_version: 0,
            hash: self.counted("Hash")?,
            names: Default::default(),
            package_family: None,
            path: None,
            span: self.span(start),
        })
    }

    fn signer(&mut self, ekus: usize, rules: usize) -> Result<Signer, ParseError> {
        let start = self.place();
        let root = match self.u32("CertRoot")? {
            0 => CertRoot::Tbs(self.counted("CertRoot")?),
            1 => CertRoot::Wellknown(self.u32("CertRoot")?),
            other => return Err(self.cursor.invalid("CertRoot", other, "0 or 1")),
        };
        Ok(Signer {
            id: None,
            name: None,
            root,
            ekus: self.indices("CertEKU", ekus)?,
            issuer: self.text("CertIssuer")?,
            publisher: self.text("CertPublisher")?,
            oem_id: self.text("CertOemID")?,
            file_attributes: self.indices("FileAttribRef", rules)?,
            sign_time_after: 0,
            span: self.span(start),
        })
    }

    fn scenario(
        &mut self,
        signers: usize,
        rules: usize,
        scenarios: u32,
    ) -> Result<Scenario, ParseError> {
        let start = self.place();
        let scenarios = usize::try_from(scenarios).unwrap_or(usize::MAX);
        Ok(Scenario {
            value: self.u32("Value")?,
            inherited: self.indices("InheritedScenarios", scenarios)?,
            minimum_hash: self.u32("MinimumHashAlgorithm")?,
            product: self.signer_set(signers, rules)?,
            test: self.signer_set(signers, rules)?,
            test_signing: self.signer_set(signers, rules)?,
            span: self.span(start),
        })
    }

    fn signer_set(&mut self, signers: usize, rules: usize) -> Result<SignerSet, ParseError> {
        let mut rules_of = |field| {
            let number = self.u32(field)?;
            self.list(number, |body| {
                Ok(SignerRule {
                    signer: body.index(field, signers)?,
                    except: body.indices("ExceptRule", rules)?,
                })
            })
        };
        let allowed = rules_of("AllowedSigner")?;
        let denied = rules_of("DeniedSigner")?;
        Ok(SignerSet {
            allowed,
            denied,
            file_rules: self.indices("FileRuleRef", rules)?,
        })
    }

    fn setting(&mut self) -> Result<Setting, ParseError> {
        let provider = self.text("Provider")?.unwrap_or_default();
        let key = self.text("Key")?.unwrap_or_default();
        let value_name = self.text("ValueName")?.unwrap_or_default();
        let value = match self.u32("valueType")? {
            0 => SettingValue::Boolean(self.u32("Boolean")? != 0),
            1 => SettingValue::DWord(self.u32("DWord")?),
            2 => SettingValue::Binary(self.counted("Binary")?),
            3 => SettingValue::String(self.text("String")?.unwrap_or_default()),
            other => return Err(self.cursor.invalid("valueType", other, "0 to 3")),
        };
        Ok(Setting {
            provider,
            key,
            value_name,
            value,
        })
    }

    /// The number of the version that brought the next part.
    fn tag(&mut self, wanted: u32) -> Result<(), ParseError> {
        match self.u32("blockVersion")? {
            found if found == wanted => Ok(()),
            found => Err(self.cursor.invalid("blockVersion", found, wanted)),
        }
    }

    fn later_parts(&mut self, version: u32, policy: &mut Policy) -> Result<(), ParseError> {
        if version >= 3 {
            self.tag(3)?;
            for rule in &mut policy.file_rules {
                rule.maximum_version = self.u64("MaximumFileVersion")?;
                let count = self.u32("AppIDs")?;
                self.list(count, |body| body.text("AppIDs"))?;
            }
            for signer in &mut policy.signers {
                signer.sign_time_after = self.u64("SignTimeAfter")?;
            }
        }
        if version >= 4 {
            self.tag(4)?;
            for rule in &mut policy.file_rules {
                rule.names = [
                    self.text("InternalName")?,
                    self.text("FileDescription")?,
                    self.text("ProductName")?,
                ];
            }
        }
        if version >= 5 {
            self.tag(5)?;
            for rule in &mut policy.file_rules {
                rule.package_family = self.text("PackageFamilyName")?;
                self.u64("PackageVersion")?;
            }
        }
        if version >= 6 {
            self.tag(6)?;
            let id = Guid(self.cursor.array("PolicyID")?);
            let base = Guid(self.cursor.array("BasePolicyID")?);
            policy.policy_id = Some((id, base));
            let signers = policy.signers.len();
            policy.supplemental_signers = self.references("SupplementalPolicySigner", signers)?;
        }
        if version >= 7 {
            self.tag(7)?;
            for rule in &mut policy.file_rules {
                rule.path = self.text("FilePath")?;
            }
        }
        // Before version 3 there were no numbered parts; those after the last known one are not read.
        if (3..=LAST_KNOWN).contains(&version) {
            self.tag(version.saturating_add(1))?;
            if self.cursor.remaining() > 0 {
                let more = format_args!("{} more bytes", self.cursor.remaining()).to_string();
                return Err(self.cursor.invalid("end", more, "the end of the policy"));
            }
        }
        Ok(())
    }
}
