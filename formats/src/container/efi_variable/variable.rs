//! The variables of secure boot.

use std::fmt;

use crate::guid::Guid;

/// A variable whose content `SetVariable()` takes only with a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Variable {
    /// The platform key; it signs itself and [`Variable::Kek`].
    Pk,
    /// Keys that may change [`Variable::Db`] and [`Variable::Dbx`].
    Kek,
    /// What may boot.
    Db,
    /// What may not.
    Dbx,
}

const EFI_GLOBAL_VARIABLE: Guid = Guid::from_u128(0x8be4df61_93ca_11d2_aa0d_00e098032b8c);
const EFI_IMAGE_SECURITY_DATABASE: Guid = Guid::from_u128(0xd719b2cb_3d3a_4596_a3bc_dad00e67656f);

impl Variable {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Pk, Self::Kek, Self::Db, Self::Dbx];

    /// The name as firmware has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pk => "PK",
            Self::Kek => "KEK",
            Self::Db => "db",
            Self::Dbx => "dbx",
        }
    }

    /// The namespace of the name.
    pub fn vendor(self) -> Guid {
        match self {
            Self::Pk | Self::Kek => EFI_GLOBAL_VARIABLE,
            Self::Db | Self::Dbx => EFI_IMAGE_SECURITY_DATABASE,
        }
    }

    /// The variable of a name, in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        let is_named = |variable: &Self| variable.name().eq_ignore_ascii_case(name);
        Self::ALL.into_iter().find(is_named)
    }

    /// The variable that a file name ends with: `SetVariable_db.bin`, `PK.auth`.
    pub fn of_file_name(path: &str) -> Option<Self> {
        let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
        let stem = name.split('.').next().unwrap_or(name);
        Self::from_name(stem.rsplit(['_', '-', ' ']).next().unwrap_or(stem))
    }
}

impl fmt::Display for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_end_with_a_variable_or_say_nothing() {
        for (name, wanted) in [
            ("a/b/SetVariable_db.bin", Some(Variable::Db)),
            ("SetVariable_KEK.bin", Some(Variable::Kek)),
            ("pk.auth", Some(Variable::Pk)),
            ("new-dbx.bin", Some(Variable::Dbx)),
            ("db/other.bin", None),
            ("", None),
        ] {
            assert_eq!(Variable::of_file_name(name), wanted, "{name}");
        }
    }
}
