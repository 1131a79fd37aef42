//! What the inputs hold, reckoned from the first records of some of them: for what is said before the work begins.

use super::framer::Framer;
use super::input_file::InputFile;
use super::options::Options;
use super::record::Record;
use super::shard::ShardLimits;

/// Inputs that are looked into, spread over all.
const INPUTS: usize = 16;
/// Decoded bytes that are read of each.
const BYTES: u64 = 4 << 20;

/// What all inputs hold, roughly.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Estimate {
    /// Bytes of text, as read.
    pub text_bytes: f64,
    /// Documents.
    pub documents: f64,
}

impl Estimate {
    /// Looks into some of the inputs. What cannot be read is left to the run to tell, and so is what the plan leaves out by `sample`; a
    /// `limit` is kept.
    pub fn of(inputs: &[InputFile], options: &Options) -> Self {
        let whole = Options { sample: None, limit: None, ..options.clone() };
        let (mut sum, mut seen) = (Self::default(), 0.0);
        for input in inputs.iter().step_by(inputs.len().div_ceil(INPUTS).max(1)) {
            if let Some((found, share)) = Self::of_input(input, &whole) {
                seen += input.bytes as f64;
                sum = sum.plus(found.times(1.0 / share));
            }
        }
        let all: f64 = inputs.iter().map(|input| input.bytes as f64).sum();
        let sum = if seen > 0.0 { sum.times(all / seen) } else { Self { text_bytes: all, documents: 0.0 } };
        let limit = options.limit.map_or(1.0, |limit| (limit as f64 / sum.documents.max(1.0)).min(1.0));
        sum.times(limit)
    }

    /// What the first records of an input hold, and what share of it they are.
    fn of_input(input: &InputFile, options: &Options) -> Option<(Self, f64)> {
        let mut framer = Framer::new([input.clone()].into(), options, ShardLimits { bytes: BYTES, records: u64::MAX });
        let shard = framer.next_shard().ok()??;
        let mut found = Self::default();
        let mut count = |record: Record| {
            found = found.plus(Self { text_bytes: record.text.len() as f64, documents: 1.0 });
            Ok(())
        };
        shard.decode(options, &mut count).ok()?;
        let share = framer.consumed() as f64 / input.bytes.max(1) as f64;
        Some((found, if share > 0.0 { share.min(1.0) } else { 1.0 }))
    }

    fn plus(self, other: Self) -> Self {
        Self { text_bytes: self.text_bytes + other.text_bytes, documents: self.documents + other.documents }
    }

    /// So many times as much.
    #[must_use]
    pub fn times(self, times: f64) -> Self {
        Self { text_bytes: self.text_bytes * times, documents: self.documents * times }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write as _;

    fn input(dir: &std::path::Path, name: &str, bytes: &[u8]) -> InputFile {
        let path = dir.join(name);
        crate::io::Staging::new(dir).unwrap().write(&crate::io::Place::named(&path).unwrap(), bytes).unwrap();
        let options = Options { paths: vec![name.into()], ..Options::default() };
        crate::corpus::inputs::expand(&options, dir).unwrap().remove(0)
    }

    #[test]
    fn the_first_records_tell_of_the_others() {
        let dir = tempfile::tempdir().unwrap();
        let mut records = String::new();
        let character = |number: u32| move |i: u32| char::from_u32(0x4e00 + (number * 7_919 + i * i * 104_729) % 5_000).unwrap();
        // 20 MB, of which the first 4 are read.
        for number in 0..100_000_u32 {
            let text: String = (0..40 + number % 40).map(character(number)).collect();
            writeln!(records, "{{\"id\": \"{number}\", \"text\": \"{text}\"}}").unwrap();
        }
        let plain = input(dir.path(), "a.jsonl", records.as_bytes());
        let packed = input(dir.path(), "b.jsonl.zst", &zstd::encode_all(records.as_bytes(), 1).unwrap());
        let text = f64::from((0..100_000).map(|number| 3 * (40 + number % 40)).sum::<u32>());
        for inputs in [vec![plain.clone()], vec![packed.clone()], vec![plain.clone(), packed, plain.clone()]] {
            let found = Estimate::of(&inputs, &Options::default());
            let times = inputs.len() as f64;
            assert!((found.text_bytes / text / times - 1.0).abs() < 0.1, "{found:?}");
            assert!((found.documents / 100_000.0 / times - 1.0).abs() < 0.1, "{found:?}");
        }
        let limited = Estimate::of(&[plain], &Options { limit: Some(500), ..Options::default() });
        assert!((limited.documents - 500.0).abs() < 1.0 && limited.text_bytes < text / 100.0, "{limited:?}");
        assert_eq!(Estimate::of(&[], &Options::default()), Estimate::default());
    }
}
