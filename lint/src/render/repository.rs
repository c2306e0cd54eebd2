//! Paths as services want them: from the root of the repository, and as URIs.

use std::fmt::Write;

/// Where a run stood, so that reports can name files from the root of their repository.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Repository {
    /// The folder that relative paths of the run start from; absolute, names separated by `/`.
    pub folder: String,
    /// The root of the repository, at or above the folder.
    pub root: String,
}

impl Repository {
    /// A path of a finding from the root on; what lies elsewhere stays absolute. The root itself is `.`.
    pub fn path(&self, path: &str) -> String {
        let is_absolute = path.starts_with('/') || path.get(1..3) == Some(":/");
        let whole = if is_absolute {
            path.to_owned()
        } else {
            format!("{}/{path}", self.folder)
        };
        let whole = normal(&whole);
        let root = normal(&self.root);
        match whole.strip_prefix(&root) {
            Some("") => ".".to_owned(),
            Some(rest) if rest.starts_with('/') => rest.trim_start_matches('/').to_owned(),
            Some(rest) if root.ends_with('/') => rest.to_owned(),
            _ => whole,
        }
    }

    /// The same as a URI reference (RFC 3986): relative below the root, otherwise with the scheme `file`.
    pub(super) fn uri(&self, path: &str) -> String {
        let path = self.path(path);
        let scheme = match path.get(1..3) {
            _ if path.starts_with('/') => "file://",
            Some(":/") => "file:///",
            _ => "",
        };
        format!("{scheme}{}", uri_encoded(&path))
    }
}

/// A path as it stands in a URI (RFC 3986): what could mean something else is a percent sign and two digits.
pub fn uri_encoded(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' => uri.push(char::from(byte)),
            b'/' | b'-' | b'.' | b'_' | b'~' | b'+' | b',' | b'=' | b'@' => {
                uri.push(char::from(byte));
            }
            // Writing into a string does not fail.
            _ => drop(write!(uri, "%{byte:02X}")),
        }
    }
    uri
}

/// The path without empty names and `.`, `..` taken back.
fn normal(path: &str) -> String {
    let mut names: Vec<&str> = Vec::new();
    for name in path.split('/') {
        match name {
            "" | "." => {}
            ".." if names.last().is_some_and(|last| *last != "..") => drop(names.pop()),
            name => names.push(name),
        }
    }
    let start = if path.starts_with('/') { "/" } else { "" };
    format!("{start}{}", names.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository() -> Repository {
        Repository {
            folder: "/home/build/kiosk/images".into(),
            root: "/home/build/kiosk".into(),
        }
    }

    #[test]
    fn paths_are_named_from_the_root_of_the_repository() {
        let path = |path| repository().path(path);
        assert_eq!(path("a.xml"), "images/a.xml");
        assert_eq!(path("./x/../a.xml"), "images/a.xml");
        assert_eq!(path("../b.xml"), "b.xml");
        assert_eq!(path("/home/build/kiosk/c.xml"), "c.xml");
        assert_eq!(path("/home/build/kiosk2/c.xml"), "/home/build/kiosk2/c.xml");
        assert_eq!(path(".."), ".");
        assert_eq!(path(""), "images");
    }

    #[test]
    fn uris_have_no_character_that_means_something_else() {
        let uri = |path| repository().uri(path);
        assert_eq!(
            uri("ä b/a:b#c?d%.xml"),
            "images/%C3%A4%20b/a%3Ab%23c%3Fd%25.xml"
        );
        assert_eq!(uri("/tmp/<a>.xml"), "file:///tmp/%3Ca%3E.xml");
    }
}
