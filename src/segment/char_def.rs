//! Reads `char.def`, which tells the categories of characters, as MeCab does.
//!
//! For each code point the **last** line counts: its first category is the default category and gives the flags, and all its
//! categories form the set. Code points beyond U+FFFE have the entry of U+0000.

use crate::error::{Error, Result};
use crate::segment::contents::{MAX_CATEGORIES, TABLE_LEN};
use crate::segment::source::CharTable;

/// Parses `char.def`, decoded.
///
/// # Errors
/// Refused with file, line and rule: malformed line, category defined twice or not at all, reversed range, code point
/// past U+FFFE, missing DEFAULT or SPACE.
pub fn parse(name: &str, text: &str) -> Result<CharTable> {
    let mut categories = Categories::default();
    let mut ranges = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let fault = |rule: String| Error::refused(format!("{name}: line {}: {rule}", number + 1));
        let line = line.split('#').next().unwrap_or("");
        let columns: Vec<&str> = line.split_whitespace().collect();
        let Some((&first, rest)) = columns.split_first() else { continue };
        if first.starts_with("0x") || first.starts_with("0X") {
            ranges.push((number, range(first, rest).map_err(fault)?));
        } else {
            categories.define(first, rest).map_err(fault)?;
        }
    }
    let default = categories.encode(&["DEFAULT"]).map_err(|rule| Error::refused(format!("{name}: {rule}")))?;
    categories.encode(&["SPACE"]).map_err(|rule| Error::refused(format!("{name}: {rule}")))?;
    let mut table = vec![default; TABLE_LEN];
    for (number, (from, to, names)) in ranges {
        let word = categories.encode(&names).map_err(|rule| Error::refused(format!("{name}: line {}: {rule}", number + 1)))?;
        table[from..=to].fill(word);
    }
    Ok(CharTable { names: categories.names, table })
}

#[derive(Default)]
struct Categories {
    names: Vec<String>,
    /// Default category, length, group, invoke: everything but the set.
    flags: Vec<u32>,
}

impl Categories {
    fn define(&mut self, name: &str, columns: &[&str]) -> std::result::Result<(), String> {
        let [invoke, group, length, ..] = columns else {
            return Err("a category needs three numbers: invoke, group, length".into());
        };
        if name.len() > 31 {
            return Err(format!("the category name {name} is longer than 31 bytes"));
        }
        if self.names.iter().any(|known| known == name) {
            return Err(format!("category {name} is defined twice"));
        }
        if self.names.len() == MAX_CATEGORIES {
            return Err(format!("more than {MAX_CATEGORIES} categories"));
        }
        let invoke = number(invoke, 1)?;
        let group = number(group, 1)?;
        let length = number(length, 15)?;
        self.flags.push((self.names.len() as u32) << 18 | length << 26 | group << 30 | invoke << 31);
        self.names.push(name.into());
        Ok(())
    }

    fn encode(&self, names: &[&str]) -> std::result::Result<u32, String> {
        let mut word = None;
        for name in names {
            let category = self.names.iter().position(|known| known == name).ok_or_else(|| format!("category {name} is not defined"))?;
            word = Some(word.unwrap_or(self.flags[category]) | 1 << category);
        }
        word.ok_or_else(|| "no category".into())
    }
}

fn number(text: &str, max: u32) -> std::result::Result<u32, String> {
    text.parse()
        .ok()
        .filter(|&n| n <= max)
        .ok_or_else(|| format!("{} is not a number from 0 to {max}", crate::quarantine::escape(text, 20)))
}

type Range<'a> = (usize, usize, Vec<&'a str>);

fn range<'a>(codes: &str, categories: &[&'a str]) -> std::result::Result<Range<'a>, String> {
    let (from, to) = codes.split_once("..").unwrap_or((codes, codes));
    let (from, to) = (code_point(from)?, code_point(to)?);
    if from > to {
        return Err(format!("the range {} runs backwards", crate::quarantine::escape(codes, 40)));
    }
    if categories.is_empty() {
        return Err("the range names no category".into());
    }
    Ok((from, to, categories.to_vec()))
}

fn code_point(text: &str) -> std::result::Result<usize, String> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
    usize::from_str_radix(digits, 16)
        .ok()
        .filter(|&code| code < TABLE_LEN)
        .ok_or_else(|| format!("{} is no code point from 0x0000 to 0xFFFE", crate::quarantine::escape(text, 20)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "DEFAULT 0 1 0 # note\nSPACE 0 1 0\nKANJI 0 0 2\nNUMERIC 1 1 0\n";

    #[test]
    fn last_line_wins_and_first_category_is_default() {
        let chars = parse("char.def", &format!("{HEAD}0x20 SPACE\n0x4E00..0x9FFF KANJI\n0x4E00 NUMERIC KANJI # 一\n")).unwrap();
        assert_eq!(chars.names, ["DEFAULT", "SPACE", "KANJI", "NUMERIC"]);
        assert_eq!(chars.table[0x4E00], 0b1100 | 3 << 18 | 1 << 30 | 1 << 31);
        assert_eq!(chars.table[0x4E01], 0b0100 | 2 << 18 | 2 << 26);
        assert_eq!(chars.table[0], 0b0001 | 1 << 30);
    }

    #[test]
    fn refuses_what_is_not_well_formed() {
        for bad in [
            "0x30FF..0x30A0 KANJI",
            "0x110000 KANJI",
            "0xFFFF KANJI",
            "0x20 NONE",
            "0x20",
            "KANJI 0 0 2",
            "NEW 0 1",
            "NEW 2 1 0",
            "NEW 0 1 16",
        ] {
            assert!(parse("char.def", &format!("{HEAD}{bad}\n")).is_err(), "{bad}");
        }
        assert!(parse("char.def", "DEFAULT 0 1 0\n").is_err(), "SPACE is missing");
    }
}
