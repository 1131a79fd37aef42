//! ISO-2022-JP as it is met: every set, every way to write kana, and damage of a byte.

use super::*;

const MAIL: &str = "電子の便りは短く書きます。返事は急ぎません。";

fn jis(text: &str) -> Vec<u8> {
    encoding_rs::ISO_2022_JP.encode(text).0.into_owned()
}

/// The bytes of a text of JIS X 0208 without any escape.
fn bare(text: &str) -> Vec<u8> {
    encoding_rs::EUC_JP.encode(text).0.iter().map(|b| b & 0x7f).collect()
}

fn read(bytes: &[u8]) -> (String, u64) {
    let decoded = decode(bytes, false).unwrap();
    (decoded.text, decoded.replaced)
}

fn reads(bytes: &[u8], text: &str) {
    assert_eq!(read(bytes), (text.to_owned(), 0), "{}", String::from_utf8_lossy(bytes));
}

#[test]
fn every_set() {
    reads(&jis(MAIL), MAIL);
    reads(&[b"\x1b$@", &bare("日本")[..], b"\x1b(J\\~\x1b(B!"].concat(), "日本\\~!");
    reads(&[b"\x1b&@\x1b$B", &bare("日本")[..], b"\x1b(H!"].concat(), "日本!");
    reads(&[b"\x1b$(B", &bare("日本")[..], b"\x1b$(D0!\x1b$B", &bare("語")[..], b"\x1b(B"].concat(), "日本丂語");
    reads(&[b"\x1b(I1I2\x1b$B", &bare("語")[..], b"\x1b(B."].concat(), "ｱﾉｲ語.");
    // NEC row 13, IBM extensions, cells of JIS X 0213 in plane 1 and 2, one of two code points.
    reads(b"\x1b$B-!-5yu\x1b(B", "①Ⅰ髙".replace('髙', &read(b"\x1b$Byu\x1b(B").0).as_str());
    reads(b"\x1b$(Q&x|D0!\x1b$(P!!\x1b(B", "\u{31f7}\u{309a}踠亜\u{20089}");
    reads(b"\x1b$(O*!\x1b(B", "Ą");
    // ISO-2022-JP-2: Chinese, Korean, Latin-1 and Greek.
    reads(b"\x1b$AVPND\x1b$(CGQ19\x1b(B\x1b.A\x1bNi\x1b.F\x1bNa!", "中文한국éα!");
}

#[test]
fn half_width_kana_by_shifts_and_in_eight_bits() {
    reads(&[&jis("便りは")[..], b"\x0eJ]68\x0f", &jis("で")].concat(), "便りはﾊﾝｶｸで");
    reads(&[&jis("便りは")[..], b"\xca\xdd\xb6\xb8", &jis("で")].concat(), "便りはﾊﾝｶｸで");
    reads(b"\x1b)I\x1b$B$O\x0e1\x0f$O\x1b(B", "はｱは");
    reads(b"a \x0eJ]68\x0f b\n\x0eJ] 68\x0f", "a ﾊﾝｶｸ b\nﾊﾝ ｶｸ");
    assert_eq!(decode(b"\x0eTITLE\x0f", false), None);
    assert_eq!(decode(b"\x0eTITLE\x0f", true).unwrap().text, "ﾔﾉﾔﾌﾅ");
    for no in [&b"\x0fa\x0e"[..], b"\x0elqqk\x0f", b"\x0e1", b"\x0e1\n\x0f", b"\x0e\x0f", b"plain"] {
        assert_eq!(decode(no, true), None, "{no:?}");
    }
}

#[test]
fn lines_that_do_not_return_to_ascii() {
    let line = [b"\x1b$B", &bare(MAIL)[..], b"\n"].concat();
    reads(&[&line[..], &line].concat(), &format!("{MAIL}\n{MAIL}\n"));
    reads(&[&line[..], b"From: a@example.com\r\n", &line].concat(), &format!("{MAIL}\nFrom: a@example.com\r\n{MAIL}\n"));
    reads(&[&line[..], &bare(MAIL), b"\n\n", &bare(MAIL), b"\n====\n2024"].concat(), &format!("{MAIL}\n{MAIL}\n\n{MAIL}\n====\n2024"));
}

#[test]
fn escapes_of_terminals_are_no_proof() {
    for no in [&b"a\x1b(B\x1b[mb"[..], b"\x1b[1m\x1b(J", b"\x1b7\x1b8", b"\x1b", b"\x1b$", b"\x1b.A"] {
        assert_eq!(decode(no, true), None, "{no:?}");
    }
}

/// Each byte of a mail is changed, lost or doubled: all but a place or two of that line is read, and what is lost is counted.
#[test]
fn one_damaged_byte() {
    let (before, behind) = ("前の行です。\n", "\n後の行です。");
    let sound = jis(MAIL);
    let text_is_right = |bytes: &[u8], at: usize, slack: usize| {
        let (text, replaced) = read(&[&jis(before)[..], bytes, &jis(behind)].concat());
        let line = text.strip_prefix(before).and_then(|text| text.strip_suffix(behind)).unwrap_or_else(|| panic!("{at}: {text}"));
        let common = |a: &mut dyn Iterator<Item = char>, b: &mut dyn Iterator<Item = char>| a.zip(b).take_while(|(a, b)| a == b).count();
        let kept = common(&mut line.chars(), &mut MAIL.chars()) + common(&mut line.chars().rev(), &mut MAIL.chars().rev());
        assert!(kept + slack >= MAIL.chars().count(), "{at}: {line}");
        replaced
    };
    for at in 3..sound.len() - 3 {
        for bad in [0, b' ', 0x7f, 0x80, 0xff] {
            let mut bytes = sound.clone();
            bytes[at] = bad;
            assert_eq!(text_is_right(&bytes, at, 1), 1, "{at} {bad:x}");
        }
        let mut bytes = sound.clone();
        bytes.remove(at);
        assert!(text_is_right(&bytes, at, 4) >= 1, "{at}");
        let mut bytes = sound.clone();
        bytes.insert(at, sound[at]);
        assert!(text_is_right(&bytes, at, 4) >= 1, "{at}");
    }
    // The escapes themselves.
    for at in [0, 2, sound.len() - 3, sound.len() - 2, sound.len() - 1] {
        for bad in [0, b'~', 0x80, 0xff] {
            let mut bytes = sound.clone();
            bytes[at] = bad;
            assert!(text_is_right(&bytes, at, 3) >= 1, "{at} {bad:x}");
        }
        if at != sound.len() - 1 && at != 2 {
            let mut bytes = sound.clone();
            bytes.remove(at);
            assert!(text_is_right(&bytes, at, 3) >= 1, "{at}");
        }
    }
}

#[test]
fn a_cut_mail() {
    let sound = jis(MAIL);
    for end in 8..sound.len() - 3 {
        let (text, replaced) = read(&sound[..end]);
        assert!(MAIL.starts_with(text.trim_end_matches('\u{fffd}')) && replaced == u64::from(end % 2 == 0), "{end}: {text}");
    }
}

#[test]
fn another_charset_that_holds_an_escape_is_no_iso_2022_jp() {
    let sjis = encoding_rs::SHIFT_JIS.encode(MAIL).0.into_owned();
    assert_eq!(decode(&[&sjis[..], b"\x1b$B", &sjis].concat(), true), None);
    let mixed = [MAIL.as_bytes(), b"\n", &jis(MAIL)].concat();
    reads(&mixed, &format!("{MAIL}\n{MAIL}"));
}

#[test]
fn escapes_that_were_taken_away() {
    let strip = |bytes: &[u8]| bytes.iter().copied().filter(|b| *b != ESC).collect::<Vec<u8>>();
    let text = format!("Subject: {MAIL}\n\n会議の件 (2) $100");
    assert_eq!(without_escapes(&strip(&jis(&text))), Stripped::Certain(Decoded { text, charset: "iso-2022-jp", replaced: 0 }));
    for text in ["東京都知事選挙", "これは。"] {
        assert_eq!(
            without_escapes(&strip(&jis(text))),
            Stripped::Certain(Decoded { text: text.into(), charset: "iso-2022-jp", replaced: 0 })
        );
    }
    // In a page some of the bytes are references.
    let page =
        String::from_utf8(strip(&jis("は、アイウの話です。"))).unwrap().replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;");
    assert!(
        page.contains("&quot;")
            && matches!(without_escapes(page.as_bytes()), Stripped::Certain(found) if found.text == "は、アイウの話です。")
    );
    assert_eq!(without_escapes(&strip(&jis("東京"))), Stripped::Possible);
    let cut = strip(&jis(MAIL));
    assert!(matches!(without_escapes(&cut[..cut.len() - 7]), Stripped::Certain(_)));
    for no in ["cost $BILL (Bob)", "my ($A, $B) = f($B=foo(B));", "echo $BASH_VERSION (Bash)", "$B$B$B", "$@", "US$B 3.5 (Bn)", "$B"] {
        assert_eq!(without_escapes(no.as_bytes()), Stripped::No, "{no}");
    }
}
