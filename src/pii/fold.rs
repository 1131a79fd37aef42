//! Characters as the rules see them: full-width forms are ASCII, every dash is `-`, every blank is a space. One character stays one
//! character, so places in the text stay true. Only the surroundings of a digit or another anchor are looked at in this way.

/// Capacity of the fixed buffers of [`left_of`]: a label stands near.
const WINDOW: usize = 48;

/// The folded form of a character. The prolonged sound mark ー stays: it is a dash between digits only.
pub(super) fn fold(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe63}' | '\u{2500}' | '\u{2501}' | '\u{fe58}' => '-',
        '\u{3000}' | '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' => ' ',
        'ｰ' => 'ー',
        '﹫' => '@',
        _ => c,
    }
}

/// The folded character at byte `at`, and the byte behind it.
pub(super) fn next(text: &str, at: usize) -> Option<(char, usize)> {
    let c = text.get(at..)?.chars().next()?;
    Some((fold(c), at + c.len_utf8()))
}

/// The folded character that ends at byte `at`, and the byte where it starts.
pub(super) fn previous(text: &str, at: usize) -> Option<(char, usize)> {
    let c = text.get(..at)?.chars().next_back()?;
    Some((fold(c), at - c.len_utf8()))
}

/// Behind the spaces at `at`, of which there may be `most`.
pub(super) fn skip_spaces(text: &str, mut at: usize, most: usize) -> usize {
    for _ in 0..most {
        match next(text, at) {
            Some((' ', behind)) => at = behind,
            _ => break,
        }
    }
    at
}

/// Before the spaces that end at `at`, of which there may be `most`.
pub(super) fn skip_spaces_back(text: &str, mut at: usize, most: usize) -> usize {
    for _ in 0..most {
        match previous(text, at) {
            Some((' ', before)) => at = before,
            _ => break,
        }
    }
    at
}

/// Behind `word` if the folded, lower-cased text at `at` begins with it.
pub(super) fn starts(text: &str, at: usize, word: &str) -> Option<usize> {
    let mut here = at;
    for wanted in word.chars() {
        let (c, behind) = next(text, here)?;
        if c.to_ascii_lowercase() != wanted {
            return None;
        }
        here = behind;
    }
    Some(here)
}

/// Before `word` if the folded, lower-cased text that ends at `at` ends with it.
pub(super) fn ends(text: &str, at: usize, word: &str) -> Option<usize> {
    let mut here = at;
    for wanted in word.chars().rev() {
        let (c, before) = previous(text, here)?;
        if c.to_ascii_lowercase() != wanted {
            return None;
        }
        here = before;
    }
    Some(here)
}

/// Fills `window` with the folded, lower-cased text before byte `at`: at most `most` characters of the same line. At the start of a
/// line it is the end of the line before, if that is short as a label is (12 characters behind its last 。), because forms and tables have labels there.
pub(super) fn left_of(text: &str, at: usize, most: usize, window: &mut String) {
    let mut buffer = ['\0'; WINDOW];
    let mut n = collect(text, at, most, &mut buffer);
    let blank = buffer[..n].iter().all(|&c| c == ' ');
    if blank && let Some(line_end) = line_before(text, at) {
        n = collect(text, line_end, 13, &mut buffer);
        match buffer[..n].iter().position(|&c| c == '。') {
            Some(sentence) => n = sentence,
            None if n > 12 => n = 0,
            None => {}
        }
    }
    window.clear();
    window.extend(buffer[..n].iter().rev());
}

/// Characters before `at` up to a line break, nearest first.
fn collect(text: &str, at: usize, most: usize, buffer: &mut [char; WINDOW]) -> usize {
    let before = text.get(..at).unwrap_or_default().chars().rev();
    let mut n = 0;
    for c in before.take(most.min(WINDOW)).take_while(|&c| !is_line_break(c)) {
        buffer[n] = fold(c).to_ascii_lowercase();
        n += 1;
    }
    n
}

/// The end of the line above, where only blanks stand before `at` in its own line.
fn line_before(text: &str, at: usize) -> Option<usize> {
    let at = skip_spaces_back(text, at, 8);
    let (c, before) = previous(text, at)?;
    if !is_line_break(c) {
        return None;
    }
    let before = if c == '\n' { ends(text, before, "\r").unwrap_or(before) } else { before };
    Some(before)
}

pub(super) fn is_line_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// The byte behind the last of the `words` in a window; 0 if none is there.
pub(super) fn last_of(window: &str, words: &[&str]) -> usize {
    words.iter().filter_map(|word| Some(window.rfind(word)? + word.len())).max().unwrap_or(0)
}

/// Is there nothing but signs between a label that ends at byte `label` of the window and what follows the window?
pub(super) fn is_near(window: &str, label: usize) -> bool {
    window.get(label..).is_some_and(|rest| rest.chars().all(|c| !c.is_alphanumeric() || matches!(c, 'は' | 'が' | 'の' | '第')))
}

/// Value of a digit of any notation: ASCII (full-width ones are folded), kanji.
pub(super) fn kanji_digit(c: char) -> Option<u8> {
    Some(match c {
        '0'..='9' => c as u8 - b'0',
        '〇' | '零' | '○' => 0,
        '一' => 1,
        '二' => 2,
        '三' => 3,
        '四' => 4,
        '五' => 5,
        '六' => 6,
        '七' => 7,
        '八' => 8,
        '九' => 9,
        _ => return None,
    })
}

/// Kanji, with the signs that stand among them in names of places and people.
pub(super) fn is_kanji(c: char) -> bool {
    matches!(c, '々' | '〆' | '〇' | 'ヶ' | 'ケ' | 'ヵ' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}')
}

pub(super) fn is_hiragana(c: char) -> bool {
    matches!(c, '\u{3041}'..='\u{309f}')
}

pub(super) fn is_katakana(c: char) -> bool {
    matches!(c, '\u{30a1}'..='\u{30fa}' | '\u{30fc}'..='\u{30ff}' | '\u{ff66}'..='\u{ff9f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_knows_every_width_and_keeps_the_long_vowel() {
        let folded: String = "０９－Ａ＠（）．＋‐‑‒–—―−─　\u{a0}ー".chars().map(fold).collect();
        assert_eq!(folded, "09-A@().+--------  ー");
    }

    #[test]
    fn the_window_is_the_line_or_a_short_label_above() {
        let window = |text: &str| {
            let mut window = String::new();
            left_of(text, text.len(), 8, &mut window);
            window
        };
        assert_eq!(window("あ\nＴＥＬ："), "tel:");
        assert_eq!(window("123456789"), "23456789");
        assert_eq!(window("電話番号\r\n "), "電話番号");
        assert_eq!(window("これは長い行なので見出しではありません\n"), "");
        assert_eq!(window("まず名前です。電話番号\n"), "電話番号");
        assert_eq!(window("電話\n\n"), "");
        assert_eq!(last_of("電話番号は", &["番号", "電話"]), "電話番号".len());
    }
}
