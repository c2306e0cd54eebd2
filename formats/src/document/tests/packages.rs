//! Package definitions of both formats, registry files, and the registry contents that all three give.

use super::fixtures;
use crate::document::pkg_xml::PkgXml;
use crate::document::reg_file::RegFile;
use crate::document::registry::{DataProblem, Notation, RegistryData, RegistryType, RegistryValue};
use crate::document::wm_xml::WmXml;
use crate::source::Source;

fn value(option: &Option<crate::source::Spanned<String>>) -> &str {
    option
        .as_ref()
        .map_or("(absent)", |spanned| spanned.value.as_str())
}

fn reg(text: &str) -> RegFile {
    RegFile::parse(&Source::new("a.reg", text, 0)).unwrap()
}

fn texts(texts: &[&str]) -> RegistryData {
    RegistryData::Texts(texts.iter().map(|text| (*text).to_owned()).collect())
}

#[test]
fn a_package_definition_has_identity_files_drivers_and_services() {
    let source = Source::new("a.wm.xml", fixtures::WM_XML, 0);
    let package = WmXml::parse(&source).unwrap();
    assert_eq!(value(&package.legacy_name), "$(OEMNAME).Test.Registry");
    assert_eq!(value(&package.build_wow), "(absent)");
    let info = package.onecore_package_info.unwrap();
    assert_eq!(source.slice(info.release_type.unwrap().span), "Test");
    let routes: Vec<_> = package
        .files
        .iter()
        .map(|file| file.route.as_str())
        .collect();
    assert_eq!(
        routes,
        [
            "identity/files/file[1]",
            "identity/drivers/driver[1]/files/file[1]"
        ]
    );
    assert_eq!(value(&package.files[0].name), "b.exe");
    assert_eq!(value(&package.drivers[0].inf_source), "a.inf");
    let service = &package.services[0];
    assert_eq!(
        (value(&service.start), value(&service.object_name)),
        ("auto", "LocalSystem")
    );
    let failure = service.failure_actions.as_ref().unwrap();
    let kind = failure.actions[0].kind.as_ref().unwrap();
    assert_eq!(kind.value, "restartService");
    assert_eq!(package.bcd_stores[0].value.value, r".\Board.BCD.xml");
    assert_eq!(
        (package.registry.keys.len(), package.registry.values.len()),
        (2, 3)
    );
    let start = &package.registry.values[0];
    assert_eq!(start.route, "identity/regKeys/regKey[2]/regValue[1]");
    assert_eq!(start.data(), Ok(RegistryData::Number(0x1f)));
    assert_eq!(package.registry.values[1].data(), Ok(texts(&["a", "b"])));
    assert_eq!(
        package.registry.values[2].data(),
        Ok(RegistryData::Bytes(vec![0x0a, 0xfb]))
    );
    assert_eq!(package.registry.values[2].name.value, "");
}

#[test]
fn a_definition_without_anything_is_read() {
    let source = Source::new(
        "a.wm.xml",
        "<identity><regKeys><regKey><regValue/></regKey></regKeys></identity>",
        0,
    );
    let package = WmXml::parse(&source).unwrap();
    assert_eq!((package.name, package.onecore_package_info), (None, None));
    let value = &package.registry.values[0];
    assert_eq!((&*value.key.value, value.canonical()), ("", None));
    assert_eq!(value.kind.value, RegistryType::Missing);
    assert_eq!(value.data(), Err(DataProblem::NoType));
    assert_eq!(source.slice(value.written.span), "<regValue/>");
}

#[test]
fn a_legacy_definition_has_attributes_and_components() {
    let source = Source::new("a.pkg.xml", fixtures::PKG_XML, 0);
    let package = PkgXml::parse(&source).unwrap();
    let root = [
        &package.owner,
        &package.release_type,
        &package.partition,
        &package.platform,
    ];
    assert_eq!(root.map(value), ["Maker", "Test", "MMOS", "arm"]);
    assert_eq!(package.attributes.len(), 7);
    assert_eq!(value(&package.macros[0].id), "dir");
    let [driver_file, executable] = &package.files[..] else {
        panic!("two files expected");
    };
    assert_eq!(value(&driver_file.embedded_signing_category), "-oem -hal");
    let list = &package.file_lists[driver_file.list.unwrap()];
    assert_eq!(value(&list.conditions.cpu_filter), "ARM");
    assert_eq!(
        (value(&executable.source), executable.list),
        ("agent.exe", None)
    );
    assert_eq!(value(&package.drivers[0].inf_source), "a.inf");
    assert_eq!(package.drivers[0].references[0].value, "a.sys");
    let service = &package.services[0];
    assert_eq!(
        (value(&service.start), value(&service.binary)),
        ("Auto", "agent.exe")
    );
    assert_eq!(service.route, "Package/Components/Service");
    assert_eq!(package.bcd_stores[0].value.value, "boot.bcd.xml");
    assert_eq!(package.binary_partitions[0].value.value, "uefi.bin");
    let data: Vec<_> = package
        .registry
        .values
        .iter()
        .map(RegistryValue::data)
        .collect();
    let bytes = RegistryData::Bytes(vec![0x61, 0, 0, 0]);
    assert_eq!(
        data,
        [
            Ok(RegistryData::Number(2)),
            Ok(bytes),
            Ok(texts(&["a", "b"]))
        ]
    );
    let key = package.registry.values[0].canonical().unwrap();
    assert!(key.is(r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\A"));
}

#[test]
fn definitions_write_numbers_and_bytes_in_their_own_way() {
    let data = |kind: &str, written: &str, notation: Notation| {
        let text = match notation {
            Notation::WmXml => format!(
                "<identity><regKeys><regKey keyName='k'><regValue type='{kind}' value='{written}'/></regKey></regKeys></identity>"
            ),
            _ => format!(
                "<Package><Components><O><RegKeys><RegKey KeyName='k'><RegValue Type='{kind}' Value='{written}'/></RegKey></RegKeys></O></Components></Package>"
            ),
        };
        let source = Source::new("a.xml", text, 0);
        let registry = match notation {
            Notation::WmXml => WmXml::parse(&source).unwrap().registry,
            _ => PkgXml::parse(&source).unwrap().registry,
        };
        registry.values[0].data()
    };
    let (wm, pkg) = (Notation::WmXml, Notation::PkgXml);
    let number = |number| Ok(RegistryData::Number(number));
    assert_eq!(data("REG_DWORD", "64", wm), number(0x64));
    assert_eq!(data("REG_DWORD", "0XFFFFFFFF", wm), number(u32::MAX.into()));
    assert_eq!(
        data("REG_DWORD", "0x1", pkg),
        Err(DataProblem::NotHexadecimal)
    );
    assert_eq!(
        data("REG_DWORD", "000000001", wm),
        Err(DataProblem::TooLong)
    );
    assert_eq!(
        data("REG_DWORD", "+1", wm),
        Err(DataProblem::NotHexadecimal)
    );
    assert_eq!(data("REG_DWORD", "", wm), Err(DataProblem::NotHexadecimal));
    assert_eq!(data("REG_QWORD", "000000000001005C", wm), number(0x1005c));
    assert_eq!(data("REG_BINARY", "0AFB2", wm), Err(DataProblem::NotBytes));
    assert_eq!(
        data("REG_BINARY", "0A,b,C", pkg),
        Ok(RegistryData::Bytes(vec![10, 11, 12]))
    );
    assert_eq!(data("REG_BINARY", "zz", pkg), Err(DataProblem::NotBytes));
    assert_eq!(data("REG_BINARY", "aüb", pkg), Err(DataProblem::NotBytes));
    assert_eq!(data("REG_HEX", "00", pkg), Err(DataProblem::NotBytes));
    assert_eq!(data("reg_sz", "x", wm), Err(DataProblem::NoType));
    assert_eq!(data("REG_MULTI_SZ", "a;b", wm), Ok(texts(&["a;b"])));
}

#[test]
fn a_registry_file_has_all_types() {
    let source = Source::new("a.reg", fixtures::REG_FILE, 0);
    let file = RegFile::parse(&source).unwrap();
    assert_eq!((file.notation, file.unreadable.len()), (Notation::Reg5, 0));
    let names: Vec<_> = file
        .registry
        .values
        .iter()
        .map(|v| v.name.value.as_str())
        .collect();
    assert_eq!(names, ["", "Start", "Names", "Raw", "Big", "Lines", "Gone"]);
    let data: Vec<_> = file
        .registry
        .values
        .iter()
        .map(RegistryValue::data)
        .collect();
    let expected = [
        Ok(RegistryData::Text(r#"default "text" of C:\"#.to_owned())),
        Ok(RegistryData::Number(3)),
        Ok(texts(&["a", "b"])),
        Ok(RegistryData::Bytes(vec![0x0a, 0xfb])),
        Ok(RegistryData::Number(0x8000_0000_0000_0001)),
        Ok(RegistryData::Text("one\r\ntwo".to_owned())),
        Err(DataProblem::NoType),
    ];
    assert_eq!(data, expected);
    let kinds: Vec<_> = file
        .registry
        .values
        .iter()
        .map(|v| source.slice(v.kind.span))
        .collect();
    assert_eq!(kinds[1..5], ["dword", "hex(7)", "hex", "hex(b)"]);
    assert_eq!(file.registry.values[6].kind.value, RegistryType::Deleted);
    let names = &file.registry.values[2];
    assert!(source.slice(names.element).ends_with("  62,00,00,00,00,00"));
    assert_eq!(names.route, "key[1]/value[3]");
    let [line, old] = &file.registry.keys[..] else {
        panic!("two keys expected");
    };
    assert_eq!((line.deleted, old.deleted), (false, true));
    assert_eq!(source.slice(old.key.span), r"HKLM\SOFTWARE\Old");
    assert_eq!(source.slice(old.element), r"[-HKLM\SOFTWARE\Old]");
    assert_eq!(
        line.canonical()
            .unwrap()
            .below(r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\ManufacturingMode"),
        Some("Line")
    );
}

#[test]
fn a_type_on_a_continued_line_has_the_place_of_the_data() {
    let source = Source::new("a.reg", "REGEDIT4\n[HKCU\\A]\n\"a\"=\\\n xüü:1\n", 0);
    let file = RegFile::parse(&source).unwrap();
    let value = &file.registry.values[0];
    assert_eq!(value.kind.value, RegistryType::Unknown("xüü".into()));
    assert_eq!(source.slice(value.kind.span), "\\\n xüü:1");
}

#[test]
fn single_byte_registry_files_have_single_byte_texts() {
    let file = reg(
        "REGEDIT4\n[HKCU\\A]\n\"T\"=hex(2):25,50,41,54,48,25,fc,00\n\"D\"=hex(4):01,00,00,00\n\"B\"=hex(5):01,00,00,00\n\"Q\"=hex(4):01\n\"N\"=hex(0):\n\"X\"=hex(64):01\n",
    );
    let data: Vec<_> = file
        .registry
        .values
        .iter()
        .map(RegistryValue::data)
        .collect();
    let expected = [
        Ok(RegistryData::Text("%PATH%ü".to_owned())),
        Ok(RegistryData::Number(1)),
        Ok(RegistryData::Number(0x0100_0000)),
        Err(DataProblem::WrongLength),
        Ok(RegistryData::Bytes(Vec::new())),
        Ok(RegistryData::Bytes(vec![1])),
    ];
    assert_eq!(data, expected);
    assert_eq!(
        file.registry.values[5].kind.value,
        RegistryType::Other(0x64)
    );
}

#[test]
fn unreadable_lines_are_told_and_the_rest_is_read() {
    let text = "Windows Registry Editor Version 5.00\n\"early\"=\"x\"\n[]\n\"lost\"=\"x\"\nnonsense\n[HKLM\\A] ; note\n\"a\n\"b\" \"x\"\n\"c\"=\"x\" y\n\"d\"=what:1\n\"e\"=\"open\n";
    let source = Source::new("a.reg", text, 0);
    let file = RegFile::parse(&source).unwrap();
    let unreadable: Vec<_> = file
        .unreadable
        .iter()
        .map(|span| source.slice(*span))
        .collect();
    let expected = [
        "\"early\"=\"x\"",
        "[]",
        "\"lost\"=\"x\"",
        "nonsense",
        "\"a",
        "\"b\" \"x\"",
        "y",
    ];
    assert_eq!(unreadable, expected);
    let found: Vec<_> = file
        .registry
        .values
        .iter()
        .map(|v| (v.name.value.as_str(), v.data()))
        .collect();
    let expected = [
        ("c", Ok(RegistryData::Text("x".to_owned()))),
        ("d", Err(DataProblem::NoType)),
        ("e", Err(DataProblem::NotText)),
    ];
    assert_eq!(found, expected);
    assert!(RegFile::parse(&Source::new("a.reg", "[HKLM\\A]", 0)).is_err());
}
