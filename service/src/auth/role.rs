//! Roles, and with which profiles they count.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// What a principal may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Have files judged and verified.
    Lint,
    /// Have files signed, and ask for approval.
    Sign,
    /// Agree to what others ask for.
    Approve,
    /// Read the log and every request.
    Audit,
    /// Open windows, and end what others began.
    Admin,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 5] = [
        Self::Lint,
        Self::Sign,
        Self::Approve,
        Self::Audit,
        Self::Admin,
    ];

    /// The name that configuration uses.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lint => "lint",
            Self::Sign => "sign",
            Self::Approve => "approve",
            Self::Audit => "audit",
            Self::Admin => "admin",
        }
    }

    /// The role of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// Roles that count with some profiles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// Profiles by name; `*` is every one.
    pub profiles: BTreeSet<String>,
    /// What may be done with them.
    pub roles: BTreeSet<Role>,
}

impl Grant {
    /// Whether a role counts with a profile.
    pub fn covers(&self, role: Role, profile: &str) -> bool {
        let is_named = self.profiles.contains(profile) || self.profiles.contains("*");
        is_named && self.roles.contains(&role)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_covers_what_it_names_and_nothing_else() {
        let grant = Grant {
            profiles: BTreeSet::from(["retail".to_owned()]),
            roles: BTreeSet::from([Role::Sign]),
        };
        assert!(grant.covers(Role::Sign, "retail"));
        assert!(!grant.covers(Role::Approve, "retail"));
        assert!(!grant.covers(Role::Sign, "retail2") && !grant.covers(Role::Sign, "*"));
        let all = Grant {
            profiles: BTreeSet::from(["*".to_owned()]),
            ..grant
        };
        assert!(all.covers(Role::Sign, "test") && !all.covers(Role::Admin, "test"));
        for role in Role::ALL {
            assert_eq!(Role::from_name(role.name()), Some(role));
        }
    }
}
