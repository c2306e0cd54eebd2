use super::*;

fn unpacking(folder: &tempfile::TempDir) -> Unpacking {
    Unpacking::new(folder.path().to_owned(), 1000)
}

#[test]
fn names_lead_nowhere_and_are_taken_by_windows() {
    for good in [
        "a",
        "./a",
        "a/b.xml",
        "ä/ö.xml",
        ".git/x",
        "console",
        "a/comma",
    ] {
        assert!(parts(good).is_ok(), "{good}");
    }
    let deep = "a/".repeat(DEEPEST) + "a";
    let long = "n".repeat(LONGEST_NAME + 1);
    for bad in [
        "", ".", "..", "a/..", "../a", "a/../b", "/a", "a//b", "C:/a", "c:a", r"a\b", r"..\a",
        "a\0b", "a\nb", "a.", "a ", "a/b./c", "con", "Nul.txt", "a/COM1", "aux .c", "a?", &deep,
        &long,
    ] {
        assert!(matches!(parts(bad), Err(ArchiveError::Name(_))), "{bad:?}");
    }
}

#[test]
fn two_members_that_are_one_on_windows_are_refused() {
    let cases: [(&[&str], &str); 6] = [
        (&["a"], "a"),
        (&["A/b.xml"], "a/B.XML"),
        (&["a"], "A/b"),
        (&["a/b"], "A"),
        (&["a/"], "A"),
        (&["Ä"], "ä"),
    ];
    for (first, second) in cases {
        let folder = tempfile::tempdir().unwrap();
        let mut unpacking = unpacking(&folder);
        for name in first {
            match name.ends_with('/') {
                true => unpacking.folder(name).unwrap(),
                false => unpacking.file(name, &mut &b"x"[..]).unwrap(),
            }
        }
        let again = unpacking.file(second, &mut &b"x"[..]);
        assert!(
            matches!(again, Err(ArchiveError::Twice(_))),
            "{second}: {again:?}"
        );
    }
    let folder = tempfile::tempdir().unwrap();
    let mut unpacking = unpacking(&folder);
    unpacking.file("a", &mut &b"x"[..]).unwrap();
    assert!(matches!(
        unpacking.folder("A/"),
        Err(ArchiveError::Twice(_))
    ));
}

#[test]
fn so_many_members_and_bytes_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let mut many = unpacking(&folder);
    many.members = MOST_MEMBERS - 1;
    many.folder("a/").unwrap();
    assert!(matches!(many.folder("b/"), Err(ArchiveError::TooMuch(_))));
    let folder = tempfile::tempdir().unwrap();
    let mut large = unpacking(&folder);
    large.file("a", &mut &[0; 600][..]).unwrap();
    let more = large.file("b", &mut io::repeat(0));
    assert!(matches!(more, Err(ArchiveError::TooMuch(_))), "{more:?}");
}

#[test]
fn a_tar_is_read_as_far_as_it_may_go() {
    let folder = tempfile::tempdir().unwrap();
    // A member that is skipped costs time all the same.
    let mut head = ::tar::Header::new_gnu();
    head.set_entry_type(::tar::EntryType::XGlobalHeader);
    head.set_path("x").unwrap();
    head.set_size(1 << 40);
    head.set_cksum();
    let endless = io::Read::chain(&head.as_bytes()[..], io::repeat(0));
    let read = tar::unpack(&mut unpacking(&folder), endless, 1000);
    assert!(matches!(read, Err(ArchiveError::TooMuch(_))), "{read:?}");
}
