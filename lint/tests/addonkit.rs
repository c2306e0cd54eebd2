//! The add-on kit's own files, whose samples most inputs in the field were made from: the exact findings, so that a
//! change of a rule shows. Skipped where the folder with the published files is not there.

use std::collections::BTreeMap;

use lint::diagnostic::{Diagnostic, Level};
use lint::files::{folder_of, name_of};
use lint::resolve::ResolveOptions;

use crate::support::{lint, repository};

/// All findings in the kit; `None`, with a remark, where the kit is not there.
fn kit() -> Option<Vec<Diagnostic>> {
    let kit = repository().join("../shared/corpus/addonkit");
    if !kit.is_dir() {
        println!("skipped: {} is not there", kit.display());
        return None;
    }
    Some(lint(&kit, &ResolveOptions::default()).diagnostics)
}

/// The product of a finding, or the file of a template: `SampleA/RetailOEMInput.xml`.
fn product(found: &Diagnostic) -> String {
    let path = found.primary.file();
    let folder = folder_of(path);
    let folder = folder.strip_suffix("/OEMInputSamples").unwrap_or(folder);
    format!("{}/{}", name_of(folder), name_of(path))
}

/// How many findings each product has that fulfil a condition.
fn count(findings: &[Diagnostic], wanted: impl Fn(&Diagnostic) -> bool) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for found in findings.iter().filter(|found| wanted(found)) {
        *counts.entry(product(found)).or_default() += 1;
    }
    counts
}

fn of<const N: usize>(counts: [(&str, usize); N]) -> BTreeMap<String, usize> {
    counts.map(|(name, count)| (name.to_owned(), count)).into()
}

#[test]
fn every_retail_sample_has_developer_features() {
    let Some(findings) = kit() else { return };
    // The kit counts SSH and the device portal among the developer features, but not PowerShell.
    let counts = count(&findings, |found| {
        let is_shell = found.rule == "remote-shell-in-retail";
        let is_kits = !found.message.contains("POWERSHELL");
        found.rule == "dev-feature-in-retail" || (is_shell && is_kits)
    });
    let wanted = of([
        ("CustomRpi2/RetailOEMInput.xml", 8),
        ("MultiLangSample/RetailOEMInput.xml", 8),
        ("QCDB410C/RetailOEMInput.xml", 5),
        ("RPiRecovery/RetailOEMInput.xml", 8),
        ("RecoverySample/RetailOEMInput.xml", 6),
        ("SampleA/RetailOEMInput.xml", 8),
        ("SampleB/RetailOEMInput.xml", 7),
        ("SecureSample/RetailOEMInput.xml", 1),
        ("SingleLangSample/RetailOEMInput.xml", 8),
        ("bsp/RetailOEMInputTemplate.xml", 1),
    ]);
    assert_eq!(counts, wanted);
}

#[test]
fn what_must_never_ship_is_in_no_retail_sample() {
    let Some(findings) = kit() else { return };
    let rules = [
        "default-admin-account",
        "package-release-type-test",
        "release-type-filename-mismatch",
        "test-feature-in-retail",
        "test-fm-in-retail",
        "testsigning-in-retail",
    ];
    let counts = count(&findings, |found| rules.contains(&found.rule));
    assert_eq!(counts, BTreeMap::new());
}

#[test]
fn the_template_of_test_inputs_alone_forgets_test_signing() {
    let Some(findings) = kit() else { return };
    let counts = count(&findings, |found| found.rule == "test-missing-testsigning");
    assert_eq!(counts, of([("bsp/TestOEMInputTemplate.xml", 1)]));
}

#[test]
fn the_manifest_of_the_raspberry_pi_is_not_part_of_the_kit() {
    let Some(findings) = kit() else { return };
    let counts = count(&findings, |found| found.rule == "fm-not-found");
    let samples = [
        "MultiLangSample",
        "RPiRecovery",
        "SampleA",
        "SingleLangSample",
    ];
    let each = |kinds: [&str; 2], number| {
        let paths = samples
            .iter()
            .flat_map(move |sample| kinds.map(|kind| format!("{sample}/{kind}OEMInput.xml")));
        paths.map(|path| (path, number)).collect::<BTreeMap<_, _>>()
    };
    assert_eq!(counts, each(["Retail", "Test"], 1));
    // Its two features are then unknown, and that is no error of its own.
    let unknown = |found: &Diagnostic| found.rule == "unknown-oem-feature";
    assert_eq!(count(&findings, unknown), each(["Retail", "Test"], 2));
    assert!(
        findings
            .iter()
            .filter(|found| unknown(found))
            .all(|found| found.level == Level::Warning)
    );
}

#[test]
fn the_features_of_the_custom_board_are_written_in_another_case() {
    let Some(findings) = kit() else { return };
    let counts = count(&findings, |found| found.rule == "feature-id-case");
    let wanted = of([
        ("CustomRpi2/RetailOEMInput.xml", 1),
        ("CustomRpi2/TestOEMInput.xml", 1),
        ("SampleB/RetailOEMInput.xml", 1),
        ("SampleB/TestOEMInput.xml", 1),
    ]);
    assert_eq!(counts, wanted);
}

#[test]
fn a_workspace_that_is_not_built_says_so_once_for_each_product() {
    let Some(findings) = kit() else { return };
    let counts = count(&findings, |found| found.rule == "fm-missing-cab");
    assert_eq!(counts.len(), 20);
    assert!(counts.values().all(|number| *number == 1));
}

#[test]
fn the_sample_with_secure_boot_mixes_two_variants_of_its_board() {
    let Some(findings) = kit() else { return };
    let counts = count(&findings, |found| found.rule == "soc-device-pair");
    let wanted = of([
        ("SecureSample/RetailOEMInput.xml", 1),
        ("SecureSample/TestOEMInput.xml", 1),
    ]);
    assert_eq!(counts, wanted);
}

#[test]
fn the_description_of_one_test_sample_is_that_of_a_retail_image() {
    let Some(findings) = kit() else { return };
    let rule = "description-image-type-mismatch";
    let counts = count(&findings, |found| found.rule == rule);
    assert_eq!(counts, of([("SampleB/TestOEMInput.xml", 1)]));
}

/// Rules about manifests, layouts, products and provisioning, and how often each finds something; `docs/addonkit.md` says
/// why each is right.
const FOUND: &[(&str, usize)] = &[
    ("computer-name-fixed", 1),
    ("default-sample-app", 1),
    ("fm-feature-unused", 4),
    ("fm-not-in-filelist", 1),
    ("fm-package-no-definition", 1),
    ("fmlist-release-type", 1),
    ("platform-wildcard-id", 2),
    ("prov-allow-all-trusted-apps", 7),
    ("prov-missing-file", 8),
    ("retail-bsp-pkg-dir", 7),
    ("sample-owner-contoso", 1),
    ("settings-arch-bsp", 1),
    ("smbios-sample-value", 21),
    ("wm-not-in-fm", 2),
];

#[test]
fn manifests_layouts_products_and_provisioning_have_these_findings_and_no_others() {
    let Some(findings) = kit() else { return };
    let is_meant = |rule: &str| {
        let starts = [
            "fmlist-",
            "layout-",
            "platform-w",
            "prov-",
            "settings-",
            "smbios-",
        ];
        FOUND.iter().any(|(known, _)| *known == rule)
            || starts.iter().any(|start| rule.starts_with(start))
            || [
                "bsp-layout",
                "fm-ambiguous",
                "fm-cab-case",
                "fm-duplicate-package",
            ]
            .contains(&rule)
    };
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for found in findings.iter().filter(|found| is_meant(found.rule)) {
        *counts.entry(found.rule).or_default() += 1;
    }
    assert_eq!(counts, FOUND.iter().copied().collect());
}

/// The kit's retail packages trust its own samples, whose keys everybody has, and Microsoft's test root.
#[test]
fn the_security_packages_of_the_kit_trust_published_keys() {
    let Some(findings) = kit() else { return };
    let rules = |prefix: &str| {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for found in findings
            .iter()
            .filter(|found| found.rule.starts_with(prefix))
        {
            *counts.entry(found.rule).or_default() += 1;
        }
        counts.into_iter().collect::<Vec<_>>()
    };
    // Audit options, drift, and a signer that may not update are not there: the enforced policy is the installed one, it
    // equals its XML, and its signer is one that it names. SecureSample has no driver of its own.
    let wanted = [
        ("sipolicy-expired-signer", 2),
        ("sipolicy-retail-equals-test", 1),
        ("sipolicy-test-oem-signer", 13),
        ("sipolicy-test-root", 2),
        ("sipolicy-update-signer", 2),
    ];
    assert_eq!(rules("sipolicy-"), wanted);
    // On the day of the run Microsoft's certificates of 2011 end within 90 days.
    let wanted = [
        ("secureboot-db-expiring", 5),
        ("secureboot-published-pk", 4),
    ];
    assert_eq!(rules("secureboot-"), wanted);
    assert_eq!(rules("rootcerts-"), [("rootcerts-test-in-retail", 4)]);
}

/// Oddities that people who know the kit have written down, where this copy has the files: rule, end of the file's path, and
/// how often.
const ODD: &[(&str, &str, usize)] = &[
    ("dev-feature-in-retail", "bsp/RetailOEMInputTemplate.xml", 1),
    ("expired-cert-file", "Certs/MicrosoftCrossCert2019.cer", 1),
    ("expired-cert-file", "IoTOnboardingTask_1.0.0.0_ARM.cer", 1),
    (
        "feature-id-case",
        "CustomRpi2/OEMInputSamples/RetailOEMInput.xml",
        1,
    ),
    ("fmlist-release-type", "QCDB410CFMFileList.xml", 1),
    ("inf-missing-catalog", "iaiogpio.inf", 1),
    ("package-name-mismatch", "DeviceLayout.GPT8GB-R.wm.xml", 1),
    ("package-name-mismatch", "DeviceLayout.MBR8GB-R.wm.xml", 1),
    ("soc-device-pair", "SecureSample/RetailOEMInput.xml", 1),
];

#[test]
fn every_oddity_that_this_copy_has_is_found() {
    let Some(findings) = kit() else { return };
    for (rule, end, number) in ODD {
        let found = findings.iter().filter(|found| found.rule == *rule);
        let found = found.filter(|found| found.primary.file().ends_with(end));
        assert_eq!(found.count(), *number, "{rule} in {end}");
    }
    let without_run_time = |found: &&Diagnostic| {
        found.rule == "required-feature-missing" && found.message.contains("IOT_CRT140")
    };
    assert!(findings.iter().any(|found| without_run_time(&found)));
    // A task that declares UTF-16 and is not, and inputs of other tools, are payload: nobody may judge them.
    let payload = ["DETask.xml", "UpdateOSInput.xml"];
    let judged = findings.iter().find(|found| {
        let mut ends = payload.iter();
        ends.any(|end| found.primary.file().ends_with(end))
    });
    assert_eq!(judged, None);
}

#[test]
fn what_the_kit_does_right_in_every_sample_is_not_found() {
    let Some(findings) = kit() else { return };
    let rules = [
        "language-mismatch",
        "oeminput-duplicate-entry",
        "release-type-filename-mismatch",
        "test-feature-without-test-fm",
    ];
    let found = findings.iter().find(|found| rules.contains(&found.rule));
    assert_eq!(found, None);
}

#[test]
fn the_page_about_the_kit_has_a_judgement_of_every_rule_that_finds_something() {
    let Some(findings) = kit() else { return };
    let page = std::fs::read_to_string(repository().join("docs/addonkit.md")).unwrap();
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    let rows: BTreeMap<&str, usize> = rows
        .map(|row| {
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            (cells[1].trim_matches('`'), cells[3].parse().unwrap())
        })
        .collect();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for found in &findings {
        *counts.entry(found.rule).or_default() += 1;
    }
    // The page tells of a later day: more of Microsoft's certificates are over by then.
    for (rule, number) in [("secureboot-db-expiring", 7), ("expired-cert-file", 8)] {
        assert!(
            counts.get(rule).is_some_and(|found| *found <= number),
            "{counts:?}"
        );
        counts.insert(rule, number);
    }
    assert_eq!(rows, counts);
}
