//! Is a sentence prose, a quotation, or an item of a list?

use std::ops::Range;

use crate::keigo::alphabet::Class;
use crate::keigo::items::Items;
use crate::keigo::marks::Marks;
use crate::keigo::style::Style;

/// Do the brackets around the words quote them (「…」), or are they parentheses, as around the title of an article?
pub(super) fn is_quotation(marks: &Marks, text: &str, items: Items<'_>) -> bool {
    let bracket = items.quoted.iter().position(|quoted| *quoted);
    bracket.is_some_and(|i| marks.is_quote(items.surface(text, i, i + 1)))
}

/// A list item (bullet or number first), a Markdown heading, a line of marks, or a fragment that fills its line without a mark.
pub(super) fn is_listed(marks: &Marks, text: &str, sentence: Range<u32>, items: Items<'_>, style: Style) -> bool {
    let (start, end) = (sentence.start, sentence.end);
    let line_start = start == 0 || text.as_bytes().get(start as usize - 1) == Some(&b'\n');
    if line_start && begins_item(marks, text, end, items) {
        return true;
    }
    let wordless = items.symbols.iter().all(|symbol| matches!(symbol.class, Class::Mark | Class::Comma | Class::Open | Class::Close));
    let line_end = text.as_bytes().get((end as usize).saturating_sub(1)) == Some(&b'\n');
    let unmarked = items.last().is_some_and(|last| last.class != Class::Mark);
    wordless || (line_start && line_end && unmarked && style == Style::Fragment)
}

/// Is the first morpheme a bullet, or the beginning of a number of a list item?
fn begins_item(marks: &Marks, text: &str, end: u32, items: Items<'_>) -> bool {
    let start = items.starts.first().copied().unwrap_or(end);
    marks.is_bullet(items.surface(text, 0, 1).chars().next()) || is_numbered(text.get(start as usize..end as usize).unwrap_or(""))
}

/// `1.`, `（2）`, `3)`: a number and a mark first.
fn is_numbered(sentence: &str) -> bool {
    let rest = sentence.trim_start_matches(['(', '（']);
    let after = rest.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '０'..='９'));
    after.len() < rest.len()
        && after.starts_with(['.', '．', ')', '）'])
        && !after.get(1..).is_some_and(|after| after.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_list_items() {
        assert!(is_numbered("1. はじめに") && is_numbered("（２）目的") && is_numbered("10)次"));
        assert!(!is_numbered("3.14は円周率") && !is_numbered("2024年") && !is_numbered("．") && !is_numbered(""));
    }
}
