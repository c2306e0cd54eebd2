//! The word that was probably meant: help texts name it.

/// Words longer than this are not compared; no identifier of an image is.
const LONGEST: usize = 80;
/// How many letters may differ.
const MOST: usize = 2;

/// The candidate that differs from `word` in the fewest letters, where that is at most two and
/// less than half of the word. The first of equals.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word: Vec<char> = word.chars().take(LONGEST).collect();
    let allowed = word.len().saturating_sub(1).div_ceil(2).min(MOST);
    let mut comparing = Comparing::new(&word, allowed);
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        // A word that is no nearer than the best so far is none.
        let Some(distance) = comparing.distance(candidate).filter(|found| *found >= 1) else {
            continue;
        };
        if best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// A word that others are compared with. The rows of the table are kept from one to the next: a workspace has ten
/// thousand names that a wrong one is compared with.
struct Comparing<'w> {
    word: &'w [char],
    /// Distances above this are not told.
    allowed: usize,
    candidate: Vec<char>,
    /// The last three rows: for so many letters of the word, the distance to so many letters of the candidate.
    rows: [Vec<usize>; 3],
}

impl<'w> Comparing<'w> {
    fn new(word: &'w [char], allowed: usize) -> Self {
        Self {
            word,
            allowed,
            candidate: Vec::new(),
            rows: Default::default(),
        }
    }

    /// Letters to insert, remove, replace or swap with their neighbour, where these are few enough.
    fn distance(&mut self, candidate: &str) -> Option<usize> {
        let Self {
            word,
            allowed,
            candidate: letters,
            rows,
        } = self;
        let (word, allowed) = (*word, *allowed);
        // Every letter has one byte at least.
        if candidate.len().saturating_add(allowed) < word.len() {
            return None;
        }
        letters.clear();
        letters.extend(candidate.chars().take(LONGEST));
        if letters.len().abs_diff(word.len()) > allowed {
            return None;
        }
        let [before, above, current] = rows;
        for row in [&mut *before, above, current] {
            row.clear();
            row.resize(letters.len().saturating_add(1), usize::MAX);
        }
        for (column, cell) in above.iter_mut().enumerate() {
            *cell = column;
        }
        for (row, letter) in word.iter().enumerate() {
            // Cells further from the diagonal than what is allowed are worth more than that.
            let first = row.saturating_sub(allowed);
            let end = row
                .saturating_add(allowed)
                .saturating_add(1)
                .min(letters.len());
            current.fill(usize::MAX);
            let next = row.saturating_add(1);
            if let Some(cell) = current.first_mut().filter(|_| next <= allowed) {
                *cell = next;
            }
            let mut least = current.first().copied().unwrap_or(usize::MAX);
            for (column, other) in letters.iter().enumerate().take(end).skip(first) {
                let cell = |line: &[usize], at: usize| line.get(at).copied().unwrap_or(usize::MAX);
                let next = column.saturating_add(1);
                let replaced = cell(above, column).saturating_add(usize::from(letter != other));
                let inserted = cell(current, column).saturating_add(1);
                let removed = cell(above, next).saturating_add(1);
                let mut best = replaced.min(inserted).min(removed);
                if let (Some(up), Some(left)) = (row.checked_sub(1), column.checked_sub(1))
                    && word.get(up) == Some(other)
                    && letters.get(left) == Some(letter)
                {
                    best = best.min(cell(before, left).saturating_add(1));
                }
                if let Some(cell) = current.get_mut(next) {
                    *cell = best;
                }
                least = least.min(best);
            }
            // A swap reaches back over one row, so two must be too far.
            let above_least = above.iter().copied().min().unwrap_or(usize::MAX);
            if least > allowed && above_least > allowed {
                return None;
            }
            std::mem::swap(before, above);
            std::mem::swap(above, current);
        }
        let found = above.last().copied().unwrap_or(usize::MAX);
        (found <= allowed).then_some(found)
    }
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

    /// The whole table, as textbooks have it.
    fn plain(word: &[char], candidate: &[char]) -> usize {
        let mut table = vec![vec![0; candidate.len() + 1]; word.len() + 1];
        for i in 0..=word.len() {
            for j in 0..=candidate.len() {
                table[i][j] = if i == 0 || j == 0 {
                    i + j
                } else {
                    let replaced =
                        table[i - 1][j - 1] + usize::from(word[i - 1] != candidate[j - 1]);
                    replaced.min(table[i - 1][j] + 1).min(table[i][j - 1] + 1)
                };
                if i > 1
                    && j > 1
                    && word[i - 1] == candidate[j - 2]
                    && word[i - 2] == candidate[j - 1]
                {
                    table[i][j] = table[i][j].min(table[i - 2][j - 2] + 1);
                }
            }
        }
        table[word.len()][candidate.len()]
    }

    #[test]
    fn short_cuts_give_what_the_whole_table_gives() {
        let mut words = vec![String::new()];
        for length in 0..5 {
            let longer: Vec<String> = words
                .iter()
                .filter(|word| word.chars().count() == length)
                .flat_map(|word| ["a", "b", "ü"].map(|letter| format!("{word}{letter}")))
                .collect();
            words.extend(longer);
        }
        words.extend(["abcdefgh", "abdcefhg", "abcdefghij", "zzabcdefgh"].map(str::to_owned));
        for word in &words {
            let letters: Vec<char> = word.chars().collect();
            for allowed in 0..=MOST {
                let mut comparing = Comparing::new(&letters, allowed);
                for candidate in &words {
                    let other: Vec<char> = candidate.chars().collect();
                    let expected = Some(plain(&letters, &other)).filter(|found| *found <= allowed);
                    assert_eq!(
                        comparing.distance(candidate),
                        expected,
                        "{word} {candidate} {allowed}"
                    );
                }
            }
        }
    }
}
