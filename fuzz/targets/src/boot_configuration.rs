//! Boot configuration stores.

use std::io::Cursor;

use formats::boot_configuration::Store;
use formats::boot_configuration::setting::{
    DEBUGGING, MANUFACTURING_MODE, NO_INTEGRITY_CHECKS, PRERELEASE_SIGNATURES,
};
use formats::registry_hive::Hive;

pub(crate) fn run(input: &[u8]) {
    let Ok(mut hive) = Hive::open(Cursor::new(input)) else {
        return;
    };
    let Ok(store) = Store::read(&mut hive) else {
        return;
    };
    let settings = [
        PRERELEASE_SIGNATURES,
        NO_INTEGRITY_CHECKS,
        MANUFACTURING_MODE,
    ];
    for object in &store.objects {
        assert!(!object.name().is_empty());
        for element in &object.elements {
            assert!(!object.option(element).is_empty());
            let _ = (element.value.to_string(), element.is_on());
        }
        for setting in settings.iter().chain(&DEBUGGING) {
            let own = object.element(setting.number);
            if let Some((owner, element)) = store.in_force(object, *setting) {
                assert_eq!(element.number, setting.number);
                assert!(own.is_none_or(|own| own == element && owner.id == object.id));
            }
        }
    }
}
