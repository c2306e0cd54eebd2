//! What is beyond a limit is not looked at, and that is said.

use crate::diagnostic::Place;
use crate::facts::Unreadable;
use crate::files::Targets;

/// Leaves the first `most` of what there is to look at. Where something is left out, the result says so: at the first file
/// left out that the user asked for. `what` names the files for people, in the plural.
pub(crate) fn cut<T>(
    found: &mut Vec<T>,
    most: usize,
    what: &str,
    targets: &Targets,
    path: impl Fn(&T) -> &str,
) -> Option<Unreadable> {
    let left_out = found.split_off(most.min(found.len()));
    let asked = left_out.iter().find(|one| targets.contains(path(one)));
    let first = asked.or(left_out.first())?;
    let all = left_out.len().saturating_add(most);
    let others = match left_out.len().saturating_sub(1) {
        0 => String::new(),
        1 => ", nor is another one".to_owned(),
        more => format!(", nor are {more} others"),
    };
    Some(Unreadable {
        place: Place::binary(path(first), ""),
        kind: None,
        problem: format!("not looked at{others}: there are {all} {what}, and {most} are looked at"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(most: usize, asked: &str) -> (usize, Option<(String, String)>) {
        let mut found = vec!["w/a", "w/b", "w/c", "x/d"];
        let targets = [asked.to_owned()].into_iter().collect();
        let said = cut(&mut found, most, "keys", &targets, |path| path);
        let said = said.map(|said| (said.place.file().to_owned(), said.problem));
        (found.len(), said)
    }

    #[test]
    fn what_is_left_out_is_said_where_the_user_looks() {
        assert_eq!(run(4, "w"), (4, None));
        assert_eq!(run(5, "w"), (4, None));
        let text = "not looked at, nor is another one: there are 4 keys, and 2 are looked at";
        assert_eq!(run(2, "w"), (2, Some(("w/c".into(), text.into()))));
        assert_eq!(run(2, "x"), (2, Some(("x/d".into(), text.into()))));
        assert_eq!(run(2, "y").1.map(|said| said.0), Some("w/c".into()));
        let text = "not looked at: there are 4 keys, and 3 are looked at";
        assert_eq!(run(3, "w").1, Some(("x/d".into(), text.into())));
    }
}
