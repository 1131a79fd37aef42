//! Is a sentence prose, a quotation, or an item of a list?

use std::ops::Range;

use crate::keigo::alphabet::Class;
use crate::keigo::marks::Marks;
use crate::keigo::scene::Item;
use crate::keigo::style::Style;

/// Do the brackets around the words quote them (「…」), or are they parentheses, as around the title of an article?
pub(super) fn is_quotation(marks: &Marks, text: &str, items: &[Item]) -> bool {
    let bracket = items.iter().find(|item| item.quoted).and_then(|item| text.get(item.start as usize..item.end as usize));
    bracket.is_some_and(|bracket| marks.is_quote(bracket))
}

/// A list item (bullet or number first), a Markdown heading, a line of marks, or a fragment that fills its line without a mark.
pub(super) fn is_listed(marks: &Marks, text: &str, sentence: Range<u32>, items: &[Item], style: Style) -> bool {
    let (start, end) = (sentence.start, sentence.end);
    let line_start = start == 0 || text.as_bytes().get(start as usize - 1) == Some(&b'\n');
    if line_start && begins_item(marks, text, end, items[0]) {
        return true;
    }
    let wordless = items.iter().all(|item| matches!(item.symbol.class, Class::Mark | Class::Comma | Class::Open | Class::Close));
    let line_end = text.as_bytes().get((end as usize).saturating_sub(1)) == Some(&b'\n');
    let unmarked = items.last().is_some_and(|item| item.symbol.class != Class::Mark);
    wordless || (line_start && line_end && unmarked && style == Style::Fragment)
}

/// Is the first morpheme a bullet, or the beginning of a number of a list item?
fn begins_item(marks: &Marks, text: &str, end: u32, first: Item) -> bool {
    let head = text.get(first.start as usize..first.end as usize).unwrap_or("");
    marks.is_bullet(head.chars().next()) || is_numbered(text.get(first.start as usize..end as usize).unwrap_or(""))
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
