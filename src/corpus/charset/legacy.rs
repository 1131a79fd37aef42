//! Text of 8 bits that is no UTF-8: CP932 or EUC-JP, one of their relatives of 2004, or no Japanese at all.
//!
//! The bytes are priced as text in each charset and the cheapest one wins. A declaration takes something off its price, no more: pages lie.
//! Where two readings are too close to tell, the text is refused rather than read at a venture.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::Encoding;

use super::cost::{self, Cost, Model};
use super::decoded::{Decoded, Refused};
use super::eight_bit::{self, Japanese};
use super::label::Label;
use super::unicode;

/// What a declaration is worth, in tenths of bits.
const DECLARED: u64 = 60;
/// What servers and editors write where nobody asked them is worth less.
const BY_DEFAULT: u64 = 20;
/// How much cheaper than the next one a charset must be, and where there are neither kana nor a declaration.
const CLEARLY: u64 = 30;
const KANJI_ALONE: u64 = 55;
/// Kana and price from which on nothing else than Japanese is thought of.
const MANY_KANA: u64 = 64;
const FAR: u64 = 600;
/// Longest text in which UTF-16 is looked for that has hardly a kana or a blank.
const UTF16_MAX: usize = 1 << 12;
/// How much cheaper a character must be in a charset of another language where a Japanese one is declared.
const DECLARED_JAPANESE: u64 = 25;
/// Bytes of a hundred beyond ASCII, at most, in a Western text: declared so, and where nobody says so.
const WESTERN: usize = 20;
const UNDECLARED: usize = 2;

/// A charset that the bytes may be in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Candidate {
    Japanese(Japanese),
    Utf16 { is_little: bool },
    Foreign(&'static str),
    SingleByte,
}

/// Reads the bytes in the likeliest charset. `labels` are what was declared; `is_utf8` if the bytes are valid UTF-8 of rare letters.
pub(super) fn decode(bytes: &[u8], labels: &[Label], is_utf8: bool) -> Result<Decoded, Refused> {
    let japanese = [(Japanese::ShiftJis, &cost::CP932), (Japanese::EucJp, &cost::EUC_JP)]
        .map(|(charset, model)| (Candidate::Japanese(charset), cost::cost(bytes, model)));
    let [(_, cp932), (_, euc_jp)] = &japanese;
    let is_plain = |one: &Cost, other: &Cost| one.kana >= MANY_KANA && one.broken * 200 <= one.characters && one.price + FAR < other.price;
    let mut costs = japanese.to_vec();
    if !is_plain(cp932, euc_jp) && !is_plain(euc_jp, cp932) {
        costs.extend(others(bytes, labels));
    }
    for (candidate, cost) in &mut costs {
        let worth: u64 = labels.iter().map(|label| worth(*label, *candidate)).sum();
        cost.price = cost.price.saturating_sub(worth);
    }
    protect(&mut costs, labels);
    // Of equal ones the first stays first.
    costs.sort_by_key(|(_, cost)| cost.price);
    choose(bytes, &costs, labels, is_utf8)
}

/// Where a Japanese charset is declared, another must be the cheaper one by far: repeated words, a few signs and text that was garbled before
/// are not to be taken for Korean or Russian.
fn protect(costs: &mut [(Candidate, Cost)], labels: &[Label]) {
    let declared = declared(labels);
    let sound = costs.iter().filter(|(candidate, cost)| matches!(candidate, Candidate::Japanese(_)) && cost.broken * 50 <= cost.characters);
    let Some(best) = sound.map(|(_, cost)| *cost).min_by_key(|cost| cost.price).filter(|_| declared > 0) else { return };
    // Letters with marks stand within words.
    let has_words = best.words * 4 >= best.characters;
    for (candidate, cost) in costs {
        cost.price += match candidate {
            Candidate::SingleByte if declared > 1 && !has_words => best.price,
            Candidate::Foreign(_) | Candidate::SingleByte => best.characters * DECLARED_JAPANESE,
            _ => 0,
        };
    }
}

/// Who says that this is Japanese: a header, the page's charset, its language.
fn declared(labels: &[Label]) -> usize {
    labels.iter().filter(|label| label.is_japanese()).count()
}

/// Prices of what is no Japanese, and of UTF-16 that has no columns of zeros.
fn others(bytes: &[u8], labels: &[Label]) -> Vec<(Candidate, Cost)> {
    let foreign: [(&'static str, &Model); 3] = [("EUC-KR", &cost::EUC_KR), ("GBK", &cost::GBK), ("Big5", &cost::BIG5)];
    let mut costs: Vec<_> = foreign.iter().map(|(name, model)| (Candidate::Foreign(name), cost::cost(bytes, model))).collect();
    costs.push((Candidate::SingleByte, cost::cost(bytes, &cost::SINGLE_BYTE)));
    let is_declared = labels.contains(&Label::Utf16Le) || labels.contains(&Label::Utf16Be);
    for is_little in [true, false] {
        let looked_at = Some(bytes).filter(|bytes| bytes.len().is_multiple_of(2) && (is_declared || bytes.len() <= UTF16_MAX));
        let Some(decoded) = looked_at.and_then(|bytes| unicode::plausible_utf16(bytes, is_little)) else { continue };
        // The same text in EUC-JP has the price of its characters.
        let (euc_jp, _, is_lossy) = encoding_rs::EUC_JP.encode(&decoded.text);
        if decoded.replaced == 0 && !is_lossy {
            costs.push((Candidate::Utf16 { is_little }, cost::cost(&euc_jp, &cost::EUC_JP)));
        }
    }
    costs
}

/// What a declaration takes off the price of a charset.
fn worth(label: Label, candidate: Candidate) -> u64 {
    let is_meant = match (label, candidate) {
        (Label::SingleByte(encoding), Candidate::SingleByte) if encoding == encoding_rs::WINDOWS_1252 => return BY_DEFAULT,
        (Label::ShiftJis | Label::ShiftJis2004, Candidate::Japanese(Japanese::ShiftJis))
        | (Label::EucJp | Label::EucJis2004, Candidate::Japanese(Japanese::EucJp))
        | (Label::Japanese, Candidate::Japanese(_))
        | (Label::Utf16Le, Candidate::Utf16 { is_little: true })
        | (Label::Utf16Be, Candidate::Utf16 { is_little: false })
        | (Label::EucKr, Candidate::Foreign("EUC-KR"))
        | (Label::Gbk, Candidate::Foreign("GBK"))
        | (Label::Big5, Candidate::Foreign("Big5"))
        | (Label::SingleByte(_), Candidate::SingleByte) => true,
        _ => false,
    };
    if is_meant { DECLARED } else { 0 }
}

/// The reading that is the cheapest, if it is so clearly.
fn choose(bytes: &[u8], costs: &[(Candidate, Cost)], labels: &[Label], is_utf8: bool) -> Result<Decoded, Refused> {
    let [(best, cost), (next, next_cost), ..] = costs else { return Err(unknown(None)) };
    let margin = if cost.kana == 0 && declared(labels) == 0 && !is_utf8 { KANJI_ALONE } else { CLEARLY };
    match *best {
        Candidate::Foreign(name) => same_text(bytes, name, costs, labels).ok_or_else(|| Refused::foreign(name)),
        Candidate::SingleByte => western(bytes, labels),
        _ if cost.price + margin > next_cost.price && differs(bytes, *best, *next, labels) => Err(undecided(*best, *next)),
        Candidate::Utf16 { is_little } => unicode::utf16(bytes, is_little).unless_garbled(),
        Candidate::Japanese(_) if declared(labels) < 2 && is_foreign_alphabet(bytes, cost) => Err(unknown(Some(guess(bytes)))),
        Candidate::Japanese(charset) => {
            let decoded = eight_bit::decode(bytes, charset, labels);
            if !decoded.is_garbled() {
                return Ok(decoded);
            }
            // What reads without errors is that charset, however odd the text: it may have been garbled before it was written.
            let other = eight_bit::decode(bytes, charset.other(), labels);
            if other.replaced * 4 < decoded.replaced && !other.is_garbled() { Ok(other) } else { decoded.unless_garbled() }
        }
    }
}

/// The Japanese reading where it is the same as that in another charset: signs and digits have the same codes in several.
fn same_text(bytes: &[u8], name: &str, costs: &[(Candidate, Cost)], labels: &[Label]) -> Option<Decoded> {
    let (foreign, is_lossy) = Encoding::for_label(name.as_bytes())?.decode_without_bom_handling(bytes);
    let japanese = costs.iter().find_map(|(candidate, _)| if let Candidate::Japanese(charset) = candidate { Some(*charset) } else { None });
    let decoded = eight_bit::decode(bytes, japanese?, labels);
    (!is_lossy && decoded.replaced == 0 && decoded.text == foreign).then_some(decoded)
}

/// Do two readings that cost the same give another text?
fn differs(bytes: &[u8], one: Candidate, other: Candidate, labels: &[Label]) -> bool {
    match (one, other) {
        (Candidate::Japanese(one), Candidate::Japanese(other)) => {
            eight_bit::decode(bytes, one, labels).text != eight_bit::decode(bytes, other, labels).text
        }
        _ => true,
    }
}

/// Half-width kana of CP932 are letters in other charsets.
fn is_foreign_alphabet(bytes: &[u8], cost: &Cost) -> bool {
    let is_other = || guess(bytes).is_single_byte() && guess(bytes) != encoding_rs::WINDOWS_1252;
    cost.half_kana * 2 > cost.characters && (cost.low_half_kana * 7 < cost.half_kana || is_other())
}

fn guess(bytes: &[u8]) -> &'static Encoding {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    detector.guess(None, Utf8Detection::Deny)
}

/// A text in a Latin alphabet with some letters beyond ASCII is text; whether it is wanted is for a filter to say.
fn western(bytes: &[u8], labels: &[Label]) -> Result<Decoded, Refused> {
    let declared = labels.iter().find_map(|label| if let Label::SingleByte(encoding) = label { Some(*encoding) } else { None });
    let likeliest = guess(bytes);
    let beyond = bytes.iter().filter(|b| !b.is_ascii()).count() * 100;
    let written = bytes.iter().filter(|b| !b.is_ascii_whitespace()).count();
    let encoding = declared.unwrap_or(likeliest);
    let most = if declared.is_some() { WESTERN } else { UNDECLARED };
    // Codes that mean something else in the other charset of Western Europe.
    let is_disputed = declared.is_none() && bytes.iter().any(|b| matches!(b, 0xa4 | 0xa6 | 0xa8 | 0xb4 | 0xb8 | 0xbc..=0xbe));
    if is_disputed
        || declared.is_none() && !is_english(bytes)
        || !is_latin(encoding)
        || beyond > written * most
        || declared.is_none() && likeliest != encoding_rs::WINDOWS_1252
    {
        return Err(unknown(Some(encoding)));
    }
    eight_bit::by_table(bytes, encoding, encoding.name()).unless_garbled()
}

/// Signs of print, and letters with marks among others: what text in English has that is not ASCII.
fn is_english(bytes: &[u8]) -> bool {
    let is_letter = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_alphabetic);
    bytes.iter().enumerate().filter(|(_, b)| !b.is_ascii()).all(|(at, b)| match b {
        0x85 | 0x91..=0x97 | 0xa0 | 0xa9 | 0xab | 0xae | 0xb0 | 0xb7 | 0xbb => true,
        0xc0..=0xff => is_letter(at.checked_sub(1)) || is_letter(Some(at + 1)),
        _ => false,
    })
}

fn is_latin(encoding: &'static Encoding) -> bool {
    const LATIN: [&str; 15] = [
        "windows-1250",
        "windows-1252",
        "windows-1254",
        "windows-1257",
        "windows-1258",
        "ISO-8859-2",
        "ISO-8859-3",
        "ISO-8859-4",
        "ISO-8859-10",
        "ISO-8859-13",
        "ISO-8859-14",
        "ISO-8859-15",
        "ISO-8859-16",
        "macintosh",
        "x-user-defined",
    ];
    LATIN.contains(&encoding.name())
}

fn unknown(likeliest: Option<&'static Encoding>) -> Refused {
    match likeliest {
        Some(encoding) if encoding.is_single_byte() => Refused::foreign(encoding.name()),
        _ => Refused { reason: "charset", detail: "in no charset that is known".to_owned(), charset: None },
    }
}

fn undecided(one: Candidate, other: Candidate) -> Refused {
    let name = |candidate| match candidate {
        Candidate::Japanese(charset) => charset.name(),
        Candidate::Utf16 { is_little: true } => "utf-16le",
        Candidate::Utf16 { is_little: false } => "utf-16be",
        Candidate::Foreign(name) => name,
        Candidate::SingleByte => "a charset of single bytes",
    };
    let detail = format!("{} or {}: too short to tell", name(one).to_ascii_lowercase(), name(other).to_ascii_lowercase());
    Refused { reason: "charset", detail, charset: None }
}
