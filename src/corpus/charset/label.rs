//! Names of charsets as they are met → what they mean.

use encoding_rs::{BIG5, EUC_JP, EUC_KR, Encoding, GB18030, GBK, ISO_2022_JP, SHIFT_JIS, UTF_8, UTF_16BE, UTF_16LE};

/// A charset that somebody named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Label {
    Utf8,
    Utf16Le,
    Utf16Be,
    Utf7,
    Hz,
    Iso2022Jp,
    ShiftJis,
    EucJp,
    ShiftJis2004,
    EucJis2004,
    EucKr,
    Gbk,
    Big5,
    /// No charset, but the page says that it is Japanese.
    Japanese,
    /// Some charset of single bytes.
    SingleByte(&'static Encoding),
}

impl Label {
    /// What a label means; case, hyphens and blanks do not count, nor does what a page adds by mistake. `None` for what is no charset.
    pub(super) fn new(label: &str) -> Option<Self> {
        let name: String = label.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
        let name = name.strip_prefix("charset").unwrap_or(&name);
        if let Some(label) = Self::by_name(name.strip_prefix('x').unwrap_or(name)) {
            return Some(label);
        }
        let encoding = Encoding::for_label(label.trim().as_bytes())?;
        Some(match encoding {
            _ if encoding == UTF_8 => Self::Utf8,
            _ if encoding == UTF_16LE => Self::Utf16Le,
            _ if encoding == UTF_16BE => Self::Utf16Be,
            _ if encoding == ISO_2022_JP => Self::Iso2022Jp,
            _ if encoding == SHIFT_JIS => Self::ShiftJis,
            _ if encoding == EUC_JP => Self::EucJp,
            _ if encoding == EUC_KR => Self::EucKr,
            _ if encoding == GBK || encoding == GB18030 => Self::Gbk,
            _ if encoding == BIG5 => Self::Big5,
            _ if encoding.is_single_byte() => Self::SingleByte(encoding),
            _ => return None,
        })
    }

    /// Does it speak for a Japanese text of 8 bits?
    pub(super) fn is_japanese(self) -> bool {
        matches!(self, Self::ShiftJis | Self::EucJp | Self::ShiftJis2004 | Self::EucJis2004 | Self::Japanese)
    }

    /// Names that browsers do not know, misspelt ones among them, in lower case and without signs.
    fn by_name(name: &str) -> Option<Self> {
        Some(match name {
            "utf8" | "utf8bom" | "utf8n" | "utf8sig" | "utf8mb4" | "utf8mb3" | "uft8" | "utf" | "utf08" | "unicodeutf8" | "ut8"
            | "cesu8" | "cp65001" => Self::Utf8,
            "utf16" | "utf16le" | "ucs2" | "ucs2le" | "unicode" | "utf16bom" => Self::Utf16Le,
            "utf16be" | "ucs2be" => Self::Utf16Be,
            "utf7" | "unicode11utf7" | "csunicode11utf7" => Self::Utf7,
            "hz" | "hzgb2312" | "hzgb" => Self::Hz,
            "iso2022jp" | "iso2022jp1" | "iso2022jp2" | "iso2022jp3" | "iso2022jp2004" | "iso2022jpext" | "iso2022jpms" | "csiso2022jp"
            | "csiso2022jp2" | "cp50220" | "cp502202" | "cp50221" | "cp50222" | "jis" | "jis7" | "jis8" | "junet" | "2022jp" | "isojp" => {
                Self::Iso2022Jp
            }
            "sjis" | "shiftjis" | "shiftj" | "shitfjis" | "shiftjisx" | "sjiswin" | "sjisopen" | "windows31j" | "cswindows31j"
            | "windows932" | "windowscp932" | "win31j" | "ms932" | "cp932" | "mscp932" | "932" | "mskanji" | "csshiftjis" | "ibm932"
            | "ibm943" | "ibm943c" | "cp943" | "cp943c" | "macjapanese" | "macjapan" | "shiftjiscp932" => Self::ShiftJis,
            "eucjp"
            | "euc"
            | "eucj"
            | "eucjpms"
            | "eucjpwin"
            | "eucjpascii"
            | "euccp932"
            | "cp51932"
            | "51932"
            | "ujis"
            | "eucjapan"
            | "eucjapanese"
            | "cp20932"
            | "eucpkdfmtjapanese"
            | "cseucpkdfmtjapanese"
            | "extendedunixcodepackedformatforjapanese"
            | "ibm33722"
            | "eucjis" => Self::EucJp,
            "shiftjis2004" | "sjis2004" | "shiftjisx0213" | "sjisx0213" | "shiftjisx02132004" | "shiftjis3" => Self::ShiftJis2004,
            "eucjis2004" | "eucjisx0213" | "eucjis3" | "eucjp2004" | "eucjisx02132004" => Self::EucJis2004,
            "euckr" | "cp949" | "ms949" | "uhc" | "windows949" | "949" | "johab" | "ksc5601" | "ksx1001" | "ksc56011987" => Self::EucKr,
            "gb2312" | "gbk" | "gb18030" | "cp936" | "ms936" | "936" | "euccn" | "windows936" | "gb" => Self::Gbk,
            "big5" | "big5hkscs" | "cp950" | "ms950" | "950" | "big5eten" | "euctw" | "windows950" => Self::Big5,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_as_they_are_met() {
        for (label, expected) in [
            (" UTF-8 ", Some(Label::Utf8)),
            ("utf-8-bom", Some(Label::Utf8)),
            ("x-sjis", Some(Label::ShiftJis)),
            ("x_sjis", Some(Label::ShiftJis)),
            ("Windows-31J", Some(Label::ShiftJis)),
            ("csShiftJIS", Some(Label::ShiftJis)),
            ("Shift-JIS", Some(Label::ShiftJis)),
            ("shift_jis_2004", Some(Label::ShiftJis2004)),
            ("eucJP-ms", Some(Label::EucJp)),
            ("x-euc-jp", Some(Label::EucJp)),
            ("euc_jis_2004", Some(Label::EucJis2004)),
            ("CP50220-2", Some(Label::Iso2022Jp)),
            ("iso2022_jp", Some(Label::Iso2022Jp)),
            ("ks_c_5601-1987", Some(Label::EucKr)),
            ("x-gbk", Some(Label::Gbk)),
            ("Latin1", Some(Label::SingleByte(encoding_rs::WINDOWS_1252))),
            ("koi8-r", Some(Label::SingleByte(encoding_rs::KOI8_R))),
            ("none", None),
            ("", None),
            ("iso-2022-kr", None),
        ] {
            assert_eq!(Label::new(label), expected, "{label}");
        }
    }
}
