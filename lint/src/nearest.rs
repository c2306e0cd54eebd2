//! The word that was probably meant: help texts name it.

/// Words longer than this are not compared; no identifier of an image is.
const LONGEST: usize = 80;

/// The candidate that differs from `word` in the fewest letters, where that is at most two and
/// less than half of the word. The first of equals.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word: Vec<char> = word.chars().take(LONGEST).collect();
    let allowed = word.len().saturating_sub(1).div_ceil(2).min(2);
    let ranked = candidates
        .into_iter()
        .map(|candidate| (distance(&word, candidate), candidate));
    let within = ranked.filter(|(distance, _)| (1..=allowed).contains(distance));
    within
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Letters to insert, remove, replace or swap with their neighbour.
fn distance(word: &[char], candidate: &str) -> usize {
    let candidate: Vec<char> = candidate.chars().take(LONGEST).collect();
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=candidate.len()).collect();
    for (row, letter) in word.iter().enumerate() {
        let mut current = vec![row.saturating_add(1)];
        for (column, other) in candidate.iter().enumerate() {
            let cell = |line: &[usize], at: usize| line.get(at).copied().unwrap_or(usize::MAX);
            let next = column.saturating_add(1);
            let replaced = cell(&above, column).saturating_add(usize::from(letter != other));
            let inserted = cell(&current, column).saturating_add(1);
            let removed = cell(&above, next).saturating_add(1);
            let mut best = replaced.min(inserted).min(removed);
            let previous = |at: usize| at.checked_sub(1);
            if let (Some(up), Some(left)) = (previous(row), previous(column))
                && word.get(up) == Some(other)
                && candidate.get(left) == Some(letter)
            {
                best = best.min(cell(&before, left).saturating_add(1));
            }
            current.push(best);
        }
        before = std::mem::replace(&mut above, current);
    }
    above.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_hand_is_recognised() {
        let known = ["IOT_POWER_SETTINGS", "IOT_EFIESP", "IOT_SSH"];
        assert_eq!(
            nearest("IOT_POWER_SETIINGS", known),
            Some("IOT_POWER_SETTINGS")
        );
        assert_eq!(nearest("IOT_EFEISP", known), Some("IOT_EFIESP"));
        assert_eq!(
            nearest("IOT_SSH", known),
            None,
            "the word itself is no hint"
        );
        assert_eq!(nearest("IOT_UAP_OOBE", known), None);
        assert_eq!(nearest("ab", ["xy"]), None);
        assert_eq!(nearest("", ["x"]), None);
    }

    #[test]
    fn neighbours_in_the_wrong_order_are_one_slip() {
        let letters: Vec<char> = "abcd".chars().collect();
        assert_eq!(distance(&letters, "abdc"), 1);
        assert_eq!(distance(&letters, "abcd"), 0);
        assert_eq!(distance(&letters, ""), 4);
        assert_eq!(distance(&[], "ab"), 2);
    }
}
