//! `IoTWorkspace.xml`: owner, versions, signing and security certificates of a workspace.

use super::error::DocumentError;
use super::parts::{Comment, List, Root, Unexpected};
use super::reader::{self, Element, Reader, Slot};
use crate::source::{Source, Span, Spanned};

/// Name of the root element, in no namespace.
pub const ROOT: &str = "IoTWorkspace";

/// The settings of a workspace.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
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

impl WorkspaceSettings {
    /// Reads the settings of a workspace. A wrong root is read like the right one.
    ///
    /// # Errors
    /// Text that is not well-formed XML, or is beyond the limits of [`super::xml`].
    pub fn parse(source: &Source) -> Result<Self, DocumentError> {
        reader::read(source, |mut reader| {
            let root = reader.root();
            reader.known_attributes(&root, &[]);
            let mut settings = Self {
                root: reader.root_value(),
                ..Self::default()
            };
            let slots = &mut [("CurrentEnv", Slot::Value(&mut settings.current_env))];
            for child in reader.fill(&root, slots) {
                match child.name() {
                    "Config" => settings.config.read(&mut reader, &child),
                    "Env" => settings.envs.push(read_env(&mut reader, &child)),
                    "Security" => settings.security.read(&mut reader, &child),
                    _ => reader.unexpected(&child, &root),
                }
            }
            (settings.comments, settings.unexpected) = reader.finish();
            settings
        })
    }
}

impl WorkspaceConfig {
    fn read<'a>(&mut self, reader: &mut Reader<'a>, element: &Element<'a>) {
        let slots = &mut [
            ("OemName", Slot::Value(&mut self.oem_name)),
            ("BuildDir", Slot::Value(&mut self.build_dir)),
            ("MSPkgRoot", Slot::Value(&mut self.ms_pkg_root)),
            ("eWDK_ISO", Slot::Value(&mut self.ewdk_iso)),
            (
                "WindowsSDKVersion",
                Slot::Value(&mut self.windows_sdk_version),
            ),
            ("EVSignToolParam", Slot::Value(&mut self.ev_sign_tool_param)),
            (
                "RetailSignToolParam",
                Slot::Value(&mut self.retail_sign_tool_param),
            ),
        ];
        reader.fill_all(element, slots);
    }
}

fn read_env<'a>(reader: &mut Reader<'a>, element: &Element<'a>) -> WorkspaceEnv {
    let mut env = WorkspaceEnv {
        name: reader.attribute(element, "Name"),
        bsp_version: None,
        bsp_pkg_dir: None,
        element: element.span(),
    };
    reader.known_attributes(element, &["Name"]);
    let slots = &mut [
        ("BSPVersion", Slot::Value(&mut env.bsp_version)),
        ("BSPPkgDir", Slot::Value(&mut env.bsp_pkg_dir)),
    ];
    for other in reader.fill(element, slots) {
        reader.unexpected(&other, element);
    }
    env
}

impl WorkspaceSecurity {
    fn read<'a>(&mut self, reader: &mut Reader<'a>, security: &Element<'a>) {
        for child in reader.children(security) {
            match child.name() {
                "SecureBoot" => {
                    let slots = &mut [
                        ("PlatformKey", Slot::List(&mut self.platform_key, "Cert")),
                        (
                            "KeyExchangeKey",
                            Slot::List(&mut self.key_exchange_key, "Cert"),
                        ),
                    ];
                    for other in reader.fill(&child, slots) {
                        let (test, retail) = (&mut self.database_test, &mut self.database_retail);
                        test_and_retail(reader, &other, &child, "Database", test, retail);
                    }
                }
                "BitLocker" => {
                    let list = Slot::List(&mut self.data_recovery_agent, "Cert");
                    reader.fill_all(&child, &mut [("DataRecoveryAgent", list)]);
                }
                "SIPolicy" => self.read_si_policy(reader, &child),
                _ => reader.unexpected(&child, security),
            }
        }
    }

    fn read_si_policy<'a>(&mut self, reader: &mut Reader<'a>, policy: &Element<'a>) {
        let slots = &mut [
            ("Root", Slot::List(&mut self.si_policy_root, "Cert")),
            ("Update", Slot::List(&mut self.si_policy_update, "Cert")),
        ];
        for other in reader.fill(policy, slots) {
            let (name, test, retail) = match other.name() {
                "User" => (
                    "User",
                    &mut self.si_policy_user_test,
                    &mut self.si_policy_user_retail,
                ),
                _ => (
                    "Kernel",
                    &mut self.si_policy_kernel_test,
                    &mut self.si_policy_kernel_retail,
                ),
            };
            test_and_retail(reader, &other, policy, name, test, retail);
        }
    }
}

/// Reads an element called `name` that has a list for test images and one for retail images.
fn test_and_retail<'a>(
    reader: &mut Reader<'a>,
    element: &Element<'a>,
    parent: &Element<'a>,
    name: &str,
    test: &mut List,
    retail: &mut List,
) {
    if element.name() == name {
        let slots = &mut [
            ("Test", Slot::List(test, "Cert")),
            ("Retail", Slot::List(retail, "Cert")),
        ];
        reader.fill_all(element, slots);
    } else {
        reader.unexpected(element, parent);
    }
}
