//! Part names, and which of them Windows takes for the same.

/// `[Content_Types].xml`.
pub(super) const CONTENT_TYPES: &str = "[Content_Types].xml";
/// `AppxBlockMap.xml`.
pub(super) const BLOCK_MAP: &str = "AppxBlockMap.xml";
/// The manifest of a package.
pub(super) const MANIFEST: &str = "AppxManifest.xml";
/// The manifest of a bundle.
pub(super) const BUNDLE_MANIFEST: &str = "AppxMetadata/AppxBundleManifest.xml";
/// The catalog of a package's binaries.
pub(super) const CODE_INTEGRITY: &str = "AppxMetadata/CodeIntegrity.cat";
/// The signature.
pub(super) const SIGNATURE: &str = "AppxSignature.p7x";

/// Every part with a meaning of its own.
pub(super) const SPECIAL: [&str; 6] = [
    CONTENT_TYPES,
    BLOCK_MAP,
    MANIFEST,
    BUNDLE_MANIFEST,
    CODE_INTEGRITY,
    SIGNATURE,
];

/// A name without its percent-encoding, as a block map writes it but for the separators.
///
/// A name that does not decode to UTF-8 is kept as it is.
pub(super) fn decoded(name: &str) -> String {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let hex = |digit: &u8| char::from(*digit).to_digit(16).map(|value| value as u8);
        let octet = match tail {
            [high, low, ..] if *first == b'%' => hex(high).zip(hex(low)),
            _ => None,
        };
        match octet {
            Some((high, low)) => {
                bytes.push(high << 4 | low);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| name.to_owned())
}

/// What two names share when Windows takes them for one: letter case, percent-encoding and the kind of separator do
/// not count.
pub(super) fn key(name: &str) -> String {
    decoded(name).replace('\\', "/").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_as_windows_does() {
        assert_eq!(decoded("My%20App%2fa%zz%4"), "My App/a%zz%4");
        assert_eq!(decoded("%ff"), "%ff");
        assert_eq!(key("Assets\\%41.PNG"), key("assets/a.png"));
        assert_ne!(key("a%2520b"), key("a b"));
    }
}
