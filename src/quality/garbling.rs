//! Text decoded with the wrong charset: how much of it there is.
//!
//! Each way of garbling leaves its own trace. Two of the traces are looked for in normalised text too, where C1 controls are
//! gone and half-width kana are full width. The score is the share of characters that bear a trace (U+FFFD counts for
//! three); wholly garbled text scores .3 and more, a garbled quotation in a clean document its share.

/// Characters that begin UTF-8 kana and punctuation (E3 80 … E3 83) when read as CP932.
fn begins_kana_as_cp932(c: char) -> bool {
    matches!(c, '縺' | '繧' | '繝' | '縲')
}

/// Latin-1 and CP1252 characters beyond ASCII: what multi-byte text looks like when read as Latin-1.
fn is_high_latin(c: char) -> bool {
    is_latin_letter(c) || is_high_sign(c)
}

fn is_latin_letter(c: char) -> bool {
    matches!(c, 'À'..='Ö' | 'Ø'..='ö' | 'ø'..='ÿ')
}

fn is_high_sign(c: char) -> bool {
    let cp1252 = "€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸμ";
    matches!(c, '\u{80}'..='¿' | '×' | '÷' | '\u{fffd}') || c > '\u{ff}' && c < '\u{2123}' && cp1252.contains(c)
}

fn is_half_kana(c: char) -> bool {
    matches!(c, '｡'..='ﾟ')
}

fn is_hiragana(c: char) -> bool {
    matches!(c, 'ぁ'..='ゟ')
}

fn is_katakana(c: char) -> bool {
    matches!(c, 'ァ'..='ヺ' | 'ー' | '゛' | '゜')
}

fn is_japanese(c: char) -> bool {
    is_hiragana(c) || is_katakana(c) || matches!(c, '\u{3400}'..='\u{9fff}' | '、' | '。' | '々' | '「' | '」')
}

/// Is a line worth the exact look? Most lines hold nothing odd and few commas: nothing that any trace needs.
pub(super) fn is_suspicious(odd: bool, commas: u32, chars: u32) -> bool {
    odd || 6 * commas > chars
}

/// May a line with this character be garbled?
pub(super) fn is_odd(c: char) -> bool {
    matches!(c, '?' | '$' | '\u{fffd}' | '\u{80}'..='ÿ' | '｡'..='ﾟ') || begins_kana_as_cp932(c)
}

/// Commas and middle dots; a line may be garbled if every sixth character is one.
pub(super) fn is_comma(c: char) -> bool {
    matches!(c, '、' | '・')
}

/// Characters of a line that bear a trace of garbling. Linear.
pub(super) fn garbled_in_line(line: &str) -> usize {
    let replaced = line.chars().filter(|c| *c == '\u{fffd}').count();
    let kana = utf8_as_cp932(line);
    let euc = runs(line, is_half_kana, half_width_run) + runs(line, |c| !is_hiragana(c), full_width_run);
    let latin = latin_runs(line);
    let escapes = stripped_escapes(line);
    let questions = question_marks(line);
    // U+FFFD stands inside several traces, and makes the word around it unreadable.
    let others = (kana + euc).max(latin) + escapes + questions;
    (others + 3 * replaced).min(line.chars().filter(|c| !c.is_whitespace()).count())
}

/// 縺昴ｌ: the first two bytes of a kana became a rare kanji, the third belongs to the next character.
///
/// Where they are frequent, the kanji between them are garbled as well.
fn utf8_as_cp932(line: &str) -> usize {
    let pairs = line.chars().zip(line.chars().skip(1).chain([' ']));
    let leads = pairs.filter(|(c, next)| begins_kana_as_cp932(*c) && !(*c == '縺' && matches!(next, 'ら'..='ろ' | 'ッ' | 'っ'))).count();
    let wide = line.chars().filter(|c| !c.is_ascii()).count();
    match leads {
        // One or two of them are words: 縺れ, 繧繝.
        0..=2 => 0,
        _ if 8 * leads >= wide => wide,
        _ => 2 * leads,
    }
}

/// Sums `measure` over the maximal runs of characters that `inside` accepts.
fn runs(line: &str, inside: fn(char) -> bool, measure: fn(&str) -> usize) -> usize {
    line.split(|c| !inside(c)).filter(|run| !run.is_empty()).map(measure).sum()
}

/// ､ｽ､ﾎ: EUC-JP kana (A4 xx) as CP932. In real half-width text a comma is rare and ends a word.
fn half_width_run(run: &str) -> usize {
    let chars = run.chars().count();
    let leads = run.chars().filter(|c| matches!(c, '､' | '･' | '｡')).count();
    if chars >= 3 && 5 * leads >= chars { chars } else { 0 }
}

/// 、ソ、ノ、ャ: the same after NFKC. In clean text no small kana and no ヲ follows a comma.
fn full_width_run(run: &str) -> usize {
    let (mut chars, mut leads, mut impossible) = (0, 0, 0);
    let mut previous = ' ';
    for c in run.chars() {
        chars += 1;
        if matches!(previous, '、' | '・' | '。') {
            leads += usize::from(is_katakana(c) || matches!(c, '、' | '・' | '「' | '」' | '。' | '\u{fffd}'));
            let small = matches!(c, 'ァ' | 'ィ' | 'ゥ' | 'ェ' | 'ォ' | 'ャ' | 'ュ' | 'ョ' | 'ッ' | 'ヲ' | 'ー' | '゛' | '゜');
            impossible += usize::from(small || is_private(c));
        }
        previous = c;
    }
    if chars >= 6 && 8 * leads >= chars && impossible > 0 { chars } else { 0 }
}

fn is_private(c: char) -> bool {
    matches!(c, '\u{e000}'..='\u{f8ff}')
}

/// ã\u{81}ã¨: runs of Latin-1 letters and signs, and what little ASCII lies between them (second bytes of Shift_JIS).
fn latin_runs(line: &str) -> usize {
    let (mut total, mut gap, mut after_run) = (0, 0, false);
    let (mut run, mut letters, mut signs) = (0, 0, 0);
    for c in line.chars().chain(['\n']) {
        if is_high_latin(c) {
            run += 1;
            letters += usize::from(is_latin_letter(c));
            signs += usize::from(is_high_sign(c));
            continue;
        }
        if run > 0 {
            let garbled = letters > 0 && (run >= 3 || run == 2 && signs > 0) || after_run && gap <= 2 && letters > 0;
            if garbled {
                total += run + if after_run && gap <= 2 { gap } else { 0 };
            }
            (after_run, gap) = (garbled, 0);
            (run, letters, signs) = (0, 0, 0);
        }
        gap += 1;
    }
    total
}

/// $B$o$,Lg(B: ISO-2022-JP without its escape characters. Pairs of bytes, many of them kana ($x, %x) or marks (!x).
fn stripped_escapes(line: &str) -> usize {
    let bytes = line.as_bytes();
    let (mut total, mut at) = (0, 0);
    while let Some(found) = memchr::memchr(b'$', bytes.get(at..).unwrap_or(&[])) {
        let start = at + found;
        at = start + 1;
        if !matches!(bytes.get(at), Some(b'B' | b'@')) {
            continue;
        }
        let body = bytes.get(start + 2..).unwrap_or(&[]);
        let pairs = body.chunks_exact(2).take_while(|pair| *pair != b"(B" && *pair != b"(J" && pair.iter().all(u8::is_ascii_graphic));
        let (mut n, mut kana) = (0, 0);
        for pair in pairs {
            n += 1;
            kana += usize::from(matches!(pair[0], b'!' | b'#' | b'$' | b'%'));
        }
        // The way back to ASCII is missing only where the line was broken off.
        let end = body.get(2 * n..).unwrap_or(&[]);
        let closed = end.starts_with(b"(B") || end.starts_with(b"(J");
        if closed && n >= 2 || n >= 6 && 2 * kana >= n {
            total += 2 * n + if closed { 4 } else { 2 };
            at = start + 2 + 2 * n;
        }
    }
    total.min(line.len())
}

/// ?供??ぶん???来: letters replaced by question marks. Real ones stand at the end of a clause, so they lie further apart.
///
/// Counts the spans from the first to the last mark in which at least three runs of marks lie at most eight letters apart.
fn question_marks(line: &str) -> usize {
    const APART_MAX: usize = 8;
    let (mut total, mut span, mut runs, mut letters) = (0, 0, 0, 0);
    let mut previous = ' ';
    for c in line.chars().chain(['\n']) {
        if c == '?' {
            runs += usize::from(previous != '?');
            span += letters + 1;
            letters = 0;
        } else {
            letters += 1;
            if letters > APART_MAX || !is_japanese(c) {
                total += if runs >= 3 { span } else { 0 };
                (span, runs, letters) = (0, 0, 0);
            }
        }
        if runs == 0 {
            letters = 0;
        }
        previous = c;
    }
    total
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn garbled_chars(text: &str) -> usize {
        let suspicious =
            |line: &&str| is_suspicious(line.contains(is_odd), line.matches(is_comma).count() as u32, line.chars().count() as u32);
        text.split('\n').filter(suspicious).map(garbled_in_line).sum()
    }

    fn score(text: &str) -> f32 {
        garbled_chars(text) as f32 / text.chars().filter(|c| !c.is_whitespace()).count().max(1) as f32
    }

    /// The bytes of `text` in `from`, read as `to`.
    fn garble(text: &str, from: &'static encoding_rs::Encoding, to: &'static encoding_rs::Encoding) -> String {
        to.decode_without_bom_handling(&from.encode(text).0).0.into_owned()
    }

    #[test]
    fn garbled_japanese_is_found() {
        use encoding_rs::{EUC_JP, SHIFT_JIS, UTF_8, WINDOWS_1252};
        let text = "朝起きると雨が降っていたので、傘を持って駅まで歩いた。コーヒーを飲みながら新聞を読む。";
        for (from, to) in [
            (UTF_8, SHIFT_JIS),
            (UTF_8, WINDOWS_1252),
            (SHIFT_JIS, WINDOWS_1252),
            (SHIFT_JIS, EUC_JP),
            (EUC_JP, SHIFT_JIS),
            (EUC_JP, UTF_8),
        ] {
            let garbled = garble(text, from, to);
            assert!(score(&garbled) >= 0.3, "{} as {}: {} {garbled}", from.name(), to.name(), score(&garbled));
        }
        let escapes = "$B$3$N9T$O!\"J8;z$,2=$1$F$$$k!#(B";
        assert!(score(escapes) >= 0.9);
        assert!(score("?の?は??が化け???る。") >= 0.3);
    }

    #[test]
    fn clean_text_is_not_garbled() {
        for clean in [
            "毛糸が縺れてしまい、縺れをほどく。繧繝縁の畳。",
            "何ですか?本当に?ええ、そうです。",
            "トマト、キュウリ、ナス、ピーマン、イ、ロ、ハ及びニに掲げるもの",
            "ｶﾀｶﾅのﾃﾞｰﾀﾍﾞｰｽ",
            "$BASH_ENV と $Bar, $Baz = $@; printf(\"$B%d\");",
            "Café Français — déjà vu, São Paulo, ações, Zürich, “naïve”",
            "a ?? b ?? c, x ? y : z, /?q=1&r=?",
            "ウーン、ヤッパリ、ヲカシイ。",
            "うーん、、、どうかな・・・",
        ] {
            assert!(score(clean) < 0.02, "{clean}: {}", score(clean));
        }
    }

    #[test]
    fn hostile_lengths_take_linear_time() {
        for unit in ["$B", "?", "?あ", "縺", "､", "、ャ", "é\u{81}", "\u{fffd}", "$B$$"] {
            let text = unit.repeat(1_000_000 / unit.len());
            assert!(garbled_chars(&text) <= text.chars().count());
        }
    }

    #[test]
    fn shared_pairs_are_told_apart() {
        let root =
            std::env::var_os("SEIMAI_SHARED").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
        let Ok(lines) = std::fs::read_to_string(root.join("data/dirty/mojibake-pairs.jsonl")) else {
            return crate::testing::skipped("shared_pairs_are_told_apart", "shared/data/dirty");
        };
        let (mut found, mut false_alarms, mut all) = (0, 0, 0);
        for line in lines.lines() {
            let pair: serde_json::Value = serde_json::from_str(line).unwrap();
            all += 1;
            found += usize::from(score(pair["mojibake"].as_str().unwrap()) >= 0.02);
            false_alarms += usize::from(score(pair["clean"].as_str().unwrap()) >= 0.02);
        }
        assert!(found as f32 >= 0.98 * all as f32, "{found} of {all} found");
        assert!(false_alarms <= 1, "{false_alarms} false alarms of {all}");
    }
}
