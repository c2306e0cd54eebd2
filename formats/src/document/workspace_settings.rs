//! `IoTWorkspace.xml`: owner, versions, signing and security certificates of a workspace.

use super::parts::{Comment, List, Root, Unexpected};
use crate::source::{Span, Spanned};

/// Name of the root element, in no namespace.
pub const ROOT: &str = "IoTWorkspace";

/// The settings of a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkspaceSettings {
    /// The root.
    pub root: Root,
    /// `CurrentEnv`, the name of an `Env`.
    pub current_env: Option<Spanned<String>>,
    /// `Config`.
    pub config: WorkspaceConfig,
    /// `Env`.
    pub envs: Vec<WorkspaceEnv>,
    /// `Security`.
    pub security: WorkspaceSecurity,
    /// All comments in order.
    pub comments: Vec<Comment>,
    /// What the schema does not have.
    pub unexpected: Vec<Unexpected>,
}

/// `Config`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WorkspaceConfig {
    /// `OemName`.
    pub oem_name: Option<Spanned<String>>,
    /// `BuildDir`.
    pub build_dir: Option<Spanned<String>>,
    /// `MSPkgRoot`.
    pub ms_pkg_root: Option<Spanned<String>>,
    /// `eWDK_ISO`.
    pub ewdk_iso: Option<Spanned<String>>,
    /// `WindowsSDKVersion`.
    pub windows_sdk_version: Option<Spanned<String>>,
    /// `EVSignToolParam`.
    pub ev_sign_tool_param: Option<Spanned<String>>,
    /// `RetailSignToolParam`.
    pub retail_sign_tool_param: Option<Spanned<String>>,
}

/// One `Env`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkspaceEnv {
    /// `@Name`: `arm`, `arm64`, `x64` or `x86`.
    pub name: Option<Spanned<String>>,
    /// `BSPVersion`, the version of the packages, four numbers.
    pub bsp_version: Option<Spanned<String>>,
    /// `BSPPkgDir`.
    pub bsp_pkg_dir: Option<Spanned<String>>,
    /// The whole element.
    pub element: Span,
}

/// `Security`: lists of `Cert` file names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WorkspaceSecurity {
    /// `SecureBoot/PlatformKey`.
    pub platform_key: List,
    /// `SecureBoot/KeyExchangeKey`.
    pub key_exchange_key: List,
    /// `SecureBoot/Database/Test`.
    pub database_test: List,
    /// `SecureBoot/Database/Retail`.
    pub database_retail: List,
    /// `BitLocker/DataRecoveryAgent`.
    pub data_recovery_agent: List,
    /// `SIPolicy/Root`.
    pub si_policy_root: List,
    /// `SIPolicy/Update`.
    pub si_policy_update: List,
    /// `SIPolicy/User/Test`.
    pub si_policy_user_test: List,
    /// `SIPolicy/User/Retail`.
    pub si_policy_user_retail: List,
    /// `SIPolicy/Kernel/Test`.
    pub si_policy_kernel_test: List,
    /// `SIPolicy/Kernel/Retail`.
    pub si_policy_kernel_retail: List,
}
