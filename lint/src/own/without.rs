//! A build without Rego: own rules are refused by name.

use serde_json::Value;

use super::OwnRuleError;

/// A module that cannot be.
pub(super) enum Module {}

impl Module {
    pub(super) fn findings(&self, _: &Value) -> Result<Value, String> {
        match *self {}
    }
}

pub(super) fn modules(
    texts: &[(String, String)],
) -> Result<Vec<(String, Module, Value)>, OwnRuleError> {
    let file = texts.first().map_or("", |(file, _)| file.as_str());
    let problem = "this build has no Rego; build with the feature `rego`";
    Err(OwnRuleError::new(file, problem))
}
