//! Catalog definition files (`.cdf`).

use formats::container::cat::Definition;

pub(crate) fn run(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    if let Err(error) = Definition::parse(&text) {
        assert!(!error.to_string().is_empty());
    }
}
