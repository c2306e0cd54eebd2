//! A document together with the text it was read from, so that whatever is found in it has a place.

use std::ops::Deref;
use std::sync::Arc;

use formats::document::boot_configuration::BootConfiguration;
use formats::document::customizations::Customizations;
use formats::document::device_layout::{DeviceLayout, OemDevicePlatform};
use formats::document::feature_manifest::FeatureManifest;
use formats::document::fm_file_list::FmFileList;
use formats::document::oem_input::OemInput;
use formats::document::parts::{Comment, Item, List, Root, Unexpected};
use formats::document::pkg_xml::PkgXml;
use formats::document::product_settings::ProductSettings;
use formats::document::si_policy::SiPolicyDocument;
use formats::document::wm_xml::WmXml;
use formats::document::workspace_settings::WorkspaceSettings;
use formats::source::{Source, Span, Spanned};

use crate::diagnostic::{Fix, Place};
use crate::files;

/// A document that was read. It stands for the document itself: `file.release_type` is the document's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File<T> {
    /// The text, whose name is the file's path.
    pub source: Arc<Source>,
    /// What the text says.
    pub document: T,
}

impl<T> Deref for File<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.document
    }
}

impl<T> File<T> {
    /// The file's path.
    pub fn path(&self) -> &str {
        self.source.name()
    }

    /// The file's name without its folder.
    pub fn name(&self) -> &str {
        files::name_of(self.path())
    }

    /// The folder the file is in.
    pub fn folder(&self) -> &str {
        files::folder_of(self.path())
    }

    /// A stretch of the text.
    pub fn place(&self, span: Span, route: impl Into<String>) -> Place {
        Place::text(&self.source, span, route)
    }

    /// A value, e.g. `file.value(release_type, "OEMInput/ReleaseType")`.
    pub fn value<V>(&self, value: &Spanned<V>, route: impl Into<String>) -> Place {
        self.place(value.span, route)
    }

    /// The text of a list's member, or the whole element where it is empty.
    pub fn item(&self, item: &Item) -> Place {
        let span = item.text.span;
        let span = if span.start < span.end {
            span
        } else {
            item.element
        };
        self.place(span, item.route.clone())
    }

    /// The start tag of a list: the place of a member that is missing. `None` where the document has no such list.
    pub fn list(&self, list: &List, route: impl Into<String>) -> Option<Place> {
        let element = list.element?;
        let end = list.content.map_or(element.end, |content| content.start);
        let span = Span {
            start: element.start,
            end,
        };
        Some(self.place(span, route))
    }

    /// Comments an element out that must not be there; see [`Fix::comment_out`].
    pub fn comment_out(&self, element: Span, what: &str) -> Option<Fix> {
        let title = format!("comment `{what}` out");
        Fix::comment_out(title, &self.place(element, ""), &self.source)
    }

    /// The element whose whole content is this value, tags included.
    pub fn element_of<V>(&self, value: &Spanned<V>) -> Option<Span> {
        let text = self.source.text();
        let start = text.get(..value.span.start)?.rfind('<')?;
        let behind = text.get(value.span.end..)?;
        let length = behind.find('>')?.checked_add(1)?;
        let tags = text.get(start..value.span.start)?.trim_end();
        let is_whole = tags.ends_with('>') && behind.trim_start().starts_with("</");
        let end = value.span.end.checked_add(length)?;
        is_whole.then_some(Span { start, end })
    }

    /// A list's member with its tags, which is what a fix comments out.
    pub fn element(&self, item: &Item) -> Place {
        self.place(item.element, item.route.clone())
    }
}

impl<T: XmlDocument> File<T> {
    /// The name of the root in its start tag: the place of what is missing.
    pub fn root_place(&self) -> Place {
        let root = self.document.root();
        self.place(root.name.span, root.name.value.clone())
    }
}

/// What every XML document has, for rules that look at all of them alike.
pub trait XmlDocument {
    /// The root as it stands.
    fn root(&self) -> &Root;
    /// All comments in order.
    fn comments(&self) -> &[Comment];
    /// What the schema does not have.
    fn unexpected(&self) -> &[Unexpected];
}

macro_rules! xml_documents {
    ($($document:ty),+ $(,)?) => {
        $(impl XmlDocument for $document {
            fn root(&self) -> &Root {
                &self.root
            }

            fn comments(&self) -> &[Comment] {
                &self.comments
            }

            fn unexpected(&self) -> &[Unexpected] {
                &self.unexpected
            }
        })+
    };
}

xml_documents!(
    BootConfiguration,
    Customizations,
    DeviceLayout,
    FeatureManifest,
    FmFileList,
    OemDevicePlatform,
    OemInput,
    PkgXml,
    ProductSettings,
    SiPolicyDocument,
    WmXml,
    WorkspaceSettings,
);
