//! A file with a private key that anyone can open.

/// A private key without a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFile {
    /// The file.
    pub path: String,
    /// The common name of the certificate beside the key, where there is one.
    pub subject: Option<String>,
    /// The list's name of the key, where everyone has it anyway.
    pub published: Option<String>,
    /// When the certificate ended, where it has.
    pub expired: Option<String>,
}

impl KeyFile {
    /// The file and whose key it is, for messages.
    pub fn title(&self) -> String {
        let name = crate::files::name_of(&self.path);
        match &self.subject {
            Some(subject) => format!("`{name}` ({subject})"),
            None => format!("`{name}`"),
        }
    }
}
