//! Where a line end of the source is a blank of the text, and where it is nothing (CSS Text, "Segment Break Transformation Rules").

use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};
use unicode_width::UnicodeWidthChar;

/// Does a line end between these two characters go? It does between two wide ones that are no Hangul; between a wide one and a mark that is wide in
/// Japanese text only (… ― “ ①), as is right where the language is Japanese; and beside U+200B. Else it is a space.
pub(super) fn joins(before: char, after: char) -> bool {
    let is_break = |c| c == '\u{200b}';
    is_break(before)
        || is_break(after)
        || is_wide(before) && is_wide(after)
        || is_wide(before) && is_wide_mark(after)
        || is_wide_mark(before) && is_wide(after)
}

/// East Asian Width F, W or H, and no Hangul.
fn is_wide(c: char) -> bool {
    match c {
        '\0'..='\u{10ff}' => false,
        // Most of Japanese; half-width forms, between which stand those of Hangul.
        '\u{3000}'..='\u{303e}'
        | '\u{3041}'..='\u{30ff}'
        | '\u{3400}'..='\u{9fff}'
        | '\u{20a9}'
        | '\u{ff61}'..='\u{ff9f}'
        | '\u{ffe8}'..='\u{ffee}' => true,
        _ => !is_hangul(c) && c.width() == Some(2),
    }
}

fn is_hangul(c: char) -> bool {
    matches!(c,
        '\u{1100}'..='\u{11ff}' | '\u{302e}'..='\u{302f}' | '\u{3131}'..='\u{318e}' | '\u{3200}'..='\u{321e}' | '\u{3260}'..='\u{327e}'
        | '\u{a960}'..='\u{a97c}' | '\u{ac00}'..='\u{d7fb}' | '\u{ffa0}'..='\u{ffdc}')
}

/// East Asian Width A, and no letter: punctuation, a symbol, a number in a circle.
fn is_wide_mark(c: char) -> bool {
    let is_ambiguous = c > '\u{7f}' && c.width() == Some(1) && c.width_cjk() == Some(2);
    is_ambiguous
        && matches!(
            c.general_category_group(),
            GeneralCategoryGroup::Punctuation | GeneralCategoryGroup::Symbol | GeneralCategoryGroup::Number
        )
}
