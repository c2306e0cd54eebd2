//! The rules, one file each, and the one list of them, which makes this file long.
//!
//! A new rule is a file `<id with underscores>.rs`, a `mod` line and a line in [`ALL`]; the tests below say what is
//! missing. What a rule file looks like is shown by `release_type_value.rs` and
//! `testsigning_in_retail.rs`.

mod absolute_path;
mod app_file_type;
mod appmgmt_misplaced;
mod appx_cert_not_in_roots;
mod appx_dependency_unsigned;
mod appx_publisher_mismatch;
mod appx_test_signed;
mod autologon_or_password;
mod background_app_duplicate;
mod bad_digest;
mod baseline_entry_stale;
mod baseline_of_core_rule;
mod basicdisplayfallback_not_db;
mod bcd_flight_signatures;
mod bcd_kernel_debugger;
mod bcd_partition;
mod bcd_prerelease_signatures;
mod binary_partition_mainos;
mod bitlocker_dra_missing;
mod bitlocker_prereqs;
mod bootsequence_exclusive;
mod bsp_layout;
mod build_type_not_fre;
mod cab_catalog_missing;
mod cab_content_signer_mismatch;
mod catalog_hash_sha1;
mod catalog_member_mismatch;
mod catalog_os_attr;
mod catalog_unknown_oid;
mod cert_expired;
mod cert_expires_soon;
mod cert_not_yet_valid;
mod component_differs_from_definition;
mod computer_name_fixed;
mod cpufilter_case;
mod crashdump_in_retail;
mod cross_cert_ca_expired;
mod cross_cert_missing;
mod custom_cmd_debug;
mod custom_cmd_missing;
mod data_partition_update;
mod default_admin_account;
mod default_sample_app;
mod deprecated_feature;
mod description_image_type_mismatch;
mod destdir_dots;
mod destdir_macro;
mod dev_feature_in_retail;
mod device_case;
mod device_not_in_fm;
mod direct_package_files;
mod document_not_well_formed;
mod driver_arch_mismatch;
mod dump_feature_exclusive;
mod efiesp_bcd_layout;
mod eku_hal_extension;
mod eku_missing_codesign;
mod eku_test_oem;
mod embedded_signing_category;
mod expired_cert_file;
mod feature_arch;
mod feature_conflict;
mod feature_group_constraint;
mod feature_group_unknown_id;
mod feature_id_case;
mod feature_needs_another;
mod feature_not_in_release;
mod feature_oem_prefix;
mod feature_wrong_section;
mod file_source_missing;
mod file_zero_bytes;
mod fip_package_test_signed;
mod fm_ambiguous;
mod fm_cab_case;
mod fm_duplicate_package;
mod fm_feature_unused;
mod fm_feature_without_package;
mod fm_internal_attribute;
mod fm_missing_cab;
mod fm_name_without_owner;
mod fm_not_found;
mod fm_not_in_filelist;
mod fm_package_in_two_fms;
mod fm_package_no_definition;
mod fm_prerelease_replacement;
mod fm_release_packages;
mod fm_replacement_metachar;
mod fm_stale_merged;
mod fm_unknown_path_variable;
mod fmlist_cputype;
mod fmlist_duplicate_id;
mod fmlist_id_length;
mod fmlist_owner_token;
mod fmlist_release_type;
mod format_dpp_in_retail;
mod generic_pop_on_1809;
mod generic_pop_or_cus;
mod halext_resigned;
mod headless_with_foreground;
mod image_boot_debugging;
mod image_catalog_unverified;
mod image_ci_switched_off;
mod image_contradiction;
mod image_default_admin;
mod image_developer_feature;
mod image_developer_unlock;
mod image_differs_from_workspace;
mod image_extra_root;
mod image_hash_table_sha1;
mod image_integrity_checks_off;
mod image_location_values;
mod image_manufacturing_mode;
mod image_mfg_profile;
mod image_mfg_profile_missing;
mod image_not_intact;
mod image_package_not_present;
mod image_package_not_recorded;
mod image_package_release_type;
mod image_platform_id_wildcard;
mod image_record_missing;
mod image_secure_boot_test;
mod image_signature_broken;
mod image_signer_not_allowed;
mod image_sipolicy_missing;
mod image_sipolicy_not_enforced;
mod image_test_signed;
mod image_testsigning_missing;
mod image_testsigning_on;
mod image_unreadable;
mod image_unsigned_binary;
mod inf_missing_catalog;
mod inf_not_universal;
mod inf_signature_attributes;
mod issuer_name_only_match;
mod kernel_verify_policy;
mod lang_and_resolution;
mod language_list_empty;
mod language_mismatch;
mod layout_attributes;
mod layout_backup_size;
mod layout_changed_on_update;
mod layout_efiesp_fs;
mod layout_efiesp_type;
mod layout_mainos_free;
mod layout_mbr_four;
mod layout_missing_partition;
mod layout_mixed_types;
mod layout_mmos_ntfs;
mod layout_mmos_size;
mod legacy_kit_feature;
mod location_half_enabled;
mod location_key_wrong;
mod location_needs_registry;
mod location_on_mobile;
mod location_on_old_os;
mod location_on_retail;
mod location_value_type;
mod lockdown_on_unsupported_board;
mod macro_in_attr;
mod macro_nested;
mod macro_redefine;
mod mfg_bcd_profile_mismatch;
mod mfg_feature_deps;
mod mfg_mode_bcd_in_retail;
mod mfg_no_wildcard;
mod mfg_profile_default_overwrite;
mod mfg_profile_key;
mod mfg_profile_key_not_created;
mod mfg_profile_name_length;
mod mfg_profile_reserved_current;
mod mfg_service_start_value;
mod mfg_service_unknown;
mod mfg_wildcard_disables_all;
mod mfg_wildcard_driver;
mod mfg_wildcard_partial;
mod mmos_app_runs_everywhere;
mod mmos_charging_elsewhere;
mod mmos_charging_exactly_one;
mod mmos_customer_care_test_feature;
mod mmos_only_payload;
mod mmos_product;
mod mmos_service_not_auto;
mod mmos_unsupported_feature;
mod mmos_wim_partition;
mod mobile_release_production_feature;
mod mobile_retail_forbidden;
mod mobile_retail_required;
mod ms_package_not_ms_signed;
mod multiple_device_layouts;
mod multiple_startup_apps;
mod multiple_universal_app_install;
mod nested_signature_class;
mod no_startup_app;
mod no_timestamp;
mod ocp_update_fm;
mod oem_name_empty;
mod oeminput_duplicate_entry;
mod oeminput_not_well_formed;
mod oeminput_unknown_element;
mod oeminput_wrong_root;
mod oobe_settings_encoding;
mod os_version_unsupported;
mod owner_type;
mod package_arch_mismatch;
mod package_contents_unreadable;
mod package_differs_from_definition;
mod package_duplicate_identity;
mod package_file_name_mismatch;
mod package_manifest_mismatch;
mod package_name_length;
mod package_name_mismatch;
mod package_owner;
mod package_release_type_missing;
mod package_release_type_test;
mod package_removed_or_renamed;
mod package_version_default;
mod package_version_format;
mod package_version_mixed;
mod package_version_not_increased;
mod package_wrong_root;
mod page_hashes_missing;
mod partition_content;
mod pe_checksum;
mod pkgxml_on_current_kit;
mod platform_both_id_forms;
mod platform_compressed;
mod platform_min_sectors;
mod platform_missing;
mod platform_wildcard_id;
mod policy_expired_entry;
mod policy_invalid_value;
mod policy_lowered_core_rule;
mod policy_reason_missing;
mod policy_unknown_entry;
mod policy_unused_entry;
mod ppl_eku;
mod product_element;
mod prov_allow_all_trusted_apps;
mod prov_auto_missing;
mod prov_blocked_msft_cert;
mod prov_dependency_arch;
mod prov_duplicate_guid;
mod prov_duplicate_root;
mod prov_missing_file;
mod prov_owner_type;
mod prov_plaintext_secret;
mod prov_unsigned_allowed;
mod prov_version_format;
mod prov_version_not_increased;
mod published_key;
mod recovery_bcd_layout;
mod recovery_script_tpm;
mod regkey_duplicate;
mod regkey_macro;
mod regkey_wrong_hive;
mod regvalue_format;
mod regvalue_type;
mod release_type_filename_mismatch;
mod release_type_missing;
mod release_type_value;
mod remote_shell_in_retail;
mod required_feature_missing;
mod resolution_unsupported;
mod retail_bsp_pkg_dir;
mod retail_chain_not_trusted;
mod retail_ci_missing;
mod retail_ci_not_enforced;
mod retail_release_type;
mod retail_sign_mode;
mod rootcerts_missing;
mod rootcerts_test_in_retail;
mod sample_owner_contoso;
mod secret_key_in_repo;
mod secureboot_bin_format;
mod secureboot_db_expiring;
mod secureboot_db_missing_ms;
mod secureboot_pk_kek_missing;
mod secureboot_published_pk;
mod secureboot_test_ca_in_retail_db;
mod security_variant_in_retail;
mod security_variant_in_test;
mod service_auto_outside_mmos;
mod service_image_path;
mod service_localsystem;
mod settings_arch_bsp;
mod settings_buildconfig;
mod settings_name_file;
mod sha1_digest;
mod sha384_unsupported;
mod sign_param_cross_cert_pair;
mod sign_param_weak;
mod signature_trailing_data;
mod sipolicy_audit_in_retail;
mod sipolicy_expired_signer;
mod sipolicy_missing_driver_signer;
mod sipolicy_p7b_signer;
mod sipolicy_retail_equals_test;
mod sipolicy_store_signer;
mod sipolicy_test_oem_signer;
mod sipolicy_test_root;
mod sipolicy_umci_off;
mod sipolicy_update_signer;
mod sipolicy_xml_bin_drift;
mod sirep_port_open;
mod smbios_length;
mod smbios_sample_value;
mod soc_case;
mod soc_crashdump_in_retail;
mod soc_device_pair;
mod soc_not_in_fm;
mod speech_language_without_feature;
mod startup_app_not_installed;
mod suppression_expired;
mod suppression_malformed;
mod suppression_of_core_rule;
mod suppression_unused;
mod target_partition;
mod template_placeholder_left;
mod test_ci_enforced;
mod test_feature_in_retail;
mod test_feature_without_test_fm;
mod test_fm_arch;
mod test_fm_in_retail;
mod test_missing_testsigning;
mod test_pfx_expired_import;
mod test_release_type;
mod test_root_without_marker;
mod test_signed_in_retail;
mod test_signed_outside_testsigning;
mod testsigning_in_retail;
mod timestamp_legacy;
mod timestamp_outside_validity;
mod unknown_ms_feature;
mod unknown_oem_feature;
mod unresolved_variable;
mod unsigned_cab;
mod unsigned_catalog;
mod unsigned_pe;
mod unsigned_service_binary;
mod weak_key;
mod wm_not_in_fm;

use crate::rule::RuleInfo;

/// Every rule, sorted by id.
pub static ALL: &[&RuleInfo] = &[
    &absolute_path::RULE,
    &app_file_type::RULE,
    &appmgmt_misplaced::RULE,
    &appx_cert_not_in_roots::RULE,
    &appx_dependency_unsigned::RULE,
    &appx_publisher_mismatch::RULE,
    &appx_test_signed::RULE,
    &autologon_or_password::RULE,
    &background_app_duplicate::RULE,
    &bad_digest::RULE,
    &baseline_entry_stale::RULE,
    &baseline_of_core_rule::RULE,
    &basicdisplayfallback_not_db::RULE,
    &bcd_flight_signatures::RULE,
    &bcd_kernel_debugger::RULE,
    &bcd_partition::RULE,
    &bcd_prerelease_signatures::RULE,
    &binary_partition_mainos::RULE,
    &bitlocker_dra_missing::RULE,
    &bitlocker_prereqs::RULE,
    &bootsequence_exclusive::RULE,
    &bsp_layout::RULE,
    &build_type_not_fre::RULE,
    &cab_catalog_missing::RULE,
    &cab_content_signer_mismatch::RULE,
    &catalog_hash_sha1::RULE,
    &catalog_member_mismatch::RULE,
    &catalog_os_attr::RULE,
    &catalog_unknown_oid::RULE,
    &cert_expired::RULE,
    &cert_expires_soon::RULE,
    &cert_not_yet_valid::RULE,
    &component_differs_from_definition::RULE,
    &computer_name_fixed::RULE,
    &cpufilter_case::RULE,
    &crashdump_in_retail::RULE,
    &cross_cert_ca_expired::RULE,
    &cross_cert_missing::RULE,
    &custom_cmd_debug::RULE,
    &custom_cmd_missing::RULE,
    &data_partition_update::RULE,
    &default_admin_account::RULE,
    &default_sample_app::RULE,
    &deprecated_feature::RULE,
    &description_image_type_mismatch::RULE,
    &destdir_dots::RULE,
    &destdir_macro::RULE,
    &dev_feature_in_retail::RULE,
    &device_case::RULE,
    &device_not_in_fm::RULE,
    &direct_package_files::RULE,
    &document_not_well_formed::RULE,
    &driver_arch_mismatch::RULE,
    &dump_feature_exclusive::RULE,
    &efiesp_bcd_layout::RULE,
    &eku_hal_extension::RULE,
    &eku_missing_codesign::RULE,
    &eku_test_oem::RULE,
    &embedded_signing_category::RULE,
    &expired_cert_file::RULE,
    &feature_arch::RULE,
    &feature_conflict::RULE,
    &feature_group_constraint::RULE,
    &feature_group_unknown_id::RULE,
    &feature_id_case::RULE,
    &feature_needs_another::RULE,
    &feature_not_in_release::RULE,
    &feature_oem_prefix::RULE,
    &feature_wrong_section::RULE,
    &file_source_missing::RULE,
    &file_zero_bytes::RULE,
    &fip_package_test_signed::RULE,
    &fm_ambiguous::RULE,
    &fm_cab_case::RULE,
    &fm_duplicate_package::RULE,
    &fm_feature_unused::RULE,
    &fm_feature_without_package::RULE,
    &fm_internal_attribute::RULE,
    &fm_missing_cab::RULE,
    &fm_name_without_owner::RULE,
    &fm_not_found::RULE,
    &fm_not_in_filelist::RULE,
    &fm_package_in_two_fms::RULE,
    &fm_package_no_definition::RULE,
    &fm_prerelease_replacement::RULE,
    &fm_release_packages::RULE,
    &fm_replacement_metachar::RULE,
    &fm_stale_merged::RULE,
    &fm_unknown_path_variable::RULE,
    &fmlist_cputype::RULE,
    &fmlist_duplicate_id::RULE,
    &fmlist_id_length::RULE,
    &fmlist_owner_token::RULE,
    &fmlist_release_type::RULE,
    &format_dpp_in_retail::RULE,
    &generic_pop_on_1809::RULE,
    &generic_pop_or_cus::RULE,
    &halext_resigned::RULE,
    &headless_with_foreground::RULE,
    &image_boot_debugging::RULE,
    &image_catalog_unverified::RULE,
    &image_ci_switched_off::RULE,
    &image_contradiction::RULE,
    &image_default_admin::RULE,
    &image_developer_feature::RULE,
    &image_developer_unlock::RULE,
    &image_differs_from_workspace::RULE,
    &image_extra_root::RULE,
    &image_hash_table_sha1::RULE,
    &image_integrity_checks_off::RULE,
    &image_location_values::RULE,
    &image_manufacturing_mode::RULE,
    &image_mfg_profile::RULE,
    &image_mfg_profile_missing::RULE,
    &image_not_intact::RULE,
    &image_package_not_present::RULE,
    &image_package_not_recorded::RULE,
    &image_package_release_type::RULE,
    &image_platform_id_wildcard::RULE,
    &image_record_missing::RULE,
    &image_secure_boot_test::RULE,
    &image_signature_broken::RULE,
    &image_signer_not_allowed::RULE,
    &image_sipolicy_missing::RULE,
    &image_sipolicy_not_enforced::RULE,
    &image_test_signed::RULE,
    &image_testsigning_missing::RULE,
    &image_testsigning_on::RULE,
    &image_unreadable::RULE,
    &image_unsigned_binary::RULE,
    &inf_missing_catalog::RULE,
    &inf_not_universal::RULE,
    &inf_signature_attributes::RULE,
    &issuer_name_only_match::RULE,
    &kernel_verify_policy::RULE,
    &lang_and_resolution::RULE,
    &language_list_empty::RULE,
    &language_mismatch::RULE,
    &layout_attributes::RULE,
    &layout_backup_size::RULE,
    &layout_changed_on_update::RULE,
    &layout_efiesp_fs::RULE,
    &layout_efiesp_type::RULE,
    &layout_mainos_free::RULE,
    &layout_mbr_four::RULE,
    &layout_missing_partition::RULE,
    &layout_mixed_types::RULE,
    &layout_mmos_ntfs::RULE,
    &layout_mmos_size::RULE,
    &legacy_kit_feature::RULE,
    &location_half_enabled::RULE,
    &location_key_wrong::RULE,
    &location_needs_registry::RULE,
    &location_on_mobile::RULE,
    &location_on_old_os::RULE,
    &location_on_retail::RULE,
    &location_value_type::RULE,
    &lockdown_on_unsupported_board::RULE,
    &macro_in_attr::RULE,
    &macro_nested::RULE,
    &macro_redefine::RULE,
    &mfg_bcd_profile_mismatch::RULE,
    &mfg_feature_deps::RULE,
    &mfg_mode_bcd_in_retail::RULE,
    &mfg_no_wildcard::RULE,
    &mfg_profile_default_overwrite::RULE,
    &mfg_profile_key::RULE,
    &mfg_profile_key_not_created::RULE,
    &mfg_profile_name_length::RULE,
    &mfg_profile_reserved_current::RULE,
    &mfg_service_start_value::RULE,
    &mfg_service_unknown::RULE,
    &mfg_wildcard_disables_all::RULE,
    &mfg_wildcard_driver::RULE,
    &mfg_wildcard_partial::RULE,
    &mmos_app_runs_everywhere::RULE,
    &mmos_charging_elsewhere::RULE,
    &mmos_charging_exactly_one::RULE,
    &mmos_customer_care_test_feature::RULE,
    &mmos_only_payload::RULE,
    &mmos_product::RULE,
    &mmos_service_not_auto::RULE,
    &mmos_unsupported_feature::RULE,
    &mmos_wim_partition::RULE,
    &mobile_release_production_feature::RULE,
    &mobile_retail_forbidden::RULE,
    &mobile_retail_required::RULE,
    &ms_package_not_ms_signed::RULE,
    &multiple_device_layouts::RULE,
    &multiple_startup_apps::RULE,
    &multiple_universal_app_install::RULE,
    &nested_signature_class::RULE,
    &no_startup_app::RULE,
    &no_timestamp::RULE,
    &ocp_update_fm::RULE,
    &oem_name_empty::RULE,
    &oeminput_duplicate_entry::RULE,
    &oeminput_not_well_formed::RULE,
    &oeminput_unknown_element::RULE,
    &oeminput_wrong_root::RULE,
    &oobe_settings_encoding::RULE,
    &os_version_unsupported::RULE,
    &owner_type::RULE,
    &package_arch_mismatch::RULE,
    &package_contents_unreadable::RULE,
    &package_differs_from_definition::RULE,
    &package_duplicate_identity::RULE,
    &package_file_name_mismatch::RULE,
    &package_manifest_mismatch::RULE,
    &package_name_length::RULE,
    &package_name_mismatch::RULE,
    &package_owner::RULE,
    &package_release_type_missing::RULE,
    &package_release_type_test::RULE,
    &package_removed_or_renamed::RULE,
    &package_version_default::RULE,
    &package_version_format::RULE,
    &package_version_mixed::RULE,
    &package_version_not_increased::RULE,
    &package_wrong_root::RULE,
    &page_hashes_missing::RULE,
    &partition_content::RULE,
    &pe_checksum::RULE,
    &pkgxml_on_current_kit::RULE,
    &platform_both_id_forms::RULE,
    &platform_compressed::RULE,
    &platform_min_sectors::RULE,
    &platform_missing::RULE,
    &platform_wildcard_id::RULE,
    &policy_expired_entry::RULE,
    &policy_invalid_value::RULE,
    &policy_lowered_core_rule::RULE,
    &policy_reason_missing::RULE,
    &policy_unknown_entry::RULE,
    &policy_unused_entry::RULE,
    &ppl_eku::RULE,
    &product_element::RULE,
    &prov_allow_all_trusted_apps::RULE,
    &prov_auto_missing::RULE,
    &prov_blocked_msft_cert::RULE,
    &prov_dependency_arch::RULE,
    &prov_duplicate_guid::RULE,
    &prov_duplicate_root::RULE,
    &prov_missing_file::RULE,
    &prov_owner_type::RULE,
    &prov_plaintext_secret::RULE,
    &prov_unsigned_allowed::RULE,
    &prov_version_format::RULE,
    &prov_version_not_increased::RULE,
    &published_key::RULE,
    &recovery_bcd_layout::RULE,
    &recovery_script_tpm::RULE,
    &regkey_duplicate::RULE,
    &regkey_macro::RULE,
    &regkey_wrong_hive::RULE,
    &regvalue_format::RULE,
    &regvalue_type::RULE,
    &release_type_filename_mismatch::RULE,
    &release_type_missing::RULE,
    &release_type_value::RULE,
    &remote_shell_in_retail::RULE,
    &required_feature_missing::RULE,
    &resolution_unsupported::RULE,
    &retail_bsp_pkg_dir::RULE,
    &retail_chain_not_trusted::RULE,
    &retail_ci_missing::RULE,
    &retail_ci_not_enforced::RULE,
    &retail_release_type::RULE,
    &retail_sign_mode::RULE,
    &rootcerts_missing::RULE,
    &rootcerts_test_in_retail::RULE,
    &sample_owner_contoso::RULE,
    &secret_key_in_repo::RULE,
    &secureboot_bin_format::RULE,
    &secureboot_db_expiring::RULE,
    &secureboot_db_missing_ms::RULE,
    &secureboot_pk_kek_missing::RULE,
    &secureboot_published_pk::RULE,
    &secureboot_test_ca_in_retail_db::RULE,
    &security_variant_in_retail::RULE,
    &security_variant_in_test::RULE,
    &service_auto_outside_mmos::RULE,
    &service_image_path::RULE,
    &service_localsystem::RULE,
    &settings_arch_bsp::RULE,
    &settings_buildconfig::RULE,
    &settings_name_file::RULE,
    &sha1_digest::RULE,
    &sha384_unsupported::RULE,
    &sign_param_cross_cert_pair::RULE,
    &sign_param_weak::RULE,
    &signature_trailing_data::RULE,
    &sipolicy_audit_in_retail::RULE,
    &sipolicy_expired_signer::RULE,
    &sipolicy_missing_driver_signer::RULE,
    &sipolicy_p7b_signer::RULE,
    &sipolicy_retail_equals_test::RULE,
    &sipolicy_store_signer::RULE,
    &sipolicy_test_oem_signer::RULE,
    &sipolicy_test_root::RULE,
    &sipolicy_umci_off::RULE,
    &sipolicy_update_signer::RULE,
    &sipolicy_xml_bin_drift::RULE,
    &sirep_port_open::RULE,
    &smbios_length::RULE,
    &smbios_sample_value::RULE,
    &soc_case::RULE,
    &soc_crashdump_in_retail::RULE,
    &soc_device_pair::RULE,
    &soc_not_in_fm::RULE,
    &speech_language_without_feature::RULE,
    &startup_app_not_installed::RULE,
    &suppression_expired::RULE,
    &suppression_malformed::RULE,
    &suppression_of_core_rule::RULE,
    &suppression_unused::RULE,
    &target_partition::RULE,
    &template_placeholder_left::RULE,
    &test_ci_enforced::RULE,
    &test_feature_in_retail::RULE,
    &test_feature_without_test_fm::RULE,
    &test_fm_arch::RULE,
    &test_fm_in_retail::RULE,
    &test_missing_testsigning::RULE,
    &test_pfx_expired_import::RULE,
    &test_release_type::RULE,
    &test_root_without_marker::RULE,
    &test_signed_in_retail::RULE,
    &test_signed_outside_testsigning::RULE,
    &testsigning_in_retail::RULE,
    &timestamp_legacy::RULE,
    &timestamp_outside_validity::RULE,
    &unknown_ms_feature::RULE,
    &unknown_oem_feature::RULE,
    &unresolved_variable::RULE,
    &unsigned_cab::RULE,
    &unsigned_catalog::RULE,
    &unsigned_pe::RULE,
    &unsigned_service_binary::RULE,
    &weak_key::RULE,
    &wm_not_in_fm::RULE,
];

/// The rule of that id.
pub fn find(id: &str) -> Option<&'static RuleInfo> {
    ALL.iter().copied().find(|info| info.id == id)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use super::*;
    use crate::rule::HEADINGS;

    const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/rules");

    fn files() -> BTreeSet<String> {
        let names = fs::read_dir(FOLDER)
            .unwrap()
            .map(|entry| entry.unwrap().file_name());
        let names = names.map(|name| name.into_string().unwrap());
        let stems = names.filter_map(|name| name.strip_suffix(".rs").map(str::to_owned));
        stems.filter(|stem| stem != "mod").collect()
    }

    #[test]
    fn the_list_is_the_folder() {
        let listed: BTreeSet<String> = ALL.iter().map(|info| info.id.replace('-', "_")).collect();
        assert_eq!(listed, files());
    }

    #[test]
    fn the_list_is_sorted_and_ids_are_lower_case_words() {
        let ids: Vec<_> = ALL.iter().map(|info| info.id).collect();
        assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
        for id in ids {
            let is_word = |word: &str| {
                !word.is_empty()
                    && word
                        .chars()
                        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
            };
            assert!(id.split('-').all(is_word), "{id}");
        }
    }

    #[test]
    fn every_manual_has_the_headings_in_order_and_something_below_each() {
        for info in ALL {
            let manual = info.manual();
            let mut sections = manual.split("\n## ");
            sections.next();
            let sections: Vec<(&str, &str)> = sections
                .map(|section| section.split_once('\n').unwrap_or((section, "")))
                .collect();
            let wanted: Vec<_> = HEADINGS
                .iter()
                .filter(|heading| **heading != "Parameters" || !info.parameters.is_empty())
                .collect();
            let found: Vec<_> = sections.iter().map(|(heading, _)| heading).collect();
            assert_eq!(found, wanted, "{}", info.id);
            for (heading, body) in sections {
                assert!(
                    body.trim().len() > 8,
                    "{}: nothing below {heading}",
                    info.id
                );
            }
            for parameter in info.parameters {
                assert!(
                    manual.contains(&format!("`{}`", parameter.key())),
                    "{}",
                    info.id
                );
            }
        }
    }

    #[test]
    fn every_summary_is_one_short_phrase_and_the_metadata_are_filled_in() {
        for info in ALL {
            let summary = info.summary();
            assert!(
                (10..=100).contains(&summary.len()),
                "{}: {summary}",
                info.id
            );
            assert!(!summary.ends_with('.'), "{}: {summary}", info.id);
            assert!(
                info.manual().lines().nth(1).is_some_and(str::is_empty),
                "{}",
                info.id
            );
            assert!(
                !info.authority.is_empty() && !info.clause.is_empty(),
                "{}",
                info.id
            );
            assert!(info.images.is_sorted_by(|a, b| a < b), "{}", info.id);
            let version: Vec<_> = info.since.split('.').collect();
            assert!(version.len() == 3 && version.iter().all(|n| n.parse::<u32>().is_ok()));
        }
    }

    #[test]
    fn no_scaffold_text_is_left() {
        for stem in files() {
            let text = fs::read_to_string(format!("{FOLDER}/{stem}.rs")).unwrap();
            for scaffold in [
                "TODO",
                "FIXME",
                "XXX",
                "TBD",
                "lorem",
                "unimplemented!",
                "todo!",
            ] {
                assert!(!text.contains(scaffold), "{stem}.rs: {scaffold}");
            }
            assert!(text.contains("#[cfg(test)]"), "{stem}.rs has no test");
            assert!(text.lines().count() <= 150, "{stem}.rs is long");
        }
    }

    #[test]
    fn every_rule_can_be_made_with_its_defaults() {
        for info in ALL {
            assert!(
                (info.build)(toml::de::DeTable::new()).is_ok(),
                "{}",
                info.id
            );
        }
    }
}
