//! Reads a dictionary in MeCab's source format: `*.csv`, `matrix.def`, `char.def`, `unk.def`, `dicrc`.

use crate::error::{Error, Result};
use crate::quarantine::escape;
use crate::segment::char_def;
use crate::segment::charset::Charset;
use crate::segment::contents::DEFAULT_GROUPING;
use crate::segment::csv;
use crate::segment::source::{CharTable, Entry, Matrix, RawDictionary, UnknownRow};

/// A file of a source dictionary: its name without directory, its bytes.
pub type SourceFile = (String, Vec<u8>);

/// Reads a source dictionary. Files other than those named above are ignored.
///
/// Without a `charset`, files that are all UTF-8 are UTF-8, else dicrc's `config-charset` (or EUC-JP, MeCab's own default)
/// holds.
///
/// # Errors
/// Refused with file, line and rule.
pub fn read(files: &[SourceFile], charset: Option<Charset>) -> Result<RawDictionary> {
    read_with(files, charset, &[])
}

/// [`read`], with rows added to the lexicon.
pub fn read_with(files: &[SourceFile], charset: Option<Charset>, added: &[String]) -> Result<RawDictionary> {
    let mut files: Vec<&SourceFile> = files.iter().collect();
    files.sort_by(|a, b| a.0.as_bytes().cmp(b.0.as_bytes()));
    let dicrc = find(&files, "dicrc").map_or(&[][..], |file| &file.1);
    let charset = charset.unwrap_or_else(|| guess(&files, dicrc));
    let matrix = matrix(required(&files, "matrix.def")?)?;
    let chars = char_def::parse("char.def", &charset.decode("char.def", required(&files, "char.def")?)?)?;
    let mut unknown = unknown_rows(&charset.decode("unk.def", required(&files, "unk.def")?)?, &chars)?;
    let mut entries = Vec::new();
    for (name, bytes) in files.iter().filter(|file| has_csv_name(&file.0)) {
        lexicon("", name, &charset.decode(name, without_bom(bytes))?, &mut entries)?;
    }
    lexicon("", "the added rows", &added.join("\n"), &mut entries)?;
    if entries.is_empty() {
        return Err(Error::refused("no entry: the directory holds no *.csv with rows"));
    }
    let settings = Settings::parse(&charset.decode("dicrc", dicrc)?)?;
    settings.apply(&mut unknown);
    RawDictionary::assemble(entries, unknown, chars, matrix, settings.max_grouping)
}

/// The settings of `dicrc` that are used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `max-grouping-size`.
    pub max_grouping: u16,
    /// `unk-feature`: the feature of every unknown word, instead of that of its row.
    pub unknown_feature: Option<String>,
    /// `config-charset`.
    pub charset: Option<Charset>,
}

impl Settings {
    /// Parses `dicrc` as MeCab does: `key = value`, of equal keys the first counts, `;` and `#` start a comment line.
    ///
    /// # Errors
    /// Refused if `max-grouping-size` is negative or above 65,535, which MeCab takes for no limit.
    pub fn parse(text: &str) -> Result<Self> {
        let lines = text.lines().filter(|line| !line.starts_with([';', '#'])).filter_map(|line| line.split_once('='));
        let first = |wanted: &str| lines.clone().find(|(key, _)| key.trim_end() == wanted).map(|(_, value)| value.trim_start());
        Ok(Self {
            max_grouping: first("max-grouping-size").map_or(Ok(DEFAULT_GROUPING), max_grouping)?,
            unknown_feature: first("unk-feature").filter(|feature| !feature.is_empty()).map(str::to_owned),
            charset: first("config-charset").and_then(|name| Charset::from_name(name.trim_end())),
        })
    }

    /// Gives unknown rows the common feature, if there is one.
    pub fn apply(&self, unknown: &mut [UnknownRow]) {
        if let Some(feature) = &self.unknown_feature {
            for row in unknown {
                row.feature.clone_from(feature);
            }
        }
    }
}

/// 0, and anything that is no number, means the default.
fn max_grouping(value: &str) -> Result<u16> {
    let value = value.trim_end();
    match (value.parse::<u64>(), value.parse::<u16>()) {
        (Ok(0), _) => Ok(DEFAULT_GROUPING),
        (Err(_), _) if !value.starts_with('-') => Ok(DEFAULT_GROUPING),
        (Ok(_), Ok(number)) => Ok(number),
        _ => Err(Error::refused(format!("dicrc: max-grouping-size {} is not between 0 and 65535", escape(value, 20)))),
    }
}

fn has_csv_name(name: &str) -> bool {
    std::path::Path::new(name).extension().is_some_and(|extension| extension == "csv")
}

fn find<'a>(files: &[&'a SourceFile], name: &str) -> Option<&'a SourceFile> {
    files.iter().copied().find(|file| file.0 == name)
}

/// A text file without its byte order mark.
pub(crate) fn without_bom(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes)
}

fn required<'a>(files: &[&'a SourceFile], name: &str) -> Result<&'a [u8]> {
    find(files, name).map(|file| without_bom(&file.1)).ok_or_else(|| Error::refused(format!("{name} is missing")))
}

fn guess(files: &[&SourceFile], dicrc: &[u8]) -> Charset {
    let utf8 = files.iter().all(|file| std::str::from_utf8(&file.1).is_ok());
    if utf8 {
        return Charset::Utf8;
    }
    Settings::parse(&String::from_utf8_lossy(dicrc)).ok().and_then(|settings| settings.charset).unwrap_or(Charset::EucJp)
}

/// Reads CSV rows `surface,left,right,cost,feature…` and appends them to `entries`.
///
/// # Errors
/// Refused with `prefix` + file name, line and rule.
pub fn lexicon(prefix: &str, name: &str, text: &str, entries: &mut Vec<Entry>) -> Result<()> {
    for (number, line) in text.split('\n').enumerate() {
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.is_empty() {
            continue;
        }
        let fault = |rule: String| Error::refused(format!("{prefix}{name}: line {}: {rule}", number + 1));
        entries.push(row(line).map_err(fault)?);
    }
    Ok(())
}

/// Reads one row `surface,left,right,cost,feature…`.
pub(crate) fn row(line: &str) -> std::result::Result<Entry, String> {
    let columns =
        csv::split_row(line.as_bytes()).ok_or("fewer than the five columns surface,left id,right id,cost,features, or an open quote")?;
    let [surface, left, right, cost, feature] = columns.map(|column| String::from_utf8(column).ok());
    let surface = surface.ok_or("the surface ends within a character")?;
    if surface.is_empty() {
        return Err("the surface is empty".into());
    }
    Ok(Entry {
        surface,
        left: integer("left context id", left.as_deref())?,
        right: integer("right context id", right.as_deref())?,
        cost: integer("cost", cost.as_deref())?,
        feature: feature.ok_or("the feature ends within a character")?,
    })
}

fn integer<T: std::str::FromStr>(what: &str, text: Option<&str>) -> std::result::Result<T, String> {
    let text = text.unwrap_or_default().trim_matches([' ', '\t']);
    text.parse().map_err(|_| format!("the {what} {:?} is no number in range", escape(text, 20)))
}

fn unknown_rows(text: &str, chars: &CharTable) -> Result<Vec<UnknownRow>> {
    let mut entries = Vec::new();
    lexicon("", "unk.def", text, &mut entries)?;
    let row = |entry: Entry| {
        let category = chars.names.iter().position(|name| *name == entry.surface);
        let category = category
            .ok_or_else(|| Error::refused(format!("unk.def: category {} is not defined in char.def", escape(&entry.surface, 40))))?;
        Ok(UnknownRow { category: category as u8, left: entry.left, right: entry.right, cost: entry.cost, feature: entry.feature })
    };
    entries.into_iter().map(row).collect()
}

/// A matrix with more cells than this must have most of them in the file, so that a small file cannot ask for huge memory.
const SPARSE_CELLS: usize = 1 << 22;

/// `matrix.def`: `lsize rsize`, then `right-id-of-left-word left-id-of-right-word cost`; absent cells are 0.
fn matrix(bytes: &[u8]) -> Result<Matrix> {
    let fault = |number: usize, rule: &str| Error::refused(format!("matrix.def: line {}: {rule}", number + 1));
    let mut lines = bytes.split(|&b| b == b'\n').enumerate();
    let head = lines.next().and_then(|(_, line)| numbers(line)).filter(|n| n.1 == 2);
    let ([left_ids, right_ids, _], _) = head.ok_or_else(|| fault(0, "the head is not two sizes"))?;
    let id = |n: i64| u16::try_from(n).ok().filter(|&n| n <= 32_767);
    let (Some(left_ids), Some(right_ids)) = (id(left_ids), id(right_ids)) else {
        return Err(fault(0, "the sizes are not in 1…32767"));
    };
    let count = usize::from(left_ids) * usize::from(right_ids);
    // The shortest line of a cell is `0 0 0` and its line break.
    if count > SPARSE_CELLS.max(bytes.len() / 6 * 16) {
        return Err(fault(0, "the sizes declare far more cells than the file holds"));
    }
    let mut cells = vec![0; count];
    for (number, line) in lines {
        let Some((values, found)) = numbers(line) else { return Err(fault(number, "not three numbers")) };
        match (found, values) {
            (0, _) => {}
            (3, [l, r, cost]) => {
                let (l, r) = (usize::try_from(l).unwrap_or(usize::MAX), usize::try_from(r).unwrap_or(usize::MAX));
                if l >= usize::from(left_ids) || r >= usize::from(right_ids) {
                    return Err(fault(number, "a cell outside the matrix"));
                }
                cells[l + usize::from(left_ids) * r] = i16::try_from(cost).map_err(|_| fault(number, "a cost beyond 16 bits"))?;
            }
            _ => return Err(fault(number, "not three numbers")),
        }
    }
    Ok(Matrix { left_ids, right_ids, cells })
}

/// Up to three integers of a line and how many there were; `None` if something else stands there.
fn numbers(line: &[u8]) -> Option<([i64; 3], usize)> {
    let mut values = [0; 3];
    let mut found = 0;
    for field in line.split(|b| matches!(b, b' ' | b'\t' | b'\r')).filter(|field| !field.is_empty()) {
        *values.get_mut(found)? = number(field)?;
        found += 1;
    }
    Some((values, found))
}

/// A decimal integer of at most nine digits: all that a matrix can hold, and cheap to read a million times.
fn number(field: &[u8]) -> Option<i64> {
    let digits = field.strip_prefix(b"-").unwrap_or(field);
    if digits.is_empty() || digits.len() > 9 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let value = digits.iter().fold(0, |value, digit| 10 * value + i64::from(digit - b'0'));
    Some(if digits.len() < field.len() { -value } else { value })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FEATURE: &str = "名詞,一般,*,*,*,*,*";

    fn base() -> Vec<SourceFile> {
        let file = |name: &str, text: String| (name.to_owned(), text.into_bytes());
        vec![
            file("lex.csv", format!("都,0,0,100,{FEATURE},都\n東京,0,0,100,{FEATURE},東京\n東京,0,0,50,{FEATURE},second\n")),
            file("matrix.def", "1 1\n0 0 -7\n".into()),
            file("char.def", "DEFAULT 0 1 0\nSPACE 0 1 0\nKANJI 0 0 2\n0x0020 SPACE\n0x4E00..0x9FFF KANJI\n".into()),
            file("unk.def", format!("SPACE,0,0,1,{FEATURE}\nDEFAULT,0,0,2,{FEATURE}\nKANJI,0,0,3,{FEATURE}\n")),
        ]
    }

    fn changed(name: &str, text: &str) -> Result<RawDictionary> {
        let mut files = base();
        files.retain(|file| file.0 != name);
        files.push((name.into(), text.as_bytes().to_vec()));
        read(&files, None)
    }

    #[test]
    fn sorts_and_keeps_homograph_order() {
        let raw = read(&base(), None).unwrap();
        let surfaces: Vec<_> = raw.entries.iter().map(|e| (e.surface.as_str(), e.cost)).collect();
        assert_eq!(surfaces, [("東京", 100), ("東京", 50), ("都", 100)]);
        assert_eq!(raw.unknown.iter().map(|row| row.cost).collect::<Vec<_>>(), [2, 1, 3]);
        assert_eq!(raw.matrix.cells, [-7]);
        assert_eq!(raw.pos_of_left, [1]);
        assert_eq!(raw.pos_of_unknown, [2, 3, 4]);
        assert_eq!(raw.pos_table.unknown_category(4), Some("KANJI"));
        assert_eq!(raw.pos_table.field(1, 1), "一般");
    }

    #[test]
    fn euc_jp_by_dicrc_equals_utf8() {
        let files: Vec<SourceFile> = base()
            .into_iter()
            .map(|(name, bytes)| (name, encoding_rs::EUC_JP.encode(std::str::from_utf8(&bytes).unwrap()).0.into_owned()))
            .chain([("dicrc".to_owned(), b"; note\nconfig-charset = EUC-JP\n".to_vec())])
            .collect();
        assert_eq!(read(&files, None).unwrap(), read(&base(), None).unwrap());
    }

    #[test]
    fn refuses_each_fault() {
        assert!(changed("matrix.def", "1 1\n0 0 -7\n").is_ok());
        for (name, text) in [
            ("matrix.def", "65535 65535\n0 0 0\n"),
            ("matrix.def", "30000 30000\n0 0 0\n"),
            ("matrix.def", "2 2\n0 0 1\n5 7 3\n"),
            ("matrix.def", "1 1\n0 0 40000\n"),
            ("matrix.def", "1 1\n0 0\n"),
            ("matrix.def", "1 1\n-1 0 3\n"),
            ("matrix.def", ""),
            ("lex.csv", ",0,0,1,x\n"),
            ("lex.csv", "a,0,0,1\n"),
            ("lex.csv", "a,1,0,1,x\n"),
            ("lex.csv", "a,,,,x\n"),
            ("lex.csv", "a,0,0,99999,x\n"),
            ("lex.csv", "\"a,0,0,1,x\n"),
            ("lex.csv", "a\0b,0,0,1,x\n"),
            ("lex.csv", ""),
            ("unk.def", "DEFAULT,0,0,1,x\nSPACE,0,0,1,x\n"),
            ("unk.def", "OTHER,0,0,1,x\n"),
            ("char.def", "DEFAULT 0 1 0\n0x30FF..0x30A0 DEFAULT\n"),
            ("dicrc", "max-grouping-size = -1\n"),
        ] {
            let error = changed(name, text).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{name}: {text}: {error}");
        }
    }

    #[test]
    fn settings_are_honoured() {
        let raw = changed("dicrc", "max-grouping-size = 7\nunk-feature = 未知語,*\n").unwrap();
        assert_eq!(raw.max_grouping, 7);
        assert!(raw.unknown.iter().all(|row| row.feature == "未知語,*"));
    }

    proptest! {
        #[test]
        fn garbage_is_refused_without_a_panic(name in prop::sample::select(vec!["lex.csv", "matrix.def", "char.def", "unk.def", "dicrc"]),
                                         text in "[0-9xA-F \",.\n東\0#=-]{0,60}") {
            let _ = changed(name, &text);
        }
    }
}
