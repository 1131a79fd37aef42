//! The section `[input]` of the plan.

use std::collections::BTreeMap;

use super::chat::Speakers;
use super::forget::Forgotten;
use super::html::{Extract, Ruby};
use super::wikitext::Templates;

/// `[input]`: which files are read, and what is known of them.
#[derive(Debug, Clone, PartialEq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[expect(clippy::struct_excessive_bools, reason = "keys of a plan")]
pub struct Options {
    /// Files, directories and patterns (`*`, `?`, `[…]`, `{a,b}`, `**`), relative to the plan; in a build with the feature `cloud` also objects of stores (`s3://BUCKET/KEY`, `gs://`, `az://`), places and patterns of them; a run reads nothing from standard input (`-`). JSON Lines and JSON, CSV and TSV, Parquet, WARC and ARC, HTML or plain text, works of Aozora Bunko, statutes of e-Gov, records of the Diet, dumps of MediaWiki, EPUB, subtitles, logs of chats, also compressed (.gz, .zst, .bz2, .xz, .lz4) or in a .zip or .tar; told apart by content.
    pub paths: Vec<String>,
    /// What holds for records that say nothing of it themselves.
    pub source: SourceDefaults,
    /// What holds for WARC and ARC files.
    pub warc: WarcOptions,
    /// What holds for dumps of MediaWiki.
    pub mediawiki: MediaWikiOptions,
    /// Which fields of a record are its text, its id and so on: of JSON, of CSV and TSV, and of Parquet.
    pub fields: FieldOptions,
    /// What stands between two columns of CSV and the like: one character, e.g. ";" or "\t". Without it, the name (`.tsv`) or the content of a file says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<char>,
    /// Does the first line of CSV and the like hold the names of the columns? Without one, columns are called 1, 2, 3 ….
    pub header: bool,
    /// May a column of CSV and the like stand in quotes ("), so that it may hold delimiters and line ends? false: a quote is a character like any other.
    pub quotes: bool,
    /// Longest record in decoded bytes, at most 1 GiB; a longer one is quarantined.
    pub record_max: u64,
    /// Read links that lead out of an input directory (caches of dataset hubs consist of them).
    pub follow_links: bool,
    /// Share of the documents that is taken, above 0 and at most 1, e.g. 0.01: drawn by the id of each (without one, by file and number), so that it
    /// is the same whatever else is read, and a larger share takes what a smaller one does. `--sample 1%`.
    pub sample: Option<f64>,
    /// What of a page of HTML is its text, also in WARC files: `main`, its main content without navigation, headers and footers of the site, forms and the
    /// like, or `all`, everything a reader sees.
    pub extract: Extract,
    /// Readings (ruby) of HTML, of Aozora Bunko and of statutes: `drop`, or `keep` them in brackets behind their base.
    pub ruby: Ruby,
    /// Note readings, marks of Chinese sentences and words of the source in `meta`, each with its place in the text as it is read (characters from, to).
    pub spans: bool,
    /// The notation of text files and pages: `auto` (that of Aozora Bunko where a text has its legend, notes or colophon), `aozora`, or `none`.
    pub notation: Notation,
    /// What holds for statutes of e-Gov in XML.
    pub law: LawOptions,
    /// What holds for records of the Diet.
    pub diet: DietOptions,
    /// What holds for logs of chats.
    pub chat: ChatOptions,
    /// Read the first so many records only, in the order of the inputs; a sample is drawn from those. `--limit N`.
    pub limit: Option<u64>,
    /// What holds for some files, or for pages of some hosts; the last rule that fits wins, key by key. What a record says itself comes before any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
    /// Records that are not read any more, as if they did not stand in the inputs; `seimai forget` adds them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub forget: Vec<Forgotten>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            paths: Vec::new(),
            source: SourceDefaults::default(),
            fields: FieldOptions::default(),
            delimiter: None,
            header: true,
            quotes: true,
            warc: WarcOptions::default(),
            mediawiki: MediaWikiOptions::default(),
            record_max: 16 << 20,
            follow_links: false,
            sample: None,
            extract: Extract::Main,
            ruby: Ruby::Drop,
            spans: false,
            notation: Notation::Auto,
            law: LawOptions::default(),
            diet: DietOptions::default(),
            chat: ChatOptions::default(),
            limit: None,
            rules: Vec::new(),
            forget: Vec::new(),
        }
    }
}

impl Options {
    /// One sentence for a value that is out of range; [`Options::check`] also looks at fields and rules.
    pub(super) fn check_values(&self) -> std::result::Result<(), String> {
        if self.paths.is_empty() {
            return Err("input.paths is empty; name at least one file, directory or pattern".to_owned());
        }
        if self.paths.iter().any(|path| path.is_empty() || path.contains('\0')) {
            return Err("input.paths holds an empty path or one with a NUL".to_owned());
        }
        if !(1..=1 << 30).contains(&self.record_max) {
            return Err(format!("input.record_max is {}; it must lie between 1 and 1073741824", self.record_max));
        }
        if let Some(share) = self.sample.filter(|share| !(*share > 0.0 && *share <= 1.0)) {
            return Err(format!("input.sample is {share}; it must be above 0 and at most 1 (0.01 takes one document in a hundred)"));
        }
        if let Some(status) = self.warc.statuses.iter().find(|status| !(100..1000).contains(*status)) {
            return Err(format!("input.warc.statuses holds {status}; a status of HTTP has three digits (200)"));
        }
        Templates::new(self.mediawiki.patterns()).map_err(|why| format!("input.mediawiki.templates: {why}"))?;
        self.forget.iter().try_for_each(Forgotten::check)?;
        if self.limit == Some(0) {
            return Err("input.limit is 0; it must be at least 1".to_owned());
        }
        Ok(())
    }

    /// The fields of files for which these rules hold, the last coming first.
    #[must_use]
    pub fn fields_with<'a>(&self, rules: impl IntoIterator<Item = &'a Rule>) -> FieldOptions {
        rules.into_iter().fold(self.fields.clone(), |fields, rule| fields.or(&rule.fields))
    }

    /// What the work shards depend on: all but what is done with their records. Paths stand elsewhere, with content.
    #[must_use]
    pub fn of_framing(&self) -> Self {
        let Self { source, warc, mediawiki, extract, ruby, spans, notation, .. } = Self::default();
        let of_framing = |rule: &Rule| Rule { source: SourceDefaults::default(), extract: None, notation: None, ..rule.clone() };
        let rules = self.rules.iter().map(of_framing).collect();
        let chat = ChatOptions { speakers: Speakers::default(), ..self.chat };
        Self {
            paths: Vec::new(),
            source,
            warc,
            mediawiki,
            extract,
            ruby,
            spans,
            notation,
            chat,
            sample: None,
            rules,
            forget: Vec::new(),
            ..self.clone()
        }
    }

    /// What the documents of a work shard depend on. A limit makes a shard smaller, and that is in its name; so are the records of it that are
    /// forgotten, and no others.
    #[must_use]
    pub fn of_annotation(&self) -> Self {
        let of_rule = |rule: &Rule| Rule { source: rule.source.of_documents(), ..rule.clone() };
        // A rule that only declares leaves the documents as they are.
        let says_more = |rule: &Rule| *rule != Rule { files: rule.files.clone(), hosts: rule.hosts.clone(), ..Rule::default() };
        let rules = self.rules.iter().map(|rule| (rule.source == rule.source.of_documents(), of_rule(rule)));
        let rules = rules.filter(|(declares_nothing, rule)| *declares_nothing || says_more(rule)).map(|(_, rule)| rule).collect();
        Self { paths: Vec::new(), limit: None, source: self.source.of_documents(), rules, forget: Vec::new(), ..self.clone() }
    }
}

/// `input.notation`: what signs in a text mean beside themselves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Notation {
    /// What the text itself shows.
    #[default]
    Auto,
    /// That of Aozora Bunko.
    Aozora,
    /// None: the text is what stands in the file.
    None,
}

/// `input.law`: how statutes of e-Gov are read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LawOptions {
    /// A document is an `act` or an `article`.
    pub documents: LawDocuments,
}

/// `input.law.documents`: what of a statute is a document.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LawDocuments {
    /// The act.
    #[default]
    Act,
    /// Each article, and what stands outside of articles.
    Article,
}

/// `input.diet`: how records of the Diet are read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DietOptions {
    /// A document is a `speech`, or a `meeting` as a dialogue.
    pub documents: DietDocuments,
}

/// `input.diet.documents`: what of a record of the Diet is a document.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DietDocuments {
    /// Each speech.
    #[default]
    Speech,
    /// The meeting: a speech behind the other, each behind the name of who speaks.
    Meeting,
}

/// `input.chat`: how logs of chats are read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ChatOptions {
    /// A document is a `day` of a log, or a whole `file`; what is longer than a quarter of `record_max` is cut between two messages.
    pub documents: ChatDocuments,
    /// What stands for those who speak: `names` before what they say, `labels` (A, B, C …; names stand nowhere), or `meta` (names stand in `meta` only).
    pub speakers: Speakers,
}

/// `input.chat.documents`: what of a log is a document.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ChatDocuments {
    /// What is said on a day.
    #[default]
    Day,
    /// The file.
    File,
}

/// `input.warc`: which responses of WARC and ARC files are pages.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WarcOptions {
    /// Statuses of HTTP whose responses are documents; others are passed over and counted.
    pub statuses: Vec<u16>,
}

impl Default for WarcOptions {
    fn default() -> Self {
        Self { statuses: vec![200] }
    }
}

/// `input.mediawiki`: which pages of a dump are documents, and what stands for templates.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MediaWikiOptions {
    /// Numbers of the namespaces whose pages are documents; others are passed over and counted. 0: articles.
    pub namespaces: Vec<i32>,
    /// Templates whose words belong to the sentence, beside those that are built in: name and what stands for it, e.g. "仮リンク" = "{label|1}". `{1}` is the first
    /// argument without a name, `{text|1}` that called text or else the first, `{*、}` all without a name with 、 between them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub templates: BTreeMap<String, String>,
}

impl Default for MediaWikiOptions {
    fn default() -> Self {
        Self { namespaces: vec![0], templates: BTreeMap::new() }
    }
}

impl MediaWikiOptions {
    fn patterns(&self) -> impl Iterator<Item = (&str, &str)> {
        self.templates.iter().map(|(name, pattern)| (name.as_str(), pattern.as_str()))
    }

    /// What stands for templates. A pattern that is none has been refused before.
    pub(super) fn compiled(&self) -> Templates {
        Templates::new(self.patterns()).unwrap_or_default()
    }
}

/// `input.source`: provenance of records that carry none.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SourceDefaults {
    /// Name of the corpus; without it, the name of the file.
    pub name: Option<String>,
    /// Licence, best as an SPDX expression.
    pub license: Option<String>,
    /// Country in which the data has to stay; noted in the manifest.
    pub residency: Option<String>,
    /// Who has the rights in it, or speaks for those who have, e.g. "国立国会図書館". It is declared, not checked; so are `consent` and `legal_basis`, and `seimai passport` counts documents by all three.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// What its owner, or the people in it, have agreed to, and where that is written down, e.g. "contract 2026-014: training only".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consent: Option<String>,
    /// On what legal ground it is used, e.g. "著作権法第30条の4".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub legal_basis: Option<String>,
}

impl SourceDefaults {
    /// What this says, and where it says nothing, what another one says.
    #[must_use]
    pub(super) fn or(&self, other: Self) -> Self {
        Self {
            name: self.name.clone().or(other.name),
            license: self.license.clone().or(other.license),
            residency: self.residency.clone().or(other.residency),
            owner: self.owner.clone().or(other.owner),
            consent: self.consent.clone().or(other.consent),
            legal_basis: self.legal_basis.clone().or(other.legal_basis),
        }
    }

    /// What stands in the documents: no document has what is only declared.
    #[must_use]
    fn of_documents(&self) -> Self {
        Self { owner: None, consent: None, legal_basis: None, ..self.clone() }
    }
}

/// `input.fields`: paths of fields. A path is `name`, `outer.inner`, `list[0].name`, or a JSON pointer (`/a.b/c`) for names with a dot in them.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FieldOptions {
    /// The document, by default `text`; several paths are joined.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<Texts>,
    /// What stands between the parts of a text of several fields, by default a blank line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub joiner: Option<String>,
    /// The id, a string or a number; by default `id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Where the record comes from, by default `source`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Its address, by default `url`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Its licence, by default `license`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
    /// Its date in any spelling, by default `date`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// The country in which it has to stay, by default `residency`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub residency: Option<String>,
    /// Anything else, by default `meta`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meta: Option<String>,
    /// What becomes of fields that no path leads to: meta (they are kept there) or drop (they are counted by name in the manifest); by default drop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rest: Option<Rest>,
    /// In a JSON file: the path of the list of records, where it is not the outermost value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub records: Option<String>,
}

/// A path, or several.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(untagged)]
pub enum Texts {
    /// One path.
    One(String),
    /// Several, in the order in which they are joined.
    Several(Vec<String>),
}

/// `input.fields.rest`: what becomes of fields that no path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Rest {
    /// They stand in `meta`, by name.
    Meta,
    /// They are not kept, and counted.
    Drop,
}

impl FieldOptions {
    /// Paths of the parts of the text.
    pub fn texts(&self) -> Vec<&str> {
        match &self.text {
            None => vec!["text"],
            Some(Texts::One(path)) => vec![path],
            Some(Texts::Several(paths)) => paths.iter().map(String::as_str).collect(),
        }
    }

    /// These, and where a rule says something else, that.
    fn or(self, rule: &Self) -> Self {
        let of = |ours: Option<String>, theirs: &Option<String>| theirs.clone().or(ours);
        Self {
            text: rule.text.clone().or(self.text),
            joiner: of(self.joiner, &rule.joiner),
            id: of(self.id, &rule.id),
            source: of(self.source, &rule.source),
            url: of(self.url, &rule.url),
            license: of(self.license, &rule.license),
            date: of(self.date, &rule.date),
            residency: of(self.residency, &rule.residency),
            meta: of(self.meta, &rule.meta),
            rest: rule.rest.or(self.rest),
            records: of(self.records, &rule.records),
        }
    }
}

/// A rule of `input.rules`: for which inputs, and what holds for them.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Rule {
    /// Patterns of names of inputs, as the manifest has them (`web/**`); a rule without holds for every input.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// Hosts of the addresses of records, with all hosts below them: `go.jp` is also `www.soumu.go.jp`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    /// Name, licence and residency of records that carry none.
    pub source: SourceDefaults,
    /// Fields of their records (of files only).
    pub fields: FieldOptions,
    /// What of a page of HTML is its text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extract: Option<Extract>,
    /// The notation of text files and pages (of files only).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notation: Option<Notation>,
    /// What stands between two columns (of files only).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<char>,
    /// Does the first line hold the names of the columns (of files only)?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<bool>,
    /// May a column stand in quotes (of files only)?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quotes: Option<bool>,
}
