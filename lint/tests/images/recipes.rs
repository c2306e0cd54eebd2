//! What is in the image of each fixture, and what is wrong with it.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use formats::container::cat::Version;

use super::build::{Catalog, RawFlash, Scheme, hex, hive};
use crate::packages::build::{Signing, catalog, identity, image};
use crate::policy_builder::{RawPolicy, RawSigner, certificate};

const ARM: u16 = 0x1c4;
const DRIVER: &str = "MainOS:Windows/System32/drivers/lineprobe.sys";
const PROGRAM: &str = "MainOS:Windows/System32/kioskd.exe";
const LIBRARY: &str = "MainOS:Windows/System32/inbox.dll";
const UPDATE: &str = "MainOS:Windows/ImageUpdate";
const PACKAGES: &str = "MainOS:Windows/servicing/Packages";
const CATALOG: &str =
    "MainOS:Windows/System32/catroot/{F750E6C3-38EE-11D1-85E5-00C04FC295EE}/Kiosk.cat";
const BOOT: &str = "EFIESP:EFI/Microsoft/Boot";
const CONFIG: &str = "MainOS:Windows/System32/config";
const GLOBAL: &str = r"Objects\{7ea2e1ac-2e61-4728-aaa3-896d9d0a9f0e}";
const NAMESPACE: &str = "xmlns=\"http://schemas.microsoft.com/embedded/2004/10/ImageUpdate\"";

/// The image that the others are kept as differences from.
pub(super) const BASE: &str = CLEAN[0];

/// Images in which nothing is found.
pub(super) const CLEAN: [&str; 4] = [
    "clean/retail-gpt",
    "clean/retail-mbr",
    "clean/test-gpt",
    "clean/test-mbr",
];

/// What an image is for, and whose signatures it has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Retail,
    Test,
}

impl Kind {
    fn signer(self) -> &'static str {
        match self {
            Self::Retail => "demo-retail",
            Self::Test => "oem",
        }
    }

    fn release_type(self) -> &'static str {
        match self {
            Self::Retail => "Production",
            Self::Test => "Test",
        }
    }
}

/// Every image.
pub(super) fn all() -> Vec<(&'static str, RawFlash)> {
    let mut all = Vec::new();
    for (name, kind, scheme) in [
        (CLEAN[0], Kind::Retail, Scheme::Gpt),
        (CLEAN[1], Kind::Retail, Scheme::Mbr),
        (CLEAN[2], Kind::Test, Scheme::Gpt),
        (CLEAN[3], Kind::Test, Scheme::Mbr),
    ] {
        let mut flash = sound(kind, scheme);
        flash.catalog = Catalog::Sha256(match kind {
            Kind::Retail => "demo-retail",
            Kind::Test => "ffu",
        });
        all.push((name, flash));
    }
    let mut add = |name, kind, change: &dyn Fn(&mut RawFlash)| {
        let mut flash = sound(kind, Scheme::Gpt);
        change(&mut flash);
        all.push((name, flash));
    };
    containers(&mut add);
    packages(&mut add);
    signatures(&mut add);
    boot(&mut add);
    registry(&mut add);
    all
}

type Add<'a> = dyn FnMut(&'static str, Kind, &dyn Fn(&mut RawFlash)) + 'a;

fn containers(add: &mut Add<'_>) {
    add("image-unreadable", Kind::Retail, &|flash| {
        flash.data = Some([b"\xeb\x58\x90-FVE-FS-".as_slice(), &[0; 501]].concat());
    });
    add("image-not-intact", Kind::Retail, &|flash| {
        flash.is_damaged = true
    });
    add("image-catalog-unverified", Kind::Retail, &|flash| {
        flash.catalog = Catalog::Unsigned;
    });
    add("image-hash-table-sha1", Kind::Retail, &|_| {});
    add("image-contradiction", Kind::Retail, &|flash| {
        flash.stated_id = Some("Fjordlight.Kiosk.Two");
    });
    add("image-platform-id-wildcard", Kind::Retail, &|flash| {
        flash.platform_ids.push("*");
    });
    add("image-record-missing", Kind::Retail, &|flash| {
        flash.files.remove(&format!("{UPDATE}/OEMInput.xml"));
    });
}

fn packages(add: &mut Add<'_>) {
    add("image-package-release-type", Kind::Retail, &|flash| {
        let history = history(&[("Fjordlight.Kiosk.Agent", "10.1.4.0", "Test"), LOCATION]);
        flash.put(&format!("{UPDATE}/UpdateHistory.xml"), history);
    });
    add("image-package-not-recorded", Kind::Retail, &|flash| {
        put_package(flash, "Fjordlight.Kiosk.Extra", "Production");
    });
    add("image-package-not-present", Kind::Retail, &|flash| {
        let gone = ("Fjordlight.Kiosk.Gone", "10.1.4.0", "Production");
        flash.put(
            &format!("{UPDATE}/UpdateHistory.xml"),
            history(&[AGENT, LOCATION, gone]),
        );
    });
    let add_inbox = |flash: &mut RawFlash, name: &str| {
        let recorded = (name, "10.1.4.0", "Production");
        flash.put(
            &format!("{UPDATE}/UpdateHistory.xml"),
            history(&[AGENT, LOCATION, recorded]),
        );
        put_package(flash, name, "Production");
    };
    add("image-developer-feature", Kind::Retail, &|flash| {
        add_inbox(flash, "Microsoft.Test.Sirep");
    });
    add("image-default-admin", Kind::Retail, &|flash| {
        add_inbox(flash, "Microsoft.Test.Admin");
        flash.put(&format!("{CONFIG}/SAM"), account(false));
    });
    add("image-differs-from-workspace", Kind::Retail, &|_| {});
}

fn signatures(add: &mut Add<'_>) {
    add("image-test-signed", Kind::Retail, &|flash| {
        let test = identity("oem");
        flash.put(DRIVER, Signing::by(&test).sign(&image(ARM)));
    });
    add("image-unsigned-binary", Kind::Retail, &|flash| {
        // The catalog lists the library, which has the bytes of a plain image.
        let mut driver = image(ARM);
        driver.extend([0x90; 16]);
        flash.put(DRIVER, driver);
    });
    add("image-signature-broken", Kind::Retail, &|flash| {
        let program = flash.files.get_mut(PROGRAM).unwrap();
        let text = program.len() - 0x40;
        program.swap(0x1b0, text);
        program[0x1b8] ^= 1;
    });
    add("image-signer-not-allowed", Kind::Retail, &|flash| {
        flash.put(
            &format!("{BOOT}/SIPolicy.p7b"),
            policy(&["oem"], 0x8200_0004),
        );
    });
    add("image-sipolicy-missing", Kind::Retail, &|flash| {
        flash.files.remove(&format!("{BOOT}/SIPolicy.p7b"));
    });
    add("image-sipolicy-not-enforced", Kind::Retail, &|flash| {
        flash.put(
            &format!("{BOOT}/SIPolicy.p7b"),
            policy(&["demo-retail"], 0x8209_0004),
        );
    });
    add("image-secure-boot-test", Kind::Retail, &|flash| {
        flash.put(
            &format!("{BOOT}/SecureBootPolicy.p7b"),
            policy_by("oem", &["oem"], 0x8200_0004),
        );
    });
    add("image-testsigning-missing", Kind::Test, &|flash| {
        flash.put(&format!("{BOOT}/BCD"), store(&[]));
    });
}

fn boot(add: &mut Add<'_>) {
    let on: &[u8] = &[1];
    for (name, number) in [
        ("image-testsigning-on", "16000049"),
        ("image-integrity-checks-off", "16000048"),
        ("image-boot-debugging", "260000a0"),
    ] {
        add(name, Kind::Retail, &|flash| {
            flash.put(&format!("{BOOT}/BCD"), store(&[(number, &hex(on))]));
        });
    }
    add("image-manufacturing-mode", Kind::Retail, &|flash| {
        flash.put(
            &format!("{BOOT}/BCD"),
            store(&[("22000140", "\"Factory\"")]),
        );
    });
    add("image-mfg-profile-missing", Kind::Test, &|flash| {
        let settings: [(&str, &str); 2] = [("16000049", "hex:01"), ("22000140", "\"Factroy\"")];
        flash.put(&format!("{BOOT}/BCD"), store(&settings));
    });
}

fn registry(add: &mut Add<'_>) {
    const PROFILE: &str = r"ControlSet001\Control\ManufacturingMode";
    let system = |flash: &mut RawFlash, keys: &[(&str, &[&str])]| {
        let select: (&str, &[&str]) = ("Select", &["\"Current\"=dword:00000001"]);
        flash.put(
            &format!("{CONFIG}/SYSTEM"),
            hive(&[&[select], keys].concat()),
        );
    };
    let software = |flash: &mut RawFlash, keys: &[(&str, &[&str])]| {
        flash.put(&format!("{CONFIG}/SOFTWARE"), hive(keys));
    };
    add("image-mfg-profile", Kind::Test, &|flash| {
        let long = format!(r"{PROFILE}\{}\Services\*", "P".repeat(64));
        let current = format!(r"{PROFILE}\Current\Services\*");
        let factory = format!(r"{PROFILE}\Factory\Services\wlansvc");
        system(
            flash,
            &[
                (&long, &["\"Start\"=dword:00000004"]),
                (&current, &["\"Start\"=dword:00000004"]),
                (&factory, &["\"Start\"=\"2\""]),
            ],
        );
    });
    add("image-ci-switched-off", Kind::Retail, &|flash| {
        system(
            flash,
            &[(
                r"ControlSet001\Control\CI",
                &["\"UMCIAuditMode\"=dword:00000001"],
            )],
        );
    });
    add("image-developer-unlock", Kind::Retail, &|flash| {
        let key = r"Microsoft\Windows\CurrentVersion\AppModelUnlock";
        software(
            flash,
            &[(
                key,
                &["\"AllowDevelopmentWithoutDevLicense\"=dword:00000001"],
            )],
        );
    });
    add("image-location-values", Kind::Retail, &|flash| {
        let key = r"Microsoft\Windows\CurrentVersion\CapabilityAccessManager\Capabilities\location\edition";
        let garbled =
            r"Microsoft\WindowsCurrentVersionCapabilityAccessManagerCapabilitieslocationedition";
        software(
            flash,
            &[
                (key, &["\"InitUserGlobalConsentDenied\"=\"0\""]),
                (
                    garbled,
                    &["\"InitSystemGlobalConsentDenied\"=dword:00000000"],
                ),
            ],
        );
    });
    add("image-extra-root", Kind::Retail, &|flash| {
        let der = certificate("root").der;
        let mut blob = [32_u32, 1, der.len() as u32].map(u32::to_le_bytes).concat();
        blob.extend(der);
        let key = r"Microsoft\SystemCertificates\ROOT\Certificates\0102030405060708090A0B0C0D0E0F1011121314";
        software(flash, &[(key, &[&format!("\"Blob\"={}", hex(&blob))])]);
    });
}

const AGENT: (&str, &str, &str) = ("Fjordlight.Kiosk.Agent", "10.1.4.0", "Production");
const LOCATION: (&str, &str, &str) = ("Fjordlight.Kiosk.Location", "10.1.4.0", "Production");

/// An image in which nothing is wrong but that devices want SHA-1.
fn sound(kind: Kind, scheme: Scheme) -> RawFlash {
    let by = identity(kind.signer());
    let signing = Signing::by(&by);
    let mut flash = RawFlash {
        files: Default::default(),
        scheme,
        platform_ids: vec!["Fjordlight.Kiosk.One"],
        stated_id: None,
        catalog: Catalog::Sha1(match kind {
            Kind::Retail => "demo-retail",
            Kind::Test => "ffu",
        }),
        data: None,
        is_damaged: false,
    };
    let library = image(ARM);
    let listed = signing.sign(&catalog(&[&library], Version::V2, "2:10.0"));
    let mut program = image(ARM);
    program.extend([0x90; 8]);
    flash.put(LIBRARY, library);
    flash.put(CATALOG, listed);
    flash.put(DRIVER, signing.sign(&image(ARM)));
    flash.put(PROGRAM, signing.sign(&program));
    flash.put("EFIESP:EFI/boot/bootarm.efi", signing.sign(&image(ARM)));
    flash.put(&format!("{UPDATE}/OEMInput.xml"), oem_input(kind));
    flash.put(&format!("{UPDATE}/FeatureManifest/OEM/OEMFM.xml"), OEM_FM);
    flash.put(
        &format!("{UPDATE}/FeatureManifest/Microsoft/IoTUAPRetailFM.xml"),
        MICROSOFT_FM,
    );
    flash.put(&format!("{UPDATE}/DeviceLayout.xml"), layout(scheme));
    let packages = [AGENT, LOCATION].map(|(name, version, _)| (name, version, kind.release_type()));
    flash.put(&format!("{UPDATE}/UpdateHistory.xml"), history(&packages));
    put_package(&mut flash, AGENT.0, kind.release_type());
    let manifest = format!(
        "<Package {NAMESPACE}><Identity><Owner>Fjordlight</Owner><Component>Kiosk</Component><SubComponent>Location\
         </SubComponent><Version Major=\"10\" Minor=\"1\" QFE=\"4\" Build=\"0\"/></Identity><ReleaseType>{}</ReleaseType>\
         <OwnerType>OEM</OwnerType><Partition>MainOS</Partition></Package>",
        kind.release_type()
    );
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(manifest.as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    flash.put(
        "MainOS:Windows/Packages/DsmFiles/Fjordlight.Kiosk.Location.dsm.xml",
        packed,
    );
    let location = [
        "\"InitSystemGlobalConsentDenied\"=dword:00000000",
        "\"InitUserGlobalConsentDenied\"=dword:00000000",
    ];
    let key =
        r"Microsoft\Windows\CurrentVersion\CapabilityAccessManager\Capabilities\location\edition";
    flash.put(&format!("{CONFIG}/SOFTWARE"), hive(&[(key, &location)]));
    let profile = r"ControlSet001\Control\ManufacturingMode\Factory\Services\*";
    let system: [(&str, &[&str]); 2] = [
        ("Select", &["\"Current\"=dword:00000001"]),
        (profile, &["\"Start\"=dword:00000004"]),
    ];
    flash.put(&format!("{CONFIG}/SYSTEM"), hive(&system));
    flash.put(&format!("{CONFIG}/SAM"), account(true));
    match kind {
        Kind::Retail => {
            flash.put(&format!("{BOOT}/BCD"), store(&[]));
            flash.put(
                &format!("{BOOT}/SIPolicy.p7b"),
                policy(&["demo-retail"], 0x8200_0004),
            );
        }
        Kind::Test => flash.put(&format!("{BOOT}/BCD"), store(&[("16000049", "hex:01")])),
    }
    flash
}

fn oem_input(kind: Kind) -> String {
    let release_type = kind.release_type();
    let feature = match kind {
        Kind::Retail => "",
        Kind::Test => "<Feature>IOT_ENABLE_TESTSIGNING</Feature>",
    };
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n<OEMInput {NAMESPACE}>\r\n  <Description>Kiosk</Description>\r\n\
         <SOC>FjordBoard</SOC>\r\n  <SV>Fjordlight</SV>\r\n  <Device>FjordBoard</Device>\r\n\
         <ReleaseType>{release_type}</ReleaseType>\r\n  <BuildType>fre</BuildType>\r\n\
         <Product>Windows 10 IoT Core</Product>\r\n  <AdditionalFMs>\r\n\
         <AdditionalFM>%AKROOT%\\FMFiles\\arm\\IoTUAPRetailFM.xml</AdditionalFM>\r\n\
         <AdditionalFM>%BLD_DIR%\\MergedFMs\\OEMFM.xml</AdditionalFM>\r\n  </AdditionalFMs>\r\n\
         <Features>\r\n    <Microsoft>{feature}</Microsoft>\r\n    <OEM>\r\n      <Feature>KIOSK</Feature>\r\n\
         </OEM>\r\n  </Features>\r\n</OEMInput>\r\n"
    )
}

const OEM_FM: &str = "<FeatureManifest xmlns=\"http://schemas.microsoft.com/embedded/2004/10/ImageUpdate\">\r\n\
    <Features><OEM>\r\n<PackageFile Path=\"%PKGBLD_DIR%\" Name=\"%OEM_NAME%.Kiosk.Agent.cab\"><FeatureIDs><FeatureID>KIOSK\
    </FeatureID></FeatureIDs></PackageFile>\r\n</OEM></Features>\r\n</FeatureManifest>\r\n";

const MICROSOFT_FM: &str = "<FeatureManifest xmlns=\"http://schemas.microsoft.com/embedded/2004/10/ImageUpdate\">\r\n\
    <Features><Microsoft>\r\n<PackageFile Path=\"$(mspackageroot)\" Name=\"Microsoft.Test.Sirep.cab\"><FeatureIDs>\
    <FeatureID>IOT_SIREP</FeatureID></FeatureIDs></PackageFile>\r\n<PackageFile Path=\"$(mspackageroot)\" \
    Name=\"Microsoft.Test.Admin.cab\"><FeatureIDs><FeatureID>IOT_ENABLE_ADMIN</FeatureID></FeatureIDs></PackageFile>\r\n\
    <PackageFile Path=\"$(mspackageroot)\" Name=\"Microsoft.Test.TestSigning.cab\"><FeatureIDs><FeatureID>\
    IOT_ENABLE_TESTSIGNING</FeatureID></FeatureIDs></PackageFile>\r\n</Microsoft></Features>\r\n</FeatureManifest>\r\n";

fn layout(scheme: Scheme) -> String {
    let (esp, basic) = match scheme {
        Scheme::Gpt => (
            "{c12a7328-f81f-11d2-ba4b-00a0c93ec93b}",
            "{ebd0a0a2-b9e5-4433-87c0-68b6b72699c7}",
        ),
        Scheme::Mbr => ("0x0C", "0x07"),
    };
    format!(
        "<DeviceLayout {NAMESPACE}>\r\n<SectorSize>512</SectorSize><ChunkSize>128</ChunkSize><Partitions>\r\n\
         <Partition><Name>EFIESP</Name><Type>{esp}</Type><FileSystem>FAT</FileSystem><TotalSectors>65536</TotalSectors>\
         <Bootable>true</Bootable></Partition>\r\n<Partition><Name>MainOS</Name><Type>{basic}</Type>\
         <FileSystem>NTFS</FileSystem><MinFreeSectors>1048576</MinFreeSectors><ByteAlignment>0x800000</ByteAlignment>\
         </Partition>\r\n<Partition><Name>Data</Name><Type>{basic}</Type><FileSystem>NTFS</FileSystem>\
         <UseAllSpace>true</UseAllSpace><ByteAlignment>0x800000</ByteAlignment></Partition>\r\n</Partitions>\r\n\
         </DeviceLayout>\r\n"
    )
}

fn history(packages: &[(&str, &str, &str)]) -> String {
    let packages = packages.iter().map(|(name, version, release_type)| {
        format!(
            "<Package><PackageIdentity>{name}~628844477771337a~arm~~{version}</PackageIdentity><ReleaseType>{release_type}\
             </ReleaseType><OwnerType>OEM</OwnerType><Partition>MainOS</Partition></Package>\r\n"
        )
    });
    let packages: String = packages.collect();
    format!(
        "<UpdateHistory {NAMESPACE}><UpdateEvents><UpdateEvent><UpdateOSOutput><Packages>\r\n{packages}</Packages>\
         </UpdateOSOutput></UpdateEvent></UpdateEvents></UpdateHistory>\r\n"
    )
}

fn put_package(flash: &mut RawFlash, name: &str, release_type: &str) {
    let text = format!(
        "<assembly xmlns=\"urn:schemas-microsoft-com:asm.v3\" manifestVersion=\"1.0\"><assemblyIdentity name=\"{name}\" \
         version=\"10.1.4.0\" language=\"neutral\" processorArchitecture=\"arm\" publicKeyToken=\"628844477771337a\" \
         buildType=\"release\"/><package identifier=\"{name}\" releaseType=\"Feature Pack\" targetPartition=\"MainOS\">\
         <customInformation><phoneInformation phoneRelease=\"{release_type}\" phoneOwnerType=\"OEM\" \
         phoneOwner=\"Fjordlight\"/></customInformation></package></assembly>"
    );
    flash.put(
        &format!("{PACKAGES}/{name}~628844477771337a~arm~~10.1.4.0.mum"),
        text,
    );
}

fn policy(allowed: &[&str], options: u32) -> Vec<u8> {
    policy_by("demo-retail", allowed, options)
}

fn policy_by(signer: &str, allowed: &[&str], options: u32) -> Vec<u8> {
    let policy = RawPolicy {
        options,
        signers: allowed.iter().map(|name| RawSigner::of(name)).collect(),
        update: vec![0],
        kernel: vec![0],
        user: vec![0],
    };
    policy.signed_by(&identity(signer))
}

/// A boot store whose global settings have these elements.
fn store(elements: &[(&str, &str)]) -> Vec<u8> {
    let description = format!(r"{GLOBAL}\Description");
    let named: Vec<(String, String)> = elements
        .iter()
        .map(|(number, data)| {
            (
                format!(r"{GLOBAL}\Elements\{number}"),
                format!("\"Element\"={data}"),
            )
        })
        .collect();
    let values: Vec<[&str; 1]> = named.iter().map(|(_, value)| [value.as_str()]).collect();
    let mut keys: Vec<(&str, &[&str])> = vec![(&description, &["\"Type\"=dword:20100000"])];
    keys.extend(
        named
            .iter()
            .zip(&values)
            .map(|((key, _), value)| (key.as_str(), value.as_slice())),
    );
    hive(&keys)
}

/// The built-in administrator.
fn account(is_disabled: bool) -> Vec<u8> {
    let mut account = [0; 80];
    account[0] = 2;
    account[56] = if is_disabled { 0x11 } else { 0x10 };
    hive(&[(
        r"SAM\Domains\Account\Users\000001F4",
        &[&format!("\"F\"={}", hex(&account))],
    )])
}
