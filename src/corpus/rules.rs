//! What the plan says of an input and of the records in it: fields, columns, provenance, with the rules that fit its name or the hosts
//! of its records. What a record says itself comes before a rule, and a rule before the plan.

use std::sync::{Arc, OnceLock};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use super::html::Extract;
use super::mapping::{Mapping, Step, steps};
use super::options::{ChatOptions, DietDocuments, FieldOptions, LawDocuments, MediaWikiOptions, Notation, Options, Rule, SourceDefaults};
use super::record::Record;
use super::wanted::Wanted;
use super::wikitext::Templates;

impl Options {
    /// One sentence for a value that is out of range, for a path of a field that is none, and for a rule that cannot hold.
    pub fn check(&self) -> Result<(), String> {
        self.check_values()?;
        Rules::check(self)
    }
}

/// How pages of a wiki are read.
#[derive(Debug, Clone)]
pub(super) struct Wiki {
    options: MediaWikiOptions,
    templates: OnceLock<Templates>,
}

impl Wiki {
    /// Are pages of a namespace documents?
    pub(super) fn takes(&self, namespace: i32) -> bool {
        self.options.namespaces.contains(&namespace)
    }

    /// What stands for templates; made when a dump is there.
    pub(super) fn templates(&self) -> &Templates {
        self.templates.get_or_init(|| self.options.compiled())
    }
}

/// How the records of an input are read.
#[derive(Debug, Clone)]
pub(super) struct Reading {
    /// Fields of JSON.
    pub(super) mapping: Mapping,
    /// Fields of tables, where a name is a path as a whole, too.
    pub(super) columns: Mapping,
    /// Way to the list of records, where it is not the outermost value.
    pub(super) records: Option<Vec<Step>>,
    /// What stands between two columns, if the plan says so.
    pub(super) delimiter: Option<char>,
    /// Does the first line hold the names of the columns?
    pub(super) header: bool,
    /// May a column stand in quotes?
    pub(super) quotes: bool,
    /// The notation of text files and pages.
    notation: Notation,
    /// What of a statute is a document.
    law: LawDocuments,
    /// What of a record of the Diet is a document.
    diet: DietDocuments,
    chat: ChatOptions,
    /// What of a page is wanted: of all, and what rules say of some hosts (none: all), in the order of the plan.
    extract: Extract,
    extracts: Vec<(Vec<String>, Extract)>,
    /// Dumps of MediaWiki.
    pub(super) wiki: Wiki,
    /// What records inherit from rules, in the order of the plan: hosts for which it holds (none: all), and what it is.
    sources: Vec<(Vec<String>, SourceDefaults)>,
}

impl Default for Reading {
    fn default() -> Self {
        Self::new(&Options::default(), &[])
    }
}

impl Reading {
    fn new(options: &Options, rules: &[&Rule]) -> Self {
        let of_files = rules.iter().copied().filter(|rule| rule.hosts.is_empty());
        let fields = options.fields_with(of_files.clone());
        let mapping = Mapping::new(&fields).unwrap_or_default();
        let inherits = |rule: &&&Rule| rule.source != SourceDefaults::default();
        let hosts = |rule: &Rule| rule.hosts.iter().filter_map(|host| host_of_rule(host)).collect();
        Self {
            columns: mapping.of_columns(&fields),
            mapping,
            records: fields.records.as_deref().and_then(|path| steps(path).ok()),
            delimiter: of_files.clone().filter_map(|rule| rule.delimiter).next_back().or(options.delimiter),
            header: of_files.clone().filter_map(|rule| rule.header).next_back().unwrap_or(options.header),
            quotes: of_files.clone().filter_map(|rule| rule.quotes).next_back().unwrap_or(options.quotes),
            notation: of_files.filter_map(|rule| rule.notation).next_back().unwrap_or(options.notation),
            law: options.law.documents,
            diet: options.diet.documents,
            chat: options.chat,
            extract: options.extract,
            wiki: Wiki { options: options.mediawiki.clone(), templates: OnceLock::new() },
            extracts: rules.iter().filter_map(|rule| Some((hosts(rule), rule.extract?))).collect(),
            sources: rules.iter().filter(inherits).map(|rule| (hosts(rule), rule.source.clone())).collect(),
        }
    }

    /// What is wanted of a file that is read as a whole, as far as it changes which documents there are.
    pub(super) fn wanted(&self) -> Wanted {
        Wanted { notation: self.notation, law: self.law, diet: self.diet, chat: self.chat, ..Wanted::default() }
    }

    /// What of a page with this address is wanted.
    pub(super) fn extract(&self, url: Option<&str>) -> Extract {
        if self.extracts.is_empty() {
            return self.extract;
        }
        let host = url.and_then(host_of);
        let fitting = self.extracts.iter().rev().find(|(hosts, _)| holds_for(hosts, host.as_deref()));
        fitting.map_or(self.extract, |(_, extract)| *extract)
    }

    /// What rules say of a record with this address.
    fn given(&self, url: Option<&str>) -> SourceDefaults {
        let host = if self.sources.iter().any(|(hosts, _)| !hosts.is_empty()) { url.and_then(host_of) } else { None };
        let fitting = self.sources.iter().filter(|(hosts, _)| holds_for(hosts, host.as_deref()));
        fitting.fold(SourceDefaults::default(), |found, (_, source)| source.or(found))
    }

    /// Gives a record what rules say of it and it does not say itself.
    pub(super) fn inherit(&self, record: &mut Record) {
        if self.sources.is_empty() {
            return;
        }
        let found = self.given(record.url.as_deref());
        record.source = record.source.take().or(found.name);
        record.license = record.license.take().or(found.license);
        record.residency = record.residency.take().or(found.residency);
    }
}

/// The rules of a plan, compiled.
#[derive(Debug)]
pub(super) struct Rules {
    options: Options,
    files: Vec<GlobSet>,
    /// How inputs are read for which no rule holds.
    plain: Arc<Reading>,
}

impl Rules {
    /// Compiles the rules of options that have been checked; a rule that is none holds for nothing.
    pub(super) fn new(options: &Options) -> Self {
        let files = options.rules.iter().map(|rule| patterns(rule).unwrap_or_default()).collect();
        Self { files, plain: Arc::new(Reading::new(options, &[])), options: options.clone() }
    }

    /// One sentence for what is wrong with fields and rules.
    fn check(options: &Options) -> Result<(), String> {
        Mapping::new(&options.fields).map_err(|why| format!("input.{why}"))?;
        check_reading(options.delimiter, options.fields.records.as_deref()).map_err(|why| format!("input.{why}"))?;
        for (number, rule) in options.rules.iter().enumerate() {
            let of_rule = |why: String| format!("input.rules, rule {}: {why}", number + 1);
            check_rule(rule).map_err(of_rule)?;
            Mapping::new(&options.fields_with([rule])).map_err(of_rule)?;
        }
        let all = options.rules.iter().filter(|rule| rule.hosts.is_empty());
        Mapping::new(&options.fields_with(all)).map_err(|why| format!("input.rules, all together: {why}"))?;
        Ok(())
    }

    /// How the input of that name is read.
    pub(super) fn of(&self, name: &str) -> Arc<Reading> {
        let fits = |(rule, files): &(&Rule, &GlobSet)| rule.files.is_empty() || files.is_match(name);
        let rules: Vec<&Rule> = self.options.rules.iter().zip(&self.files).filter(fits).map(|(rule, _)| rule).collect();
        if rules.is_empty() { Arc::clone(&self.plain) } else { Arc::new(Reading::new(&self.options, &rules)) }
    }
}

/// What a plan declares of documents and no document says of itself: owner, consent, legal ground. By the same rules that gave the document its licence.
#[derive(Debug)]
pub struct Declared {
    rules: Rules,
    defaults: SourceDefaults,
    /// How the input is read that was asked for last.
    last: Option<(String, Arc<Reading>)>,
}

impl Declared {
    /// Of the options of a run.
    #[must_use]
    pub fn new(options: &Options) -> Self {
        Self { rules: Rules::new(options), defaults: options.source.clone(), last: None }
    }

    /// What is declared of a document of this input, with this address.
    pub fn of(&mut self, file: &str, url: Option<&str>) -> SourceDefaults {
        let reading = match self.last.take().filter(|(name, _)| name == file) {
            Some((_, reading)) => reading,
            None => self.rules.of(file),
        };
        let found = reading.given(url).or(self.defaults.clone());
        self.last = Some((file.to_owned(), reading));
        found
    }
}

fn check_rule(rule: &Rule) -> Result<(), String> {
    if rule.files.is_empty() && rule.hosts.is_empty() {
        return Err("it names neither files nor hosts".to_owned());
    }
    patterns(rule)?;
    if let Some(host) = rule.hosts.iter().find(|host| host_of_rule(host).is_none()) {
        return Err(format!("hosts holds {host:?}, which is no host; write go.jp or .go.jp"));
    }
    let of_columns = rule.notation.is_some() || rule.delimiter.is_some() || rule.header.is_some() || rule.quotes.is_some();
    if !rule.hosts.is_empty() && (of_columns || rule.fields != FieldOptions::default()) {
        let message = "fields, notation, delimiter, header and quotes have to be known before the host of a record is; give them to a rule without hosts";
        return Err(message.to_owned());
    }
    check_reading(rule.delimiter, rule.fields.records.as_deref())
}

fn check_reading(delimiter: Option<char>, records: Option<&str>) -> Result<(), String> {
    if let Some(c) = delimiter.filter(|c| !c.is_ascii() || matches!(c, '"' | '\n' | '\r' | '\0')) {
        return Err(format!("delimiter is {c:?}; it must be one ASCII character, and no quote or line end"));
    }
    records.map_or(Ok(()), |path| steps(path).map(|_| ()).map_err(|why| format!("fields.records = {path:?}: {why}")))
}

fn patterns(rule: &Rule) -> Result<GlobSet, String> {
    let mut set = GlobSetBuilder::new();
    for pattern in &rule.files {
        let glob = GlobBuilder::new(pattern).literal_separator(true).build();
        set.add(glob.map_err(|e| format!("files holds {pattern:?}, which is no pattern: {}", e.kind()))?);
    }
    set.build().map_err(|e| format!("files: {e}"))
}

/// A host as addresses have it: in lower case, in ASCII.
fn host_of_rule(host: &str) -> Option<String> {
    match url::Host::parse(host.trim_start_matches('.')).ok()? {
        url::Host::Domain(name) if !name.is_empty() => Some(name),
        url::Host::Domain(_) => None,
        address => Some(address.to_string()),
    }
}

fn host_of(address: &str) -> Option<String> {
    let host = url::Url::parse(address.trim()).ok()?.host_str()?.trim_end_matches('.').to_owned();
    (!host.is_empty()).then_some(host)
}

/// Does a rule with these hosts hold for a record of that host?
fn holds_for(hosts: &[String], host: Option<&str>) -> bool {
    hosts.is_empty() || host.is_some_and(|host| hosts.iter().any(|rule| lies_below(host, rule)))
}

/// Is a host another, or one below it? Label by label: `cargo.jp` is not below `go.jp`.
fn lies_below(host: &str, rule: &str) -> bool {
    host.strip_suffix(rule).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(rules: &str) -> Options {
        toml::from_str(&format!("paths = [\"x\"]\n{rules}")).unwrap()
    }

    fn provenance(options: &Options, file: &str, record: Record) -> [Option<String>; 3] {
        let mut record = record;
        Rules::new(options).of(file).inherit(&mut record);
        [record.source, record.license, record.residency]
    }

    #[test]
    fn what_of_a_page_is_wanted_follows_file_and_host() {
        let options =
            options("extract = 'main'\n[[rules]]\nfiles = ['a/**']\nextract = 'all'\n[[rules]]\nhosts = ['go.jp']\nextract = 'main'\n");
        let of = |file: &str, url: Option<&str>| Rules::new(&options).of(file).extract(url);
        assert_eq!(of("b.warc", None), Extract::Main);
        assert_eq!(of("a/b.warc", None), Extract::All);
        assert_eq!(of("a/b.warc", Some("https://www.soumu.go.jp/x")), Extract::Main);
        assert_eq!(of("a/b.warc", Some("https://cargo.jp/x")), Extract::All);
    }

    #[test]
    fn the_last_rule_wins_key_by_key_and_the_record_before_all() {
        let options = options(
            r#"
            [[rules]]
            files = ["web/**"]
            source = { name = "web", license = "unknown", residency = "JP" }
            [[rules]]
            hosts = [".GO.jp", "日本.jp"]
            source = { license = "GJSTU-2.0" }
            [[rules]]
            files = ["web/a/*"]
            source = { name = "a" }
            "#,
        );
        assert_eq!(Rules::check(&options), Ok(()));
        let at = |url: &str| Record { url: Some(url.into()), ..Record::default() };
        let given = |file, record| provenance(&options, file, record).map(Option::unwrap_or_default);
        assert_eq!(given("web/b/x.warc", at("https://example.com/")), ["web", "unknown", "JP"]);
        assert_eq!(given("web/a/x.warc", at("https://www.soumu.go.jp:443/a")), ["a", "GJSTU-2.0", "JP"]);
        assert_eq!(given("web/a/b/x.warc", at("http://GO.JP./")), ["web", "GJSTU-2.0", "JP"]);
        assert_eq!(given("y.jsonl", at("https://cargo.jp/")), ["", "", ""]);
        assert_eq!(given("y.jsonl", at("https://xn--wgv71a.jp/")), ["", "GJSTU-2.0", ""]);
        assert_eq!(given("y.jsonl", at("no address")), ["", "", ""]);
        let own = Record { license: Some("MIT".into()), ..at("https://a.go.jp/") };
        assert_eq!(given("web/x", own), ["web", "MIT", "JP"]);
    }

    #[test]
    fn what_is_only_declared_follows_the_same_rules_and_changes_no_document() {
        let declared = r#"
            source = { name = "all", owner = "a", consent = "b" }
            [[rules]]
            files = ["web/**"]
            source = { owner = "c" }
            [[rules]]
            hosts = ["go.jp"]
            source = { license = "GJSTU-2.0", legal_basis = "d" }
            "#;
        let options = options(declared);
        let mut of = Declared::new(&options);
        let mut given = |file: &str, url: Option<&str>| {
            let found = of.of(file, url);
            [found.owner, found.consent, found.legal_basis].map(Option::unwrap_or_default)
        };
        assert_eq!(given("a.jsonl", None), ["a", "b", ""]);
        assert_eq!(given("web/a.warc", Some("https://example.jp/")), ["c", "b", ""]);
        assert_eq!(given("web/a.warc", Some("https://www.soumu.go.jp/")), ["c", "b", "d"]);
        let of_documents = options.of_annotation();
        assert_eq!((of_documents.rules.len(), of_documents.source.owner.as_deref()), (1, None), "a rule that only declares is gone");
        assert_eq!(of_documents.rules[0].source.license.as_deref(), Some("GJSTU-2.0"));
        assert_eq!(of_documents.rules[0].source.legal_basis, None);
    }

    #[test]
    fn a_rule_changes_how_a_file_is_read() {
        let options = options(
            r#"
            delimiter = ";"
            fields = { text = "content", id = "key" }
            [[rules]]
            files = ["*.tsv", "t/**"]
            delimiter = "\t"
            header = false
            fields = { text = ["1", "2"] }
            "#,
        );
        assert_eq!(Rules::check(&options), Ok(()));
        let rules = Rules::new(&options);
        let (plain, tsv) = (rules.of("a.csv"), rules.of("t/a.csv"));
        assert_eq!((plain.delimiter, plain.header, plain.mapping.texts()), (Some(';'), true, 1));
        assert_eq!((tsv.delimiter, tsv.header, tsv.mapping.texts()), (Some('\t'), false, 2));
        assert!(tsv.mapping.child(Mapping::ROOT, "key").is_some(), "what a rule does not say stays");
        assert_eq!(rules.of("a/b.tsv").delimiter, Some(';'), "a star does not cross a slash");
    }

    #[test]
    fn rules_that_are_none() {
        for (rules, words) in [
            ("fields = { text = [] }", "at least one"),
            ("delimiter = \"あ\"", "one ASCII character"),
            ("fields = { records = \"a..b\" }", "a name is empty"),
            ("[[rules]]\nsource = { name = \"x\" }", "rule 1: it names neither"),
            ("[[rules]]\nfiles = [\"[\"]", "rule 1: files holds \"[\""),
            ("[[rules]]\nhosts = [\"a b\"]", "no host"),
            ("[[rules]]\nhosts = [\".\"]", "no host"),
            ("[[rules]]\nhosts = [\"a.jp\"]\ndelimiter = \",\"", "before the host"),
            ("[[rules]]\nfiles = [\"a\"]\nfields = { text = \"id.x\" }", "rule 1: "),
        ] {
            let refused = Rules::check(&options(rules)).unwrap_err();
            assert!(refused.contains(words), "{refused}");
        }
    }
}
