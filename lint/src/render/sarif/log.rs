//! The part of SARIF 2.1.0 that is written, under the names of the specification.

use serde::Serialize;

use crate::fingerprint::Fingerprint;

/// An object of the specification: fields in camel case, absent ones left out.
macro_rules! object {
    ($(#[doc = $doc:literal])+ $name:ident { $($field:ident: $type:ty,)* }) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Serialize)]
        #[serde(rename_all = "camelCase")]
        pub(super) struct $name {
            $(pub(super) $field: $type,)*
        }
    };
}

/// 3.13: the file.
#[derive(Debug, Serialize)]
pub(super) struct Log {
    #[serde(rename = "$schema")]
    pub(super) schema: &'static str,
    pub(super) version: &'static str,
    pub(super) runs: Vec<Run>,
}

object! {
    /// 3.14: what one run found.
    Run {
        tool: Tool,
        automation_details: AutomationDetails,
        invocations: Vec<Invocation>,
        column_kind: &'static str,
        results: Vec<Result>,
    }
}

object! {
    /// 3.18: who ran.
    Tool { driver: Driver, }
}

object! {
    /// 3.19: the program with its rules.
    Driver {
        name: &'static str,
        semantic_version: &'static str,
        information_uri: &'static str,
        rules: Vec<Rule>,
        notifications: Vec<Notice>,
    }
}

/// 3.49: a rule that found something.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Rule {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) short_description: Text,
    pub(super) full_description: Text,
    pub(super) help: Help,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) help_uri: Option<String>,
    pub(super) default_configuration: Configuration,
    pub(super) properties: RuleProperties,
}

object! {
    /// 3.49: what the program may say of itself.
    Notice { id: &'static str, name: String, short_description: Text, full_description: Text, help: Text, }
}

object! {
    /// 3.12: a message of plain text.
    Text { text: String, }
}

object! {
    /// 3.12: the manual, plain and as Markdown.
    Help { text: String, markdown: String, }
}

object! {
    /// 3.50: the level of a rule where no policy speaks.
    Configuration { level: &'static str, }
}

/// What GitHub reads of a rule besides.
#[derive(Debug, Clone, Serialize)]
pub(super) struct RuleProperties {
    pub(super) tags: Vec<&'static str>,
    pub(super) precision: &'static str,
    #[serde(rename = "problem.severity")]
    pub(super) problem_severity: &'static str,
    #[serde(rename = "security-severity", skip_serializing_if = "Option::is_none")]
    pub(super) security_severity: Option<&'static str>,
}

object! {
    /// 3.17: what tells this run from others about the same files.
    AutomationDetails { id: String, }
}

object! {
    /// 3.20: how it went.
    Invocation { execution_successful: bool, tool_execution_notifications: Vec<Notification>, }
}

object! {
    /// 3.58: something about the run itself.
    Notification { descriptor: DescriptorReference, level: &'static str, message: Text, }
}

object! {
    /// 3.52: which notice it is.
    DescriptorReference { id: &'static str, }
}

/// 3.27: a finding.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Result {
    pub(super) rule_id: String,
    pub(super) rule_index: usize,
    pub(super) level: &'static str,
    pub(super) message: Text,
    pub(super) locations: Vec<Location>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) related_locations: Vec<Location>,
    pub(super) partial_fingerprints: PartialFingerprints,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) fixes: Vec<Fix>,
    /// Absent unless some result of the run is suppressed, then empty where this one is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) suppressions: Option<Vec<Suppression>>,
    pub(super) properties: ResultProperties,
}

object! {
    /// 3.35: who keeps a finding from being reported, and why.
    Suppression { kind: &'static str, justification: String, location: Location, }
}

/// What a service compares findings of two runs by.
#[derive(Debug, Clone, Serialize)]
pub(super) struct PartialFingerprints {
    #[serde(rename = "primaryLocationLineHash")]
    pub(super) primary_location_line_hash: String,
    /// [`VERSION`](crate::fingerprint::VERSION) is its name.
    #[serde(rename = "proofmark/v1")]
    pub(super) own: Fingerprint,
}

object! {
    /// What else is known of a finding.
    ResultProperties { decided_by: String, }
}

/// 3.28: where.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Location {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<usize>,
    pub(super) physical_location: PhysicalLocation,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) logical_locations: Vec<LogicalLocation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) message: Option<Text>,
}

/// 3.29: the file, and the stretch of it where it has lines.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PhysicalLocation {
    pub(super) artifact_location: ArtifactLocation,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) region: Option<Region>,
}

/// 3.4: a file by its path from the root of the repository.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ArtifactLocation {
    pub(super) uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) uri_base_id: Option<&'static str>,
}

object! {
    /// 3.30: lines and columns, the last column being the one behind.
    Region { start_line: usize, start_column: usize, end_line: usize, end_column: usize, }
}

object! {
    /// 3.33: the place by meaning.
    LogicalLocation { fully_qualified_name: String, kind: &'static str, }
}

object! {
    /// 3.55: a mechanical cure.
    Fix { description: Text, artifact_changes: Vec<ArtifactChange>, }
}

object! {
    /// 3.56: what it changes in one file.
    ArtifactChange { artifact_location: ArtifactLocation, replacements: Vec<Replacement>, }
}

object! {
    /// 3.57: one replacement.
    Replacement { deleted_region: Region, inserted_content: Text, }
}
