//! Code-integrity policies in both forms.

use formats::container::si_policy::{
    CertRoot, FileRuleKind, KERNEL, Policy, PolicyOption, SiPolicy, USER,
};
use formats::document::si_policy::SiPolicyDocument;
use formats::source::Source;

/// A file of the published samples, where they stand beside the repository.
fn sample(path: &str) -> Option<Vec<u8>> {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../shared/corpus/addonkit/Workspace/Common/Packages")
        .join(path);
    let bytes = std::fs::read(&file).ok();
    if bytes.is_none() {
        println!("passed over: {path} of the corpus is not beside this checkout");
    }
    bytes
}

fn numbers(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|n| n.to_le_bytes()).collect()
}

fn text(text: &str) -> Vec<u8> {
    let mut bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let length = bytes.len() as u32;
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    [numbers(&[length]), bytes, numbers(&[0])].concat()
}

/// A policy with one of everything, in binary form.
fn whole() -> Vec<u8> {
    let hash = [numbers(&[5]), vec![1, 2, 3, 4, 5, 0, 0, 0]].concat();
    let set = numbers(&[1, 0, 1, 0, 0, 1, 0]);
    let empty = numbers(&[0, 0, 0]);
    [
        numbers(&[7, 1, 2, 3, 4, 5, 6, 7, 8, 0x8001_0004, 1, 1, 2, 1]),
        numbers(&[0x0003_0004, 0x0001_0002, 64]),
        [
            numbers(&[12]),
            vec![1, 10, 0x2b, 6, 1, 4, 1, 0x82, 0x37, 10, 3, 6],
        ]
        .concat(),
        [numbers(&[2]), text("a.sys"), numbers(&[1, 2]), hash.clone()].concat(),
        [
            [numbers(&[0]), hash, numbers(&[1, 0])].concat(),
            [
                text("Issuer"),
                text("Publisher"),
                text("OEM"),
                numbers(&[1, 0]),
            ]
            .concat(),
        ]
        .concat(),
        [numbers(&[1, 10, 0]), [0; 24].to_vec(), numbers(&[0])].concat(),
        numbers(&[1, 1, 1, 0]),
        [numbers(&[KERNEL, 0, 0x800c]), set, empty.clone(), empty].concat(),
        numbers(&[3, 1]),
        [text("P"), text("K"), text("V"), numbers(&[1, 9])].concat(),
        [numbers(&[3, 5, 6, 1]), text("app"), numbers(&[1, 2, 0, 0])].concat(),
        [numbers(&[4]), text("in"), text(""), text("product")].concat(),
        [numbers(&[5]), text("family"), numbers(&[0, 0])].concat(),
        [numbers(&[6]), vec![1; 16], vec![2; 16], numbers(&[1, 1])].concat(),
        [numbers(&[7]), text("path"), numbers(&[8])].concat(),
    ]
    .concat()
}

#[test]
fn every_part_of_the_binary_form_is_read() {
    let bytes = whole();
    let policy = Policy::read(&bytes, 100).unwrap();
    assert_eq!(policy.version_text(), "1.2.3.4");
    let options: Vec<_> = policy.options.iter().map(|option| option.value).collect();
    assert_eq!(options, [PolicyOption::UMCI, PolicyOption::AUDIT_MODE]);
    assert_eq!(policy.options[0].span.start, 100 + 36);
    assert_eq!(policy.ekus[0].oid().unwrap(), "1.3.6.1.4.1.311.10.3.6");
    let rule = &policy.file_rules[0];
    assert_eq!(
        (rule.kind, rule.file_name.as_deref()),
        (FileRuleKind::FileAttrib, Some("a.sys"))
    );
    assert_eq!(
        (rule.minimum_version, rule.maximum_version),
        (2 << 32 | 1, 6 << 32 | 5)
    );
    assert_eq!(
        rule.names,
        [Some("in".into()), None, Some("product".into())]
    );
    assert_eq!(rule.path.as_deref(), Some("path"));
    let [first, second] = policy.signers.as_slice() else {
        panic!("{} signers", policy.signers.len())
    };
    assert_eq!(first.root, CertRoot::Tbs(vec![1, 2, 3, 4, 5]));
    assert_eq!(
        (first.ekus.as_slice(), first.file_attributes.as_slice()),
        (&[0][..], &[0][..])
    );
    let names = [&first.issuer, &first.publisher, &first.oem_id];
    assert_eq!(
        names.map(|name| name.as_deref().unwrap()),
        ["Issuer", "Publisher", "OEM"]
    );
    assert_eq!(
        (first.sign_time_after, second.sign_time_after),
        (2 << 32 | 1, 0)
    );
    assert_eq!(second.root.to_string(), "Microsoft Test Root 2010");
    let start = first.span.start - 100;
    assert_eq!(bytes[start..][..12], [0, 0, 0, 0, 5, 0, 0, 0, 1, 2, 3, 4]);
    assert_eq!(policy.update_signers[0].index, 1);
    let scenario = policy.scenario(KERNEL).unwrap();
    assert_eq!(scenario.product.allowed[0].except, [0]);
    assert_eq!(scenario.product.file_rules, [0]);
    assert_eq!(policy.supplemental_signers[0].index, 1);
    assert_eq!(policy.differences(&policy), [""; 0]);
}

#[test]
fn every_truncation_and_every_false_number_is_an_error_or_a_policy() {
    let bytes = whole();
    for length in 0..bytes.len() {
        assert!(Policy::read(&bytes[..length], 0).is_err(), "{length}");
    }
    assert!(Policy::read(&[bytes.as_slice(), &[0]].concat(), 0).is_err());
    for place in 0..bytes.len() {
        for value in [0, 0x7f, 0xff] {
            let mut bad = bytes.clone();
            bad[place] = value;
            drop(Policy::read(&bad, 0));
        }
    }
    let mut index = bytes.clone();
    let place = Policy::read(&bytes, 0).unwrap().update_signers[0]
        .span
        .start;
    index[place] = 2;
    let text = Policy::read(&index, 0).unwrap_err().to_string();
    assert!(text.contains("UpdatePolicySigner"), "{text}");
    assert!(text.contains("found 2, expected less than 2"), "{text}");
    // A later format is read as far as it is known.
    let mut later = bytes.clone();
    later[0] = 9;
    assert!(Policy::read(&later, 0).is_ok());
}

#[test]
fn the_xml_form_says_the_same_and_dangling_identifiers_are_told() {
    let xml = r#"<SiPolicy xmlns="urn:schemas-microsoft-com:sipolicy"><VersionEx>1.2.3.4</VersionEx>
<UpdatePolicySigners><UpdatePolicySigner SignerId="B"/><UpdatePolicySigner SignerId="NONE"/></UpdatePolicySigners>
<Rules><Rule><Option>Enabled:UMCI</Option></Rule><Rule><Option>Enabled:Something</Option></Rule></Rules>
<EKUs><EKU ID="E" Value="010A2B0601040182370A0306"/></EKUs>
<FileRules><FileAttrib ID="F" FileName="a.sys" MinimumFileVersion="0.2.0.1"/></FileRules>
<Signers><Signer ID="A" Name="x"><CertRoot Type="TBS" Value="0102"/><CertEKU ID="E"/><FileAttribRef RuleID="F"/></Signer>
<Signer ID="B" Name="y"><CertRoot Type="Wellknown" Value="0A"/></Signer></Signers>
<SigningScenarios><SigningScenario Value="12" ID="S"><ProductSigners><AllowedSigners><AllowedSigner SignerId="A"/>
</AllowedSigners></ProductSigners></SigningScenario></SigningScenarios></SiPolicy>"#;
    let source = Source::new("p.xml", xml, 0);
    let document = SiPolicyDocument::parse(&source).unwrap();
    let policy = &document.policy;
    assert_eq!(document.unexpected, []);
    assert_eq!(policy.version_text(), "1.2.3.4");
    assert_eq!(policy.dangling[0].value, "NONE");
    assert_eq!(policy.unknown_options[0].value, "Enabled:Something");
    assert_eq!(policy.update_signers[0].index, 1);
    assert_eq!(source.slice(policy.update_signers[0].span), "B");
    assert_eq!(policy.signers[1].root, CertRoot::Wellknown(10));
    assert_eq!(policy.file_rules[0].minimum_version, 2 << 32 | 1);
    assert_eq!(
        policy.scenario(USER).unwrap().product.allowed[0]
            .signer
            .index,
        0
    );
}

#[test]
fn each_published_policy_equals_the_xml_that_it_was_made_from() {
    for folder in ["Security.DeviceGuard", "Security.DeviceGuardTest"] {
        for (binary, xml) in [
            ("SIPolicyEnforce", "EnforcedPolicy"),
            ("SIPolicyAudit", "AuditPolicy"),
            ("SIPolicyEnforce-Old", "EnforcedPolicy"),
            ("SIPolicyAudit-Old", "AuditPolicy"),
        ] {
            let binary = sample(&format!("{folder}/{binary}.p7b"));
            let (Some(bytes), Some(xml)) = (binary, sample(&format!("{folder}/{xml}.xml"))) else {
                return;
            };
            let file = SiPolicy::parse(bytes).unwrap();
            let (bytes, offset) = file.policy().unwrap();
            let binary = Policy::read(bytes, offset).unwrap();
            let source = formats::document::decode::decode("p.xml", &xml).unwrap();
            let document = SiPolicyDocument::parse(&source).unwrap();
            assert_eq!(document.unexpected, []);
            let xml = &document.policy;
            assert_eq!(
                (binary.signers.len(), xml.signers.len()),
                (32, 32),
                "{folder}"
            );
            assert_eq!(binary.scenarios.len(), 2);
            assert_eq!(binary.policy_type, xml.policy_type);
            assert_eq!(binary.platform, xml.platform);
            println!("{folder}: {:?}", xml.differences(&binary));
            let roots = |policy: &Policy| {
                let signers = policy.signers.iter();
                signers
                    .map(|signer| signer.root.clone())
                    .collect::<Vec<_>>()
            };
            assert_eq!(roots(&binary), roots(xml));
            let only_names = |differences: Vec<String>| {
                differences
                    .into_iter()
                    .filter(|d| !d.contains("setting"))
                    .collect::<Vec<_>>()
            };
            assert_eq!(only_names(xml.differences(&binary)), [""; 0], "{folder}");
        }
    }
}
