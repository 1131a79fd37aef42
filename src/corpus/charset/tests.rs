//! Charsets of whole texts: right, refused by name, and never another in silence.

use super::*;
use encoding_rs::{EUC_JP, Encoding, ISO_2022_JP, SHIFT_JIS};
use proptest::prelude::*;

use crate::corpus::tests::shared;

const TEXT: &str = "日本語の文書を正規化し、形態素に分割してから重複を除く。\r\nカタカナとABC 123も（少し）あります。\n";

fn encode(text: &str, charset: &str) -> Vec<u8> {
    match charset {
        "utf-8" => text.as_bytes().to_vec(),
        "utf-16le" => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        "utf-16be" => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        label => {
            let (bytes, _, lossy) = Encoding::for_label(label.as_bytes()).unwrap().encode(text);
            assert!(!lossy, "{text}");
            bytes.into_owned()
        }
    }
}

#[expect(clippy::unnecessary_wraps, reason = "compared with what decode gives")]
fn of(text: &str, charset: &'static str) -> Result<Decoded, Refused> {
    Ok(Decoded { text: text.to_owned(), charset, replaced: 0 })
}

fn text_of(bytes: &[u8]) -> String {
    decode(bytes, None).unwrap().text
}

#[test]
fn five_encodings() {
    for charset in ["utf-8", "utf-16le", "utf-16be", "iso-2022-jp", "shift_jis", "euc-jp"] {
        for declared in [None, Some("shift_jis"), Some("euc-jp"), Some("nonsense")] {
            assert_eq!(decode(&encode(TEXT, charset), declared), of(TEXT, charset), "{declared:?}");
        }
    }
}

#[test]
fn half_width_kana_and_tables() {
    let bank = "ｶ)ﾄｳｷﾖｳｼﾖｳｼﾞ 00123 ﾌﾘｺﾐ\nﾔﾏﾀﾞ ﾀﾛｳ 00456 ﾃｽｳﾘﾖｳ\n";
    assert_eq!(text_of(&encode(bank, "shift_jis")), bank);
    let table = "あ0,0,0,0,0,0,0,0,0,0,0,0,0,0\n".repeat(3);
    assert_eq!(text_of(&encode(&table, "shift_jis")), table);
}

#[test]
fn what_was_garbled_before_is_still_read() {
    // EUC-JP taken for CP932 and written as such: kana as EUC-JP, with a broken place in every line.
    let garbled = "､｢､､､ﾆ､ｪ､ﾇ､ｹ､ｬ&#65533;ｽ､ｳ\n".repeat(5);
    let bytes = encode(&garbled, "shift_jis");
    assert!(eight_bit::by_table(&bytes, EUC_JP, "euc-jp").is_garbled());
    assert_eq!(decode(&bytes, None), of(&garbled, "shift_jis"));
}

#[test]
fn byte_order_marks() {
    let decoded = |bytes: &[u8]| decode(bytes, Some("euc-jp")).map(|decoded| (decoded.text, decoded.charset, decoded.replaced));
    assert_eq!(decoded(b"\xef\xbb\xbfa long line\xff"), Ok(("a long line\u{fffd}".into(), "utf-8", 1)));
    assert_eq!(decoded(b"\xff\xfe\x42\x30"), Ok(("あ".into(), "utf-16le", 0)));
    let mut odd = encode("\u{feff}これは一つの文です", "utf-16be");
    odd.push(0x30);
    assert_eq!(decoded(&odd), Ok(("これは一つの文です\u{fffd}".into(), "utf-16be", 1)));
    assert_eq!(decoded(b"\xff\xfe\x00\xd8\x42\x30").unwrap_err().reason, "utf16");
    let utf32: Vec<u8> = "\u{feff}𠮷野家".chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
    assert_eq!(decoded(&utf32), Ok(("𠮷野家".into(), "utf-32le", 0)));
    // A mark before what is no UTF-8.
    let lies = [&b"\xef\xbb\xbf"[..], &encode(TEXT, "shift_jis")].concat();
    assert_eq!(decode(&lies, None), of(TEXT, "shift_jis"));
}

#[test]
fn terminal_escapes_are_not_iso_2022_jp() {
    assert_eq!(decode(b"a\x1b(B\x1b[mb\0", None), of("a\x1b(B\x1b[mb\0", "utf-8"));
}

#[test]
fn joined_iso_2022_jp() {
    let one = encode("日本", "iso-2022-jp");
    assert_eq!(decode(&[&one[..], &one].concat(), None), of("日本日本", "iso-2022-jp"));
}

#[test]
fn broken_utf8_stays_utf8() {
    let mut bytes = TEXT.repeat(20).into_bytes();
    bytes[3] = 0xff;
    let decoded = decode(&bytes, Some("euc-jp")).unwrap();
    assert_eq!(decoded.charset, "utf-8");
    assert!(decoded.replaced > 0 && !decoded.is_garbled());
    assert_eq!(decode("日本語".as_bytes().split_last().unwrap().1, None).unwrap_err().charset, Some("utf-8"));
}

#[test]
fn published_files_decode_to_the_very_text() {
    let Some(dir) = shared("published_files_decode_to_the_very_text", "data/dirty") else { return };
    let manifest = std::fs::read_to_string(dir.join("raw-manifest.jsonl")).unwrap();
    for line in manifest.lines() {
        let entry: serde_json::Value = serde_json::from_str(line).unwrap();
        let bytes = std::fs::read(dir.join("raw").join(entry["file"].as_str().unwrap())).unwrap();
        let truth = match entry["encoding"].as_str().unwrap() {
            "cp932" | "shift_jis_2004" => SHIFT_JIS,
            "euc_jp" => EUC_JP,
            "iso2022_jp" => ISO_2022_JP,
            "utf-16" => encoding_rs::UTF_16LE,
            _ => encoding_rs::UTF_8,
        };
        let (text, errors) = truth.decode_with_bom_removal(&bytes);
        assert!(!errors);
        for declared in [None, Some("shift_jis"), Some("euc-jp"), Some("x-sjis"), Some("utf-8-bom")] {
            let decoded = decode(&bytes, declared).unwrap();
            assert_eq!((decoded.text.as_str(), decoded.replaced), (&*text, 0), "{}", entry["file"]);
            assert_eq!(decoded.text.chars().count() as u64, entry["utf8_chars"].as_u64().unwrap(), "{}", entry["file"]);
        }
    }
}

/// Slices of real text in both charsets; `(wrong, refused, all)`.
fn snippets(text: &str, chars: usize) -> (usize, usize, usize) {
    let (mut wrong, mut refused, mut all) = (0, 0, 0);
    let text: Vec<char> = text.chars().filter(|c| !c.is_ascii_control()).collect();
    for piece in text.chunks(chars).step_by(3) {
        let piece: String = piece.iter().collect();
        for encoding in [SHIFT_JIS, EUC_JP] {
            let (bytes, _, lossy) = encoding.encode(&piece);
            if !lossy && !piece.is_ascii() {
                let found = decode(&bytes, None);
                all += 1;
                refused += usize::from(found.is_err());
                wrong += usize::from(found.is_ok_and(|found| encoding.decode_without_bom_handling(&bytes).0 != found.text));
            }
        }
    }
    (wrong, refused, all)
}

#[test]
fn short_pieces_are_told_apart() {
    let Some(dir) = shared("short_pieces_are_told_apart", "data/corpus") else { return };
    for name in ["aozora", "law", "kyoto-wiki", "realpersonachat", "rurema"] {
        let file = std::fs::File::open(dir.join(format!("{name}.jsonl.zst"))).unwrap();
        let mut head = Vec::new();
        std::io::Read::read_to_end(&mut std::io::Read::take(zstd::Decoder::new(file).unwrap(), 1 << 20), &mut head).unwrap();
        let lines = head.split(|b| *b == b'\n').filter_map(|line| serde_json::from_slice::<serde_json::Value>(line).ok());
        let text: String = lines.map(|line| line["text"].as_str().unwrap().to_owned()).collect();
        for (chars, allowed) in [(10, 0.03), (50, 0.015), (200, 0.001)] {
            let (wrong, refused, all) = snippets(&text, chars);
            let rate = refused as f64 / all as f64;
            // A kanji or two among ASCII are valid UTF-8 once in a while.
            let is_right = if chars == 10 { wrong * 5000 <= all } else { wrong == 0 };
            assert!(all > 100 && is_right && rate <= allowed, "{name}: {wrong}, {refused} of {all} pieces of {chars} characters");
        }
    }
}

proptest! {
    #[test]
    fn never_panics(bytes in proptest::collection::vec(prop_oneof![any::<u8>(), Just(0x1b), Just(b'$'), Just(b'B'), Just(b'('), Just(0x0e), Just(0)], 0..80)) {
        if let Ok(decoded) = decode(&bytes, Some("euc-jp")) {
            prop_assert!(decoded.replaced <= bytes.len() as u64);
        }
    }

    #[test]
    fn utf8_is_left_alone(text in "[a-zぁ-んァ-ヶ一-龠、。 \n]{0,40}") {
        prop_assert_eq!(decode(text.as_bytes(), Some("shift_jis")).unwrap().text, text);
    }
}

#[test]
fn what_is_not_japanese_is_refused_by_name() {
    let korean = "봄날 아침에 강가를 걸었습니다. 오늘은 날씨가 좋습니다.";
    let simplified = "春天的早晨，我们在河边散步。今天的天气很好。";
    let traditional = "春天的早晨，我們在河邊散步。今天的天氣很好。";
    let russian = "Весной мы гуляли у реки. Погода была хорошая.";
    for (text, encoding, name) in [
        (korean, encoding_rs::EUC_KR, "euc-kr"),
        (simplified, encoding_rs::GBK, "gbk"),
        (simplified, encoding_rs::GB18030, "gbk"),
        (traditional, encoding_rs::BIG5, "big5"),
        (russian, encoding_rs::WINDOWS_1251, "windows-1251"),
        (russian, encoding_rs::KOI8_R, "koi8-u"),
    ] {
        let (bytes, _, _) = encoding.encode(text);
        for declared in [None, Some("nonsense"), Some("utf-8"), Some("iso-8859-1"), Some("shift_jis"), Some("euc-jp")] {
            let refused = decode(&bytes, declared).unwrap_err();
            let is_named = declared == Some("iso-8859-1") || refused.detail == format!("{name}, not Japanese");
            assert!(refused.reason == "charset" && is_named && refused.detail.ends_with("not Japanese"), "{name} {declared:?} {refused:?}");
        }
        assert_eq!(decode(&bytes, Some(encoding.name())).unwrap_err().reason, "charset");
    }
    for (bytes, name) in
        [(&b"\x1b$)C\x0e0!0!\x0f"[..], "iso-2022-kr"), (b"\x1b$)A\x0eVPND\x0f", "iso-2022-cn"), (b"~{VPNDVPND~}\n", "hz-gb-2312")]
    {
        assert_eq!(decode(bytes, None).unwrap_err().detail, format!("{name}, not Japanese"));
    }
    assert_eq!(decode(b"Hi +ZeVnLIqe-", Some("utf-7")).unwrap_err().detail, "utf-7 is not read");
}

#[test]
fn japanese_is_read_whatever_is_declared() {
    let short = "春の朝、川のそばを歩きました。";
    for text in [TEXT, short, "東京都渋谷区役所", "お知らせ"] {
        for charset in ["shift_jis", "euc-jp", "iso-2022-jp", "utf-8"] {
            for label in [
                "gb2312",
                "euc-kr",
                "big5",
                "iso-8859-1",
                "windows-1252",
                "windows-1251",
                "utf-8",
                "shift_jis",
                "euc-jp",
                "x-sjis",
                "utf-16",
            ] {
                assert_eq!(decode(&encode(text, charset), Some(label)), of(text, charset), "{label}");
                let page = format!("<html><meta charset={label}><p>{text}</p>");
                assert_eq!(decode(&encode(&page, charset), None), of(&page, charset), "{label}");
            }
        }
    }
}

#[test]
fn one_bad_cell_does_not_change_the_charset() {
    let (before, behind) = ("<meta charset=\"LABEL\"><p>町の名は", "と書きます。</p>");
    for (charset, label, bad) in [
        ("euc-jp", "euc-jp", &[0xa9, 0xa1][..]),
        ("euc-jp", "x-euc-jp", &[0xff]),
        ("euc-jp", "EUC-JP", &[0xcf, 0xfe]),
        ("shift_jis", "Shift_JIS", &[0x85, 0x9f]),
        ("shift_jis", "x-sjis", &[0xfd]),
        ("shift_jis", "windows-31j", &[0xef, 0xfc]),
    ] {
        let before = before.replace("LABEL", label);
        let bytes = [&encode(&before, charset)[..], bad, &encode(behind, charset)].concat();
        let expected = Decoded { text: format!("{before}\u{fffd}{behind}"), charset, replaced: 1 };
        assert_eq!(decode(&bytes, None), Ok(expected), "{label} {bad:x?}");
    }
}

#[test]
fn western_text_is_read_if_it_is_declared_or_nearly_ascii() {
    let french = "Le café est fermé à midi, dit-elle. Il rouvre à deux heures.";
    let (bytes, _, _) = encoding_rs::WINDOWS_1252.encode(french);
    for label in ["iso-8859-1", "windows-1252", "Latin1"] {
        assert_eq!(decode(&bytes, Some(label)), of(french, "windows-1252"));
    }
    assert_eq!(decode(&bytes, None).unwrap_err().detail, "windows-1252, not Japanese");
    let notice = format!("<p>{}</p> © 2024 “Example”", "All rights reserved. ".repeat(20));
    assert_eq!(decode(&encoding_rs::WINDOWS_1252.encode(&notice).0, None), of(&notice, "windows-1252"));
    let czech = "Dnes je hezké počasí a šli jsme na procházku k řece s přáteli.";
    assert_eq!(decode(&encoding_rs::ISO_8859_2.encode(czech).0, Some("iso-8859-2")), of(czech, "ISO-8859-2"));
}

/// A declaration of Japanese counts where a text is odd: repeated words, signs that several charsets have, what was garbled before.
#[test]
fn odd_text_in_the_charset_it_declares() {
    for (text, charset) in [
        ("榊原鍵吉", "euc-jp"),
        ("祖霊", "euc-jp"),
        ("。。。", "euc-jp"),
        ("１２３", "euc-jp"),
        ("ﾃｽﾄ", "shift_jis"),
        ("譚ｱ莠ｬ縺ｧ縺", "shift_jis"),
    ] {
        let page = format!("<html lang=\"ja\"><meta charset={charset}><p>{}</p>", format!("{text}\n").repeat(30));
        assert_eq!(decode(&encode(&page, charset), None), of(&page, charset), "{text}");
    }
    // Undeclared, but the same text whatever it is.
    assert_eq!(decode(&encode("。。。", "euc-jp"), None).unwrap().text, "。。。");
}

#[test]
fn characters_of_2004() {
    // By Python's shift_jis_2004 and euc_jis_2004; one character is two code points.
    let text = "小鳥は踠く。繫ぐ。𠀋と㐂と、か゚です。";
    let sjis = b"\x8f\xac\x92\xb9\x82\xcd\xee\xc2\x82\xad\x81\x42\xef\xfc\x82\xae\x81\x42\x87\xa0\x82\xc6\x87\xa1\x82\xc6\x81\x41\x82\xf5\x82\xc5\x82\xb7\x81\x42";
    let euc = b"\xbe\xae\xc4\xbb\xa4\xcf\xfc\xc4\xa4\xaf\xa1\xa3\xfe\xfe\xa4\xb0\xa1\xa3\xae\xa2\xa4\xc8\xae\xa3\xa4\xc8\xa1\xa2\xa4\xf7\xa4\xc7\xa4\xb9\xa1\xa3";
    for label in ["shift_jis-2004", "Shift_JISX0213", "sjis2004"] {
        assert_eq!(decode(sjis, Some(label)), of(text, "shift_jis-2004"));
    }
    for label in ["euc-jis-2004", "EUC-JISX0213"] {
        assert_eq!(decode(euc, Some(label)), of(text, "euc-jis-2004"));
    }
    // Undeclared: cells that only the table of 2004 has prove it; 踠 alone is another kanji of CP932 and stays that.
    let tail = format!("{TEXT}繫ぐ。𠀋と㐂と、か゚です。");
    assert_eq!(decode(&[&encode(TEXT, "shift_jis")[..], &sjis[12..]].concat(), None), of(&tail, "shift_jis-2004"));
    assert_eq!(decode(&[&encode(TEXT, "euc-jp")[..], &euc[12..]].concat(), None), of(&tail, "euc-jis-2004"));
    // One such cell in a text that says otherwise is damage rather.
    let one = [&encode(TEXT, "shift_jis")[..], b"\x87\xa0"].concat();
    assert_eq!(decode(&one, Some("shift_jis")).unwrap().replaced, 1);
    // Declared, and nothing but what both have.
    assert_eq!(decode(&encode(TEXT, "shift_jis"), Some("shift_jis-2004")), of(TEXT, "shift_jis-2004"));
}

#[test]
fn padding_is_no_text() {
    for charset in ["utf-8", "shift_jis", "euc-jp"] {
        let mut bytes = encode(TEXT, charset);
        bytes.resize(bytes.len() + 512, 0);
        assert_eq!(decode(&bytes, None), of(TEXT, charset));
    }
}

#[test]
fn a_year_in_euc_jp_is_no_rare_letter() {
    for text in ["2024年", "平成12年"] {
        assert_eq!(decode(&encode(text, "euc-jp"), None), of(text, "euc-jp"));
    }
    for text in ["café", "ə", "2 × 3", "Я", "α-test", "ʻokina ōlelo"] {
        assert_eq!(decode(text.as_bytes(), None), of(text, "utf-8"));
    }
}

/// What texts of people came to in other tools.
#[test]
fn published_cases() {
    let Some(dir) = shared("published_cases", "cases") else { return };
    let read = |name: &str| decode(&std::fs::read(dir.join(name)).unwrap(), None);
    let line = "電子の便りは短く書きます。\n返事は急ぎません。\n";
    assert_eq!(read("8-noreturn.txt"), of(&line.repeat(2), "iso-2022-jp"));
    assert_eq!(read("8-one0212.txt"), of("町の名は丂と書きます。人々はここで暮らしています。\n", "iso-2022-jp"));
    assert_eq!(read("8-sosi.txt"), of(&"便りはﾊﾝｶｸで書きます。返事は急ぎません。\n".repeat(3), "iso-2022-jp"));
    let cut = read("8-cut.txt").unwrap();
    let sentence = "電子の便りは短く書きます。返事は急ぎません。";
    assert_eq!(cut.text.trim_end_matches('\u{fffd}'), format!("{}\n{}", sentence.repeat(5), sentence.trim_end_matches('。')));
    assert_eq!((cut.charset, cut.replaced), ("iso-2022-jp", 1));
    assert_eq!(read("12-euckr.html").unwrap_err().detail, "euc-kr, not Japanese");
    assert_eq!(read("11-minus-cp932.txt").unwrap().text, "気温は－5度でした。");
}
