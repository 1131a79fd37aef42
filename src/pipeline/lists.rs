//! The user's lists: words, and addresses by category. Read whole when the stages are built, before anything is written; what they hold is
//! part of what a run depends on, as its inputs are.

use std::io::{BufRead, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::evaluation::Evaluation;
use super::plan::Plan;
use crate::corpus::open_decoded;
use crate::decide::UrlLists;
use crate::error::{Error, Result};
use crate::io::hash_file;
use crate::normalize::{Normalizer, RuleCounts};
use crate::quality::WordList;
use crate::quarantine::escape;

/// Bytes of a line; more is no list.
const LINE_MAX: usize = 1 << 16;
/// Files of a category, as they are or compressed.
const FILES: [&str; 6] = ["domains", "domains.gz", "domains.zst", "urls", "urls.gz", "urls.zst"];

/// A file of a list, for the manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListFacts {
    /// As the plan names it; of addresses, directory, category and file.
    pub path: String,
    /// The category of a list of addresses; words have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Bytes on disk.
    pub bytes: u64,
    /// BLAKE3 of the file.
    pub blake3: String,
    /// Lines that are words, or name a host.
    pub entries: u64,
    /// Lines that name no host.
    pub unused: u64,
}

/// The lists of a plan.
#[derive(Debug, Clone, Default)]
pub struct Lists {
    /// Words; none where the plan names no list.
    pub words: Option<Arc<WordList>>,
    /// Addresses; none where the plan names no list.
    pub urls: Option<Arc<UrlLists>>,
    /// The files, words first.
    pub files: Vec<ListFacts>,
    /// Items of evaluation sets; their files are not among the others.
    pub evaluation: Arc<Evaluation>,
}

impl Lists {
    /// Reads the lists that a plan names; relative paths start at `base`.
    ///
    /// # Errors
    /// `Refused`, with file, line and remedy: what is missing, cannot be read, is no UTF-8, or no list.
    pub(super) fn read(plan: &Plan, base: &Path) -> Result<Self> {
        let mut lists = Self::default();
        if !plan.quality.words.is_empty() {
            lists.words = Some(Arc::new(lists.read_words(plan, base)?));
        }
        if !plan.quality.url_lists.is_empty() {
            lists.urls = Some(Arc::new(lists.read_urls(plan, base)?));
        }
        lists.evaluation = Arc::new(Evaluation::read(&plan.dedup.decontaminate, base)?);
        Ok(lists)
    }

    /// What measuring depends on: the words, whatever their files; empty where there is no list.
    pub(super) fn words_name(&self) -> &str {
        self.words.as_deref().map_or("", WordList::name)
    }

    /// What judging depends on: the lists of addresses.
    pub(super) fn urls_files(&self) -> Vec<&ListFacts> {
        self.files.iter().filter(|file| file.category.is_some()).collect()
    }

    fn read_words(&mut self, plan: &Plan, base: &Path) -> Result<WordList> {
        let normalizer = Normalizer::new(&plan.normalize);
        let (mut words, mut normalized) = (Vec::new(), String::new());
        for name in &plan.quality.words {
            let path = base.join(name);
            let facts = read_list(name, None, &path, &mut |line| {
                normalizer.normalize(line, &mut normalized, &mut RuleCounts::default());
                let word = normalized.trim();
                let length = word.chars().count();
                if length > WordList::CHARS_MAX {
                    return Err(format!("a word of {length} characters; {} are the most, a word or phrase a line", WordList::CHARS_MAX));
                }
                words.extend((!word.is_empty()).then(|| word.to_owned()));
                Ok(!word.is_empty())
            })?;
            self.files.push(facts);
        }
        if words.is_empty() {
            let message = format!("quality.words: there is no word in {}", shown(&plan.quality.words.join(", ")));
            return Err(Error::refused_with_hint(message, "write a word or phrase a line, or take the key out of the plan"));
        }
        WordList::new(words).map_err(|message| Error::refused(format!("quality.words: {message}")))
    }

    fn read_urls(&mut self, plan: &Plan, base: &Path) -> Result<UrlLists> {
        let (directories, wanted) = (&plan.quality.url_lists, &plan.quality.url_categories);
        let mut there = Vec::new();
        for name in directories {
            there.extend(categories(name, &base.join(name))?);
        }
        there.sort();
        there.dedup();
        if let Some(missing) = wanted.iter().find(|name| !there.contains(name)) {
            let message = format!("quality.url_categories: {} has no category {}", shown(&directories.join(", ")), shown(missing));
            return Err(Error::refused_with_hint(message, format!("there are {}", shown(&there.join(", ")))));
        }
        let wanted = if wanted.is_empty() { &there } else { wanted };
        let mut urls = UrlLists::new(wanted.clone());
        for (number, category) in wanted.iter().enumerate() {
            for (directory, file) in directories.iter().flat_map(|directory| FILES.map(|file| (directory, file))) {
                let path = base.join(directory).join(category).join(file);
                if path.exists() {
                    let name = format!("{}/{category}/{file}", directory.trim_end_matches('/'));
                    self.files.push(read_list(&name, Some(category), &path, &mut |line| urls.add(number, line))?);
                }
            }
        }
        Ok(urls.sorted())
    }
}

/// The categories in a directory: directories with a list.
fn categories(name: &str, directory: &Path) -> Result<Vec<String>> {
    let refused = |why: String| {
        let hint = "name a directory that holds one for each category, with a file `domains` or `urls` in it";
        Error::refused_with_hint(format!("quality.url_lists: {}: {why}", shown(name)), hint)
    };
    let has_list = |path: &PathBuf| FILES.iter().any(|file| path.join(file).exists());
    let listing = std::fs::read_dir(directory).map_err(|e| refused(format!("cannot be read: {e}")))?;
    let mut found = Vec::new();
    for entry in listing {
        let path = entry.map_err(|e| refused(format!("cannot be read: {e}")))?.path();
        if let Some(category) = path.file_name().and_then(|name| name.to_str()).filter(|_| has_list(&path)) {
            found.push(category.to_owned());
        }
    }
    if found.is_empty() {
        return Err(refused("there is no category in it".to_owned()));
    }
    Ok(found)
}

/// Does a line count? Or why it cannot be used.
type Taken = std::result::Result<bool, String>;

/// Gives the lines of a list without comments and blanks.
fn read_list(name: &str, category: Option<&str>, path: &Path, take: &mut dyn FnMut(&str) -> Taken) -> Result<ListFacts> {
    let refused = |line: usize, why: &str, hint: &str| {
        let place = if line == 0 { shown(name) } else { format!("{}:{line}", shown(name)) };
        Error::refused_with_hint(format!("{place}: {why}"), hint)
    };
    let is_there = "lists are text files in UTF-8, also .gz or .zst; relative paths begin at the plan";
    let (bytes, blake3) = hash_file(path).map_err(|e| refused(0, &format!("the list cannot be read: {}", e.without_path()), is_there))?;
    let mut reader = open_decoded(path).map_err(|e| refused(0, &format!("the list cannot be read: {}", e.without_path()), is_there))?;
    let mut facts = ListFacts { path: name.to_owned(), category: category.map(str::to_owned), bytes, blake3, entries: 0, unused: 0 };
    let mut buffer = Vec::new();
    for number in 1.. {
        buffer.clear();
        let read = reader.by_ref().take(LINE_MAX as u64 + 1).read_until(b'\n', &mut buffer);
        if read.map_err(|e| refused(number, &format!("cannot be read on: {e}"), "the file is damaged: get it again"))? == 0 {
            break;
        }
        if buffer.len() > LINE_MAX {
            return Err(refused(number, "a line of more than 65,536 bytes", "a list has an entry a line"));
        }
        let line = std::str::from_utf8(&buffer).map_err(|_| refused(number, "not UTF-8", "convert it, e.g. iconv -f CP932 -t UTF-8"))?;
        let line = without_comment(if number == 1 { line.trim_start_matches('\u{feff}') } else { line });
        if line.is_empty() {
            continue;
        }
        let counts = take(line).map_err(|why| refused(number, &why, "shorten the list, or name another file"))?;
        *(if counts { &mut facts.entries } else { &mut facts.unused }) += 1;
    }
    if hash_file(path).is_ok_and(|(_, now)| now == facts.blake3) {
        return Ok(facts);
    }
    Err(refused(0, "the list changed while it was read", "start again once it is at rest"))
}

/// A line up to a `#` that begins it or follows a blank.
fn without_comment(line: &str) -> &str {
    let begins = |&(at, _): &(usize, &str)| line.get(..at).is_some_and(|before| before.is_empty() || before.ends_with(char::is_whitespace));
    let end = line.match_indices('#').find(begins).map_or(line.len(), |(at, _)| at);
    line.get(..end).unwrap_or(line).trim()
}

fn shown(text: &str) -> String {
    escape(text, 500)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::disallowed_methods, reason = "a test's own input")]
    fn write(path: &Path, bytes: &[u8]) {
        std::fs::write(path, bytes).unwrap();
    }

    fn plan(settings: &[&str]) -> Plan {
        let settings: Vec<String> = settings.iter().map(ToString::to_string).collect();
        Plan::from_toml("[input]\npaths = [\"a\"]\n", &settings, "p").unwrap()
    }

    fn refusal(base: &Path, settings: &[&str]) -> String {
        let error = Lists::read(&plan(settings), base).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{error}");
        format!("{error} | {}", error.hint().unwrap_or_default())
    }

    #[test]
    fn words_are_normalised_as_the_text_is() {
        let dir = tempfile::tempdir().unwrap();
        write(&dir.path().join("ng.txt"), "\u{feff}# 見出し\r\nﾊﾝｶｸ\r\n\n  ＡＢ # なぜか\nC#\nab\n".as_bytes());
        let lists = Lists::read(&plan(&["quality.words=[\"ng.txt\"]"]), dir.path()).unwrap();
        let expected = WordList::new(["ハンカク", "ab", "c#"].map(str::to_owned)).unwrap();
        assert_eq!(lists.words_name(), expected.name());
        assert_eq!((lists.files[0].entries, lists.files[0].path.as_str()), (4, "ng.txt"));
        let as_it_is = Lists::read(&plan(&["quality.words=[\"ng.txt\"]", "normalize.form=none"]), dir.path()).unwrap();
        assert_ne!(as_it_is.words_name(), expected.name());
        assert!(Lists::read(&plan(&[]), dir.path()).unwrap().words.is_none());
    }

    #[test]
    fn a_list_that_cannot_be_used_is_refused_with_its_line() {
        let dir = tempfile::tempdir().unwrap();
        write(&dir.path().join("sjis.txt"), b"a\n\x8e\x80\n");
        write(&dir.path().join("long.txt"), &[b"a\n", "長".repeat(200).as_bytes()].concat());
        write(&dir.path().join("endless.txt"), &vec![b'a'; LINE_MAX + 2]);
        write(&dir.path().join("empty.txt"), b"# nothing\n");
        let mut cut = zstd::encode_all(&[b'x'; 9][..], 1).unwrap();
        cut.pop();
        write(&dir.path().join("cut.zst"), &cut);
        for (file, part) in [
            ("gone.txt", "gone.txt: the list cannot be read"),
            ("sjis.txt", "sjis.txt:2: not UTF-8 | convert it"),
            ("long.txt", "long.txt:2: a word of 200 characters"),
            ("endless.txt", "endless.txt:1: a line of more than"),
            ("empty.txt", "there is no word in empty.txt"),
            ("cut.zst", "cut.zst:1: cannot be read on"),
            (".", ".: the list cannot be read"),
        ] {
            let said = refusal(dir.path(), &[&format!("quality.words=[\"{file}\"]")]);
            assert!(said.contains(part), "{said}");
        }
    }

    #[test]
    fn categories_are_directories_with_lists() {
        let dir = tempfile::tempdir().unwrap();
        let list = |name: &str, text: &[u8]| {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            write(&path, text);
        };
        list("ut1/adult/domains", b"# hosts\nexample.org\nnot a host\n");
        list("ut1/adult/urls.zst", &zstd::encode_all(&b"example.net/x\n"[..], 1).unwrap());
        list("ut1/press/domains", b"example.com\n");
        list("ut1/README", b"example.com\n");
        let read = |settings: &[&str]| Lists::read(&plan(settings), dir.path()).unwrap();
        let all = read(&["quality.url_lists=[\"ut1\"]"]);
        assert_eq!(
            all.files.iter().map(|file| file.path.as_str()).collect::<Vec<_>>(),
            ["ut1/adult/domains", "ut1/adult/urls.zst", "ut1/press/domains"]
        );
        assert_eq!((all.files[0].entries, all.files[0].unused, all.urls.as_ref().unwrap().len()), (1, 1, 3));
        let some = read(&["quality.url_lists=[\"ut1/\"]", "quality.url_categories=[\"adult\"]"]);
        let urls = some.urls.unwrap();
        assert!(urls.find("www.example.net/x/y").is_some() && urls.find("example.com").is_none());
        assert!(
            refusal(dir.path(), &["quality.url_lists=[\"ut1\"]", "quality.url_categories=[\"adlut\"]"]).contains("there are adult, press")
        );
        for directory in ["ut1/adult", "gone", "ut1/README"] {
            let said = refusal(dir.path(), &[&format!("quality.url_lists=[\"{directory}\"]")]);
            assert!(said.contains(directory) && said.contains("one for each category"), "{said}");
        }
    }

    #[test]
    fn comments_begin_lines_or_follow_blanks() {
        for (line, rest) in [("# x", ""), ("a # b", "a"), ("C# と F#", "C# と F#"), (" \u{3000}a\r\n", "a"), ("#", "")] {
            assert_eq!(without_comment(line), rest);
        }
    }
}
