//! Definitions built in memory: what is in the package, and what is refused.

use std::io::Cursor;

use formats::container::cab::Limits;
use formats::container::cat::Catalog;
use formats::document::variables::Variables;
use formats::document::wm_xml::WmXml;
use formats::source::Source;
use time::macros::datetime;

use super::*;

const OPTIONS: BuildOptions = BuildOptions {
    date: datetime!(2020-01-01 0:00 UTC),
    compressed: true,
};

fn modelled(body: &str) -> Result<Model, DefinitionError> {
    let text = format!(
        r#"<identity xmlns="urn:Microsoft.CompPlat/ManifestSchema.v1.00" owner="$(OEMNAME)" namespace="Kiosk" name="Agent">{body}</identity>"#
    );
    let definition = WmXml::parse(&Source::new("A.wm.xml", text, 0)).unwrap();
    let variables = Variables::from_iter([("OEMNAME", "Contoso"), ("loop", "$(loop)$(loop)")]);
    let target = Target {
        architecture: "arm",
        version: "1.2.3.4",
        variables: &variables,
    };
    model(&definition, target, &|path| match path {
        "empty" => Ok(Vec::new()),
        _ if path.contains("..") => Err(format!("`{path}` is outside")),
        _ => Ok(format!("content of {path}").into_bytes()),
    })
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
            r#"<BinaryPartition ImageSource="a.bin"/>"#,
            "binary partitions are not built",
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
            r#"source="a" destinationDir="$(runtime.apps)\a""#,
            "whose place is known",
        ),
        (r#"source="a" name="..""#, "@name: `..` leads"),
        (r#"source="a" name="x\y""#, "has a '\\\\'"),
        (r#"source="a." "#, "ends with a full stop"),
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
