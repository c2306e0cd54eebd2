//! What is in force for a rule and an image type, and which line decided it.

use crate::diagnostic::{DecidedBy, Level, Place};
use crate::expiry::Until;
use crate::image::ImageType;
use crate::rule::RuleInfo;

use super::Policies;

/// What is in force for a rule and an image type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective {
    /// How much its findings weigh; `None` where it is off.
    pub level: Option<Level>,
    /// Who says so.
    pub decided_by: DecidedBy,
    /// Why, where the line that decided says it.
    pub reason: Option<String>,
    /// The last day on which that line counts.
    pub until: Option<Until>,
    /// The parameters that policies give, by key.
    pub parameters: Vec<Given>,
}

/// A parameter that a policy gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// Its key.
    pub key: String,
    /// Its value as it is written there, in TOML.
    pub value: String,
    /// The entry that gives it.
    pub place: Place,
}

impl Policies {
    /// What is in force for a rule and an image type, `None` standing for the unknown.
    pub fn effective(&self, info: &'static RuleInfo, image: Option<ImageType>) -> Effective {
        let mut effective = Effective {
            level: Some(info.level),
            decided_by: DecidedBy::Rule,
            reason: None,
            until: None,
            parameters: Vec::new(),
        };
        for (layer, setting) in self.settings_of(info, image) {
            if let Some(level) = setting.level {
                effective.level = level;
                effective.decided_by = DecidedBy::Policy(setting.place.clone());
                effective.reason = setting.reason.clone();
                effective.until = setting.until;
            }
            for (key, value) in &setting.parameters {
                effective.parameters.retain(|given| given.key != *key);
                effective.parameters.push(Given {
                    key: key.clone(),
                    value: layer.source.slice(*value).to_owned(),
                    place: setting.place.clone(),
                });
            }
        }
        effective.parameters.sort_by(|a, b| a.key.cmp(&b.key));
        effective
    }
}
