//! Writes the directory of a built dictionary: the files of lindera (`format_version` 2) and files of our own.
//!
//! It differs from the builder of lindera where that one differs from MeCab: surfaces are not trimmed or normalised, rows with wrong
//! context ids or costs are refused instead of skipped, and the last line of `char.def` counts.

use std::collections::BTreeMap;

use lindera_dictionary::dictionary::character_definition::{CategoryData, CategoryId, CharacterDefinition, LookupTable};
use lindera_dictionary::dictionary::metadata::Metadata;
use lindera_dictionary::dictionary::prefix_dictionary::PrefixDictionary;
use lindera_dictionary::dictionary::schema::Schema;
use lindera_dictionary::dictionary::unknown_dictionary::UnknownDictionary;
use lindera_dictionary::viterbi::{LexType, WordEntry, WordId};

use crate::error::{Error, Result};
use crate::morpheme::Standard;
use crate::segment::about::{self, About, Identity, StoredFile, StoredUnknown};
use crate::segment::built_files::{LATTICE, RECORD};
use crate::segment::contents::{CharClass, Summary};
use crate::segment::csv;
use crate::segment::exact::compile::compile;
use crate::segment::exact::hot::HotList;
use crate::segment::source::{CharTable, RawDictionary, UnknownRow};

/// Writes a file, given its name and content; gives its size and BLAKE3 (hex).
pub type Sink<'a> = dyn FnMut(&str, &[u8]) -> Result<(u64, String)> + 'a;

/// Writes all files of the directory, `seimai.json` last; `content` is the summary of `raw`.
///
/// # Errors
/// Whatever `sink` returns; refused if the dictionary is too large for the format.
pub fn write(raw: &RawDictionary, content: &Summary, identity: &Identity, extra: &[(&str, &[u8])], sink: &mut Sink<'_>) -> Result<About> {
    let mut files = BTreeMap::new();
    let mut put = |name: &str, content: &[u8]| {
        let (bytes, blake3) = sink(name, content)?;
        files.insert(name.to_owned(), StoredFile { bytes, blake3 });
        Ok::<_, Error>(())
    };
    let (trie, valsidx) = trie(raw)?;
    let surfaces = (valsidx.len() / 4).saturating_sub(1);
    put("dict.trie", &trie)?;
    put("dict.valsidx", &valsidx)?;
    drop((trie, valsidx));
    put("dict.vals", &records(raw))?;
    let words = words(raw)?;
    put("dict.wordsidx", &words.index)?;
    put("dict.words", &words.blob)?;
    let irregular = words.irregular;
    put("matrix.mtx", &[&(-1_i16).to_le_bytes()[..], &raw.matrix.to_bytes()].concat())?;
    put("char_def.bin", &archive(&character_definition(&raw.chars))?)?;
    put("unk.bin", &archive(&unknown_dictionary(raw.chars.names.len(), &raw.unknown)?)?)?;
    put("chars.bin", &raw.chars.to_bytes())?;
    put("surfaces.bin", &surface_table(raw)?)?;
    put(LATTICE, &compile(raw, &HotList::shipped()).map_err(Error::refused)?)?;
    put("metadata.json", &metadata(raw, identity)?)?;
    for (name, content) in extra {
        put(name, content)?;
    }
    let about = About { surfaces: surfaces as u32, irregular, files, ..describe(raw, content, identity) };
    let bytes = about.clone().seal()?;
    sink(about::FILE, &bytes)?;
    Ok(about)
}

fn describe(raw: &RawDictionary, content: &Summary, identity: &Identity) -> About {
    let stored = |row: &crate::segment::source::UnknownRow| StoredUnknown {
        category: row.category,
        left: row.left,
        right: row.right,
        cost: row.cost,
        feature: row.feature.clone(),
    };
    About {
        format: about::FORMAT,
        seal: String::new(),
        identity: identity.clone(),
        standard: raw.standard(),
        entries: raw.entries.len() as u32,
        surfaces: 0,
        fingerprint: content.fingerprint.clone(),
        digests: content.digests.clone(),
        max_grouping: raw.max_grouping,
        left_ids: raw.matrix.left_ids,
        right_ids: raw.matrix.right_ids,
        pos_table: raw.pos_table.clone(),
        pos_of_left: raw.pos_of_left.clone(),
        pos_of_unknown: raw.pos_of_unknown.clone(),
        unknown: raw.unknown.iter().map(stored).collect(),
        irregular: BTreeMap::new(),
        files: BTreeMap::new(),
    }
}

fn too_large(what: &str) -> Error {
    Error::refused(format!("{what} outgrow the 32-bit offsets of the format"))
}

/// `dict.trie` and `dict.valsidx`.
fn trie(raw: &RawDictionary) -> Result<(Vec<u8>, Vec<u8>)> {
    let mut map: BTreeMap<String, Vec<WordEntry>> = BTreeMap::new();
    for (id, entry) in raw.entries.iter().enumerate() {
        let record = WordEntry::new(WordId::new(LexType::System, id as u32), entry.cost, entry.left, entry.right);
        match map.last_entry().filter(|last| *last.key() == entry.surface) {
            Some(mut last) => last.get_mut().push(record),
            None => {
                map.insert(entry.surface.clone(), vec![record]);
            }
        }
    }
    PrefixDictionary::serialize_trie(&map).map_err(|e| Error::refused(format!("the surfaces do not fit a trie: {e}")))
}

/// `dict.vals`: one record an entry, so a word id is also the index of its record.
fn records(raw: &RawDictionary) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(RECORD * raw.entries.len());
    for (id, entry) in raw.entries.iter().enumerate() {
        bytes.extend_from_slice(&(id as u32).to_le_bytes());
        bytes.extend_from_slice(&entry.cost.to_le_bytes());
        bytes.extend_from_slice(&entry.left.to_le_bytes());
        bytes.extend_from_slice(&entry.right.to_le_bytes());
    }
    bytes
}

struct Words {
    index: Vec<u8>,
    blob: Vec<u8>,
    irregular: BTreeMap<u32, String>,
}

/// `dict.wordsidx` and `dict.words`: for each entry a length and then its unquoted fields, joined by NUL.
fn words(raw: &RawDictionary) -> Result<Words> {
    let mut words = Words { index: Vec::with_capacity(4 * raw.entries.len()), blob: Vec::new(), irregular: BTreeMap::new() };
    let (mut scratch, mut rebuilt) = (String::new(), String::new());
    for (id, entry) in raw.entries.iter().enumerate() {
        let start = words.blob.len();
        words.index.extend_from_slice(&u32::try_from(start).map_err(|_| too_large("the features"))?.to_le_bytes());
        words.blob.extend_from_slice(&[0; 4]);
        rebuilt.clear();
        let mut first = true;
        csv::each_field(&entry.feature, &mut scratch, |field| {
            if !std::mem::take(&mut first) {
                words.blob.push(0);
                rebuilt.push(',');
            }
            words.blob.extend_from_slice(field.as_bytes());
            csv::push_field(&mut rebuilt, field);
        });
        if rebuilt != entry.feature {
            words.irregular.insert(id as u32, entry.feature.clone());
        }
        let length = (words.blob.len() - start - 4) as u32;
        words.blob[start..start + 4].copy_from_slice(&length.to_le_bytes());
    }
    Ok(words)
}

/// `surfaces.bin`: (entries + 1) × u32 offsets into the text that follows; surface of word id n = text[offset n..offset n+1].
fn surface_table(raw: &RawDictionary) -> Result<Vec<u8>> {
    let mut offsets = Vec::with_capacity(4 * (raw.entries.len() + 1));
    let mut text = Vec::new();
    offsets.extend_from_slice(&0_u32.to_le_bytes());
    for entry in &raw.entries {
        text.extend_from_slice(entry.surface.as_bytes());
        offsets.extend_from_slice(&u32::try_from(text.len()).map_err(|_| too_large("the surfaces"))?.to_le_bytes());
    }
    offsets.extend_from_slice(&text);
    Ok(offsets)
}

fn archive<T>(value: &T) -> Result<Vec<u8>>
where
    T: for<'a> rkyv::Serialize<
            rkyv::api::high::HighSerializer<rkyv::util::AlignedVec, rkyv::ser::allocator::ArenaHandle<'a>, rkyv::rancor::Error>,
        >,
{
    let bytes = rkyv::to_bytes::<rkyv::rancor::Error>(value).map_err(|e| Error::internal(format!("rkyv archive: {e}")))?;
    Ok(bytes.to_vec())
}

/// The categories of characters as lindera stores them: the default category first, then the others.
pub(crate) fn character_definition(chars: &CharTable) -> CharacterDefinition {
    let table = &chars.table;
    let flags = |category: usize| {
        // Every word of the table with this default category has the flags.
        let word = table.iter().copied().find(|&word| usize::from(CharClass(word).default_category()) == category).unwrap_or(0);
        CategoryData { invoke: word >> 31 & 1 == 1, group: word >> 30 & 1 == 1, length: word >> 26 & 15 }
    };
    let definitions = (0..chars.names.len()).map(flags).collect();
    let word_of = |code: u32| table.get(code as usize).or(table.first()).copied().unwrap_or(0);
    let mut boundaries: Vec<u32> = (1..table.len() as u32).filter(|&code| word_of(code) != word_of(code - 1)).collect();
    boundaries.push(0);
    boundaries.push(table.len() as u32);
    let mapping = LookupTable::from_fn(boundaries, &|code, out: &mut Vec<CategoryId>| {
        let class = CharClass(word_of(code));
        let default = usize::from(class.default_category());
        out.push(CategoryId(default));
        out.extend((0..18).filter(|&k| k != default && class.set() >> k & 1 == 1).map(CategoryId));
    });
    CharacterDefinition::new(definitions, chars.names.clone(), mapping)
}

/// The unknown rows as lindera stores them.
pub(crate) fn unknown_dictionary(categories: usize, rows: &[UnknownRow]) -> Result<UnknownDictionary> {
    let mut unknown = UnknownDictionary {
        category_references: vec![Vec::new(); categories],
        costs: Vec::new(),
        words_idx_data: Vec::new(),
        words_data: Vec::new(),
    };
    for (n, row) in rows.iter().enumerate() {
        if let Some(of_category) = unknown.category_references.get_mut(usize::from(row.category)) {
            of_category.push(n as u32);
        }
        unknown.costs.push(WordEntry::new(WordId::new(LexType::Unknown, n as u32), row.cost, row.left, row.right));
        unknown.words_idx_data.push(u32::try_from(unknown.words_data.len()).map_err(|_| too_large("the unknown rows"))?);
        let joined = csv::fields(&row.feature).join("\0");
        unknown.words_data.extend_from_slice(&(joined.len() as u32).to_le_bytes());
        unknown.words_data.extend_from_slice(joined.as_bytes());
    }
    Ok(unknown)
}

const IPADIC_FIELDS: [&str; 9] = [
    "pos",
    "pos_detail_1",
    "pos_detail_2",
    "pos_detail_3",
    "conjugation_type",
    "conjugation_form",
    "base_form",
    "reading",
    "pronunciation",
];
const UNIDIC_FIELDS: [&str; 26] = [
    "pos1", "pos2", "pos3", "pos4", "cType", "cForm", "lForm", "lemma", "orth", "pron", "orthBase", "pronBase", "goshu", "iType", "iForm",
    "fType", "fForm", "kana", "kanaBase", "form", "formBase", "iConType", "fConType", "aType", "aConType", "aModType",
];

fn metadata(raw: &RawDictionary, identity: &Identity) -> Result<Vec<u8>> {
    let width = raw.entries.first().map_or(0, |entry| csv::fields(&entry.feature).len());
    let known: &[&str] = match raw.standard() {
        Standard::Ipadic => &IPADIC_FIELDS,
        Standard::Unidic => &UNIDIC_FIELDS,
    };
    let columns = ["surface", "left_context_id", "right_context_id", "cost"].map(String::from).into_iter();
    let features = (0..width).map(|n| known.get(n).map_or_else(|| format!("feature_{n}"), |name| (*name).to_owned()));
    let metadata = Metadata::new(
        identity.name.clone(),
        "UTF-8".into(),
        -10_000,
        0,
        0,
        "*".into(),
        true,
        false,
        false,
        Schema::new(columns.chain(features).collect()),
        Schema::new(["surface", "pos", "reading"].map(String::from).to_vec()),
    );
    serde_json::to_vec_pretty(&metadata).map_err(|e| Error::internal(format!("metadata.json: {e}")))
}
