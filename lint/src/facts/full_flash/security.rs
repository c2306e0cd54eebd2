//! What decides in a finished image which code runs: code-integrity policies, policies and variables of secure boot.

use formats::certificate::Certificate;
use formats::container::si_policy::PolicyOption;
use signer::anchor::Anchor;

use super::FinishedImage;
use crate::facts::security::{PolicyContent, ReadPolicy, VariableContent};

/// The files of an image that decide.
#[derive(Debug, Clone, Default)]
pub struct ImageSecurity {
    /// Code-integrity policies where Windows looks for them, the boot loader's first.
    pub policies: Vec<ImagePolicy>,
    /// Policies of secure boot.
    pub boot_policies: Vec<BootPolicy>,
    /// Secure-boot variables that the image brings: `PARTITION:PATH` and what they are.
    pub variables: Vec<(String, VariableContent)>,
}

/// A code-integrity policy.
#[derive(Debug, Clone)]
pub struct ImagePolicy {
    /// `PARTITION:PATH`.
    pub at: String,
    /// What is in it.
    pub content: PolicyContent,
}

/// A policy of secure boot, `SecureBootPolicy.p7b` or one of `EFI/Microsoft/Boot/policies`.
#[derive(Debug, Clone)]
pub struct BootPolicy {
    /// `PARTITION:PATH`.
    pub at: String,
    /// Who signed it, or why that cannot be said.
    pub signer: Result<BootSigner, String>,
}

/// The signer's certificate, and the anchor at which its chain ends.
pub type BootSigner = (Box<Certificate>, Option<Anchor>);

/// The options by which a policy stops less than it should, or lets others change it.
pub const WEAKENING: [PolicyOption; 3] = [
    PolicyOption::AUDIT_MODE,
    PolicyOption::UNSIGNED_POLICY,
    PolicyOption::ADVANCED_BOOT_MENU,
];

impl FinishedImage {
    /// The code-integrity policy that decides: the first that can be read, in the order in which Windows looks.
    pub fn policy(&self) -> Option<(&ImagePolicy, &ReadPolicy)> {
        let mut policies = self.security.policies.iter();
        policies.find_map(|policy| Some((policy, policy.content.read.as_deref().ok()?)))
    }

    /// Whether code that the policy does not allow is stopped, drivers at least.
    pub fn is_enforced(&self) -> bool {
        let policy = self.policy();
        policy.is_some_and(|(_, read)| read.policy.option(PolicyOption::AUDIT_MODE).is_none())
    }
}
