//! What a rule is: a manual, the metadata that says when it applies, and one pure `check`.
//!
//! A rule lives alone in `rules/<id with underscores>.rs`, declared with `declare_rule!` and
//! listed once in `rules/mod.rs`. It reads [`Facts`] and writes to a [`Report`]; its level and whether it runs at all
//! are the policy's business. Time, files and the environment are facts too: a rule asks nobody.

mod report;

use std::fmt;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Error, ValueDeserializer};

use crate::diagnostic::Level;
use crate::facts::Facts;
use crate::image::ImageType;

pub use report::{Finding, Report};

/// One check. The fields of the implementing type are the parameters that a policy may set.
pub trait Rule: Send + Sync {
    /// Looks at the facts of one image type and reports every place where the defect stands. Pure: the same facts
    /// give the same report.
    fn check(&self, facts: &Facts<'_>, report: &mut Report);
}

/// What a rule judges; a reader of `proofmark rules` finds the rules about one kind of file by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Input {
    /// `OEMInput.xml`, the image configuration, alone or with what it names.
    OemInput,
    /// A feature manifest.
    FeatureManifest,
    /// An `*FMFileList.xml`.
    FmFileList,
    /// A package definition, `*.wm.xml` or `*.pkg.xml`.
    PackageDefinition,
    /// A built package.
    Package,
    /// Registry values of package definitions and `.reg` files.
    Registry,
    /// A boot configuration, `*.BCD.xml`.
    BootConfiguration,
    /// The signature of a package, or of a file in it.
    Signature,
    /// A code-integrity policy or a secure-boot variable.
    Security,
    /// A `customizations.xml`.
    Provisioning,
    /// A device layout or device platform.
    DeviceLayout,
    /// Product settings.
    ProductSettings,
    /// The workspace file.
    Workspace,
    /// The policy itself, a baseline or a suppression; judged when everything else has been.
    Policy,
    /// Any document that is read at all.
    Document,
    /// A finished image, a full flash update, and what is in it.
    Image,
}

impl Input {
    /// The word that tables and reports use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OemInput => "oem-input",
            Self::FeatureManifest => "feature-manifest",
            Self::FmFileList => "fm-file-list",
            Self::PackageDefinition => "package-definition",
            Self::Package => "package",
            Self::Registry => "registry",
            Self::BootConfiguration => "boot-configuration",
            Self::Signature => "signature",
            Self::Security => "security",
            Self::Provisioning => "provisioning",
            Self::DeviceLayout => "device-layout",
            Self::ProductSettings => "product-settings",
            Self::Workspace => "workspace",
            Self::Policy => "policy",
            Self::Document => "document",
            Self::Image => "image",
        }
    }
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A parameter that a policy may give a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameter {
    /// The field's name; see [`Parameter::key`] for what a policy writes.
    pub field: &'static str,
    /// The field's doc comment.
    pub doc: &'static str,
}

impl Parameter {
    /// The key in a policy: the field's name with hyphens.
    pub fn key(&self) -> String {
        self.field.replace('_', "-")
    }
}

/// Makes a rule from the parameters that the policies gave it.
pub type Build = for<'a> fn(DeTable<'a>) -> Result<Box<dyn Rule>, Error>;

/// What is known about a rule without running it. `declare_rule!` fills it in.
pub struct RuleInfo {
    /// Names the defect and reads well after "allow", e.g. `test-feature-in-retail`.
    pub id: &'static str,
    /// Who says so: the document or the maintainer that the rule enforces.
    pub authority: &'static str,
    /// Where they say so: clause, heading or table of that document.
    pub clause: &'static str,
    /// The image types that the rule speaks about.
    pub images: &'static [ImageType],
    /// What it judges.
    pub input: Input,
    /// Its level where no policy says otherwise.
    pub level: Level,
    /// The version of this program that brought it.
    pub since: &'static str,
    /// The parameters that a policy may set.
    pub parameters: &'static [Parameter],
    /// The doc comment as written, one leading blank on every line; [`RuleInfo::manual`] has it without.
    pub doc: &'static str,
    /// Makes the rule with the parameters that are given; an error has its place in the policy.
    pub build: Build,
    /// Makes the rule with every parameter at its default.
    pub default: fn() -> Box<dyn Rule>,
}

impl RuleInfo {
    /// The first line of the manual: the defect in one phrase.
    pub fn summary(&self) -> &'static str {
        self.doc.lines().next().unwrap_or_default().trim()
    }

    /// The manual, in Markdown with the headings of [`HEADINGS`].
    pub fn manual(&self) -> String {
        let lines = self.doc.lines();
        let unindented = lines.map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end());
        unindented.collect::<Vec<_>>().join("\n")
    }

    /// Whether the rule speaks about this image. Where the type is unknown, only rules about every type do.
    pub fn applies_to(&self, image: Option<ImageType>) -> bool {
        match image {
            Some(image) => self.images.contains(&image),
            None => ImageType::ALL
                .iter()
                .all(|image| self.images.contains(image)),
        }
    }
}

impl fmt::Debug for RuleInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RuleInfo").field(&self.id).finish()
    }
}

/// The headings of every manual, in this order. `Parameters` is there where the rule has some.
pub const HEADINGS: &[&str] = &[
    "What it checks",
    "Why",
    "Passes",
    "Fails",
    "Fix",
    "Parameters",
    "References",
];

/// Reads a rule's parameters; what `declare_rule!` puts into [`RuleInfo::build`].
pub fn read_parameters<T: DeserializeOwned>(table: DeTable<'_>) -> Result<T, Error> {
    T::deserialize(ValueDeserializer::from(Spanned::new(
        0..0,
        DeValue::Table(table),
    )))
}

/// Declares a rule: its manual, its parameters and its metadata, in this order.
///
/// ```ignore
/// declare_rule! {
///     /// A developer tool is in a retail image
///     ///
///     /// ## What it checks
///     /// ...
///     struct DevFeatureInRetail {
///         /// Feature IDs that are developer tools.
///         features: Vec<String> = default_features(),
///     }
///     id: "dev-feature-in-retail",
///     authority: "IoT Core feature list",
///     clause: "Developer tools",
///     images: [Retail],
///     input: OemInput,
///     level: Error,
///     since: "0.1.0",
/// }
/// ```
///
/// The first line of the doc comment is the summary, the whole is the manual. A rule without parameters ends its
/// struct with `;`; `images: All` stands for every image type. The metadata become the static `RULE`, which the
/// registry lists. A rule about policies, suppressions or baselines says last which problems it reports, as in
/// `reports: ExpiredSuppression`, and has no `impl Rule`.
macro_rules! declare_rule {
    (@images All) => { $crate::image::ImageType::ALL };
    (@images [$($image:ident),+]) => { &[$($crate::image::ImageType::$image),+] };
    (
        $(#[doc = $doc:literal])+
        struct $name:ident;
        $($rest:tt)+
    ) => {
        $crate::rule::declare_rule! { $(#[doc = $doc])+ struct $name {} $($rest)+ }
    };
    (
        $(#[doc = $doc:literal])+
        struct $name:ident {
            $($(#[doc = $field_doc:literal])+ $field:ident: $type:ty = $default:expr,)*
        }
        id: $id:literal,
        authority: $authority:literal,
        clause: $clause:literal,
        images: $images:tt,
        input: $input:ident,
        level: $level:ident,
        since: $since:literal
        $(, reports: $kind:ident)? $(,)?
    ) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, ::serde::Deserialize)]
        #[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
        pub(crate) struct $name {
            $($(#[doc = $field_doc])+ $field: $type,)*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)* }
            }
        }

        /// What is known about the rule without running it.
        pub(crate) static RULE: $crate::rule::RuleInfo = $crate::rule::RuleInfo {
            id: $id,
            authority: $authority,
            clause: $clause,
            images: $crate::rule::declare_rule!(@images $images),
            input: $crate::rule::Input::$input,
            level: $crate::diagnostic::Level::$level,
            since: $since,
            parameters: &[$($crate::rule::Parameter {
                field: stringify!($field),
                doc: concat!($($field_doc, "\n"),+),
            },)*],
            doc: concat!($($doc, "\n"),+),
            build: |table| {
                let rule: $name = $crate::rule::read_parameters(table)?;
                Ok(Box::new(rule))
            },
            default: || Box::new(<$name>::default()),
        };

        $(impl $crate::rule::Rule for $name {
            fn check(&self, facts: &$crate::facts::Facts<'_>, report: &mut $crate::rule::Report) {
                report.problems(facts, $crate::policy::PolicyProblemKind::$kind);
            }
        })?
    };
}
pub(crate) use declare_rule;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Place;
    use crate::facts::Workspace;

    mod sample {
        use super::*;

        declare_rule! {
            /// A word of the list was said
            ///
            /// ## What it checks
            /// Nothing, it is a sample.
            struct WordSaid {
                /// The words.
                forbidden_words: Vec<String> = vec!["first".into()],
                /// A word with its place in the policy.
                marked: Option<toml::Spanned<String>> = None,
            }
            id: "word-said",
            authority: "the test",
            clause: "below",
            images: [Retail, Test],
            input: OemInput,
            level: Warning,
            since: "0.1.0",
        }

        impl Rule for WordSaid {
            fn check(&self, _: &Facts<'_>, report: &mut Report) {
                for word in &self.forbidden_words {
                    report.at(Place::binary("a", ""), word.clone());
                }
            }
        }
    }

    fn run(toml: &str) -> Result<Vec<String>, String> {
        let table = DeTable::parse(toml).unwrap().into_inner();
        let rule = (sample::RULE.build)(table)
            .map_err(|error| format!("{:?} {}", error.span(), error.message()))?;
        let mut report = Report::default();
        rule.check(&Facts::of(&Workspace::default(), None, &[]), &mut report);
        Ok(report
            .into_findings()
            .into_iter()
            .map(|f| f.message)
            .collect())
    }

    #[test]
    fn the_doc_comment_is_the_manual_and_its_first_line_the_summary() {
        let info = &sample::RULE;
        assert_eq!(info.summary(), "A word of the list was said");
        assert!(info.manual().contains("\n\n## What it checks\nNothing"));
        assert_eq!(info.parameters[0].key(), "forbidden-words");
        assert_eq!(info.parameters[0].doc.trim(), "The words.");
    }

    #[test]
    fn a_rule_about_some_types_does_not_speak_about_others_or_the_unknown() {
        assert!(sample::RULE.applies_to(Some(ImageType::Test)));
        assert!(!sample::RULE.applies_to(Some(ImageType::Mmos)));
        assert!(!sample::RULE.applies_to(None));
    }

    #[test]
    fn parameters_come_from_toml_and_errors_have_their_place() {
        assert_eq!(run("").unwrap(), ["first"]);
        assert_eq!(
            run("forbidden-words = ['a', 'b']\nmarked = 'x'").unwrap(),
            ["a", "b"]
        );
        assert!(
            run("forbidden-words = 3")
                .unwrap_err()
                .starts_with("Some(18..19) invalid type")
        );
        assert!(
            run("words = []")
                .unwrap_err()
                .starts_with("Some(0..5) unknown field")
        );
    }
}
