//! What extended key usages are called.

const LIST: &str = include_str!("../../policies/key-purposes.tsv");

/// The name of a purpose, by its dotted object identifier.
pub fn name(oid: &str) -> Option<&'static str> {
    let rows = LIST.lines().filter(|line| !line.starts_with('#'));
    rows.filter_map(|line| line.split_once('\t'))
        .find(|(listed, _)| *listed == oid)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn purposes_have_names_once_each() {
        assert_eq!(name("1.3.6.1.5.5.7.3.3"), Some("code signing"));
        assert_eq!(name("1.3.6.1.5.5.7.3"), None);
        let rows = LIST.lines().filter(|line| !line.starts_with('#'));
        let mut listed: Vec<_> = rows.map(|row| row.split_once('\t').unwrap().0).collect();
        let count = listed.len();
        listed.sort_unstable();
        listed.dedup();
        assert_eq!(listed.len(), count);
    }
}
