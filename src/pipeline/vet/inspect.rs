//! One file, or a member of an archive: what it is by its content, and whether that may be in it. Nothing is loaded, carried out or written.

use std::collections::BTreeMap;

use super::active;
use super::book::Book;
use super::bytes::{Bytes, Fault, Section, head};
use super::place::Place;
use super::policy::Policy;
use super::settings::{self, Kind};
use super::spdx::matches_any;
use super::unpack::{Codec, undone};
use super::walk::{climbs, leads_out};
use super::{gguf, numpy, page, pickle, safetensors, sentencepiece, tar, vocabulary, zip};
use crate::quarantine::escape;

/// Bytes that tell what a file is.
const HEAD: usize = 4096;
/// Bytes of a page, or of a text, that are looked through.
const PAGE_MAX: u64 = 64 << 20;
/// Bytes of a compressed file that tell whether it is text.
const TEXT_HEAD: u64 = 1 << 16;

const PICKLES: &str = "safety.pickles";
const IMPORTS: &str = "safety.imports";
const EXECUTABLES: &str = "safety.executables";
const CODE: &str = "safety.code";
const TEMPLATES: &str = "safety.templates";
const PAGES: &str = "safety.pages";
const MALFORMED: &str = "safety.malformed";
const ARCHIVES: &str = "safety.archives";
const UNKNOWN: &str = "safety.unknown";

/// Looks at files.
pub(super) struct Inspector<'a> {
    policy: &'a Policy,
    /// What was found.
    pub(super) book: &'a mut Book,
    /// Bytes that archives of the file may still unpack to.
    budget: u64,
    /// Licences that files declare themselves, with the file.
    pub(super) licenses: Vec<(String, String)>,
}

/// A file as it is looked at.
struct Held<'b> {
    name: &'b str,
    bytes: &'b dyn Bytes,
    depth: u32,
    /// A storage of numbers in an archive of PyTorch, which has no mark of its own.
    is_raw: bool,
}

impl<'a> Inspector<'a> {
    /// Under a policy.
    pub(super) fn new(policy: &'a Policy, book: &'a mut Book) -> Self {
        Self { policy, book, budget: 0, licenses: Vec::new() }
    }

    /// Looks at a file; gives its format.
    pub(super) fn look(&mut self, name: &str, bytes: &dyn Bytes) -> &'static str {
        self.budget = self.policy.look.unpacked_bytes;
        for key in [PICKLES, EXECUTABLES, CODE, MALFORMED, UNKNOWN] {
            self.book.looked(key, 1);
        }
        self.held(&Held { name, bytes, depth: 0, is_raw: false })
    }

    fn held(&mut self, held: &Held<'_>) -> &'static str {
        let first = match head(held.bytes, 0, HEAD) {
            Ok(first) => first,
            Err(fault) => {
                self.book.fault(MALFORMED, held.name, 0, fault);
                return "unread";
            }
        };
        let code = active::code_by_name(held.name);
        if let Some(what) = code {
            self.book.found(CODE, held.name, Place::default(), what, None);
        }
        let program = active::program(&first).filter(|_| !held.is_raw);
        if let Some(what) = program {
            let value = first.get(..16.min(first.len())).map(|bytes| escape(&String::from_utf8_lossy(bytes), 16));
            self.book.found(EXECUTABLES, held.name, Place::byte(0), what, value);
        }
        let format = self.content(held, &first);
        if format != "zip" {
            self.hidden_zip(held, format);
        }
        match format {
            "unknown" if program.is_some() => "program",
            "unknown" if code.is_some() => "code",
            "unknown" if held.is_raw => "numbers",
            "unknown" => {
                let value = first.get(..8.min(first.len())).map(crate::io::hex);
                self.book.found(UNKNOWN, held.name, Place::default(), "a format that is not looked into", value);
                format
            }
            other => other,
        }
    }

    fn content(&mut self, held: &Held<'_>, first: &[u8]) -> &'static str {
        let (name, bytes) = (held.name, held.bytes);
        if first.is_empty() {
            return "empty";
        }
        if held.is_raw {
            return "unknown";
        }
        if first.starts_with(b"PK\x03\x04") || first.starts_with(b"PK\x05\x06") {
            self.zip(held);
            return "zip";
        }
        if pickle::begins(first) && self.pickle(held, 0, true) {
            return "pickle";
        }
        if numpy::begins(first) {
            self.array(held);
            return "numpy";
        }
        if gguf::begins(first) {
            self.gguf(held);
            return "gguf";
        }
        if first.starts_with(b"PAR1") {
            return "parquet";
        }
        if first.starts_with(crate::pack::format::MAGIC) {
            return "pack";
        }
        if safetensors::begins(first, bytes.size()) || ends(name, &["safetensors"]) {
            let checked = safetensors::check(bytes, self.policy.look.header_bytes);
            checked.err().into_iter().for_each(|fault| self.book.fault(MALFORMED, name, 0, fault));
            return "safetensors";
        }
        if tar::begins(first) {
            self.tar(held);
            return "tar";
        }
        // The first bytes of zlib may begin a text, those of lzma may be numbers.
        let is_sure = |codec: &Codec| match codec {
            Codec::Zlib => !is_utf8(first) || undone(bytes, *codec, TEXT_HEAD).is_ok(),
            Codec::Lzma => undone(bytes, *codec, TEXT_HEAD).is_ok(),
            _ => true,
        };
        if let Some(codec) = Codec::of(first).filter(is_sure) {
            return self.compressed(held, codec);
        }
        if first.starts_with(b"\x89HDF\r\n\x1a\n") {
            return "unknown";
        }
        if sentencepiece::may_begin(first) {
            match sentencepiece::check(bytes) {
                Ok(_) => return "sentencepiece",
                Err(fault) if ends(name, &["model"]) => {
                    self.book.fault(MALFORMED, name, 0, fault);
                    return "sentencepiece";
                }
                Err(_) => {}
            }
        }
        self.text(held, first)
    }

    /// What is text, or nothing that is known.
    fn text(&mut self, held: &Held<'_>, first: &[u8]) -> &'static str {
        const PICTURES: [&[u8]; 4] = [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"RIFF"];
        let name = held.name;
        if PICTURES.iter().any(|magic| first.starts_with(magic)) {
            return "picture";
        }
        if page::is_page(first) {
            self.page(held);
            return "page";
        }
        if !pickle::begins(first) && self.pickle(held, 0, false) {
            return "pickle";
        }
        if ends(name, &["pkl", "pickle", "joblib", "pt", "pth", "ckpt", "dill"]) && pickle::begins(first) {
            return "unknown";
        }
        let is_text = !first.contains(&0) && is_utf8(first);
        if is_text && ends(name, &["jinja", "jinja2", "j2"]) {
            self.template_file(held);
            return "template";
        }
        if is_text && matches!(first.trim_ascii_start().first(), Some(b'{' | b'[')) {
            if ends(name, &["jsonl", "ndjson"]) {
                return "jsonl";
            }
            let is_list = first.trim_ascii_start().starts_with(b"[");
            let format = self.json(held);
            return if format == "json" && is_list { "json list" } else { format };
        }
        if is_text {
            self.plain(held);
            return "text";
        }
        // Works and pages in older charsets have no NUL, and most of their bytes are those of characters.
        if !first.contains(&0) && ends(name, &["txt", "csv", "tsv", "srt", "md"]) { "text" } else { "unknown" }
    }

    /// A text that may hold what a reader of YAML makes objects of.
    fn plain(&mut self, held: &Held<'_>) {
        if !ends(held.name, &["yaml", "yml"]) {
            return;
        }
        match head(held.bytes, 0, PAGE_MAX as usize) {
            Ok(text) => {
                if let Some(at) = memchr::memmem::find(&text, b"!!python/") {
                    let value = text.get(at..(at + 60).min(text.len())).map(|bytes| escape(&String::from_utf8_lossy(bytes), 60));
                    self.book.found(CODE, held.name, Place::byte(at as u64), "YAML that makes objects of Python", value);
                }
            }
            Err(fault) => self.book.fault(CODE, held.name, 0, fault),
        }
    }

    /// Is this a pickle? Then what it imports is told. `is_marked`: it has the mark of one.
    fn pickle(&mut self, held: &Held<'_>, start: u64, is_marked: bool) -> bool {
        let found = pickle::scan(held.bytes, start);
        if !(found.is_telling() || found.is_cut() || is_marked && found.whole > 0) {
            return false;
        }
        self.tell_pickle(held.name, start, found);
        true
    }

    fn tell_pickle(&mut self, name: &str, start: u64, found: pickle::Pickle) {
        let many = found.globals.len();
        let what = match many {
            0 => "a pickle that imports nothing".to_owned(),
            1 => "a pickle that imports 1 name".to_owned(),
            n => format!("a pickle that imports {n} names"),
        };
        let names: Vec<&str> = found.globals.keys().take(8).map(String::as_str).collect();
        let value = (many > 0).then(|| format!("{}{}", names.join(", "), if many > 8 { ", …" } else { "" }));
        self.book.found(PICKLES, name, Place::byte(start), what, value);
        self.book.looked(IMPORTS, 1);
        for (global, at) in &found.globals {
            if !matches_any(&self.policy.safety.imports_allowed, global) {
                self.book.found(IMPORTS, name, Place::byte(*at), "an import that is not allowed", Some(global.clone()));
            }
        }
        match found.fault {
            Some(Fault::Broken { offset, what }) => {
                self.book.unseen(IMPORTS, name, Place::byte(offset), format!("the pickle cannot be followed: {what}"));
            }
            Some(other) => self.book.fault(IMPORTS, name, 0, other),
            None => {}
        }
    }

    fn array(&mut self, held: &Held<'_>) {
        match numpy::check(held.bytes) {
            Ok(array) if array.has_objects => self.tell_pickle(held.name, array.data, pickle::scan(held.bytes, array.data)),
            Ok(_) => {}
            Err(fault) => self.book.fault(MALFORMED, held.name, 0, fault),
        }
    }

    fn gguf(&mut self, held: &Held<'_>) {
        match gguf::check(held.bytes) {
            Ok(found) => {
                for (name, text, at) in found.texts {
                    if name.starts_with("tokenizer.chat_template") {
                        self.template(held.name, Place { offset: Some(at), json: Some(escape(&name, 100)), row: None }, &text);
                    } else if name == "general.license" {
                        self.licenses.push((text, held.name.to_owned()));
                    }
                }
            }
            Err(fault) => self.book.fault(MALFORMED, held.name, 0, fault),
        }
    }

    fn page(&mut self, held: &Held<'_>) {
        self.book.looked(PAGES, 1);
        match head(held.bytes, 0, PAGE_MAX as usize) {
            Ok(page) => match page::acts(&page) {
                Some((at, what)) => {
                    let value = page.get(at..(at + 60).min(page.len())).map(|bytes| escape(&String::from_utf8_lossy(bytes), 60));
                    self.book.found(PAGES, held.name, Place::byte(at as u64), what, value);
                }
                None if held.bytes.size() > PAGE_MAX => {
                    self.book.unseen(PAGES, held.name, Place::byte(PAGE_MAX), format!("more than {PAGE_MAX} bytes are not looked through"));
                }
                None => {}
            },
            Err(fault) => self.book.fault(PAGES, held.name, 0, fault),
        }
    }

    fn template_file(&mut self, held: &Held<'_>) {
        match head(held.bytes, 0, PAGE_MAX as usize) {
            Ok(bytes) => self.template(held.name, Place::default(), &String::from_utf8_lossy(&bytes)),
            Err(fault) => self.book.fault(TEMPLATES, held.name, 0, fault),
        }
    }

    fn template(&mut self, name: &str, place: Place, text: &str) {
        self.book.looked(TEMPLATES, 1);
        if let Some((at, what)) = active::reaches(text) {
            let value = text.get(at..).map(|rest| escape(rest, 60));
            let offset = place.json.is_none().then_some(at as u64).or(place.offset.map(|offset| offset + at as u64));
            self.book.found(TEMPLATES, name, Place { offset, ..place }, what, value);
        }
    }

    /// JSON of one value, or a list of records, a line each.
    fn json(&mut self, held: &Held<'_>) -> &'static str {
        match settings::read(zip::Forward::new(held.bytes)) {
            Ok(found) => {
                for setting in found.all {
                    let place = Place::json(&setting.path);
                    match setting.kind {
                        Kind::Code(why) => self.book.found(CODE, held.name, place, why, Some(escape(&setting.text, 100))),
                        Kind::Template => self.template(held.name, place, &setting.text),
                        Kind::Repeated => {
                            self.book.found(
                                MALFORMED,
                                held.name,
                                place,
                                "a name stands twice in one object",
                                Some(escape(&setting.text, 100)),
                            );
                        }
                    }
                }
                if found.is_cut {
                    self.book.unseen(CODE, held.name, Place::default(), "more settings than are looked at");
                }
                if held.name.rsplit(['/', '!']).next() == Some("tokenizer.json") {
                    self.vocabulary(held);
                }
                "json"
            }
            Err(e) if e.is_io() => {
                self.book.unseen(MALFORMED, held.name, Place::default(), format!("cannot be read: {e}"));
                "json"
            }
            // Behind a first value another one begins: lines of JSON under another name.
            Err(e) if e.line() > 1 && e.to_string().starts_with("trailing characters") => "jsonl",
            Err(e) if ends(held.name, &["json"]) => {
                self.book.found(MALFORMED, held.name, Place::default(), format!("no JSON: {e}"), None);
                "json"
            }
            Err(_) => "text",
        }
    }

    fn vocabulary(&mut self, held: &Held<'_>) {
        if held.bytes.size() > vocabulary::FILE_MAX {
            return self.book.unseen(MALFORMED, held.name, Place::default(), format!("more than {} bytes", vocabulary::FILE_MAX));
        }
        if let Err(what) = vocabulary::check(zip::Forward::new(held.bytes)) {
            self.book.found(MALFORMED, held.name, Place::json("model.vocab"), what, None);
        }
    }

    fn compressed(&mut self, held: &Held<'_>, codec: Codec) -> &'static str {
        if held.depth >= self.policy.look.depth {
            self.book.unseen(MALFORMED, held.name, Place::default(), "archives in each other, more than are looked into");
            return codec.name();
        }
        let name = format!("{}!", held.name);
        // What begins as text is not unpacked whole.
        match undone(held.bytes, codec, TEXT_HEAD) {
            Ok((first, is_whole)) if !is_whole && is_plain_text(&first) => return codec.name(),
            Ok(_) => {}
            Err(fault) => {
                self.book.fault(MALFORMED, held.name, 0, fault);
                return codec.name();
            }
        }
        match undone(held.bytes, codec, self.budget) {
            Ok((inside, true)) => {
                self.budget -= inside.len() as u64;
                let inner = inner_name(&name);
                self.held(&Held { name: &inner, bytes: &inside, depth: held.depth + 1, is_raw: false });
            }
            Ok((_, false)) => {
                self.book.unseen(
                    MALFORMED,
                    held.name,
                    Place::default(),
                    format!("unpacks to more than {} bytes (look.unpacked_bytes)", self.budget),
                );
            }
            Err(fault) => self.book.fault(MALFORMED, held.name, 0, fault),
        }
        codec.name()
    }

    /// A zip behind something else: readers that look at the end see another file than readers that look at the beginning.
    fn hidden_zip(&mut self, held: &Held<'_>, format: &str) {
        let Ok(Some(end)) = zip::end(held.bytes) else { return };
        // The last member of a tar may be one.
        let may_hold_one = format == "tar" && !zip::is_at_end(held.bytes, end).unwrap_or(true);
        if held.is_raw || may_hold_one {
            return;
        }
        if zip::read(held.bytes).is_ok_and(|directory| !directory.members.is_empty()) {
            self.book.found(
                MALFORMED,
                held.name,
                Place::default(),
                "is two files in one: a zip ends here, and something else begins",
                None,
            );
            self.zip(held);
        }
    }

    fn zip(&mut self, held: &Held<'_>) {
        self.book.looked(ARCHIVES, 1);
        let directory = match zip::read(held.bytes) {
            Ok(directory) => directory,
            Err(fault) => return self.book.fault(MALFORMED, held.name, 0, fault),
        };
        if directory.is_overlapping {
            for key in [PICKLES, IMPORTS, EXECUTABLES, CODE, TEMPLATES, PAGES, UNKNOWN] {
                self.book.unseen(key, held.name, Place::default(), "members lie inside of each other, and are not looked into");
            }
        }
        directory.faults.into_iter().for_each(|fault| self.book.fault(MALFORMED, held.name, 0, fault));
        let is_of_torch = directory.members.iter().any(|member| member.name.ends_with("data.pkl"));
        let mut names: BTreeMap<&str, u64> = BTreeMap::new();
        for member in &directory.members {
            let name = format!("{}!{}", held.name, escape(&member.name, 300));
            let place = Place::byte(member.header);
            if names.insert(&member.name, member.header).is_some() {
                self.book.found(MALFORMED, &name, place.clone(), "a member of this name stands twice", None);
            }
            if climbs(&member.name) {
                self.book.found(ARCHIVES, &name, place.clone(), "would be written outside of its folder", None);
            }
            if member.is_link {
                self.book.found(ARCHIVES, &name, place, "is a link", None);
            }
            if member.name.ends_with('/') || directory.is_overlapping {
                continue;
            }
            match zip::content(held.bytes, member, self.budget) {
                Ok(content) => {
                    if let zip::Content::Unpacked(bytes) = &content {
                        self.budget -= bytes.len() as u64;
                    }
                    let is_raw = is_of_torch && is_storage(&member.name);
                    self.member(&Held { name: &name, bytes: content.bytes(), depth: held.depth + 1, is_raw });
                }
                Err(Fault::Broken { what, .. }) => self.book.found(MALFORMED, &name, Place::byte(member.header), what, None),
                Err(fault) => self.book.fault(MALFORMED, &name, 0, fault),
            }
        }
    }

    fn tar(&mut self, held: &Held<'_>) {
        self.book.looked(ARCHIVES, 1);
        let (members, fault) = tar::read(held.bytes);
        if let Some(fault) = fault {
            self.book.fault(MALFORMED, held.name, 0, fault);
        }
        for member in &members {
            let name = format!("{}!{}", held.name, escape(&member.name, 300));
            let place = Place::byte(member.data);
            if climbs(&member.name) {
                self.book.found(ARCHIVES, &name, place.clone(), "would be written outside of its folder", None);
            }
            if let Some(to) = member.link.as_deref().filter(|to| leads_out(&member.name, to)) {
                self.book.found(ARCHIVES, &name, place.clone(), "is a link that leads out", Some(escape(to, 200)));
            }
            if member.is_special {
                self.book.found(ARCHIVES, &name, place, "is a device or a pipe", None);
            }
            if member.size > 0 {
                let section = Section::new(held.bytes, member.data, member.size);
                self.member(&Held { name: &name, bytes: &section, depth: held.depth + 1, is_raw: false });
            }
        }
    }

    fn member(&mut self, held: &Held<'_>) {
        if held.depth > self.policy.look.depth {
            return self.book.unseen(
                MALFORMED,
                held.name,
                Place::default(),
                "archives in each other, more than are looked into (look.depth)",
            );
        }
        if self.held(held) == "parquet" {
            self.book.unseen(MALFORMED, held.name, Place::default(), "a table in an archive is not looked into");
        }
    }
}

/// A storage of an archive of PyTorch: `…/data/17`, and what stands beside it.
fn is_storage(name: &str) -> bool {
    let (folder, file) = name.rsplit_once('/').unwrap_or(("", name));
    let is_number = !file.is_empty() && file.bytes().all(|byte| byte.is_ascii_digit());
    is_number && (folder.ends_with("data") || folder == "tensors") || ends(folder, &["data"])
}

/// `a.tar.gz!` without the ending of compression: what is inside is called that.
fn inner_name(name: &str) -> String {
    let plain = name.trim_end_matches('!');
    let (stem, ending) = plain.rsplit_once('.').unwrap_or((plain, ""));
    if ["gz", "zst", "bz2", "xz", "zstd", "lzma"].contains(&ending.to_ascii_lowercase().as_str()) {
        format!("{plain}!{}", stem.rsplit('/').next().unwrap_or_default())
    } else {
        format!("{plain}!(unpacked)")
    }
}

fn ends(name: &str, endings: &[&str]) -> bool {
    name.rsplit_once('.').is_some_and(|(_, ending)| endings.iter().any(|known| ending.eq_ignore_ascii_case(known)))
}

/// UTF-8, but for a character that the end cuts.
fn is_utf8(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).map_or_else(|e| e.error_len().is_none() && bytes.len() - e.valid_up_to() < 4, |_| true)
}

/// The beginning of a text that is no page, no script and, whatever follows, no pickle.
fn is_plain_text(first: &[u8]) -> bool {
    let is_text = !first.contains(&0) && is_utf8(first) && !page::is_page(first) && active::program(first).is_none();
    let found = pickle::scan(&first, 0);
    is_text && !found.is_telling() && matches!(found.fault, Some(Fault::Broken { offset, .. }) if offset < first.len() as u64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::zip::tests::zip;
    use super::*;

    /// What a look at bytes under a name finds, as key and file.
    fn found(name: &str, bytes: &[u8]) -> (String, Vec<(&'static str, String)>) {
        let policy = Policy::default();
        let mut book = Book::new(policy.asked());
        let format = Inspector::new(&policy, &mut book).look(name, &bytes);
        let (_, findings) = book.finish(&super::super::policy::KEYS);
        (format.to_owned(), findings.into_iter().map(|finding| (finding.key, finding.file)).collect())
    }

    #[test]
    fn content_decides_and_members_are_named() {
        let system: &[u8] = b"\x80\x02cposix\nsystem\n)R.";
        let archive =
            zip(&[("model/data.pkl", system, true), ("model/data/0", b"\x80\x02\xff\xff", false), ("model/version", b"3\n", false)]);
        let (format, findings) = found("a.safetensors", &archive);
        assert_eq!(format, "zip");
        assert_eq!(findings, [(PICKLES, "a.safetensors!model/data.pkl".to_owned()), (IMPORTS, "a.safetensors!model/data.pkl".to_owned())]);
        assert_eq!(found("a.jsonl", b"{\"text\": \"<script>\"}\n{\"text\": \"__class__\"}\n"), ("jsonl".to_owned(), vec![]));
        assert_eq!(found("a.json", b"{\"text\": 1}\n{\"text\": 2}\n"), ("jsonl".to_owned(), vec![]));
        assert_eq!(found("a.txt", "吾輩は猫である。".as_bytes()), ("text".to_owned(), vec![]));
        assert_eq!(found("a.bin", &[0, 1, 2, 3]), ("unknown".to_owned(), vec![(UNKNOWN, "a.bin".to_owned())]));
        assert_eq!(found("a.png", b"\x89PNG\r\n\x1a\n"), ("picture".to_owned(), vec![]));
    }

    #[test]
    fn a_pickle_hides_neither_behind_text_nor_behind_values() {
        let gzip = |bytes: &[u8]| {
            let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            std::io::Write::write_all(&mut writer, bytes).unwrap();
            writer.finish().unwrap()
        };
        let long = format!("S'{}'\n0cos\nsystem\n(tR.", "a".repeat(200_000));
        for bytes in [long.clone().into_bytes(), gzip(long.as_bytes()), [vec![b'N'; 2 << 20], b"cos\nsystem\n)R.".to_vec()].concat()] {
            let (_, findings) = found("notes.txt", &bytes);
            assert!(findings.iter().any(|(key, _)| *key == IMPORTS), "{findings:?}");
        }
        assert_eq!(found("a.gz", &gzip("吾輩は猫である。\n".repeat(9000).as_bytes())).1, []);
    }

    #[test]
    fn archives_in_each_other_come_to_an_end() {
        let mut archive = zip(&[("a.txt", b"one", false)]);
        for _ in 0..40 {
            archive = zip(&[("a.zip", &archive, true)]);
        }
        assert!(found("a.zip", &archive).1.iter().any(|(key, _)| *key == MALFORMED));
        // Members in one place: none of them is unpacked.
        let mut bomb = zip(&[("a", b"one", false), ("a", b"one", false)]);
        let at = bomb.len() - 22 - 4 - 1;
        bomb[at] = 0;
        bomb[at - 3..at].fill(0);
        let (_, findings) = found("a.zip", &bomb);
        assert!([MALFORMED, PICKLES, CODE].iter().all(|wanted| findings.iter().any(|(key, _)| key == wanted)), "{findings:?}");
        // A small file that unpacks to much, many times over.
        let zeros = vec![0; 64 << 20];
        let members: Vec<(String, &[u8])> = (0..8).map(|n| (n.to_string(), zeros.as_slice())).collect();
        let members: Vec<(&str, &[u8], bool)> = members.iter().map(|(name, bytes)| (name.as_str(), *bytes, true)).collect();
        let (_, findings) = found("a.zip", &zip(&members));
        assert!(findings.iter().any(|(key, file)| *key == MALFORMED && file.starts_with("a.zip!")), "{findings:?}");
    }

    proptest! {
        #[test]
        fn any_bytes_behind_any_mark_are_answered(mark in 0_usize..20, rest: Vec<u8>, name in prop::sample::select(vec!["a", "a.json", "a.model", "a.pt", "tokenizer.json", "a.jinja", "a.yaml", "a.safetensors"])) {
            const MARKS: [&[u8]; 20] = [
                b"", b"\x80\x04", b"PK\x03\x04", b"PK\x05\x06", b"\x93NUMPY\x01\0", b"GGUF\x03\0\0\0", b"\x10\0\0\0\0\0\0\0{", b"\x1f\x8b\x08", b"BZh91A", b"\xfd7zXZ\0",
                b"\x28\xb5\x2f\xfd", b"\x78\x9c", b"{\"", b"[", b"<svg ", b"\n\x05\n\x03", b"PAR1", b"MZ", b"c", b"\x04\x22\x4d\x18",
            ];
            let bytes = [MARKS[mark], &rest].concat();
            let _ = found(name, &bytes);
        }
    }
}
