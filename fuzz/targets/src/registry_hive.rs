//! Registry hives, walked from the root.

use std::io::Cursor;

use formats::registry_hive::Hive;

/// Keys whose children are looked up by their path.
const LOOKED_UP: usize = 16;

pub(crate) fn run(input: &[u8]) {
    let Ok(mut hive) = Hive::open(Cursor::new(input)) else {
        return;
    };
    let root = hive.root().clone();
    let mut waiting = vec![(String::new(), root)];
    let mut walked = 0;
    while let Some((path, key)) = waiting.pop() {
        walked += 1;
        assert!(walked <= input.len(), "walking down ends");
        for value in hive.values(&key).unwrap_or_default() {
            let Ok(data) = hive.data(&value) else {
                continue;
            };
            assert_eq!(data.bytes.len(), value.length as usize);
            let _ = (data.number(), data.text(), data.texts());
            let found = hive.value(&key, &value.name).expect("values were read");
            assert!(found.is_some(), "a value is found by its name");
        }
        for subkey in hive.subkeys(&key).unwrap_or_default() {
            let is_name = !subkey.name.is_empty() && !subkey.name.contains('\\');
            if path.is_empty() && is_name {
                let found = hive.key(&subkey.name).expect("the root was listed");
                assert!(found.is_some(), "a key is found by its name");
            }
            let path = format!("{path}\\{}", subkey.name);
            if walked <= LOOKED_UP {
                let _ = hive.key(&path);
            }
            waiting.push((path, subkey));
        }
    }
}
