//! How elements become typed parts, whatever the document.

use crate::document::parts::{List, UnexpectedKind};
use crate::document::reader::{Reader, Slot, read};
use crate::source::Source;

/// Reads with `test`, which gets the reader, the root and the source.
fn with_reader(text: &str, test: impl FnOnce(Reader<'_>, &Source)) {
    let source = Source::new("a.xml", text, 0);
    read(&source, |reader| test(reader, &source)).unwrap();
}

#[test]
fn text_is_trimmed_and_its_place_too() {
    let cases = [
        ("<a>\r\n  b &amp; c \r\n</a>", "b & c", "b &amp; c"),
        ("<a> b<!-- c -->d </a>", "bd", "b<!-- c -->d"),
        ("<a><![CDATA[ <b> ]]></a>", "<b>", "<![CDATA[ <b> ]]>"),
        ("<a></a>", "", ""),
        ("<a>  </a>", "", ""),
        ("<a/>", "", "<a/>"),
        ("<a x='/'><b>inner</b></a>", "", "<b>inner</b>"),
    ];
    for (text, value, raw) in cases {
        with_reader(text, |reader, source| {
            let text = reader.text(reader.root().node);
            assert_eq!((text.value.as_str(), source.slice(text.span)), (value, raw));
        });
    }
}

#[test]
fn attribute_places_leave_the_quotes_out() {
    let long = "n".repeat(70_000);
    let text = format!("<a {long} = '1' b\n=\n\"&quot;2\" c='' xml:d='3'/>");
    with_reader(&text, |reader, source| {
        let attributes = reader.attributes(&reader.root());
        let raw: Vec<_> = attributes
            .iter()
            .map(|a| source.slice(a.value.span))
            .collect();
        assert_eq!(raw, ["1", "&quot;2", ""]);
        assert_eq!(attributes[1].value.value, "\"2");
        assert_eq!(source.slice(attributes[1].name.span), "b");
    });
}

#[test]
fn routes_number_equal_names_and_list_members() {
    with_reader("<a><b/><c/><b><d/></b></a>", |mut reader, _| {
        let root = reader.root();
        let children = reader.children(&root);
        let routes: Vec<_> = children.iter().map(|child| child.route.as_str()).collect();
        assert_eq!(routes, ["a/b[1]", "a/c", "a/b[2]"]);
        let members = reader.members(&children[2], "d");
        assert_eq!(members[0].route, "a/b[2]/d[1]");
    });
}

#[test]
fn what_was_not_expected_is_kept_in_order() {
    let text = "<a z='1'><v>1</v><v>2</v><n:v xmlns:n='n'/><w/><l><m/><o/></l></a>";
    with_reader(text, |mut reader, source| {
        let root = reader.root();
        let (mut value, mut list) = (None, List::default());
        let slots = &mut [
            ("v", Slot::Value(&mut value)),
            ("l", Slot::List(&mut list, "m")),
        ];
        reader.fill_all(&root, slots);
        assert_eq!(value.unwrap().value, "1");
        assert_eq!(source.slice(list.content.unwrap()), "<m/><o/>");
        let (_, unexpected) = reader.finish();
        let found: Vec<_> = unexpected
            .iter()
            .map(|u| (u.kind, source.slice(u.span), u.parent.as_str()))
            .collect();
        let expected = [
            (UnexpectedKind::Attribute, "z='1'", "a"),
            (UnexpectedKind::Repeated, "<v>2</v>", "a"),
            (UnexpectedKind::Element, "<n:v xmlns:n='n'/>", "a"),
            (UnexpectedKind::Element, "<w/>", "a"),
            (UnexpectedKind::Element, "<o/>", "a/l"),
        ];
        assert_eq!(found, expected);
    });
}

#[test]
fn comments_have_their_text_and_their_whole() {
    with_reader(
        "<!--a--><b><!-- Feature>X</Feature --></b>",
        |reader, source| {
            let (comments, _) = reader.finish();
            let texts: Vec<_> = comments.iter().map(|c| c.text.value.as_str()).collect();
            assert_eq!(texts, ["a", " Feature>X</Feature "]);
            assert_eq!(source.slice(comments[0].span), "<!--a-->");
        },
    );
}
