//! What is wrong with the package of each fixture.

use formats::container::cat::Version;
use signer::identity::Identity;
use signer::timestamp::Protocol;
use time::macros::datetime;

use super::build::{
    New, Package, Parts, Payload, Signing, app, catalog, certificate, identity, image, made,
};

/// The package of most fixtures.
const AGENT: &str = "Fjordlight.Kiosk.Agent.cab";
const ARM: u16 = 0x1c4;
const CODE_SIGNING: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 3];
/// 1.3.6.1.4.1.311.76.5.40
const OEM_TEST: &[u8] = &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 0x4c, 5, 0x28];
/// The object identifier of the members of catalogs of version 2.
const MEMBER_V2: [u8; 10] = [0x2b, 6, 1, 4, 1, 0x82, 0x37, 0x0c, 1, 3];

/// Path below the folder of the fixtures, and content.
type Recipe = (String, Vec<u8>);

/// Every package.
pub(super) fn all() -> Vec<Recipe> {
    let retail_key = identity("demo-retail");
    let retail = Signing::stamped(&retail_key);
    let test_key = identity("oem");
    let test = Signing::by(&test_key);
    let mut all = Vec::new();
    images(&mut all, &retail, &test);
    certificates(&mut all);
    catalogs(&mut all, &retail, &test);
    apps(&mut all, &test);
    packages(&mut all, &retail, &test);
    stories(&mut all, &test);
    for (path, file) in [
        ("secret-key-in-repo/keys/signing.pfx", "demo-retail.pfx"),
        (
            "test-pfx-expired-import/TestCerts/OEM_Test_Cert.pfx",
            "expired.pfx",
        ),
    ] {
        let folder = crate::support::repository().join("testcerts");
        all.push((path.to_owned(), std::fs::read(folder.join(file)).unwrap()));
    }
    all
}

fn agent(id: &str, bytes: Vec<u8>) -> Recipe {
    (format!("{id}/{AGENT}"), bytes)
}

fn with(payload: Vec<Payload>) -> Parts {
    Parts {
        payload,
        ..Parts::default()
    }
}

const DRIVER: &str = r"windows\System32\drivers\lineprobe.sys";
const PROGRAM: &str = r"windows\System32\kioskd.exe";

fn images(all: &mut Vec<Recipe>, retail: &Signing<'_>, test: &Signing<'_>) {
    let both = with(vec![(DRIVER, image(ARM)), (PROGRAM, image(ARM))]);
    all.push(agent("unsigned-pe", both.signed(retail)));
    let program = |bytes| with(vec![(PROGRAM, bytes)]);
    let mixed = program(test.sign(&image(ARM))).signed(retail);
    all.push(agent("cab-content-signer-mismatch", mixed));
    let built = program(retail.sign(&image(ARM))).signed(retail);
    let folder = "image-differs-from-workspace/workspace/Build/arm/pkgs";
    all.push((format!("{folder}/{AGENT}"), built));
    let nested = Signing::by(test.by).nested();
    let nested = program(nested.sign(&retail.sign(&image(ARM))));
    all.push(agent("nested-signature-class", nested.signed(retail)));
    let ppl = identity("ppl");
    let ppl = program(Signing::by(&ppl).sign(&image(ARM)));
    all.push(agent("ppl-eku", ppl.signed(test)));
    let driver = |bytes| with(vec![(DRIVER, bytes)]);
    let without_pages = driver(retail.sign(&image(ARM)));
    all.push(agent("page-hashes-missing", without_pages.signed(retail)));
    let mut wrong_sum = test.sign(&image(ARM));
    wrong_sum[0x40 + 88] ^= 1;
    all.push(agent("pe-checksum", driver(wrong_sum).signed(test)));
    let other_processor = driver(test.sign(&image(0x14c)));
    all.push(agent("package-arch-mismatch", other_processor.signed(test)));
    let own = made(&New {
        organization: "Fjordlight",
        name: "Fjordlight Test Signing",
        key: "self-signed",
        issuer: None,
        valid: ("2020-01-01", "2045-01-01"),
        purposes: &[CODE_SIGNING],
    });
    let own = program(Signing::stamped(&own).sign(&image(ARM)));
    all.push(agent("test-root-without-marker", own.signed(retail)));
    let hal = |by: &Signing<'_>| {
        let parts = Parts {
            name: "Fjordlight.Board.HalExt",
            ..with(vec![(
                r"windows\System32\haltimer.dll",
                by.sign(&image(ARM)),
            )])
        };
        parts.signed(by)
    };
    let name = "Fjordlight.Board.HalExt.cab";
    all.push((format!("eku-hal-extension/{name}"), hal(test)));
    all.push((format!("halext-resigned/{name}"), hal(retail)));
}

/// Packages that are whole, signed with certificates that are not.
fn certificates(all: &mut Vec<Recipe>) {
    let mut add = |id, by: &Identity, stamp| {
        let signing = Signing {
            stamp,
            ..Signing::by(by)
        };
        all.push(agent(id, Parts::default().signed(&signing)));
    };
    for (id, name) in [
        ("cert-not-yet-valid", "not-yet-valid"),
        ("eku-missing-codesign", "no-eku"),
        ("sha1-digest", "sha1"),
        ("sha384-unsupported", "sha384"),
        ("weak-key", "ecdsa-p256"),
    ] {
        add(id, &identity(name), None);
    }
    let soon = made(&New {
        organization: "Fjordlight",
        name: "Fjordlight Code Signing (TEST ONLY)",
        key: "oem",
        issuer: Some("intermediate"),
        valid: ("2025-06-20", "2026-06-20"),
        purposes: &[CODE_SIGNING],
    });
    add("cert-expires-soon", &soon, None);
    let late = (datetime!(2024-03-01 12:00 UTC), Protocol::Rfc3161);
    add(
        "timestamp-outside-validity",
        &identity("expired-2022"),
        Some(late),
    );
    let legacy = (datetime!(2025-03-01 12:00 UTC), Protocol::Legacy);
    add("timestamp-legacy", &identity("demo-retail"), Some(legacy));
    let for_tests = made(&New {
        organization: "Fjordlight",
        name: "Fjordlight Driver Signing",
        key: "demo-retail",
        issuer: Some("demo-retail-intermediate"),
        valid: ("2020-01-01", "2045-01-01"),
        purposes: &[CODE_SIGNING, OEM_TEST],
    });
    let stamp = (datetime!(2025-03-01 12:00 UTC), Protocol::Rfc3161);
    add("eku-test-oem", &for_tests, Some(stamp));
}

fn catalogs(all: &mut Vec<Recipe>, retail: &Signing<'_>, test: &Signing<'_>) {
    let driver = test.sign(&image(ARM));
    let of_driver = |os| catalog(&[&driver], Version::V2, os);
    let beside = |catalog: Vec<u8>| {
        let place = r"windows\System32\drivers\lineprobe.cat";
        with(vec![(DRIVER, driver.clone()), (place, catalog)]).signed(test)
    };
    all.push(agent("unsigned-catalog", beside(of_driver("2:10.0"))));
    let old = test.sign(&of_driver("2:6.1,2:6.0"));
    all.push(agent("catalog-os-attr", beside(old)));
    let mut odd = of_driver("2:10.0");
    let place = odd.windows(MEMBER_V2.len()).position(|w| w == MEMBER_V2);
    odd[place.unwrap() + MEMBER_V2.len() - 1] = 9;
    all.push(agent("catalog-unknown-oid", beside(odd)));

    let whole = || Parts::default().unsigned();
    let mut without = whole().sign_catalog(test);
    without.0.retain(|(name, _)| name != "update.cat");
    all.push(agent("cab-catalog-missing", without.signed(test)));
    let mut more = whole().sign_catalog(test);
    more.0
        .push(("notes.txt".to_owned(), b"not listed".to_vec()));
    all.push(agent("catalog-member-mismatch", more.signed(test)));
    let first = Parts {
        catalog: Version::V1,
        ..Parts::default()
    };
    all.push(agent("catalog-hash-sha1", first.signed(test)));
    let mut changed = whole();
    *changed.file("agent.json") = b"[]\r\n".to_vec();
    let others = changed.0.iter().filter(|(name, _)| name != "update.cat");
    let others: Vec<&[u8]> = others.map(|(_, bytes)| bytes.as_slice()).collect();
    let listed = catalog(&others, Version::V2, "2:10.0");
    *changed.file("update.cat") = test.sign(&listed);
    all.push(agent("package-manifest-mismatch", changed.signed(test)));
    let mut longer = Parts::default().signed(retail);
    longer.extend(b"behind");
    all.push(agent("signature-trailing-data", longer));
}

fn apps(all: &mut Vec<Recipe>, test: &Signing<'_>) {
    let publisher = |name| signer::app_package::publisher_of(&certificate(name).subject);
    let beside = |id, app: Vec<u8>, by: &Signing<'_>| {
        let parts = with(vec![(r"windows\Apps\Kiosk.appx", app)]);
        agent(id, parts.signed(by))
    };
    let mut other = Signing::by(test.by);
    other.options.allow_publisher_mismatch = true;
    let renamed = other.sign(&app("CN=Somebody Else", ""));
    all.push(beside("appx-publisher-mismatch", renamed, test));
    let own = identity("self-signed");
    let retail_key = identity("demo-retail");
    let retail = Signing::stamped(&retail_key);
    let self_signed = Signing::stamped(&own).sign(&app(&publisher("self-signed"), ""));
    all.push(beside("appx-test-signed", self_signed.clone(), &retail));
    all.push(beside("appx-cert-not-in-roots", self_signed, test));
    let framework = "<Properties><Framework>true</Framework></Properties>";
    let framework = test.sign(&app(&publisher("oem"), framework));
    all.push(beside("appx-dependency-unsigned", framework, test));
    let located = "<Capabilities><DeviceCapability Name=\"location\"/></Capabilities>";
    let located = test.sign(&app(&publisher("oem"), located));
    let (_, bytes) = beside("", located, test);
    let path = format!("location-needs-registry/Build/arm/pkgs/{AGENT}");
    all.push((path, bytes));
}

fn packages(all: &mut Vec<Recipe>, retail: &Signing<'_>, test: &Signing<'_>) {
    let identifier = Parts {
        name: "Fjordlight.IoTUAP.OEM_AGENT.OEMFM.FIP",
        ..Parts::default()
    };
    let path = format!("fip-package-test-signed/{}.cab", identifier.name);
    all.push((path, identifier.signed(test)));
    let microsofts = Parts {
        name: "Microsoft.Kiosk.Agent",
        owner: "Microsoft",
        owner_type: "Microsoft",
        ..Parts::default()
    };
    let path = format!("ms-package-not-ms-signed/{}.cab", microsofts.name);
    all.push((path, microsofts.signed(retail)));
    let mut broken = Package(vec![("agent.json".to_owned(), vec![b'x'; 5000])]).packed();
    let last = broken.len() - 4;
    broken[last] ^= 0xff;
    all.push(agent("package-contents-unreadable", test.sign(&broken)));
}

/// Packages beside what defines them.
fn stories(all: &mut Vec<Recipe>, test: &Signing<'_>) {
    let other = Parts {
        release: "Test",
        partition: "Data",
        owner: "Contoso",
        ..Parts::default()
    };
    let built = |id: &str| format!("{id}/Build/arm/pkgs/{AGENT}");
    all.push((built("package-differs-from-definition"), other.signed(test)));
    let changed = Parts {
        component: "<memberships><categoryMembership><id name=\"Microsoft.Windows.Categories.Services\" version=\"10.1.4.0\" \
                    publicKeyToken=\"628844477771337a\" typeName=\"Service\" /><categoryInstance subcategory=\"KioskAgent\">\
                    <serviceData name=\"KioskAgent\" displayName=\"Kiosk agent\" start=\"auto\" type=\"win32OwnProcess\" \
                    imagePath=\"%SystemRoot%\\System32\\svchost.exe -k kiosk\" objectName=\"LocalSystem\" />\
                    </categoryInstance></categoryMembership></memberships>",
        ..Parts::default()
    };
    all.push((
        built("component-differs-from-definition"),
        changed.signed(test),
    ));
    let older = Parts {
        version: "10.1.3.0",
        ..Parts::default()
    };
    all.push((built("package-version-mixed"), older.signed(test)));
    let misplaced = Parts {
        name: "Fjordlight.Kiosk.Location",
        component: "<registryKeys><registryKey keyName=\"HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\\
                    CapabilityAccessManager\\Capabilities\\location\"><registryValue name=\"InitUserGlobalConsentDenied\" \
                    value=\"0x00000000\" valueType=\"REG_DWORD\" mutable=\"true\" /></registryKey></registryKeys>",
        ..Parts::default()
    };
    let path = format!("location-key-wrong/Build/arm/pkgs/{}.cab", misplaced.name);
    all.push((path, misplaced.signed(test)));
}
