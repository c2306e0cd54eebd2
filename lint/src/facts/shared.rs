//! Files of one package that share a defect are told of together: a package with forty test-signed files is one finding.

use std::collections::BTreeMap;

use super::{Facts, Product, Signature};

/// How many files a message names.
const NAMED: usize = 4;

/// A part of a signature and what is wrong with it, as the end of a sentence that the file's name begins, with the blank
/// or colon that joins them: `("signer", " is test-signed")`.
pub type Defect = (&'static str, String);

/// Files that share a defect.
#[derive(Debug, Clone)]
pub struct Shared<'a> {
    /// The first of them, that of the cabinet where it is one.
    pub first: &'a Signature,
    /// The others of the same package.
    pub others: Vec<&'a Signature>,
    /// The part of the signature that the defect stands in.
    pub part: &'static str,
    defect: String,
}

impl Shared<'_> {
    /// The finding in one phrase.
    pub fn message(&self) -> String {
        let (title, defect) = (self.first.title(), &self.defect);
        let mut names: Vec<String> = Vec::new();
        for other in &self.others {
            let name = format!("`{}`", other.name());
            if !names.contains(&name) {
                names.push(name);
            }
        }
        match listed(names) {
            None => format!("{title}{defect}"),
            Some(names) => format!("{title}{defect}; likewise {names}"),
        }
    }
}

/// Some names for a sentence, the first four and how many more there are; `None` without names.
pub fn listed(names: impl IntoIterator<Item = String>) -> Option<String> {
    let mut all = names.into_iter();
    let mut names: Vec<String> = all.by_ref().take(NAMED).collect();
    let rest = all.count();
    if rest > 0 {
        names.push(format!("{rest} more"));
    }
    let (last, names) = names.split_last()?;
    Some(match names {
        [] => last.clone(),
        names => format!("{} and {last}", names.join(", ")),
    })
}

impl<'a> Facts<'a> {
    /// The defects that `of` finds in signatures, those of one package and one text together, in the order of the
    /// signatures.
    pub fn shared<D>(&self, of: impl Fn(&'a Signature) -> D) -> Vec<Shared<'a>>
    where
        D: IntoIterator<Item = Defect>,
    {
        shared(self.signatures.iter().copied(), of)
    }

    /// The same for what belongs to a product.
    pub fn shared_in<D>(
        &self,
        product: &Product,
        of: impl Fn(&'a Signature) -> D,
    ) -> Vec<Shared<'a>>
    where
        D: IntoIterator<Item = Defect>,
    {
        shared(self.signatures_of_product(product).into_iter(), of)
    }
}

fn shared<'a, D>(
    signatures: impl Iterator<Item = &'a Signature>,
    of: impl Fn(&'a Signature) -> D,
) -> Vec<Shared<'a>>
where
    D: IntoIterator<Item = Defect>,
{
    let mut places: BTreeMap<(&str, Defect), usize> = BTreeMap::new();
    let mut shared: Vec<Shared<'a>> = Vec::new();
    for signature in signatures {
        for (part, defect) in of(signature) {
            let key = (signature.document(), (part, defect.clone()));
            match places.get(&key).and_then(|place| shared.get_mut(*place)) {
                Some(known) => known.others.push(signature),
                None => {
                    places.insert(key, shared.len());
                    shared.push(Shared {
                        first: signature,
                        others: Vec::new(),
                        part,
                        defect,
                    });
                }
            }
        }
    }
    shared
}
