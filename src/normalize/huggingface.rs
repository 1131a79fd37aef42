//! Our normalisation as a normaliser of Hugging Face's `tokenizer.json`: a list of steps that the library runs one after the other.
//!
//! Two tables of characters (`Precompiled`, the format of SentencePiece) stand around Unicode's `NFC`. The first writes compatibility
//! forms as their parts, and hides what NFC would change though we keep it (compatibility kanji, ¨) behind characters that cannot
//! occur any more, because the same table replaces them (𝐀 and other forms beyond U+FFFF); the second brings the hidden ones back.
//! Rules that look at neighbours are replacements by regular expressions of Oniguruma, which the library uses.
//!
//! Each expression begins with the character that it replaces and looks back from there: the library finds those by their first bytes.
//!
//! What such steps cannot say, and so is left out: ，． → 、。 by the majority of a document, and the bound on runs of more than 30
//! combining marks (docs/formats/tokenizer.md).

use std::collections::BTreeMap;

use base64::Engine;
use serde_json::{Value, json};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::{canonical_combining_class, compose, decompose_canonical, decompose_compatible};
use unicode_properties::UnicodeEmoji;

use super::kernel::{INDENTATION_MAX, is_special};
use super::options::{Form, Options, Selectors, Symbols};
use super::rules::{
    begins_japanese, begins_line, combining_voiced, is_joining_script, is_katakana, is_kept, is_line_end, is_presentation_selector,
    is_variation_selector, is_wide_blank, is_wide_symbol, jis_image, joins_latin, removal, to_ascii, unified_ideograph, vertical_to_wide,
};
use crate::schema::NORMALIZER_MARK;

/// Stands between a character of the first table and a mark after it: the library looks up short clusters of characters as one.
const APART: &str = "\u{1}";

/// How many characters an expression looks back over. Without a bound the library would look back to the head of the text, at each place.
const BACK_MAX: usize = 16;

/// The value of `normalizer` in `tokenizer.json`.
///
/// Its last step changes nothing: it names the version of the rules and the options, and holds the BLAKE3 of the steps before it, so
/// that a reader knows whose steps these are.
///
/// # Errors
/// As [`expressible`].
pub fn normalizer(options: &Options) -> Result<Value, String> {
    expressible(options)?;
    let mut steps = before_composition(options)?;
    steps.push(json!({"type": "NFC"}));
    steps.extend(after_composition(options)?);
    let digest = blake3::hash(Value::from(steps.clone()).to_string().as_bytes()).to_hex();
    let what = json!({"version": super::VERSION, "options": options, "blake3": digest.as_str()});
    steps.push(replace(&json!({"String": format!("{NORMALIZER_MARK}{what}")}), ""));
    Ok(json!({"type": "Sequence", "normalizers": steps}))
}

/// Can the options be expressed?
///
/// # Errors
/// One sentence if they cannot: only `form = "nfkc"` with its keep-list can.
pub fn expressible(options: &Options) -> Result<(), String> {
    if options.form == Form::Nfkc && options.keep_list {
        return Ok(());
    }
    Err("tokenizer.normalizer = \"seimai\" needs normalize.form = \"nfkc\" and normalize.keep_list = true".to_owned())
}

fn replace(pattern: &Value, content: &str) -> Value {
    json!({"type": "Replace", "pattern": pattern, "content": content})
}

fn regex(pattern: &str, content: &str) -> Value {
    replace(&json!({"Regex": pattern}), content)
}

fn before_composition(options: &Options) -> Result<Vec<Value>, String> {
    let dropped = |c: char| is_variation_selector(c) && options.variation_selectors == Selectors::Drop;
    let removed = class(|c| !is_line_end(c) && removal(c).is_some() || dropped(c));
    let mut steps = vec![regex(&format!("\\r\\n|[{}]", class(is_line_end)), "\n"), regex(&format!("[{removed}]"), "")];
    if options.layout_blanks {
        steps.push(regex(&layout_blanks(), ""));
    }
    let table = first_table(options)?;
    let of_width = |width: usize| class(|c| c.len_utf8() == width && table.contains_key(&c));
    steps.push(regex(
        &format!("(?<=[{}])(?=[\\x{{300}}-\\x{{ffff}}])|(?<=[{}])(?=[\\x{{300}}-\\x{{7ff}}])", of_width(2), of_width(3)),
        APART,
    ));
    steps.push(precompiled(&table)?);
    steps.push(replace(&json!({"String": APART}), ""));
    steps.extend(selectors(options));
    for (mark, spacing) in [('\u{3099}', '゛'), ('\u{309a}', '゜')] {
        let kana = class(|c| compose(c, mark).is_some());
        steps.push(regex(&format!("{spacing}(?<=[{kana}]{spacing})"), mark.encode_utf8(&mut [0; 4])));
    }
    Ok(steps)
}

/// A run of blanks at the head of a line: one wide blank before anything, more before Japanese if the line has no columns.
fn layout_blanks() -> String {
    let wide = class(is_wide_blank);
    let passes = |c: char| matches!(c, '\u{200c}' | '\u{200d}') || is_presentation_selector(c);
    let (passed, line, japanese) = (class(passes), class(|c| begins_line(c) && !passes(c)), class(begins_japanese));
    let columns = format!("[^\\n]*(?:\\t|[ {wide}]{{2}})[ \\t{wide}]*[^ \\t\\n{wide}]");
    format!(
        "^[{passed}]*[{wide}][{passed}]*(?=[{line}])|^[ \\t{passed}]{{0,{INDENTATION_MAX}}}[{wide}][ \\t{wide}{passed}]*(?=[{japanese}])(?!{columns})"
    )
}

/// Joiners and presentation selectors that nothing beside them needs.
fn selectors(options: &Options) -> [Value; 2] {
    let emoji = class(UnicodeEmoji::is_emoji_char);
    let joined = class(|c| c.is_emoji_char() && !is_special(c, options));
    let leans = |c: char| canonical_combining_class(c) != 0 || c == '\u{34f}';
    let (script, leaning) = (class(|c| is_joining_script(c) && !leans(c)), class(leans));
    let suffix = class(|c| is_joining_script(c) && !leans(c) && removal(c).is_none());
    let (selector, not, joiner) = ("[\\x{fe0e}\\x{fe0f}]", "\\x{200c}", "\\x{200d}");
    let shaping = format!("[{script}][{leaning}]{{0,{BACK_MAX}}}");
    [
        regex(&format!("{selector}(?<![{emoji}]{selector})"), ""),
        regex(
            &format!(
                "{not}(?<!{shaping}{not})(?![{suffix}])|{joiner}(?<!{shaping}{joiner})(?:(?<![{emoji}\\x{{fe0e}}\\x{{fe0f}}]{joiner})|(?![{joined}]))"
            ),
            "",
        ),
    ]
}

fn after_composition(options: &Options) -> Result<Vec<Value>, String> {
    let hidden: BTreeMap<char, String> = hidden(options)?.into_iter().map(|(kept, behind)| (behind, kept.to_string())).collect();
    let mut steps = vec![precompiled(&hidden)?];
    if options.katakana_dash {
        let katakana = class(is_katakana);
        steps.push(regex(&format!("[—―](?<=[{katakana}][—―])(?=[{katakana}])"), "ー"));
    }
    if options.symbols == Symbols::Keep {
        steps.push(regex("：／／(?<=[A-Za-z0-9]：／／)", "://"));
    }
    let run = class(|c| c.is_ascii_punctuation() || joins_latin(c));
    for c in (0..=0xffff).filter_map(char::from_u32).filter(|c| joins_latin(*c)) {
        let ascii = to_ascii(c).to_string();
        steps.push(regex(&format!("{c}(?<=[A-Za-z0-9][{run}]{{0,{BACK_MAX}}}{c})(?=[{run}]*[A-Za-z0-9])"), &ascii));
    }
    steps.push(regex(&format!("．(?<=[A-Za-z0-9]．{{0,{BACK_MAX}}}．)"), "."));
    Ok(steps)
}

/// What becomes of a character before composition, where that is another text.
fn parts(c: char, options: &Options) -> Option<String> {
    let parts = if c == '～' && options.wave_dash {
        '〜'.to_string()
    } else if let Some(image) = jis_image(c).filter(|_| options.jis_images) {
        image.to_string()
    } else if let Some(mark) = combining_voiced(c) {
        if mark == '\u{3099}' { '゛'.to_string() } else { '゜'.to_string() }
    } else if is_line_end(c) || removal(c).is_some() || is_kept(c) {
        return None;
    } else if let Some(kanji) = unified_ideograph(c) {
        kanji.to_string()
    } else {
        match vertical_to_wide(c).unwrap_or(c) {
            wide @ ('…' | '‥') => wide.to_string(),
            wide if is_wide_symbol(wide) && options.symbols == Symbols::Keep => wide.to_string(),
            wide @ '！'..='～' => to_ascii(wide).to_string(),
            wide => compatible(wide),
        }
    };
    // What canonical composition undoes need not be taken apart.
    (parts != c.to_string() && parts != canonical(c)).then_some(parts)
}

fn compatible(c: char) -> String {
    let mut text = String::new();
    decompose_compatible(c, |part| text.push(part));
    text
}

fn canonical(c: char) -> String {
    let mut text = String::new();
    decompose_canonical(c, |part| text.push(part));
    text
}

/// Kept characters that composition would change, alone or with a mark after them, and the one that each is hidden behind.
fn hidden(options: &Options) -> Result<Vec<(char, char)>, String> {
    let mut composing = std::collections::BTreeSet::new();
    for c in characters() {
        let text = canonical(c);
        composing.extend(text.chars().next().filter(|first| *first != c));
    }
    let composes = |c: char| std::iter::once(c).nfc().ne(std::iter::once(c)) || composing.contains(&c);
    let kept = characters().filter(|c| is_kept(*c) && combining_voiced(*c).is_none() && composes(*c));
    let free = |c: char| parts(c, options).is_some() && canonical_combining_class(c) == 0 && canonical(c) == c.to_string();
    let mut behind = characters().skip_while(|c| c.len_utf8() < 4).filter(|c| free(*c));
    kept.map(|c| Some((c, behind.next()?))).collect::<Option<_>>().ok_or_else(|| "too many characters are kept".to_owned())
}

fn first_table(options: &Options) -> Result<BTreeMap<char, String>, String> {
    let mut table: BTreeMap<char, String> = characters().filter_map(|c| Some((c, parts(c, options)?))).collect();
    table.extend(hidden(options)?.into_iter().map(|(kept, behind)| (kept, behind.to_string())));
    Ok(table)
}

fn characters() -> impl Iterator<Item = char> {
    (0..=u32::from(char::MAX)).filter_map(char::from_u32)
}

/// A class of characters, as ranges inside the brackets of an expression.
fn class(holds: impl Fn(char) -> bool) -> String {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for code in characters().filter(|c| holds(*c)).map(u32::from) {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == code || (*last, code) == (0xd7ff, 0xe000) => *last = code,
            _ => ranges.push((code, code)),
        }
    }
    let range = |(first, last): (u32, u32)| match last - first {
        0 => format!("\\x{{{first:x}}}"),
        _ => format!("\\x{{{first:x}}}-\\x{{{last:x}}}"),
    };
    ranges.into_iter().map(range).collect()
}

/// A table of characters in the format of SentencePiece: the length of a double array and the array (Darts-clone), then the texts,
/// each ended by a zero byte; the array gives where a text begins.
fn precompiled(table: &BTreeMap<char, String>) -> Result<Value, String> {
    let mut texts = String::new();
    let mut starts = BTreeMap::new();
    let mut keys: Vec<(String, u32)> = Vec::with_capacity(table.len());
    for (c, text) in table {
        let start = *starts.entry(text).or_insert_with(|| {
            let start = texts.len() as u32;
            texts.extend([text, "\0"]);
            start
        });
        keys.push((c.to_string(), start));
    }
    let keys: Vec<(&str, u32)> = keys.iter().map(|(key, start)| (key.as_str(), *start)).collect();
    let array = yada::builder::DoubleArrayBuilder::build(&keys).map_err(|error| error.to_string())?;
    let bytes = [&(array.len() as u32).to_le_bytes(), array.as_slice(), texts.as_bytes()].concat();
    Ok(json!({"type": "Precompiled", "precompiled_charsmap": base64::engine::general_purpose::STANDARD.encode(bytes)}))
}

#[cfg(test)]
mod tests {
    use super::super::kernel::Normalizer;
    use super::super::rules::RuleCounts;
    use super::*;

    #[test]
    fn the_tables_around_composition_do_what_normalize_does() {
        for options in [Options::default(), Options { symbols: Symbols::Fold, wave_dash: false, jis_images: false, ..Options::default() }] {
            let (first, normalizer) = (first_table(&options).unwrap(), Normalizer::new(&options));
            let back: BTreeMap<char, char> = hidden(&options).unwrap().into_iter().map(|(kept, behind)| (behind, kept)).collect();
            let (mut whole, mut counts) = (String::new(), RuleCounts::default());
            let is_of_interest = |c: &char| first.contains_key(c) || back.contains_key(c) || !is_one_of_many(*c) || u32::from(*c) % 97 == 0;
            let compared = characters().filter(|c| !is_line_end(*c) && removal(*c).is_none() && !is_special_selector(*c));
            for c in compared.filter(is_of_interest) {
                let parts = first.get(&c).cloned().unwrap_or_else(|| c.to_string());
                let by_steps: String = parts.nfc().map(|c| back.get(&c).copied().unwrap_or(c)).collect();
                // A mark behind it must not join what is kept, either.
                let marked: String = format!("{parts}\u{301}").nfc().map(|c| back.get(&c).copied().unwrap_or(c)).collect();
                normalizer.normalize(c.encode_utf8(&mut [0; 4]), &mut whole, &mut counts);
                assert_eq!(by_steps, whole, "{:x}", u32::from(c));
                normalizer.normalize(&format!("{c}\u{301}"), &mut whole, &mut counts);
                assert_eq!(marked, whole, "{:x} with a mark", u32::from(c));
            }
        }
    }

    /// Kanji, syllables of Hangul, private use, planes without characters: what compatibility leaves alone among them is alike, and nearly all of Unicode.
    fn is_one_of_many(c: char) -> bool {
        let block = matches!(c, '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' | '\u{20000}'..='\u{dffff}' | '\u{f0000}'..);
        block && std::iter::once(c).nfkc().eq([c])
    }

    fn is_special_selector(c: char) -> bool {
        matches!(c, '\u{200c}' | '\u{200d}') || is_presentation_selector(c)
    }

    #[test]
    fn what_hides_a_character_is_free() {
        let options = Options::default();
        let (first, hidden) = (first_table(&options).unwrap(), hidden(&options).unwrap());
        assert!(hidden.len() > 1000);
        for (kept, behind) in hidden {
            assert!(behind.len_utf8() == 4 && first[&kept] == behind.to_string() && first[&behind] != behind.to_string());
            assert!(first.iter().filter(|(_, text)| text.contains(behind)).count() == 1);
        }
    }

    #[test]
    fn the_last_step_names_the_rules_and_finds_nothing() {
        let steps = normalizer(&Options::default()).unwrap();
        let steps = steps["normalizers"].as_array().unwrap();
        let pattern = steps.last().unwrap()["pattern"]["String"].as_str().unwrap();
        let what: Value = serde_json::from_str(pattern.strip_prefix(NORMALIZER_MARK).unwrap()).unwrap();
        assert_eq!((&what["version"], &what["options"]["form"]), (&json!(super::super::VERSION), &json!("nfkc")));
        assert!(NORMALIZER_MARK.starts_with(|c| removal(c).is_some()));
        assert!(normalizer(&Options { form: Form::Nfc, ..Options::default() }).unwrap_err().contains("normalize.form"));
        assert!(normalizer(&Options { keep_list: false, ..Options::default() }).is_err());
    }
}
