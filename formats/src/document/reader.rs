//! Reads elements into typed parts and keeps account of everything that was not expected.

use std::sync::Arc;

use roxmltree::{Attribute as XmlAttribute, Document, Node};

use super::error::DocumentError;
use super::parts::{Attribute, Comment, Item, List, Root, Unexpected, UnexpectedKind};
use super::xml;
use crate::source::{Source, Span, Spanned};

/// An element and its symbolic place.
#[derive(Debug, Clone)]
pub(super) struct Element<'a> {
    pub(super) node: Node<'a, 'a>,
    pub(super) route: String,
}

impl<'a> Element<'a> {
    /// Local name.
    pub(super) fn name(&self) -> &'a str {
        self.node.tag_name().name()
    }

    /// Place of the whole element.
    pub(super) fn span(&self) -> Span {
        self.node.range().into()
    }
}

/// Where a child element goes.
pub(super) enum Slot<'s> {
    /// A text that may stand once.
    Value(&'s mut Option<Spanned<String>>),
    /// A list of text elements of this name.
    List(&'s mut List, &'static str),
}

/// Reads one document.
pub(super) struct Reader<'a> {
    source: &'a Source,
    root: Node<'a, 'a>,
    /// Collected by [`Reader::unexpected`] and its callers.
    unexpected: Vec<Unexpected>,
}

impl<'a> Reader<'a> {
    /// A reader of `document`, which was parsed from `source`.
    pub(super) fn new(source: &'a Source, document: &'a Document<'a>) -> Self {
        Self {
            source,
            root: document.root_element(),
            unexpected: Vec::new(),
        }
    }

    /// The root element.
    pub(super) fn root(&self) -> Element<'a> {
        Element {
            node: self.root,
            route: self.root.tag_name().name().to_owned(),
        }
    }

    /// The root element as a value.
    pub(super) fn root_value(&self) -> Root {
        Root {
            name: self.element_name(self.root),
            namespace: self.root.tag_name().namespace().map(str::to_owned),
            element: self.root.range().into(),
        }
    }

    /// All comments, and what was not expected in the order of the text; ends the reading.
    pub(super) fn finish(mut self) -> (Vec<Comment>, Vec<Unexpected>) {
        self.unexpected.sort_by_key(|unexpected| unexpected.span);
        let mut comments: Vec<Comment> = Vec::new();
        // The comments of each parent that no element has followed yet, by their place among all.
        let mut waiting = std::collections::HashMap::<_, Vec<usize>>::new();
        for node in self.root.document().descendants() {
            let parent = node.parent().map(|parent| parent.id());
            if node.is_element() {
                for number in waiting.remove(&parent).unwrap_or_default() {
                    if let Some(comment) = comments.get_mut(number) {
                        comment.next = Some(node.range().into());
                    }
                }
            } else if node.is_comment() {
                let span = Span::from(node.range());
                let start = span.start.saturating_add("<!--".len());
                let end = span.end.saturating_sub("-->".len());
                waiting.entry(parent).or_default().push(comments.len());
                comments.push(Comment {
                    text: self.spanned(Span { start, end }),
                    span,
                    next: None,
                });
            }
        }
        (comments, self.unexpected)
    }

    /// The child elements in their parent's namespace with their places; others are reported as unexpected.
    pub(super) fn children(&mut self, parent: &Element<'a>) -> Vec<Element<'a>> {
        let mut totals = std::collections::HashMap::<&str, usize>::new();
        for node in parent.node.children().filter(Node::is_element) {
            let total = totals.entry(node.tag_name().name()).or_default();
            *total = total.saturating_add(1);
        }
        let mut seen = std::collections::HashMap::<&str, usize>::new();
        let mut children = Vec::new();
        for node in parent.node.children().filter(Node::is_element) {
            let name = node.tag_name().name();
            let number = seen.entry(name).or_default();
            *number = number.saturating_add(1);
            // A single element needs no number; members of lists get theirs from `list`.
            let only = totals.get(name).is_none_or(|total| *total == 1);
            let route = match only {
                true => format!("{}/{name}", parent.route),
                false => format!("{}/{name}[{number}]", parent.route),
            };
            let child = Element { node, route };
            if node.tag_name().namespace() == parent.node.tag_name().namespace() {
                children.push(child);
            } else {
                self.unexpected(&child, parent);
            }
        }
        children
    }

    /// The children of `parent` that are called `member`, always numbered; others are unexpected.
    pub(super) fn members(&mut self, parent: &Element<'a>, member: &str) -> Vec<Element<'a>> {
        let mut number = 0_usize;
        let mut members = Vec::new();
        for mut child in self.children(parent) {
            if child.name() == member {
                number = number.saturating_add(1);
                child.route = format!("{}/{member}[{number}]", parent.route);
                members.push(child);
            } else {
                self.unexpected(&child, parent);
            }
        }
        members
    }

    /// Sets a value that may stand once.
    pub(super) fn value(
        &mut self,
        slot: &mut Option<Spanned<String>>,
        element: &Element<'a>,
        parent: &Element<'a>,
    ) {
        if slot.is_some() {
            self.note(UnexpectedKind::Repeated, element, parent);
            return;
        }
        *slot = Some(self.leaf(element));
    }

    /// The trimmed text of an element that should hold nothing but text.
    pub(super) fn leaf(&mut self, element: &Element<'a>) -> Spanned<String> {
        for child in self.children(element) {
            self.unexpected(&child, element);
        }
        self.known_attributes(element, &[]);
        self.text(element.node)
    }

    /// Reads a list of text elements into `list`; a repeated list element adds to it and is reported.
    pub(super) fn list(
        &mut self,
        list: &mut List,
        element: &Element<'a>,
        parent: &Element<'a>,
        member: &str,
    ) {
        if list.element.is_some() {
            self.note(UnexpectedKind::Repeated, element, parent);
        } else {
            list.element = Some(element.span());
            list.content = self.content(element.node);
        }
        self.known_attributes(element, &[]);
        for child in self.members(element, member) {
            let item = self.item(&child);
            list.items.push(item);
        }
    }

    /// Reads the children of `parent` into their slots and returns those that have none.
    pub(super) fn fill(
        &mut self,
        parent: &Element<'a>,
        slots: &mut [(&str, Slot<'_>)],
    ) -> Vec<Element<'a>> {
        let mut rest = self.children(parent);
        rest.retain(|child| {
            let name = child.name();
            match slots.iter_mut().find(|(known, _)| *known == name) {
                Some((_, Slot::Value(slot))) => self.value(slot, child, parent),
                Some((_, Slot::List(list, member))) => self.list(list, child, parent, member),
                None => return true,
            }
            false
        });
        rest
    }

    /// Reads an element that has no attributes and nothing but `slots`.
    pub(super) fn fill_all(&mut self, parent: &Element<'a>, slots: &mut [(&str, Slot<'_>)]) {
        self.known_attributes(parent, &[]);
        for child in self.fill(parent, slots) {
            self.unexpected(&child, parent);
        }
    }

    /// A text element as a member of a list.
    pub(super) fn item(&mut self, element: &Element<'a>) -> Item {
        Item {
            text: self.leaf(element),
            element: element.span(),
            route: element.route.clone(),
        }
    }

    /// An attribute's value.
    pub(super) fn attribute(&self, element: &Element<'a>, name: &str) -> Option<Spanned<String>> {
        let attribute = element.node.attribute_node(name)?;
        Some(self.attribute_value(&attribute))
    }

    /// An attribute's value, for many to have.
    pub(super) fn shared_attribute(
        &self,
        element: &Element<'a>,
        name: &str,
    ) -> Option<Spanned<Arc<str>>> {
        let Spanned { value, span } = self.attribute(element, name)?;
        let value = value.into();
        Some(Spanned { value, span })
    }

    /// An attribute with its name.
    pub(super) fn named_attribute(&self, element: &Element<'a>, name: &str) -> Option<Attribute> {
        let attribute = element.node.attribute_node(name)?;
        Some(self.whole_attribute(&attribute))
    }

    /// All attributes without a namespace.
    pub(super) fn attributes(&self, element: &Element<'a>) -> Vec<Attribute> {
        let own = element.node.attributes();
        own.filter(|a| a.namespace().is_none())
            .map(|a| self.whole_attribute(&a))
            .collect()
    }

    /// Reports attributes without a namespace that are not among `known`.
    pub(super) fn known_attributes(&mut self, element: &Element<'a>, known: &[&str]) {
        for attribute in element.node.attributes() {
            if attribute.namespace().is_none() && !known.contains(&attribute.name()) {
                let unexpected = Unexpected {
                    kind: UnexpectedKind::Attribute,
                    name: self.attribute_name(&attribute),
                    span: attribute.range().into(),
                    parent: element.route.clone(),
                };
                self.unexpected.push(unexpected);
            }
        }
    }

    /// Reports an element that the schema does not have below `parent`.
    pub(super) fn unexpected(&mut self, element: &Element<'a>, parent: &Element<'a>) {
        self.note(UnexpectedKind::Element, element, parent);
    }

    /// Reports an element.
    pub(super) fn note(
        &mut self,
        kind: UnexpectedKind,
        element: &Element<'a>,
        parent: &Element<'a>,
    ) {
        let unexpected = Unexpected {
            kind,
            name: self.element_name(element.node),
            span: element.span(),
            parent: parent.route.clone(),
        };
        self.unexpected.push(unexpected);
    }

    /// An element's text with blanks around it left out; text inside child elements does not count.
    pub(super) fn text(&self, node: Node<'a, 'a>) -> Spanned<String> {
        let kept = self.text_with_blanks(node);
        let raw = self.source.slice(kept.span);
        let leading = raw.len().saturating_sub(raw.trim_start().len());
        let start = kept.span.start.saturating_add(leading);
        Spanned {
            value: kept.value.trim().to_owned(),
            span: Span::from(start..start.saturating_add(raw.trim().len())),
        }
    }

    /// An element's text as it stands.
    pub(super) fn text_with_blanks(&self, node: Node<'a, 'a>) -> Spanned<String> {
        let texts = node.children().filter(Node::is_text);
        Spanned {
            value: texts.filter_map(|text| text.text()).collect(),
            span: self.content(node).unwrap_or(node.range().into()),
        }
    }

    /// What stands between an element's tags; `None` for `<a/>`.
    pub(super) fn content(&self, node: Node<'a, 'a>) -> Option<Span> {
        let whole = Span::from(node.range());
        let end = self.source.slice(whole).rfind("</")?;
        let end = whole.start.saturating_add(end);
        let first = node.first_child();
        if first.is_none() && self.source.slice(whole).ends_with("/>") {
            return None;
        }
        let start = first.map_or(end, |child| child.range().start);
        Some(Span { start, end })
    }

    /// An element's local name with its place.
    pub(super) fn name(&self, element: &Element<'a>) -> Spanned<String> {
        self.element_name(element.node)
    }

    /// An element's local name with the place of its qualified name.
    fn element_name(&self, node: Node<'a, 'a>) -> Spanned<String> {
        let start = node.range().start.saturating_add(1);
        let rest = self.source.text().get(start..).unwrap_or_default();
        let length = xml::qualified_name(rest).len();
        Spanned {
            value: node.tag_name().name().to_owned(),
            span: Span::from(start..start.saturating_add(length)),
        }
    }

    fn whole_attribute(&self, attribute: &XmlAttribute<'a, 'a>) -> Attribute {
        Attribute {
            name: self.attribute_name(attribute),
            value: self.attribute_value(attribute),
        }
    }

    fn attribute_name(&self, attribute: &XmlAttribute<'a, 'a>) -> Spanned<String> {
        Spanned {
            value: attribute.name().to_owned(),
            span: attribute.range_qname().into(),
        }
    }

    /// The parser's own range of a value is wrong after very long names, so the quotes are looked for.
    fn attribute_value(&self, attribute: &XmlAttribute<'a, 'a>) -> Spanned<String> {
        let whole = Span::from(attribute.range());
        let opening = self.source.slice(whole).find(['"', '\'']);
        let ahead = opening.map_or(0, |index| index.saturating_add(1));
        Spanned {
            value: attribute.value().to_owned(),
            span: Span {
                start: whole.start.saturating_add(ahead),
                end: whole.end.saturating_sub(1),
            },
        }
    }

    /// The text of a span with its place.
    fn spanned(&self, span: Span) -> Spanned<String> {
        Spanned {
            value: self.source.slice(span).to_owned(),
            span,
        }
    }
}

/// Parses and hands a reader to `read`, which returns the document.
pub(super) fn read<T>(
    source: &Source,
    read: impl FnOnce(Reader<'_>) -> T,
) -> Result<T, DocumentError> {
    let document = xml::parse(source)?;
    Ok(read(Reader::new(source, &document)))
}
