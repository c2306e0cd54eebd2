//! Boot configuration stores that hivex writes, and stores that are odd.

#[path = "../tools/hive.rs"]
#[allow(dead_code, reason = "shared with the tests of hives")]
mod hive;
#[path = "../tools/shell.rs"]
mod shell;

use std::io::Cursor;

use formats::boot_configuration::setting::{
    DEBUGGING, FLIGHT_SIGNATURES, LOADER_PRERELEASE_SIGNATURES, MANUFACTURING_MODE,
    NO_INTEGRITY_CHECKS, PRERELEASE_SIGNATURES,
};
use formats::boot_configuration::{BOOT_MANAGER, ElementValue, GLOBAL_SETTINGS, Store};
use formats::guid::Guid;
use formats::registry_hive::Hive;

use hive::Builder;
use shell::shell;

const LOADER: Guid = Guid::from_u128(0x01de_5a27_8705_40db_bad6_96fa_5187_d4a6);
const SETTINGS: Guid = Guid::from_u128(0x6efb_52bf_1766_41db_a6b3_0ee5_eff7_2bd7);

/// A text in UTF-16 as `.reg` files have it.
fn hex(text: &str) -> String {
    let bytes = text.encode_utf16().flat_map(u16::to_le_bytes);
    let bytes: Vec<String> = bytes.map(|byte| format!("{byte:02x}")).collect();
    bytes.join(",")
}

/// An object: its name, its type, and its elements as `.reg` files have data.
type Described<'a> = (Guid, u32, &'a [(u32, String)]);

/// A store of these objects.
fn store(objects: &[Described<'_>]) -> Option<Store> {
    let mut text = "Windows Registry Editor Version 5.00\n\n[\\Objects]\n\n".to_owned();
    for (id, kind, elements) in objects {
        let id = id.to_string().to_lowercase();
        text += &format!("[\\Objects\\{id}]\n\n[\\Objects\\{id}\\Description]\n");
        text += &format!("\"Type\"=dword:{kind:08x}\n\n[\\Objects\\{id}\\Elements]\n\n");
        for (number, data) in *elements {
            text += &format!("[\\Objects\\{id}\\Elements\\{number:08x}]\n\"Element\"={data}\n\n");
        }
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("BCD"), Builder::new().build()).unwrap();
    std::fs::write(folder.path().join("text"), text).unwrap();
    shell(folder.path(), "hivexregedit --merge BCD text")?;
    let bytes = std::fs::read(folder.path().join("BCD")).unwrap();
    let mut hive = Hive::open(Cursor::new(bytes.as_slice())).unwrap();
    Some(Store::read(&mut hive).unwrap())
}

#[test]
fn a_store_is_read() {
    let ids = |ids: &[Guid]| {
        let ids: String = ids.iter().map(|id| format!("{id}\0")).collect();
        format!("hex(7):{}", hex(&format!("{ids}\0")))
    };
    let objects: &[Described<'_>] = &[
        (
            BOOT_MANAGER,
            0x1010_0002,
            &[
                (
                    0x1200_0004,
                    format!("hex(1):{}", hex("Windows Boot Manager\0")),
                ),
                (0x1400_0006, ids(&[GLOBAL_SETTINGS])),
                (
                    0x2300_0003,
                    format!("hex(1):{}", hex(&format!("{LOADER}\0"))),
                ),
                (0x2500_0004, "hex:1e,00,00,00,00,00,00,00".to_owned()),
                (0x2600_0020, "hex:01".to_owned()),
            ],
        ),
        (
            LOADER,
            0x1020_000a,
            &[
                (0x1200_0004, format!("hex(1):{}", hex("Windows Loader\0"))),
                (0x1400_0006, ids(&[SETTINGS, GLOBAL_SETTINGS])),
                (0x2100_0001, "hex:00,01,02".to_owned()),
                (0x1600_007e, "hex:00".to_owned()),
                (
                    0x1700_0077,
                    "hex:01,00,00,00,00,00,00,00,02,00,00,00,00,00,00,00".to_owned(),
                ),
                (0x2200_0140, format!("hex(1):{}", hex("Factory\0"))),
                (0x2600_0099, "hex:01".to_owned()),
            ],
        ),
        (
            GLOBAL_SETTINGS,
            0x2010_0000,
            &[(0x1600_0049, "hex:01".to_owned())],
        ),
        // Objects that inherit from each other end somewhere.
        (
            SETTINGS,
            0x2020_0003,
            &[
                (0x1400_0006, ids(&[LOADER, SETTINGS])),
                (0x1600_0048, "hex:00".to_owned()),
            ],
        ),
    ];
    let Some(store) = store(objects) else {
        return;
    };
    assert_eq!(store.faults, []);
    assert_eq!(store.objects.len(), 4);
    let manager = store.object(BOOT_MANAGER).unwrap();
    assert_eq!(
        (manager.name().as_str(), manager.kind),
        ("{bootmgr}", 0x1010_0002)
    );
    let loader = store.object(LOADER).unwrap();
    assert_eq!(loader.name(), "Windows Loader");
    let shown: Vec<String> = loader
        .elements
        .iter()
        .map(|element| format!("{} {}", loader.option(element), element.value))
        .collect();
    let expected = [
        "description Windows Loader".to_owned(),
        format!("inherit {SETTINGS}, {GLOBAL_SETTINGS}"),
        "flightsigning No".to_owned(),
        "allowedinmemorysettings 1, 2".to_owned(),
        "osdevice a device of 3 bytes".to_owned(),
        "mfgmode Factory".to_owned(),
        "custom:26000099 Yes".to_owned(),
    ];
    assert_eq!(shown, expected);
    let option = |number| manager.option(manager.element(number).unwrap());
    assert_eq!(option(0x2600_0020), "displaybootmenu");
    assert_eq!(option(0x2300_0003), "default");
    assert_eq!(
        manager.element(0x2300_0003).unwrap().value,
        ElementValue::Object(LOADER)
    );
    assert_eq!(
        manager.element(0x2500_0004).unwrap().value,
        ElementValue::Integer(30)
    );

    // Own elements, elements of others, none.
    let (owner, element) = store.in_force(loader, PRERELEASE_SIGNATURES).unwrap();
    assert_eq!((owner.id, element.is_on()), (GLOBAL_SETTINGS, true));
    let (owner, element) = store.in_force(loader, NO_INTEGRITY_CHECKS).unwrap();
    assert_eq!((owner.id, element.is_on()), (SETTINGS, false));
    assert!(!store.in_force(loader, FLIGHT_SIGNATURES).unwrap().1.is_on());
    assert_eq!(store.in_force(manager, FLIGHT_SIGNATURES), None);
    assert_eq!(store.in_force(loader, LOADER_PRERELEASE_SIGNATURES), None);
    let owners = |setting| {
        store
            .all(setting)
            .map(|(owner, _)| owner.id)
            .collect::<Vec<_>>()
    };
    assert_eq!(owners(PRERELEASE_SIGNATURES), [GLOBAL_SETTINGS]);
    assert_eq!(owners(MANUFACTURING_MODE), [LOADER]);
    assert_eq!(owners(DEBUGGING[4]), [BOOT_MANAGER]);
}

#[test]
fn what_is_stored_otherwise_is_a_fault_and_counts_as_on() {
    let objects: &[Described<'_>] = &[(
        LOADER,
        0x1020_0003,
        &[
            (0x1600_0049, "dword:00000001".to_owned()),
            (0x1600_0048, "hex:00,01".to_owned()),
            (0x1600_0010, "hex:00,00".to_owned()),
            (0x1400_0006, format!("hex(7):{}", hex("no GUID\0\0"))),
            (0x2500_0004, "hex:1e".to_owned()),
        ],
    )];
    let Some(store) = store(objects) else {
        return;
    };
    let [loader] = store.objects.as_slice() else {
        panic!("{store:?}")
    };
    let on: Vec<_> = loader
        .elements
        .iter()
        .map(|e| (e.number, e.is_on()))
        .collect();
    assert!(on.contains(&(0x1600_0049, true)), "{on:?}");
    assert!(on.contains(&(0x1600_0048, true)), "{on:?}");
    assert!(on.contains(&(0x1600_0010, false)), "{on:?}");
    assert_eq!(store.faults.len(), 5);
    let said: Vec<String> = store.faults.iter().map(ToString::to_string).collect();
    assert!(
        said.iter().any(|said| said.contains(
            "found 4 bytes of REG_DWORD, expected a byte of REG_BINARY, by its number 16000049"
        )),
        "{said:?}"
    );
}

#[test]
fn a_hive_that_is_no_store_is_refused() {
    let bytes = Builder::new().build();
    let mut hive = Hive::open(Cursor::new(bytes.as_slice())).unwrap();
    let error = Store::read(&mut hive).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("the objects of a boot configuration store")
    );
}
