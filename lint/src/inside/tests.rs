use std::io::Cursor;

use super::*;
use crate::resolve::ResolveOptions;
use crate::testing::{run, verified, wm_registry};
use formats::document::package_manifest::ManifestKey;

macro_rules! fixture {
    ($path:literal) => {
        include_bytes!(concat!("../../tests/fixtures/", $path))
    };
}

const DRIVER: &[u8] = fixture!("catalog-os-attr/Fjordlight.Kiosk.Agent.cab");

fn contents(bytes: &[u8]) -> Contents {
    look_inside(&mut Cursor::new(bytes)).unwrap()
}

#[test]
fn a_package_says_who_it_is_and_what_is_in_it() {
    let found = contents(DRIVER);
    let identity = &found.identity;
    assert_eq!(found.kind, Some(ManifestKind::Update));
    assert_eq!(identity.name.as_deref(), Some("Fjordlight.Kiosk.Agent"));
    assert_eq!(identity.version.as_deref(), Some("10.1.4.0"));
    assert_eq!(identity.release_type.as_deref(), Some("Production"));
    assert_eq!(identity.build_type.as_deref(), Some("release"));
    assert_eq!((&found.unread, found.broken.len()), (&None, 0));
    let driver = found.drivers().next().unwrap();
    assert_eq!(driver.content, Content::Image { machine: 0x1c4 });
    assert_eq!(driver.signatures.len(), 1);
    let own = found.catalogs.iter().find(|catalog| catalog.is_of_package);
    let own = own.unwrap();
    assert_eq!((own.version, own.entries), (2, 8), "two for each file");
    assert!(own.missing.is_empty() && own.extra.is_empty() && own.by_one_digest.is_empty());
    let of_driver = found.catalogs.iter().find(|catalog| !catalog.is_of_package);
    assert_eq!(of_driver.unwrap().os_attributes, ["2:6.1,2:6.0"]);
}

#[test]
fn what_was_found_can_be_kept_and_concluded_on_later() {
    let found = contents(DRIVER);
    let kept = serde_json::to_vec(&found).unwrap();
    assert_eq!(serde_json::from_slice::<Contents>(&kept).unwrap(), found);
}

#[test]
fn damaged_packages_are_told_of_and_never_panic() {
    for end in (0..DRIVER.len()).step_by(7) {
        if let Ok(found) = look_inside(&mut Cursor::new(&DRIVER[..end])) {
            assert!(found.unread.is_some(), "cut at {end}");
        }
    }
    for at in (0..DRIVER.len()).step_by(11) {
        let mut changed = DRIVER.to_vec();
        changed[at] ^= 0x20;
        let _ = look_inside(&mut Cursor::new(changed));
    }
}

#[test]
fn a_plain_cabinet_has_files_and_nobody_who_it_is() {
    let found = contents(fixture!("unsigned-cab/Fjordlight.Kiosk.Agent.cab"));
    assert_eq!((found.kind, found.members.len()), (None, 1));
    assert!(look_inside(&mut Cursor::new(b"MZ")).is_err());
}

#[test]
fn the_registry_of_a_package_is_judged_unless_its_definition_is_there() {
    let cab = fixture!("location-key-wrong/Build/arm/pkgs/Fjordlight.Kiosk.Location.cab");
    let ManifestKey { name, values } = &contents(cab).components[0].registry[0];
    assert!(name.ends_with(r"\Capabilities\location"), "{name}");
    assert_eq!(values[0].kind.as_deref(), Some("REG_DWORD"));

    let lint = |files: &[(&str, Vec<u8>)]| {
        let options = ResolveOptions::default();
        run("location-key-wrong", &verified(files, &options))
    };
    let built = ("Fjordlight.Kiosk.Location.cab", cab.to_vec());
    let found = lint(std::slice::from_ref(&built));
    assert_eq!(found.len(), 1);
    assert!(
        found[0].starts_with("error Fjordlight.Kiosk.Location.cab (arm_"),
        "{found:?}"
    );
    let value = "<regValue name=\"InitUserGlobalConsentDenied\" type=\"REG_DWORD\" value=\"0\"/>";
    let definition = wm_registry(r"$(hklm.software)\Location", value);
    let definition = definition.replace("$(OEMNAME).Test.A", "Fjordlight.Kiosk.Location");
    let both = lint(&[built, ("A.wm.xml", definition.into_bytes())]);
    assert_eq!(both.len(), 1, "{both:?}");
    assert!(both[0].starts_with("error A.wm.xml:"), "{both:?}");
}
