//! Definitions built in memory: what is in the package, and what is refused.

use std::io::Cursor;

use formats::container::cab::Limits;
use formats::container::cat::Catalog;
use formats::document::variables::Variables;
use formats::document::wm_xml::WmXml;
use formats::source::Source;
use time::macros::datetime;

use super::*;
use crate::anchor::Anchors;
use crate::digest::hex;
use crate::identity::Identity;
use crate::sign::{IfSigned, Job, SignOptions};
use crate::verify::VerifyOptions;

const OPTIONS: BuildOptions = BuildOptions {
    date: datetime!(2020-01-01 0:00 UTC),
    compressed: true,
};

fn modelled(body: &str) -> Result<Model, DefinitionError> {
    for_processor("arm", "", body).map(|mut models| models.remove(0))
}

/// The package and its twin, where there is one.
fn for_processor(
    architecture: &str,
    attributes: &str,
    body: &str,
) -> Result<Vec<Model>, DefinitionError> {
    let text = format!(
        r#"<identity xmlns="urn:Microsoft.CompPlat/ManifestSchema.v1.00" owner="$(OEMNAME)" namespace="Kiosk" name="Agent" {attributes}>{body}</identity>"#
    );
    let definition = WmXml::parse(&Source::new("A.wm.xml", text, 0)).unwrap();
    let variables = Variables::from_iter([("OEMNAME", "Contoso"), ("loop", "$(loop)$(loop)")]);
    let target = Target {
        architecture,
        version: "1.2.3.4",
        variables: &variables,
    };
    let read = |path: &str| match path {
        "empty" => Ok(Vec::new()),
        "wide.dll" => Ok(image(0xAA64)),
        "narrow.dll" => Ok(image(0x01C4)),
        _ if path.contains("..") => Err(format!("`{path}` is outside")),
        _ => Ok(format!("content of {path}").into_bytes()),
    };
    let package = model(&definition, target, &read)?;
    let twin = twin(&definition, target, &package, &read)?;
    Ok([package].into_iter().chain(twin).collect())
}

/// As much of a program as says for which processor it is.
fn image(machine: u16) -> Vec<u8> {
    let mut bytes = vec![0; 0x400];
    bytes[..2].copy_from_slice(b"MZ");
    bytes[0x3C] = 0x40;
    bytes[0x40..0x44].copy_from_slice(b"PE\0\0");
    bytes[0x44..0x46].copy_from_slice(&machine.to_le_bytes());
    // Size and magic of the optional header, size of the headers, number of directories.
    bytes[0x54..0x56].copy_from_slice(&0xF0_u16.to_le_bytes());
    bytes[0x58..0x5A].copy_from_slice(&0x20B_u16.to_le_bytes());
    bytes[0x94..0x98].copy_from_slice(&0x400_u32.to_le_bytes());
    bytes[0xC4..0xC8].copy_from_slice(&16_u32.to_le_bytes());
    bytes
}

fn refusal(body: &str) -> String {
    modelled(body).unwrap_err().to_string()
}

fn package(model: &Model) -> Package {
    let built = build(model, OPTIONS, None).unwrap();
    Package::read(&mut Cursor::new(built.bytes), Limits::default()).unwrap()
}

const WHOLE: &str = r#"
  <onecorePackageInfo targetPartition="EFIESP" releaseType="Production" ownerType="OEM"/>
  <files>
    <file source="sub\a.txt" destinationDir="$(runtime.SYSTEM32)\boot\" name="b &amp; c.txt"/>
    <file source="x" buildFilter="not build.isWow and build.arch = arm"/>
    <file source="y" buildFilter="build.arch = amd64"/>
  </files>
  <regKeys>
    <regKey keyName="$(hklm.software)\$(OEMNAME)\Kiosk">
      <regValue name="Text" type="REG_SZ" value="&lt;&quot;1&quot;&gt;"/>
      <regValue name="Number" type="REG_DWORD" value="12AB34CD"/>
      <regValue name="Bytes" type="REG_BINARY" value="0aFf"/>
      <regValue name="List" type="REG_MULTI_SZ" value="a,b"/>
      <regValue name="Path" type="REG_EXPAND_SZ" value="%SystemRoot%\x"/>
    </regKey>
  </regKeys>
  <service name="Agent" start="delayedAuto" type="win32OwnProcess" imagePath="$(runtime.system32)\a.exe" dependOnService="a,b"/>"#;

/// Taken apart, every manifest has the name that the identity inside gives it, and what was defined is there.
#[test]
fn a_package_is_what_was_defined_and_its_names_follow_from_its_parts() {
    let model = modelled(WHOLE).unwrap();
    let package = package(&model);
    let paths: Vec<&str> = package
        .files
        .iter()
        .map(|file| file.path.as_str())
        .collect();
    assert!(
        paths[0].starts_with("arm_contoso.kiosk.agent.deployment_628844477771337a_1.2.3.4_none_")
    );
    assert_eq!(paths[1..3], ["update.mum", "update.cat"]);
    assert!(
        paths[3].starts_with("arm_contoso.kiosk.agent0_")
            && paths[4].starts_with("arm_contoso.kiosk.agent1_")
    );
    let folder = paths[3].strip_suffix(".manifest").unwrap();
    assert_eq!(
        paths[5],
        format!("{folder}/windows/System32/boot/b & c.txt")
    );
    assert_eq!(paths[6], format!("{folder}/windows/System32/x"));
    assert_eq!(paths.len(), 7);
    for file in package
        .files
        .iter()
        .filter(|file| file.path.ends_with(".manifest"))
    {
        let text = String::from_utf8(file.bytes.clone()).unwrap();
        let after = |name: &str| {
            let from = text.split_once(&format!(" {name}=\"")).unwrap().1;
            from.split_once('"').unwrap().0.to_owned()
        };
        // The first version is that of the XML declaration's neighbour, `manifestVersion`, which is another word.
        let identity = text.split_once("<assemblyIdentity").unwrap().1;
        let name = identity
            .split_once(" name=\"")
            .unwrap()
            .1
            .split_once('"')
            .unwrap()
            .0;
        let version = identity
            .split_once(" version=\"")
            .unwrap()
            .1
            .split_once('"')
            .unwrap()
            .0;
        let identity = ComponentIdentity {
            name: name.to_owned(),
            language: after("language"),
            kind: String::new(),
            version: version.to_owned(),
            public_key_token: after("publicKeyToken"),
            architecture: after("processorArchitecture"),
            version_scope: after("versionScope"),
        };
        assert_eq!(file.path, identity.file_name());
        assert!(
            !text.ends_with('\n') && text.matches('\n').count() == text.matches("\r\n").count()
        );
    }
    let text = |path: usize| String::from_utf8(package.files[path].bytes.clone()).unwrap();
    let mum = text(1);
    for part in [
        r#"targetPartition="EFIESP""#,
        r#"phoneOwner="Contoso" phoneComponent="Kiosk" phoneSubComponent="Agent""#,
        r#"name="$(runtime.system32)\boot\b &amp; c.txt" size="20""#,
        r#"<update name="Contoso_Kiosk_Agent">"#,
    ] {
        assert!(mum.contains(part), "{part}\n{mum}");
    }
    let registry = text(4);
    let lines: Vec<&str> = registry.lines().map(str::trim).collect();
    let place = |line: &str| {
        lines
            .iter()
            .position(|found| *found == line)
            .unwrap_or_else(|| panic!("{line}\n{registry}"))
    };
    let parent = place(r#"<registryKey keyName="HKEY_LOCAL_MACHINE\SOFTWARE\Contoso">"#);
    let child = place(r#"<registryKey keyName="HKEY_LOCAL_MACHINE\SOFTWARE\Contoso\Kiosk">"#);
    assert!(parent < child);
    for line in [
        r#"<registryValue name="Text" value="&lt;&quot;1&quot;&gt;" valueType="REG_SZ" mutable="true" />"#,
        r#"<registryValue name="Number" value="0x12ab34cd" valueType="REG_DWORD" mutable="true" />"#,
        r#"<registryValue name="Bytes" value="0AFF" valueType="REG_BINARY" mutable="true" />"#,
        r#"<registryValue name="List" value="&quot;a&quot;,&quot;b&quot;" valueType="REG_MULTI_SZ" mutable="true" />"#,
        r#"<registryValue name="Path" value="%SystemRoot%\x" valueType="REG_EXPAND_SZ" mutable="true" />"#,
        r#"<registryKey keyName="HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\Agent">"#,
        r#"<registryValue name="Start" value="0x00000002" valueType="REG_DWORD" mutable="true" />"#,
        r#"<registryValue name="DelayedAutostart" value="0x00000001" valueType="REG_DWORD" mutable="true" />"#,
        r#"<registryValue name="ImagePath" value="$(runtime.system32)\a.exe" valueType="REG_EXPAND_SZ" mutable="true" />"#,
    ] {
        assert!(place(line) > 0);
    }
    assert!(!registry.contains(r#"keyName="HKEY_LOCAL_MACHINE\SOFTWARE""#));
    let catalog = Catalog::parse(package.files[2].bytes.clone()).unwrap();
    // Every other file, each by two digests.
    assert_eq!(catalog.members().len(), 12);
    let attributes: Vec<_> = catalog
        .attributes()
        .iter()
        .map(|a| (a.name.as_str(), a.text().unwrap()))
        .collect();
    assert_eq!(
        attributes[0],
        ("PackageName", "Contoso.Kiosk.Agent".to_owned())
    );
}

#[test]
fn the_same_model_gives_the_same_bytes_and_another_one_others() {
    let one = modelled(WHOLE).unwrap();
    let bytes = |model: &Model| build(model, OPTIONS, None).unwrap().bytes;
    assert!(bytes(&one) == bytes(&modelled(WHOLE).unwrap()));
    let mut other = one.clone();
    assert_eq!(one.digest(), other.digest());
    other.files[0].bytes.push(b'!');
    assert_ne!(one.digest(), other.digest());
    assert!(bytes(&one) != bytes(&other));
}

/// The digest of a signed package with files of all sizes, written down: every processor and build of the program makes it.
#[test]
fn a_signed_package_has_the_bytes_that_are_written_down() {
    let mut model = modelled(WHOLE).unwrap();
    for size in [1, 32_767, 32_768, 32_769, 200_000_u32] {
        // Compressible and not, by turns.
        let bytes = (0..size).map(|at| match at / 4096 % 2 {
            0 => (at % 7).to_le_bytes()[0],
            _ => (at.wrapping_mul(0x9E37_79B1) >> 24).to_le_bytes()[0],
        });
        model.files.push(ModelFile {
            folder: r"$(runtime.system32)\".to_owned(),
            path: format!(r"windows\System32\{size}.bin"),
            bytes: bytes.collect(),
        });
    }
    let pfx = concat!(env!("CARGO_MANIFEST_DIR"), "/../testcerts/oem.pfx");
    let identity = Identity::from_pfx(&std::fs::read(pfx).unwrap(), "").unwrap();
    let (options, anchors) = (SignOptions::default(), Anchors::built_in());
    let terms = Terms {
        job: Job {
            identity: &identity,
            options: &options,
            if_signed: IfSigned::Replace,
            stamping: None,
        },
        judge: VerifyOptions {
            at: datetime!(2026-06-01 0:00 UTC),
            anchors: &anchors,
        },
        skip: &[],
        replace_better: false,
        limits: Limits::default(),
        plan_only: false,
    };
    let digest = |compressed| {
        let options = BuildOptions {
            compressed,
            ..OPTIONS
        };
        let built = build(&model, options, Some(&terms)).unwrap();
        hex(&DigestAlgorithm::Sha256.of(&built.bytes))
    };
    assert_eq!(
        [digest(true), digest(false)],
        [
            "e7c2c61f086160cd6ec67d4f5654e609ba7e23d9609bcdd8f4829aeb312547cc",
            "6d84488addb8a31e18f48ec21c4d5434dc037bd835b990108311ce7e031c5240"
        ]
        .map(str::to_owned)
    );
}

#[test]
fn what_has_no_known_form_is_refused_by_name() {
    for (body, reason) in [
        (
            r#"<drivers><driver><inf source="a.inf"/></driver></drivers>"#,
            "drivers are not built",
        ),
        (
            r#"<bcdStore source="a.xml"/>"#,
            "boot settings are not built",
        ),
        (
            r#"<drivers/><files buildFilter="no"><file source="a"/></files>"#,
            "`no` stands where",
        ),
        (
            r#"<files wow="1"><file source="a"/></files>"#,
            "the attribute `wow`",
        ),
        (
            r#"<regKeys><regKey keyName="$(hklm.software)\A" operation="delete"/></regKeys>"#,
            "the attribute `operation`",
        ),
        (
            r#"<regKeys><regKey keyName="$(hklm.software)\A"><regValue name="v" type="REG_SZ" value="1" mutable="false"/></regKey></regKeys>"#,
            "the attribute `mutable`",
        ),
        ("<capabilities/>", "the element `capabilities`"),
        (
            r#"<files><file source="a" attributes="hidden"/></files>"#,
            "the attribute `attributes`",
        ),
        (
            r#"<service name="a" start="auto" type="win32OwnProcess" imagePath="a" color="red"/>"#,
            "`color` of services",
        ),
        (
            r#"<service name="a" start="later" type="win32OwnProcess" imagePath="a"/>"#,
            "`later` is none of boot",
        ),
        (
            r#"<service name="a" start="auto" type="win32OwnProcess" imagePath="a"><serviceTrigger/></service>"#,
            "`serviceTrigger` of services",
        ),
        (
            r#"<service name="a" start="auto" type="win32OwnProcess" imagePath="a"><failureActions/></service>"#,
            "failureActions/@resetPeriod: it has no value",
        ),
        (
            r#"<service name="a" start="auto" type="win32OwnProcess" imagePath="a"><failureActions resetPeriod="1"><actions><action type="runCommand" delay="0"/></actions></failureActions></service>"#,
            "action/@type: `runCommand` is none of none, restartService",
        ),
        (
            r#"<service name="a" start="auto" type="win32OwnProcess" imagePath="a"><failureActions resetPeriod="1" command="a"/></service>"#,
            "the attribute `command`",
        ),
        (
            r#"<regKeys><regKey keyName="$(hklm.software)\A"><regValue name="v" type="REG_QWORD" value="1"/></regKey></regKeys>"#,
            "REG_QWORD",
        ),
        (
            r#"<regKeys><regKey keyName="$(hklm.bcd)\A"/></regKeys>"#,
            "in none of the hives",
        ),
        (
            r#"<regKeys><regKey keyName="$(hklm.software)"/></regKeys>"#,
            "is a hive",
        ),
        (
            r#"<files><file source="a" buildFilter="build.moon = full"/></files>"#,
            "`build.moon`",
        ),
    ] {
        let refused = refusal(body);
        assert!(refused.contains(reason), "{refused}");
    }
}

/// The published example: a day, then the service is started again after a minute, twice, and left alone.
#[test]
fn failures_of_a_service_are_the_published_bytes() {
    let action = |kind, delay| format!(r#"<action type="{kind}" delay="{delay}"/>"#);
    let actions = [
        ("restartService", 60_000),
        ("restartService", 60_000),
        ("none", 0),
    ];
    let actions: String = actions.map(|(kind, delay)| action(kind, delay)).concat();
    let model = modelled(&format!(
        r#"<service name="a" start="auto" type="win32OwnProcess" imagePath="a"><failureActions resetPeriod="86400"><actions>{actions}</actions></failureActions></service>"#
    ))
    .unwrap();
    let values = model.keys.iter().flat_map(|key| &key.values);
    let mut values = values.filter(|value| value.name == "FailureActions");
    let value = values.next().unwrap();
    assert_eq!(value.kind, "REG_BINARY");
    assert_eq!(
        value.data,
        "805101000000000000000000030000001400000001000000\
         60EA00000100000060EA00000000000000000000"
    );
}

#[test]
fn hostile_definitions_end_in_an_error_that_names_the_place() {
    let file = |attributes: &str| refusal(&format!("<files><file {attributes}/></files>"));
    for (attributes, reason) in [
        (
            r#"source="..\..\secret""#,
            "@source: `../../secret` is outside",
        ),
        (
            r#"source="a" destinationDir="$(runtime.system32)\..\..\x""#,
            "@destinationDir: `..` leads",
        ),
        (
            r#"source="a" destinationDir="C:\Windows""#,
            "does not begin with a folder",
        ),
        (
            r#"source="a" destinationDir="$(runtime.system32)x""#,
            "has no `\\` behind",
        ),
        (
            r#"source="a" destinationDir="$(runtime.system32)\a:b""#,
            "has a ':'",
        ),
        (
            r#"source="a" destinationDir="$(runtime.commonFiles)\a""#,
            "whose place is known",
        ),
        (r#"source="a" name="..""#, "@name: `..` leads"),
        (r#"source="a" name="x\y""#, "has a '\\\\'"),
        (r#"source="a." "#, "ends with a full stop"),
        (r#"source="a" name="nul.txt""#, "the device name `nul.txt`"),
        (
            r#"source="a" destinationDir="$(runtime.system32)\Aux""#,
            "@destinationDir: `Aux` cannot be a name",
        ),
        (
            "source=\"a\" name=\"a\u{202e}txt.exe\"",
            r#""a\u{202e}txt.exe" has a '\u{202e}', which nobody sees"#,
        ),
        (r#"source="$(loop)""#, "too many, too deep"),
        (r#"source="$(PROD)\a""#, "give it with --define PROD=VALUE"),
        (r#"source="empty""#, "`empty` is empty"),
        ("", "there is no source"),
    ] {
        let refused = file(attributes);
        assert!(
            refused.contains(reason) && refused.starts_with("identity/files/file"),
            "{refused}"
        );
    }
    let twice = refusal(r#"<files><file source="a"/><file source="sub/A"/></files>"#);
    assert!(
        twice.contains("is brought by identity/files/file[1] already"),
        "{twice}"
    );
    for (name, reason) in [
        ("nul.x", "cannot be that of a file: the device name `nul.x`"),
        (r"..\a", r"`..\a` has a '\\'"),
        ("a.", "begins or ends with a full stop"),
    ] {
        let refused = for_processor("arm", &format!(r#"legacyName="{name}""#), "");
        let refused = refused.unwrap_err();
        assert!(refused.reason.contains(reason), "{refused}");
    }
    let below = refusal(
        r#"<files><file source="x" destinationDir="$(runtime.system32)\A"/><file source="a"/></files>"#,
    );
    assert!(
        below.starts_with("identity/files/file[1]: ")
            && below
                .contains(r"`windows\System32\A\x` is below a name that identity/files/file[2]"),
        "{below}"
    );
    let long = file(&format!("source=\"a\" name=\"{}\"", "a".repeat(256)));
    assert!(long.contains("has 256 characters"), "{long}");
    let key = |key: &str| {
        refusal(&format!(
            r#"<regKeys><regKey keyName="$(hklm.software){key}"/></regKeys>"#
        ))
    };
    let long = key(&format!("\\{}", "a".repeat(256)));
    assert!(long.contains("more than 255 characters"), "{long}");
    let deep = key(&"\\a".repeat(513));
    assert!(deep.contains("more than 512 keys deep"), "{deep}");
    assert!(
        build(
            &Model {
                name: "A".to_owned(),
                ..Model::default()
            },
            OPTIONS,
            None
        )
        .is_err()
    );
}

/// A cabinet cannot hold them, which is said before any of them is read.
#[test]
fn a_hundred_thousand_files_are_refused_before_they_are_read() {
    let mut definition = WmXml::parse(&Source::new(
        "A.wm.xml",
        r#"<identity xmlns="urn:Microsoft.CompPlat/ManifestSchema.v1.00" owner="a" name="b"><files><file source="c"/></files></identity>"#,
        0,
    ))
    .unwrap();
    definition.files = vec![definition.files[0].clone(); 100_000];
    let target = Target {
        architecture: "arm",
        version: "1.0.0.0",
        variables: &Variables::new(),
    };
    let refused = model(&definition, target, &|_| panic!("nothing is read")).unwrap_err();
    assert!(
        refused.to_string().contains("100000 files are more than"),
        "{refused}"
    );
}

/// Few files with long names: what would not be read again is not written.
#[test]
fn a_manifest_that_is_too_long_to_be_read_is_refused() {
    let mut model = modelled(WHOLE).unwrap();
    let long = model.files[0].clone();
    let name = "a".repeat(4000);
    model.files = (0..4200)
        .map(|number| ModelFile {
            path: format!("{name}{number}"),
            ..long.clone()
        })
        .collect();
    let refused = build(&model, OPTIONS, None).unwrap_err().to_string();
    assert!(
        refused.contains("divide what is in the package"),
        "{refused}"
    );
}

#[test]
fn names_that_look_alike_when_shortened_stay_apart() {
    let named = |middle: &str| Model {
        name: format!("Contoso.Industrial.Quite.{middle}.Long.Gateway.Agent"),
        ..modelled(WHOLE).unwrap()
    };
    let paths = |middle: &str| -> Vec<String> {
        package(&named(middle))
            .files
            .into_iter()
            .map(|file| file.path)
            .collect()
    };
    let (one, two) = (paths("One"), paths("Two"));
    for (one, two) in one
        .iter()
        .zip(&two)
        .filter(|(one, _)| one.ends_with(".manifest"))
    {
        assert_ne!(one, two);
        assert_eq!(
            one.rsplit_once('_').unwrap().0,
            two.rsplit_once('_').unwrap().0
        );
    }
}

const TWINS: &str = r#"
  <files>
    <file source="wide.dll" name="a.dll" buildFilter="not build.isWow"/>
    <file source="narrow.dll" name="a.dll" buildFilter="build.isWow"/>
    <file source="host" destinationDir="$(runtime.drivers)" buildFilter="not build.isWow"/>
    <file source="shared"/>
  </files>
  <regKeys buildFilter="not build.isWow and build.arch = arm64">
    <regKey keyName="$(hklm.software)\Host"><regValue name="v" type="REG_SZ" value="1"/></regKey>
  </regKeys>
  <regKeys>
    <regKey keyName="$(hklm.software)\Both"><regValue name="v" type="REG_SZ" value="1"/></regKey>
    <regKey keyName="$(hklm.software)\Guest" buildFilter="build.isWow">
      <regValue name="v" type="REG_SZ" value="$(runtime.system32)\a.dll"/>
      <regValue name="w" type="REG_SZ" value="" buildFilter="not build.isWow"/>
    </regKey>
  </regKeys>
  <service name="Agent" start="auto" type="win32OwnProcess" imagePath="a"/>"#;

/// The twin has the package's name, a processor and manifests of its own, and what the filters choose for it.
#[test]
fn a_twin_has_what_its_filters_choose() {
    let models = for_processor("arm64", r#"buildWow="true""#, TWINS).unwrap();
    let [host, guest] = &models[..] else {
        panic!("a package and its twin")
    };
    assert_eq!(host.cabinet(), "Contoso.Kiosk.Agent");
    assert_eq!(guest.cabinet(), "Contoso.Kiosk.Agent_Wow_arm64.arm");
    assert_eq!(
        (&*guest.name, &*guest.architecture),
        (&*host.name, "arm64.arm")
    );
    let paths = |model: &Model| -> Vec<String> {
        model.files.iter().map(|file| file.path.clone()).collect()
    };
    let system = r"windows\System32";
    assert_eq!(
        paths(host),
        [
            format!(r"{system}\a.dll"),
            format!(r"{system}\drivers\host"),
            format!(r"{system}\shared")
        ]
    );
    let twins = r"windows\SysArm32";
    assert_eq!(
        paths(guest),
        [format!(r"{twins}\a.dll"), format!(r"{twins}\shared")]
    );
    assert_eq!(guest.files[0].folder, r"$(runtime.system32)\");
    assert_eq!(guest.files[0].bytes, image(0x01C4));
    let keys = |model: &Model| -> Vec<String> {
        let keys = model.keys.iter().filter(|key| !key.values.is_empty());
        keys.map(|key| key.key.rsplit('\\').next().unwrap().to_owned())
            .collect()
    };
    assert_eq!(keys(host), ["Host", "Both", "Agent"]);
    assert_eq!(keys(guest), ["Both", "Guest"]);
    assert_eq!(guest.keys[1].values.len(), 1);
    assert_ne!(host.digest(), guest.digest());
    assert_eq!(guest.inferred(), ["the twin for 32-bit programs"]);
    assert_eq!(host.inferred(), ["services as registry values"]);
    let package = package(guest);
    assert!(
        package.files[0]
            .path
            .starts_with("arm64.arm_contoso.kiosk.agent.deployment_")
    );
    let mum = String::from_utf8(package.files[1].bytes.clone()).unwrap();
    for part in [
        r#"<assemblyIdentity name="Contoso.Kiosk.Agent" version="1.2.3.4" language="neutral" processorArchitecture="arm64.arm""#,
        r#"<file name="$(runtime.system32)\a.dll" "#,
    ] {
        assert!(mum.contains(part), "{mum}");
    }
    // 32-bit processors run no programs of another one.
    let plain = for_processor("arm", r#"buildWow="1""#, TWINS).unwrap();
    assert_eq!(plain.len(), 1);
    assert_eq!(
        for_processor("arm64", r#"buildWow="0""#, TWINS)
            .unwrap()
            .len(),
        1
    );
}

/// Whatever the device might take from the wrong one of the two, and what is not known of twins.
#[test]
fn what_is_not_clear_in_a_twin_is_refused_by_name() {
    let file = |attributes: &str| format!("<files><file source=\"a\" {attributes}/></files>");
    let value = |data: &str, filter: &str| {
        format!(
            r#"<regKeys buildFilter="{filter}"><regKey keyName="$(hklm.software)\A"><regValue name="v" type="REG_SZ" value="{data}"/></regKey></regKeys>"#
        )
    };
    for (wow, body, reason) in [
        ("yes", file(""), "`yes` is neither `true` nor `false`"),
        (
            "true",
            file(r#"destinationDir="$(runtime.bootDrive)\x""#),
            r"the file `x\a` is in the package and in its twin",
        ),
        (
            "true",
            file(r#"destinationDir="$(runtime.programFiles)\x""#),
            "which folder `$(runtime.programFiles)` is for 32-bit programs",
        ),
        (
            "true",
            file(r#"buildFilter="build.arch = arm64""#),
            "whether `build.arch` is arm64 or arm for the twin",
        ),
        (
            "true",
            file(r#"buildFilter="not build.isWow""#),
            "there is nothing in the twin",
        ),
        (
            "true",
            r#"<files><file source="wide.dll"/></files>"#.to_owned(),
            "`wide.dll` is a program for arm64",
        ),
        (
            "true",
            value("1", "build.isWow") + &value("2", "not build.isWow"),
            "the value `v` of `HKEY_LOCAL_MACHINE\\SOFTWARE\\A` is in the package",
        ),
        (
            "true",
            value(r"$(runtime.system32)\a", ""),
            "the value `v` of",
        ),
        (
            "true",
            r#"<onecorePackageInfo targetPartition="PLAT"/><BinaryPartition ImageSource="a"/>"#
                .to_owned(),
            "the image of a partition has no twin",
        ),
    ] {
        let refused = for_processor("arm64", &format!("buildWow=\"{wow}\""), &body);
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains(reason), "{refused}");
    }
    let wide = for_processor("amd64", r#"buildWow="true""#, &file("")).unwrap_err();
    assert!(wide.reason.contains("32-bit programs on amd64"), "{wide}");
    assert!(for_processor("amd64", r#"buildWow="false""#, &file("")).is_ok());
}

#[test]
fn the_image_of_a_partition_is_the_one_file_of_its_package() {
    let info = |partition: &str| format!("<onecorePackageInfo targetPartition=\"{partition}\"/>");
    let image = r#"<BinaryPartition ImageSource="fw\boot.img"/>"#;
    let model = modelled(&(info("PLAT") + image)).unwrap();
    let package = package(&model);
    assert_eq!(package.files.len(), 5);
    assert!(package.files[4].path.ends_with("/PLAT.bin"));
    assert_eq!(package.files[4].bytes, b"content of fw/boot.img");
    let mum = String::from_utf8(package.files[1].bytes.clone()).unwrap();
    for part in [
        r#"targetPartition="PLAT" binaryPartition="true""#,
        r#"<file name="$(runtime.bootDrive)\PLAT.bin" size="22""#,
    ] {
        assert!(mum.contains(part), "{mum}");
    }
    let forms = ["the image of a partition", "the partition `PLAT`"];
    assert_eq!(model.inferred(), forms);
    let alone = "has other contents beside it";
    for (body, reason) in [
        (image.to_owned(), "@targetPartition does not say"),
        (
            info("mainos") + image,
            "would replace all files of the partition `mainos`",
        ),
        (info("Data") + image, "would replace all files"),
        (info("a:b") + image, "has a ':'"),
        (info("..") + image, "leads to another folder"),
        (info("PLAT") + image + image, alone),
        (
            info("PLAT") + image + r#"<files><file source="a"/></files>"#,
            alone,
        ),
        (
            info("PLAT") + image + r#"<regKeys><regKey keyName="$(hklm.software)\A"/></regKeys>"#,
            alone,
        ),
        (info("PLAT") + "<BinaryPartition/>", "there is no image"),
        (
            info("PLAT") + r#"<BinaryPartition imageSource="a"/>"#,
            "the attribute `imageSource`",
        ),
        (
            info("PLAT") + r#"<BinaryPartition ImageSource="../a"/>"#,
            "`../a` is outside",
        ),
        (
            info("PLAT") + r#"<BinaryPartition ImageSource="empty"/>"#,
            "`empty` is empty",
        ),
        ("<bcdStore/>".to_owned(), "boot settings are not built"),
    ] {
        let refused = refusal(&body);
        assert!(refused.contains(reason), "{refused}");
    }
}

/// Each type of `winnt.h` by its name: those of finished packages and of Windows are built, the others refused.
#[test]
fn every_type_of_a_registry_value_is_built_or_refused_by_name() {
    let value = |kind: &str, data: &str| {
        modelled(&format!(
            r#"<regKeys><regKey keyName="$(hklm.software)\A"><regValue name="v" type="{kind}" value="{data}"/></regKey></regKeys>"#
        ))
    };
    for (kind, data, form) in [
        ("REG_SZ", "a", "a"),
        ("REG_EXPAND_SZ", "%A%", "%A%"),
        ("REG_BINARY", "0a", "0A"),
        ("REG_DWORD", "64", "0x00000064"),
        ("REG_MULTI_SZ", "a,b", r#""a","b""#),
    ] {
        let model = value(kind, data).unwrap();
        let built = &model.keys[0].values[0];
        assert_eq!((built.kind, &*built.data), (kind, form));
    }
    for kind in [
        "REG_NONE",
        "REG_DWORD_LITTLE_ENDIAN",
        "REG_DWORD_BIG_ENDIAN",
        "REG_LINK",
        "REG_RESOURCE_LIST",
        "REG_FULL_RESOURCE_DESCRIPTOR",
        "REG_RESOURCE_REQUIREMENTS_LIST",
        "REG_QWORD",
        "REG_QWORD_LITTLE_ENDIAN",
        "REG_HEX",
        "REG_dword",
    ] {
        let refused = value(kind, "00").unwrap_err();
        assert!(refused.reason.contains(kind), "{refused}");
        assert_eq!(refused.route, "identity/regKeys/regKey[1]/regValue[1]");
    }
}

/// A filter that every value of a list has is read for each of them.
#[test]
fn a_filter_without_an_end_is_refused() {
    let filter = "not build.isWow and ".repeat(1_000) + "not build.isWow";
    let refused = refusal(&format!(
        r#"<regKeys buildFilter="{filter}"><regKey keyName="$(hklm.software)\A"/></regKeys>"#
    ));
    assert!(refused.contains("more than 1000 bytes"), "{refused}");
}
