//! User dictionaries: rows that a user adds to the lexicon of a dictionary.
//!
//! A row is a full row of MeCab's CSV (`surface,left id,right id,cost,features…`) or three columns
//! (`surface,POS,reading`). A row of the second kind is resolved to one of the first kind, by what the dictionary knows of that
//! part of speech, and can be printed, so that `mecab -u` can be given the same row. Surfaces are not normalised: they are compared
//! with text after normalisation, so they must be written like normalised text.

use rustc_hash::FxHashMap;

use crate::error::{Error, Result};
use crate::segment::csv;
use crate::segment::part_of_speech::{Fault, PartOfSpeech, fault};
use crate::segment::source::{Entry, RawDictionary};
use crate::segment::source_reader;

/// A three-column row and the full row it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The file, as named by the user (control characters escaped).
    pub file: String,
    /// Its line in the file, from 1.
    pub line: usize,
    /// The full row in MeCab's CSV, without line break.
    pub csv: String,
}

/// The rows of a user dictionary.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserRows {
    /// All rows as full rows, in the file's order.
    pub entries: Vec<Entry>,
    /// Those of them that were three columns.
    pub resolved: Vec<Resolved>,
}

/// Reads a user dictionary in UTF-8 for the dictionary `raw`. Empty lines count and are skipped; nothing is added to `raw`.
///
/// A three-column row gets the commonest pair of context ids among the entries of its part of speech (of equally common
/// ones the smallest), the grammar fields of an entry with these ids, and the median cost (the lower of two) of the
/// entries of its part of speech that have as many characters; without such entries, of the nearest length (of two, the
/// shorter).
///
/// # Errors
/// Refused with `label`, line and a hint: not UTF-8, neither kind of row, empty field, unknown or conjugating part of speech,
/// ids outside the matrix, cost beyond 16 bits.
pub fn read(raw: &RawDictionary, label: &str, bytes: &[u8]) -> Result<UserRows> {
    let text = utf8(label, source_reader::without_bom(bytes))?;
    let mut rows = UserRows::default();
    let mut resolver = Resolver { raw, known: FxHashMap::default() };
    for (at, line) in text.split('\n').enumerate() {
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.is_empty() {
            continue;
        }
        let columns = csv::fields(line);
        let short = columns.len() == 3;
        let entry = if short { resolver.resolve(&columns) } else { full_row(&columns, line) };
        let entry = entry.and_then(|entry| raw.check_entry(&entry).map(|()| entry).map_err(|rule| Fault { rule, remedy: RANGE.into() }));
        let entry = entry.map_err(|fault| Error::refused_with_hint(format!("{label}: line {}: {}", at + 1, fault.rule), fault.remedy))?;
        if short {
            rows.resolved.push(Resolved { file: label.to_owned(), line: at + 1, csv: csv_row(&entry) });
        }
        rows.entries.push(entry);
    }
    Ok(rows)
}

/// An entry as a row of MeCab's CSV, without line break.
pub fn csv_row(entry: &Entry) -> String {
    let mut surface = String::new();
    csv::push_field(&mut surface, &entry.surface);
    format!("{surface},{},{},{},{}", entry.left, entry.right, entry.cost, entry.feature)
}

const KINDS: &str = "write surface,left id,right id,cost,features… or, to have ids and cost chosen, surface,POS,reading";
const RANGE: &str = "write ids below the sizes of the dictionary's matrix.def, a surface of 1 to 1024 bytes, and no NUL";
const NUMBERS: &str = "write two context ids of the dictionary and a cost from -32768 to 32767 \
                       (empty ones would need the model the dictionary was trained with), or surface,POS,reading to have them chosen";

fn utf8<'a>(label: &str, bytes: &'a [u8]) -> Result<&'a str> {
    std::str::from_utf8(bytes).map_err(|error| {
        let line = 1 + memchr::memchr_iter(b'\n', bytes.get(..error.valid_up_to()).unwrap_or_default()).count();
        Error::refused_with_hint(format!("{label}: line {line}: not UTF-8"), "save the file as UTF-8 (iconv -f EUC-JP -t UTF-8 does it)")
    })
}

fn full_row(columns: &[String], line: &str) -> std::result::Result<Entry, Fault> {
    if columns.len() < 5 {
        let rule = format!("{} columns are neither a full row nor surface,POS,reading", columns.len());
        return fault(rule, KINDS);
    }
    source_reader::row(line).map_err(|rule| Fault { remedy: if rule.contains("number") { NUMBERS } else { KINDS }.into(), rule })
}

/// Resolves three-column rows; each part of speech is looked up once.
struct Resolver<'a> {
    raw: &'a RawDictionary,
    known: FxHashMap<String, PartOfSpeech>,
}

impl Resolver<'_> {
    fn resolve(&mut self, columns: &[String]) -> std::result::Result<Entry, Fault> {
        let [surface, pos, reading] = [0, 1, 2].map(|n| columns.get(n).map_or("", |column| column.trim_matches([' ', '\t'])));
        for (what, column) in [("surface", surface), ("POS", pos), ("reading", reading)] {
            if column.is_empty() {
                return fault(format!("the {what} is empty"), KINDS);
            }
        }
        if !self.known.contains_key(pos) {
            let looked_up = PartOfSpeech::look_up(self.raw, pos)?;
            self.known.insert(pos.to_owned(), looked_up);
        }
        let Some(known) = self.known.get(pos) else { return fault("the POS is not known", KINDS) };
        let feature = known.feature(self.raw.standard(), surface, reading);
        Ok(Entry { surface: surface.to_owned(), left: known.left, right: known.right, cost: known.cost(surface.chars().count()), feature })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::morpheme::Standard;
    use crate::segment::source_reader::SourceFile;

    /// A dictionary of the given rows with ids below 4.
    fn dictionary(rows: &[&str]) -> RawDictionary {
        let file = |name: &str, text: &str| -> SourceFile { (name.to_owned(), text.as_bytes().to_vec()) };
        let files = [
            file("lex.csv", &rows.join("\n")),
            file("matrix.def", "4 4\n"),
            file("char.def", "DEFAULT 0 1 0\nSPACE 0 1 0\n"),
            file("unk.def", "SPACE,0,0,1,記号\nDEFAULT,0,0,2,名詞\n"),
        ];
        source_reader::read(&files, None).unwrap()
    }

    fn ipadic() -> RawDictionary {
        dictionary(&[
            "都,1,1,10,名詞,一般,*,*,*,*,都,ト,ト",
            "東,1,1,30,名詞,一般,*,*,*,*,東,ヒガシ,ヒガシ",
            "京都,2,2,500,名詞,固有名詞,地域,一般,*,*,京都,キョウト,キョート",
            "大阪,2,2,700,名詞,固有名詞,地域,一般,*,*,大阪,オオサカ,オーサカ",
            "奈良,2,2,600,名詞,固有名詞,地域,一般,*,*,奈良,ナラ,ナラ",
            "山口県庁,2,1,900,名詞,固有名詞,組織,*,*,*,山口県庁,ヤマグチケンチョウ,ヤマグチケンチョー",
            "行く,3,3,5,動詞,自立,*,*,五段・カ行促音便,基本形,行く,イク,イク",
        ])
    }

    fn resolved(raw: &RawDictionary, text: &str) -> Vec<String> {
        read(raw, "my.csv", text.as_bytes()).unwrap().resolved.into_iter().map(|row| row.csv).collect()
    }

    #[test]
    fn three_columns_get_the_commonest_ids_and_the_median_cost() {
        let raw = ipadic();
        // Two characters: the median of 500, 600, 700.
        assert_eq!(resolved(&raw, "令和,名詞-固有名詞,レイワ"), ["令和,2,2,600,名詞,固有名詞,地域,一般,*,*,令和,レイワ,レイワ"]);
        // Three characters are as near to two as to four: the shorter. Nine: four.
        assert_eq!(
            resolved(&raw, "南山城,名詞-固有名詞,ミナミヤマシロ"),
            ["南山城,2,2,600,名詞,固有名詞,地域,一般,*,*,南山城,ミナミヤマシロ,ミナミヤマシロ"]
        );
        assert!(
            resolved(&raw, "あいうえおかきくけ,名詞-固有名詞-組織,ア")[0].starts_with("あいうえおかきくけ,2,1,900,名詞,固有名詞,組織,*,")
        );
        // Of an even number the lower median; the whole 品詞 counts every subdivision.
        assert!(resolved(&raw, "西,名詞-一般,ニシ")[0].starts_with("西,1,1,10,名詞,一般,"));
        assert!(resolved(&raw, "西,名詞,ニシ")[0].starts_with("西,2,2,10,名詞,固有名詞,地域,"));
    }

    #[test]
    fn equally_common_ids_are_the_smallest() {
        let raw = dictionary(&["乙,2,1,1,名詞,一般", "甲,1,2,1,名詞,一般"]);
        assert_eq!(resolved(&raw, "丙,名詞,ヘイ"), ["丙,1,2,1,名詞,一般"]);
    }

    #[test]
    fn unidic_has_its_own_layout() {
        let tail = |n: usize| vec!["x"; n].join(",");
        for (width, expected) in [
            (17, "語,1,1,7,名詞,普通名詞,一般,*,*,*,ゴ,語,語,ゴ,語,ゴ,*,*,*,*,*"),
            (26, "語,1,1,7,名詞,普通名詞,一般,*,*,*,ゴ,語,語,ゴ,語,ゴ,*,*,*,*,*,ゴ,ゴ,ゴ,ゴ,*,*,*,*,*"),
            (29, "語,1,1,7,名詞,普通名詞,一般,*,*,*,ゴ,語,語,ゴ,語,ゴ,*,*,*,*,*,*,*,*,ゴ,ゴ,ゴ,ゴ,*,*,*,*,*"),
        ] {
            let raw = dictionary(&[&format!("都,1,1,7,名詞,普通名詞,一般,*,*,*,{}", tail(width - 6))]);
            assert_eq!(raw.standard(), Standard::Unidic);
            assert_eq!(resolved(&raw, "語,名詞-普通名詞,ゴ"), [expected]);
        }
    }

    #[test]
    fn files_may_mix_kinds_marks_and_line_ends() {
        let raw = ipadic();
        let text = "\u{FEFF}甲,1,1,-5,名詞,一般,*,*,*,*,甲,コウ,コー\r\n\r\n\"乙,丙\", 名詞-一般 ,オツ\r\n";
        let rows = read(&raw, "my.csv", text.as_bytes()).unwrap();
        let entries: Vec<_> = rows.entries.iter().map(|entry| (entry.surface.as_str(), entry.cost)).collect();
        assert_eq!(entries, [("甲", -5), ("乙,丙", 10)]);
        assert_eq!(
            rows.resolved,
            [Resolved { file: "my.csv".into(), line: 3, csv: "\"乙,丙\",1,1,10,名詞,一般,*,*,*,*,\"乙,丙\",オツ,オツ".into() }]
        );
        assert_eq!(read(&raw, "my.csv", b"").unwrap(), UserRows::default());
    }

    #[test]
    fn what_is_printed_reads_as_the_same_rows() {
        let raw = ipadic();
        let rows = read(&raw, "my.csv", "令和,名詞-固有名詞,レイワ\n\"a\"\"b,c\",名詞-一般,\"x,y\"\n".as_bytes()).unwrap();
        let printed: Vec<_> = rows.resolved.iter().map(|row| row.csv.as_str()).collect();
        let again = read(&raw, "printed.csv", printed.join("\n").as_bytes()).unwrap();
        assert_eq!((again.entries, again.resolved), (rows.entries, Vec::new()));
    }

    /// Second line of a file that is refused, with a word of the rule and one of the remedy.
    fn refused(second: &[u8], rule: &str, remedy: &str) {
        let bytes = ["甲,名詞-一般,コウ\n".as_bytes(), second, b"\n"].concat();
        let error = read(&ipadic(), "my.csv", &bytes).unwrap_err();
        let (message, hint) = (error.to_string(), error.hint().unwrap_or_default().to_owned());
        assert_eq!(error.exit_code(), 2);
        assert!(message.starts_with("my.csv: line 2: ") && message.contains(rule), "{message}");
        assert!(hint.contains(remedy), "{hint}");
    }

    #[test]
    fn unknown_pos_is_refused() {
        refused("東京,無詞,トウキョウ".as_bytes(), "no word of the POS 無詞", "名詞-固有名詞");
        refused("東京,名詞-動物,トウキョウ".as_bytes(), "名詞-動物", "品詞-細分類1");
        refused("東京,名詞-一般-*-*-*,トウキョウ".as_bytes(), "名詞-一般-*-*-*", "品詞-細分類1");
        refused("東京,名詞-,トウキョウ".as_bytes(), "名詞-", "品詞-細分類1");
    }

    #[test]
    fn conjugating_pos_is_refused() {
        refused("ググる,動詞-自立,ググル".as_bytes(), "conjugate", "a full row for each form");
    }

    #[test]
    fn empty_fields_are_refused() {
        refused(",名詞-一般,トウキョウ".as_bytes(), "the surface is empty", "surface,POS,reading");
        refused("東京,,トウキョウ".as_bytes(), "the POS is empty", "surface,POS,reading");
        refused("東京,名詞-一般,".as_bytes(), "the reading is empty", "surface,POS,reading");
        refused(b",,", "the surface is empty", "surface,POS,reading");
        refused(b",1,1,5,x", "the surface is empty", "surface,POS,reading");
    }

    #[test]
    fn missing_fields_are_refused() {
        for row in ["東京", "東京,名詞-一般", "東京,1,1,5", "東京,1,1,5,", "\"東京,1,1,5,x"] {
            refused(row.as_bytes(), "column", "surface,POS,reading");
        }
    }

    #[test]
    fn bad_ids_are_refused() {
        refused("東京,4,1,5,x".as_bytes(), "outside the matrix", "matrix.def");
        refused("東京,1,4,5,x".as_bytes(), "outside the matrix", "matrix.def");
        refused("東京,-1,1,5,x".as_bytes(), "left context id", "surface,POS,reading");
        refused("東京,1,x,5,x".as_bytes(), "right context id", "surface,POS,reading");
        refused("東京,,,,名詞".as_bytes(), "left context id", "model");
    }

    #[test]
    fn costs_beyond_16_bits_are_refused() {
        refused("東京,1,1,32768,x".as_bytes(), "the cost", "-32768 to 32767");
        refused("東京,1,1,-32769,x".as_bytes(), "the cost", "-32768 to 32767");
        refused("東京,1,1,,x".as_bytes(), "the cost", "-32768 to 32767");
    }

    #[test]
    fn what_is_not_utf8_is_refused() {
        refused(&encoding_rs::EUC_JP.encode("東京,名詞-一般,トウキョウ").0, "not UTF-8", "UTF-8");
        refused("東\0京,名詞-一般,トウキョウ".as_bytes(), "NUL", "no NUL");
        refused(format!("{},名詞-一般,ア", "東".repeat(400)).as_bytes(), "1024", "1024");
    }

    proptest! {
        #[test]
        fn any_file_is_read_or_refused(text in "([東京a]{0,2}|,|\"|\n|\r|\0|名詞|-|一般|1|　| ){0,30}") {
            let raw = ipadic();
            match read(&raw, "my.csv", text.as_bytes()) {
                Ok(rows) => {
                    prop_assert!(rows.resolved.len() <= rows.entries.len());
                    prop_assert!(raw.clone().add_user_rows(rows.entries).is_ok());
                }
                Err(error) => prop_assert!(error.exit_code() == 2 && error.hint().is_some()),
            }
        }
    }
}
