//! Names that are no settings: how a message shows them, and which setting was probably meant.

use super::settings::SETTINGS;

/// A name from the outside, made safe for one line.
pub(super) fn shown(name: &str) -> String {
    name.chars()
        .take(80)
        .map(|letter| {
            if letter.is_ascii_graphic() {
                letter
            } else {
                '?'
            }
        })
        .collect()
}

/// The key of the most similar setting.
pub(super) fn nearest(key: &str) -> &'static str {
    SETTINGS
        .iter()
        .map(|setting| setting.key)
        .min_by_key(|known| distance(known, key))
        .unwrap_or_default()
}

/// The edit distance of two texts.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().take(100).collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();

    for (row_index, from_letter) in from.chars().enumerate() {
        let mut diagonal = row_index;
        row[0] = row_index + 1;

        for (column, to_letter) in to.iter().enumerate() {
            let change = diagonal + usize::from(from_letter != *to_letter);
            diagonal = row[column + 1];
            row[column + 1] = change.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[to.len()]
}
