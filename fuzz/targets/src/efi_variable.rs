//! Secure-boot variables: the certificate in front, the lists behind it.

use formats::container::efi_variable::{ATTRIBUTES, EfiVariable, Variable};

pub(crate) fn run(input: &[u8]) {
    let Ok(mut variable) = EfiVariable::parse(input.to_vec()) else {
        return;
    };
    let (der, offset) = variable.signature();
    let start = offset as usize;
    assert_eq!(input.get(start..start + der.len()), Some(der));
    // The lists lie behind the signature, one behind the other, up to the end.
    let mut end = offset + der.len() as u64;
    for list in variable.lists() {
        assert_eq!(list.place.start, end);
        end = list.place.end;
        for entry in &list.entries {
            let start = entry.offset as usize;
            assert_eq!(
                input.get(start..start + entry.data.len()),
                Some(&*entry.data)
            );
        }
    }
    assert_eq!(end, input.len() as u64);
    let _ = (variable.time().to_string(), variable.canonical_faults());
    for kind in Variable::ALL {
        variable.assume(Some(kind));
        let message = variable.message(kind, ATTRIBUTES);
        assert!(message.ends_with(&input[start + variable.signature().0.len()..]));
    }
}
