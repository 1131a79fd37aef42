//! How sound a text is: which one of several that are nearly alike had better stay.

use super::measures::{MEASURES, Value};
use super::scan::Scanner;
use super::spared::Spared;
use super::sums::Sums;
use super::words::Words;

/// The measures that it is made of.
pub const SOUNDNESS_FIELDS: [&str; 3] = ["ended", "mojibake", "dup_line_chars"];

/// From 0 to 100: hundredths of the text that stands in sentences which end, times what of it is not garbled, times what its lines do not
/// say again. Takes the values of [`SOUNDNESS_FIELDS`]; a text without a sentence has 0.
#[must_use]
pub fn soundness([ended, mojibake, again]: [Option<f32>; 3]) -> u8 {
    let whole = |share: Option<f32>| 1.0 - share.unwrap_or(0.0).clamp(0.0, 1.0);
    (100.0 * ended.unwrap_or(0.0).clamp(0.0, 1.0) * whole(mojibake) * whole(again)).floor() as u8
}

/// Tells the soundness of texts that nobody has measured; holds tables and scratch of one thread.
#[derive(Debug, Default)]
pub struct SoundnessMeter {
    scanner: Scanner,
}

impl SoundnessMeter {
    /// That of a text whose sentences end at these bytes.
    pub fn of(&mut self, text: &str, sentences: &[u32]) -> u8 {
        let (chars, lines, repeated) = self.scanner.scan(text, Spared::default());
        let sums = Sums {
            text,
            chars,
            lines,
            sentences: self.scanner.sentences(text, sentences, Spared::default()),
            words: Words::default(),
            repeated,
        };
        let measure = |name: &str| match MEASURES.iter().find(|measure| measure.name == name)?.value {
            Value::Ratio(value) => value(&sums),
            Value::Count(_) => None,
        };
        soundness(SOUNDNESS_FIELDS.map(measure))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_sentences_are_sounder_than_what_is_garbled_or_cut() {
        let mut meter = SoundnessMeter::default();
        let mut of = |text: &str| {
            let ends: Vec<u32> = text.char_indices().filter(|(_, c)| "。\n".contains(*c)).map(|(i, c)| (i + c.len_utf8()) as u32).collect();
            let ends = if text.ends_with(['。', '\n']) { ends } else { [ends, vec![text.len() as u32]].concat() };
            meter.of(text, &ends)
        };
        let whole = "吾輩は猫である。名前はまだ無い。\nどこで生れたかとんと見当がつかぬ。";
        assert_eq!(of(whole), 100);
        assert_eq!(of(""), 0);
        let worse = [
            "吾輩は猫である。名前はまだ無い。\nどこで生れたかとんと見当が",
            "吾輩は猫である。名前は\u{fffd}\u{fffd}無い。\nどこで生れたかとんと見当がつかぬ。",
            "吾輩は猫である。名前はまだ無い。\n吾輩は猫である。名前はまだ無い。",
            "ホーム\nお問い合わせ\nサイトマップ",
        ];
        for text in worse {
            assert!(of(text) < 100, "{text}");
        }
        assert_eq!(soundness([Some(0.5), Some(0.5), None]), 25);
        assert_eq!(soundness([None, None, None]), 0);
    }
}
