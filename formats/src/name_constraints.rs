//! `nameConstraints` (RFC 5280 §4.2.1.10): which names an authority may give away.

use crate::der::{self, Reader, Tlv};
use crate::error::ParseError;
use crate::oid;

/// Most names in one extension.
const MAX_NAMES: usize = 256;

/// `GeneralName`, as far as constraints on it are evaluated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GeneralName {
    /// `rfc822Name`: an address, or in a constraint a host or domain.
    Mail(String),
    /// `dNSName`.
    Dns(String),
    /// `directoryName`, encoded.
    Directory(Vec<u8>),
    /// Another form, by its tag.
    Other(u8),
}

impl GeneralName {
    fn read(element: Tlv<'_>) -> Result<Self, ParseError> {
        const MAIL: u8 = der::context_primitive(1);
        const DNS: u8 = der::context_primitive(2);
        const DIRECTORY: u8 = der::context(4);
        let text = || String::from_utf8_lossy(element.value).to_ascii_lowercase();
        Ok(match element.tag {
            MAIL => Self::Mail(text()),
            DNS => Self::Dns(text()),
            DIRECTORY => {
                let mut reader = element.reader("GeneralName");
                let name = reader.expect("directoryName", der::SEQUENCE)?;
                reader.finish()?;
                Self::Directory(name.raw.to_vec())
            }
            tag => Self::Other(tag),
        })
    }

    /// Reads `GeneralNames`, as they stand in `subjectAltName`.
    ///
    /// # Errors
    /// Where the bytes are none.
    pub fn read_all(bytes: &[u8]) -> Result<Vec<Self>, ParseError> {
        let mut file = Reader::new("GeneralNames", bytes, 0);
        let sequence = file.expect("GeneralNames", der::SEQUENCE)?;
        file.finish()?;
        let elements = sequence.reader("GeneralNames").all("name")?;
        elements
            .into_iter()
            .take(MAX_NAMES)
            .map(Self::read)
            .collect()
    }

    fn is_same_form(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Other(one), Self::Other(other)) => one == other,
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }

    /// Whether the name lies in the subtree whose base is `base`; `None` for forms that are not evaluated.
    fn is_within(&self, base: &Self) -> Option<bool> {
        match (self, base) {
            (Self::Mail(name), Self::Mail(base)) => {
                let host = name
                    .rsplit_once('@')
                    .map_or(name.as_str(), |(_, host)| host);
                Some(match base.strip_prefix('.') {
                    Some(domain) => is_below(host, domain),
                    None => name == base || host == base,
                })
            }
            (Self::Dns(name), Self::Dns(base)) => {
                let base = base.trim_start_matches('.');
                Some(base.is_empty() || name == base || is_below(name, base))
            }
            (Self::Directory(name), Self::Directory(base)) => {
                let (Ok(name), Ok(base)) = (components(name), components(base)) else {
                    return Some(false);
                };
                Some(name.starts_with(&base))
            }
            _ => None,
        }
    }
}

fn is_below(host: &str, domain: &str) -> bool {
    let rest = host.strip_suffix(domain);
    rest.is_some_and(|rest| rest.ends_with('.'))
}

/// One component of a name: its attributes in a fixed order, values made comparable.
type Component = Vec<(Vec<u8>, String)>;

/// The components of an encoded name, from the most general one. Letter case, the kind of string and the number of
/// blanks do not matter (RFC 5280 §7.1).
fn components(name: &[u8]) -> Result<Vec<Component>, ParseError> {
    let sequence = Reader::new("Name", name, 0).expect("Name", der::SEQUENCE)?;
    let mut found = Vec::new();
    for set in sequence.reader("Name").all("RelativeDistinguishedName")? {
        let mut component = Component::new();
        for attribute in set.reader("RelativeDistinguishedName").all("attribute")? {
            let mut reader = attribute.reader("AttributeTypeAndValue");
            let kind = reader.oid("type")?;
            let value = reader.next("value")?;
            component.push((kind.0.to_vec(), comparable(value)));
        }
        component.sort();
        found.push(component);
    }
    Ok(found)
}

fn comparable(value: Tlv<'_>) -> String {
    let text = match value.tag {
        der::BMP_STRING => {
            let units = value.value.chunks_exact(2);
            let units = units.filter_map(|pair| pair.try_into().ok().map(u16::from_be_bytes));
            String::from_utf16_lossy(&units.collect::<Vec<u16>>())
        }
        _ => String::from_utf8_lossy(value.value).into_owned(),
    };
    let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    words.join(" ")
}

/// `NameConstraints ::= SEQUENCE { permittedSubtrees [0] OPTIONAL, excludedSubtrees [1] OPTIONAL }`, each a sequence of
/// `GeneralSubtree ::= SEQUENCE { base GeneralName, minimum [0] DEFAULT 0, maximum [1] OPTIONAL }`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NameConstraints {
    /// A name of a form that occurs here must lie in one of these subtrees.
    pub permitted: Vec<GeneralName>,
    /// A name must lie in none of these.
    pub excluded: Vec<GeneralName>,
}

impl NameConstraints {
    /// Reads what stands inside the extension's value.
    ///
    /// # Errors
    /// Where the bytes are no such structure, or use `minimum` or `maximum`, which RFC 5280 forbids.
    pub fn read(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut file = Reader::new("NameConstraints", bytes, 0);
        let mut reader = file
            .expect("NameConstraints", der::SEQUENCE)?
            .reader("NameConstraints");
        file.finish()?;
        let permitted = reader.optional("permittedSubtrees", der::context(0))?;
        let excluded = reader.optional("excludedSubtrees", der::context(1))?;
        reader.finish()?;
        let bases = |subtrees: Option<Tlv<'_>>| match subtrees {
            None => Ok(Vec::new()),
            Some(subtrees) => bases(subtrees),
        };
        Ok(Self {
            permitted: bases(permitted)?,
            excluded: bases(excluded)?,
        })
    }

    /// Why one of `names` must not be given away; `None` where every one may.
    pub fn violation(&self, names: &[GeneralName]) -> Option<&'static str> {
        for name in names {
            for base in self.excluded.iter().filter(|base| base.is_same_form(name)) {
                match name.is_within(base) {
                    None => return Some("a name of a form that is not evaluated"),
                    Some(true) => return Some("an excluded name"),
                    Some(false) => {}
                }
            }
            let mut same = self
                .permitted
                .iter()
                .filter(|base| base.is_same_form(name))
                .peekable();
            if same.peek().is_none() {
                continue;
            }
            let within: Vec<_> = same.map(|base| name.is_within(base)).collect();
            if within.contains(&None) {
                return Some("a name of a form that is not evaluated");
            }
            if !within.contains(&Some(true)) {
                return Some("a name that is not permitted");
            }
        }
        None
    }
}

fn bases(subtrees: Tlv<'_>) -> Result<Vec<GeneralName>, ParseError> {
    let elements = subtrees.reader("GeneralSubtrees").all("subtree")?;
    if elements.len() > MAX_NAMES {
        let reader = subtrees.reader("GeneralSubtrees");
        let limit = format_args!("at most {MAX_NAMES}");
        return Err(reader.invalid("subtree", elements.len(), limit));
    }
    let base = |subtree: Tlv<'_>| {
        let mut reader = subtree.reader("GeneralSubtree");
        let base = reader.next("base")?;
        reader.finish()?;
        GeneralName::read(base)
    };
    elements.into_iter().map(base).collect()
}

/// The addresses among the attributes of an encoded name, where old certificates have them.
pub(crate) fn mail_addresses(name: &[u8]) -> Vec<GeneralName> {
    let components = components(name).unwrap_or_default();
    let attributes = components.into_iter().flatten();
    attributes
        .filter(|(kind, _)| kind.as_slice() == oid::EMAIL_ADDRESS.0)
        .map(|(_, address)| GeneralName::Mail(address))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tbs_certificate::name;

    fn directory(encoded: Vec<u8>) -> GeneralName {
        GeneralName::Directory(encoded)
    }

    /// A name of one attribute, as another kind of string.
    fn organization(tag: u8, value: &[u8]) -> Vec<u8> {
        let attribute = der::sequence(&[&der::oid(oid::ORGANIZATION_NAME), &der::tlv(tag, value)]);
        der::sequence(&[&der::tlv(der::SET, &attribute)])
    }

    #[test]
    fn directory_names_lie_below_their_first_components() {
        let leaf = directory(name("Example  Ltd", "Kiosk"));
        let within = |base| leaf.is_within(&directory(base)).unwrap();
        assert!(within(organization(0x13, b"EXAMPLE LTD")));
        assert!(within(organization(
            der::BMP_STRING,
            &der::bmp_content("example ltd ")
        )));
        assert!(within(der::sequence(&[])));
        assert!(within(name("example ltd", "kiosk")));
        assert!(!within(organization(0x13, b"Example")));
        assert!(!within(name("Example Ltd", "Another")));
        assert!(!leaf.is_within(&directory(vec![0x30, 5])).unwrap());
    }

    #[test]
    fn hosts_lie_below_their_domains() {
        let dns = |name: &str, base: &str| {
            let name = GeneralName::Dns(name.to_owned());
            name.is_within(&GeneralName::Dns(base.to_owned())).unwrap()
        };
        assert!(dns("a.example.com", "example.com") && dns("example.com", "example.com"));
        assert!(!dns("badexample.com", "example.com") && !dns("example.org", "example.com"));
        let mail = |name: &str, base: &str| {
            let name = GeneralName::Mail(name.to_owned());
            name.is_within(&GeneralName::Mail(base.to_owned())).unwrap()
        };
        assert!(mail("a@example.com", "example.com") && mail("a@b.example.com", ".example.com"));
        assert!(!mail("a@b.example.com", "example.com") && !mail("a@example.com", ".example.com"));
        assert!(mail("a@example.com", "a@example.com") && !mail("b@example.com", "a@example.com"));
    }

    #[test]
    fn permitted_and_excluded_names_are_told_apart() {
        let base = organization(0x13, b"Example");
        let subtree = |base: &[u8]| der::sequence(&[&der::tlv(der::context(4), base)]);
        let encoded = der::sequence(&[
            &der::tlv(der::context(0), &subtree(&base)),
            &der::tlv(der::context(1), &subtree(&name("Example", "Root"))),
        ]);
        let constraints = NameConstraints::read(&encoded).unwrap();
        let said = |names: &[GeneralName]| constraints.violation(names);
        assert_eq!(said(&[directory(name("Example", "Kiosk"))]), None);
        assert_eq!(
            said(&[directory(name("Example", "root"))]),
            Some("an excluded name")
        );
        let other = directory(name("Another", "Kiosk"));
        assert_eq!(said(&[other]), Some("a name that is not permitted"));
        assert_eq!(said(&[GeneralName::Dns("example.com".to_owned())]), None);
        let address = NameConstraints {
            permitted: vec![GeneralName::Other(0x86)],
            excluded: Vec::new(),
        };
        let found = address.violation(&[GeneralName::Other(0x86)]);
        assert_eq!(found, Some("a name of a form that is not evaluated"));
        for length in 0..encoded.len() {
            assert!(
                NameConstraints::read(&encoded[..length]).is_err(),
                "{length}"
            );
        }
        let limited = der::sequence(&[&der::tlv(der::context(4), &base), &[0x80, 1, 1]]);
        let limited = der::sequence(&[&der::tlv(der::context(0), &limited)]);
        assert!(NameConstraints::read(&limited).is_err());
    }
}
