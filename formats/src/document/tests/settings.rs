//! Provisioning packages, settings of products and workspaces, partition layouts, boot settings.

use super::fixtures;
use crate::document::boot_configuration::BootConfiguration;
use crate::document::customizations::Customizations;
use crate::document::device_layout::{DeviceLayout, OemDevicePlatform, number};
use crate::document::product_settings::ProductSettings;
use crate::document::workspace_settings::WorkspaceSettings;
use crate::source::Source;

fn value(option: &Option<crate::source::Spanned<String>>) -> &str {
    option
        .as_ref()
        .map_or("(absent)", |spanned| spanned.value.as_str())
}

#[test]
fn a_provisioning_package_has_apps_certificates_and_settings() {
    let source = Source::new("customizations.xml", fixtures::CUSTOMIZATIONS, 0);
    let package = Customizations::parse(&source).unwrap();
    let config = &package.package_config;
    let config = [
        &config.name,
        &config.version,
        &config.owner_type,
        &config.rank,
    ];
    assert_eq!(config.map(value), ["BoardProv", "1.0", "OEM", "0"]);
    let startup = &package.startup_apps[0];
    assert_eq!(startup.text.value, "Kiosk_1w720vyc4ccym!App");
    assert_eq!(
        startup.route,
        "WindowsCustomizations/Settings/Customizations/Common/StartupApp/Default[1]"
    );
    let task = &package.startup_background_tasks[0];
    assert_eq!(source.slice(task.text.span), "Task_1w720vyc4ccym!App");
    let app = &package.applications[0];
    assert_eq!(
        (value(&app.name), value(&app.application_file)),
        ("Kiosk", "Kiosk.appx")
    );
    assert_eq!(app.dependencies[0].text.value, "VCLibs.appx");
    let root = &package.root_certificates[0];
    assert_eq!(value(&root.certificate_path), "maker.cer");
    let settings: Vec<_> = package
        .settings
        .iter()
        .map(|s| (s.path.as_str(), s.value.value.as_str()))
        .collect();
    assert_eq!(settings.len(), 6);
    assert_eq!(
        settings[0],
        (
            "Common/Policies/ApplicationManagement/AllowAllTrustedApps",
            "Yes"
        )
    );
    let yes = &package.settings[0];
    assert_eq!(source.slice(yes.value.span), "Yes");
    assert_eq!(
        source.slice(yes.element),
        "<AllowAllTrustedApps>Yes</AllowAllTrustedApps>"
    );
}

#[test]
fn system_identity_texts_keep_their_blanks() {
    let source = Source::new("a.xml", fixtures::PRODUCT_SETTINGS, 0);
    let settings = ProductSettings::parse(&source).unwrap();
    let plain = [&settings.name, &settings.arch, &settings.bsp];
    assert_eq!(plain.map(value), ["Board", "arm64", "Board"]);
    assert_eq!(value(&settings.smbios.manufacturer), "Maker ");
    let manufacturer = settings.smbios.manufacturer.unwrap();
    assert_eq!(source.slice(manufacturer.span), "Maker ");
    assert_eq!(value(&settings.smbios.family), "(absent)");
    let config = &settings.build_configs[0];
    assert_eq!(
        (value(&config.name), value(&config.bsp_pkg_dir)),
        ("Retail", "%PKGBLD_DIR%")
    );
}

#[test]
fn a_workspace_has_owner_versions_and_certificates() {
    let source = Source::new("a.xml", fixtures::WORKSPACE_SETTINGS, 0);
    let settings = WorkspaceSettings::parse(&source).unwrap();
    assert_eq!(value(&settings.current_env), "arm");
    let config = &settings.config;
    let config = [
        &config.oem_name,
        &config.ms_pkg_root,
        &config.retail_sign_tool_param,
        &config.build_dir,
    ];
    assert_eq!(config.map(value), ["Maker", "", "/fd SHA256", "(absent)"]);
    assert_eq!(value(&settings.envs[0].bsp_version), "10.0.0.0");
    let security = &settings.security;
    let lists = [
        (&security.platform_key, Some("pk.cer")),
        (&security.key_exchange_key, None),
        (&security.database_test, None),
        (&security.database_retail, Some("db.cer")),
        (&security.data_recovery_agent, Some("dra.cer")),
        (&security.si_policy_root, Some("root.cer")),
        (&security.si_policy_update, None),
        (&security.si_policy_user_test, None),
        (&security.si_policy_user_retail, Some("umci.cer")),
        (&security.si_policy_kernel_test, Some("kmci.cer")),
        (&security.si_policy_kernel_retail, None),
    ];
    for (list, certificate) in lists {
        assert!(list.texts().eq(certificate));
    }
    assert!(security.database_test.is_present());
    assert_eq!(
        security.database_retail.items[0].route,
        "IoTWorkspace/Security/SecureBoot/Database/Retail/Cert[1]"
    );
}

#[test]
fn a_layout_has_partitions_and_a_platform_has_devices() {
    let source = Source::new("a.xml", fixtures::DEVICE_LAYOUT, 0);
    let layout = DeviceLayout::parse(&source).unwrap();
    assert_eq!(value(&layout.version_tag), "IoTUAP");
    let main = &layout.partitions[1];
    assert_eq!(
        (value(&main.name), value(&main.partition_type)),
        ("MainOS", "0x07")
    );
    assert_eq!(main.route, "DeviceLayout/Partitions/Partition[2]");
    assert_eq!(number(value(&main.byte_alignment)), Some(0x80_0000));
    assert_eq!(number(value(&main.min_free_sectors)), Some(1_048_576));
    assert_eq!((number("0x"), number("-1"), number("")), (None, None, None));
    assert_eq!(value(&main.total_sectors), "(absent)");

    let source = Source::new("a.xml", fixtures::OEM_DEVICE_PLATFORM, 0);
    let platform = OemDevicePlatform::parse(&source).unwrap();
    assert_eq!(value(&platform.min_sector_count), "7372800");
    assert!(platform.device_platform_ids.texts().eq(["*"]));
    assert!(platform.compressed_partitions.texts().eq(["MainOS"]));
}

#[test]
fn boot_settings_have_object_type_and_value() {
    let source = Source::new("a.xml", fixtures::BOOT_CONFIGURATION, 0);
    let boot = BootConfiguration::parse(&source).unwrap();
    let element = &boot.elements[0];
    assert_eq!(
        &*element.object.as_ref().unwrap().value,
        "Windows Boot Manager"
    );
    let found = [
        &element.well_known_type,
        &element.value_kind,
        &element.value,
        &element.raw_type,
    ];
    assert_eq!(
        found.map(value),
        [
            "Allow Pre-release Signatures",
            "BooleanValue",
            "true",
            "(absent)"
        ]
    );
    assert_eq!(
        element.route,
        "BootConfigurationDatabase/Objects/Object[1]/Elements/Element[1]"
    );
    assert_eq!(source.slice(element.value.as_ref().unwrap().span), "true");
}
