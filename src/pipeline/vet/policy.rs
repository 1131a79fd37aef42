//! A policy: what has to hold of what crosses the border, and what follows where it does not. Read as plans are, with all that is wrong in it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::level::Ask;
use crate::corpus::FieldOptions;
use crate::error::{Error, Result};
use crate::keigo::Register;
use crate::pii::Kind;
use crate::pipeline::plan_text;

/// A policy.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// What it is called.
    pub policy: About,
    /// How much is looked at, and how it is read.
    pub look: Look,
    /// What may be in files.
    pub safety: Safety,
    /// What has to hold of runs of Seimai.
    pub run: Run,
    /// Licences.
    pub license: License,
    /// Where texts have to stay, and where they come from.
    pub residency: Residency,
    /// What has to be declared.
    pub declared: Declared,
    /// Personal data in texts.
    pub personal_data: PersonalData,
    /// Items of evaluation sets in texts.
    pub contamination: Contamination,
    /// What has to be there of Japanese.
    pub japanese: Japanese,
    /// The program that vets, and where it runs.
    pub air_gap: AirGap,
}

/// `[policy]`
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct About {
    /// The name that the verdict bears.
    pub name: String,
    /// What it is for, in a sentence.
    pub about: String,
}

/// `[look]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Look {
    /// Documents whose texts are looked into (personal data, contamination, Japanese); the same ones each time, drawn by the hash of file and place. 0: all.
    pub records: u64,
    /// Bytes of text that are held for that, at most; fewer documents are looked into where they are longer. Not for `records = 0`.
    pub bytes: u64,
    /// Bytes that a compressed file, or a member of an archive, is unpacked to; what is larger is not told.
    pub unpacked_bytes: u64,
    /// Bytes of the header of a safetensors file.
    pub header_bytes: u64,
    /// Files in all; what is beyond is not told.
    pub files: u64,
    /// Archives in each other.
    pub depth: u32,
    /// The dictionary for names of people and for registers: the name of an installed one, or a directory; empty: without, and then names of people and registers are not told.
    pub dictionary: String,
    /// Which fields of a record are its text, licence and so on, as `[input.fields]` of a plan.
    pub fields: FieldOptions,
}

impl Default for Look {
    fn default() -> Self {
        Self {
            records: 2000,
            bytes: 64 << 20,
            unpacked_bytes: 256 << 20,
            header_bytes: super::safetensors::HEADER_MAX,
            files: 1 << 20,
            depth: 3,
            dictionary: "ipadic".to_owned(),
            fields: FieldOptions::default(),
        }
    }
}

/// `[safety]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Safety {
    /// Pickles of Python, whatever they are called: by themselves, in archives of PyTorch, as arrays of objects, of joblib.
    pub pickles: Ask,
    /// Pickles that import something else than `imports_allowed`.
    pub imports: Ask,
    /// What pickles may import, as `module.name`; `*` at the end stands for anything.
    pub imports_allowed: Vec<String>,
    /// Programs, libraries and scripts with `#!`, by content.
    pub executables: Ask,
    /// Code: files of Python and of other interpreters, by name; `auto_map` and other settings of a model that load code; layers that hold code.
    pub code: Ask,
    /// Chat templates that reach for more than the conversation.
    pub templates: Ask,
    /// Pages and pictures (HTML, SVG) that hold scripts.
    pub pages: Ask,
    /// Files that break a promise of their format: lengths, places, overlaps, names that stand twice, members that are called otherwise at their place.
    pub malformed: Ask,
    /// Links that lead out of what is vetted, and what is neither file nor directory.
    pub links: Ask,
    /// Archives whose members would be written outside of their folder.
    pub archives: Ask,
    /// Formats that are not looked into.
    pub unknown: Ask,
}

impl Default for Safety {
    fn default() -> Self {
        Self {
            pickles: Ask::Refuse,
            imports: Ask::Refuse,
            imports_allowed: Vec::new(),
            executables: Ask::Refuse,
            code: Ask::Refuse,
            templates: Ask::Refuse,
            pages: Ask::Refuse,
            malformed: Ask::Refuse,
            links: Ask::Refuse,
            archives: Ask::Refuse,
            unknown: Ask::Warn,
        }
    }
}

/// `[run]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Run {
    /// Runs and packs of Seimai that `seimai verify` finds damaged.
    pub sound: Ask,
    /// Runs that the owner of `--key` has not signed; without `--key` that cannot be told.
    pub signed: Ask,
    /// Runs without a passport (`seimai passport`).
    pub passport: Ask,
}

impl Default for Run {
    fn default() -> Self {
        Self { sound: Ask::Refuse, signed: Ask::Allow, passport: Ask::Allow }
    }
}

/// `[license]`
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct License {
    /// Licences that are not allowed, or are denied.
    pub other: Ask,
    /// Identifiers of SPDX; `*` at the end stands for anything. Empty: every licence that is not denied.
    pub allow: Vec<String>,
    /// Identifiers that are denied, whatever `allow` says.
    pub deny: Vec<String>,
    /// Documents, data sets and models without a licence.
    pub undeclared: Ask,
}

/// `[residency]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Residency {
    /// Countries that are not allowed, or are denied.
    pub other: Ask,
    /// Countries in which a text may have to stay (ISO 3166: JP). Empty: every one that is not denied.
    pub allow: Vec<String>,
    /// Countries that are denied.
    pub deny: Vec<String>,
    /// Documents without one.
    pub undeclared: Ask,
    /// Countries that count as domestic.
    pub domestic: Vec<String>,
    /// Sources whose documents are domestic whatever residency they have; `*` at the end stands for anything.
    pub domestic_sources: Vec<String>,
    /// The least share of domestic documents, by characters, from 0 to 1.
    pub domestic_min: f64,
    /// What follows where it is less.
    pub domestic_share: Ask,
}

impl Default for Residency {
    fn default() -> Self {
        Self {
            other: Ask::Allow,
            allow: Vec::new(),
            deny: Vec::new(),
            undeclared: Ask::Allow,
            domestic: vec!["JP".to_owned()],
            domestic_sources: Vec::new(),
            domestic_min: 0.5,
            domestic_share: Ask::Allow,
        }
    }
}

/// `[declared]`
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Declared {
    /// Documents whose source has no owner.
    pub owner: Ask,
    /// Documents for which no consent is declared.
    pub consent: Ask,
    /// Documents for which no legal ground is declared.
    pub legal_basis: Ask,
    /// Runs, data sets and models that do not declare where their energy came from, or another than `energy_allowed`.
    pub energy: Ask,
    /// Sources of energy that are allowed; `*` at the end stands for anything. Empty: any that is declared.
    pub energy_allowed: Vec<String>,
}

/// `[personal_data]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PersonalData {
    /// What follows where more documents hold some.
    pub found: Ask,
    /// Kinds that are looked for; empty: all but names of people.
    pub kinds: Vec<Kind>,
    /// The largest share of documents that may hold some, from 0 to 1.
    pub documents_max: f64,
}

impl Default for PersonalData {
    fn default() -> Self {
        Self { found: Ask::Allow, kinds: Vec::new(), documents_max: 0.0 }
    }
}

impl PersonalData {
    /// The kinds that are looked for.
    pub fn wanted(&self) -> Vec<Kind> {
        let all_but_names = || Kind::ALL.into_iter().filter(|kind| *kind != Kind::Person).collect();
        if self.kinds.is_empty() { all_but_names() } else { self.kinds.clone() }
    }
}

/// `[contamination]`
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Contamination {
    /// What follows where more documents hold items.
    pub found: Ask,
    /// Files and directories of evaluation sets, relative to the policy.
    pub sets: Vec<String>,
    /// The largest share of documents that may hold an item, from 0 to 1.
    pub documents_max: f64,
}

/// `[japanese]`
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Japanese {
    /// What follows where something is less than its least value.
    pub coverage: Ask,
    /// The least share of documents that are Japanese, from 0 to 1.
    pub documents_min: f64,
    /// The least share of documents of a register: `polite = 0.1`.
    pub registers_min: BTreeMap<String, f64>,
    /// The least share of characters of a script among Japanese letters: `hiragana`, `katakana`, `kanji`.
    pub scripts_min: BTreeMap<String, f64>,
    /// The least share of documents in old orthography (旧字旧仮名).
    pub old_orthography_min: f64,
}

/// `[air_gap]`
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AirGap {
    /// A build of this program with code for a network.
    pub build: Ask,
    /// A network namespace with another interface than the loopback.
    pub interfaces: Ask,
}

/// Scripts that have a name in `scripts_min`.
pub const SCRIPTS: [&str; 3] = ["hiragana", "katakana", "kanji"];

impl Policy {
    /// Reads a policy; `name` stands for the file in messages.
    ///
    /// # Errors
    /// `Refused`, with everything that is wrong with it, in the order of the text.
    pub fn from_toml(text: &str, name: &str) -> Result<Self> {
        plan_text::Read::new(&plan_text::Sound::of(text), &[], name, Self::CHECKS).finish().map_err(of_policy)
    }

    const CHECKS: &'static [plan_text::Check<Self>] = &[
        |policy| {
            let shares = [
                ("residency.domestic_min", policy.residency.domestic_min),
                ("personal_data.documents_max", policy.personal_data.documents_max),
                ("contamination.documents_max", policy.contamination.documents_max),
                ("japanese.documents_min", policy.japanese.documents_min),
                ("japanese.old_orthography_min", policy.japanese.old_orthography_min),
            ];
            shares.into_iter().try_for_each(|(key, value)| share(key, value))
        },
        |policy| named_shares("japanese.registers_min", &policy.japanese.registers_min, &Register::ALL.map(Register::name)),
        |policy| named_shares("japanese.scripts_min", &policy.japanese.scripts_min, &SCRIPTS),
        |policy| lists(policy),
        |policy| match policy.contamination.found {
            Ask::Allow => Ok(()),
            _ if policy.contamination.sets.is_empty() => {
                Err("contamination.sets is empty, and contamination.found asks; name the evaluation sets that are looked for".to_owned())
            }
            _ => Ok(()),
        },
        |policy| match (policy.look.bytes, policy.look.unpacked_bytes, policy.look.files) {
            (0, ..) => Err("look.bytes is 0; it must be at least 1".to_owned()),
            (_, 0, _) => Err("look.unpacked_bytes is 0; it must be at least 1".to_owned()),
            (.., 0) => Err("look.files is 0; it must be at least 1".to_owned()),
            _ => Ok(()),
        },
        |policy| {
            let options = crate::corpus::Options { paths: vec![".".to_owned()], fields: policy.look.fields.clone(), ..Default::default() };
            options.check().map_err(|said| said.replace("input.fields", "look.fields"))
        },
        |policy| match policy.look.depth {
            0..=16 => Ok(()),
            other => Err(format!("look.depth is {other}; it must be at most 16")),
        },
        |policy| match (policy.look.dictionary.is_empty(), policy.personal_data.kinds.contains(&Kind::Person)) {
            (true, true) => Err("personal_data.kinds names PERSON, which needs a dictionary, and look.dictionary is empty".to_owned()),
            _ => Ok(()),
        },
    ];

    /// Every key that asks for something, with what it asks.
    pub fn asked(&self) -> BTreeMap<&'static str, Ask> {
        let Self { safety, run, license, residency, declared, .. } = self;
        BTreeMap::from([
            ("safety.pickles", safety.pickles),
            ("safety.imports", safety.imports),
            ("safety.executables", safety.executables),
            ("safety.code", safety.code),
            ("safety.templates", safety.templates),
            ("safety.pages", safety.pages),
            ("safety.malformed", safety.malformed),
            ("safety.links", safety.links),
            ("safety.archives", safety.archives),
            ("safety.unknown", safety.unknown),
            ("run.sound", run.sound),
            ("run.signed", run.signed),
            ("run.passport", run.passport),
            ("license.other", license.other),
            ("license.undeclared", license.undeclared),
            ("residency.other", residency.other),
            ("residency.undeclared", residency.undeclared),
            ("residency.domestic_share", residency.domestic_share),
            ("declared.owner", declared.owner),
            ("declared.consent", declared.consent),
            ("declared.legal_basis", declared.legal_basis),
            ("declared.energy", declared.energy),
            ("personal_data.found", self.personal_data.found),
            ("contamination.found", self.contamination.found),
            ("japanese.coverage", self.japanese.coverage),
            ("air_gap.build", self.air_gap.build),
            ("air_gap.interfaces", self.air_gap.interfaces),
        ])
    }

    /// JSON Schema.
    pub fn json_schema() -> serde_json::Value {
        schemars::schema_for!(Self).to_value()
    }
}

/// The keys, in the order in which they are told.
pub const KEYS: [&str; 27] = [
    "safety.pickles",
    "safety.imports",
    "safety.executables",
    "safety.code",
    "safety.templates",
    "safety.pages",
    "safety.malformed",
    "safety.links",
    "safety.archives",
    "safety.unknown",
    "run.sound",
    "run.signed",
    "run.passport",
    "license.other",
    "license.undeclared",
    "residency.other",
    "residency.undeclared",
    "residency.domestic_share",
    "declared.owner",
    "declared.consent",
    "declared.legal_basis",
    "declared.energy",
    "personal_data.found",
    "contamination.found",
    "japanese.coverage",
    "air_gap.build",
    "air_gap.interfaces",
];

fn share(key: &str, value: f64) -> std::result::Result<(), String> {
    if (0.0..=1.0).contains(&value) { Ok(()) } else { Err(format!("{key} is {value}; it is a share, from 0 to 1")) }
}

fn named_shares(key: &str, shares: &BTreeMap<String, f64>, known: &[&str]) -> std::result::Result<(), String> {
    for (name, value) in shares {
        if !known.contains(&name.as_str()) {
            return Err(format!(
                "{key}.{} is no name that is known; allowed are {}",
                crate::quarantine::escape(name, 60),
                known.join(", ")
            ));
        }
        share(&format!("{key}.{name}"), *value)?;
    }
    Ok(())
}

/// Names in lists are names.
fn lists(policy: &Policy) -> std::result::Result<(), String> {
    let lists = [
        ("safety.imports_allowed", &policy.safety.imports_allowed),
        ("license.allow", &policy.license.allow),
        ("license.deny", &policy.license.deny),
        ("residency.allow", &policy.residency.allow),
        ("residency.deny", &policy.residency.deny),
        ("residency.domestic", &policy.residency.domestic),
        ("residency.domestic_sources", &policy.residency.domestic_sources),
        ("declared.energy_allowed", &policy.declared.energy_allowed),
        ("contamination.sets", &policy.contamination.sets),
    ];
    for (key, list) in lists {
        if list.iter().any(|name| name.trim().is_empty()) {
            return Err(format!("{key} holds an empty name"));
        }
        let has_star = |name: &&String| name.strip_suffix('*').unwrap_or(name).contains('*');
        if key != "contamination.sets"
            && let Some(name) = list.iter().find(has_star)
        {
            return Err(format!("{key} holds {}; `*` stands at the end only", crate::quarantine::escape(name, 60)));
        }
    }
    Ok(())
}

/// What is wrong with a policy is not wrong with a plan: the remedy names the page that has its keys.
fn of_policy(error: Error) -> Error {
    match error {
        Error::Refused { message, hint, subject } => {
            let keys = "docs/formats/vet.md has every key; seimai vet --print finance shows a policy with all that can be said";
            let hint = hint.filter(|hint| !hint.contains("plan.schema.json")).or(Some(keys.to_owned()));
            Error::Refused { message, hint, subject }
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_wrong_is_told_with_its_line() {
        let text = "[policy]\nname = 7\n[safety]\npickle = \"refuse\"\npages = \"deny\"\n[license]\nallow = [\"\"]\n[residency]\ndomestic_min = 2.0\n\
            [contamination]\nfound = \"warn\"\n[japanese.registers_min]\npolitely = 0.1\n[japanese.scripts_min]\nkanji = 3.0\n[look]\nbytes = 0\ndepth = 99\n";
        let error = Policy::from_toml(text, "p.toml").unwrap_err();
        let said: Vec<&str> = std::iter::once(error.to_string())
            .map(|first| Box::leak(first.into_boxed_str()) as &str)
            .chain(error.others().iter().map(|other| other.message.as_str()))
            .collect();
        let expected = [
            (2, "policy.name"),
            (4, "unknown key `pickle` in [safety]"),
            (5, "unknown value `deny`; allowed are allow, warn, refuse"),
            (7, "license.allow holds an empty name"),
            (9, "residency.domestic_min is 2"),
            (11, "contamination.sets is empty"),
            (13, "japanese.registers_min.politely"),
            (15, "japanese.scripts_min.kanji is 3"),
            (17, "look.bytes is 0"),
            (18, "look.depth is 99"),
        ];
        for (line, words) in expected {
            assert!(
                said.iter().any(|said| said.contains(words) && (said.starts_with(&format!("p.toml:{line}: ")) || line == 11)),
                "{words}: {said:#?}"
            );
        }
        assert_eq!(said.len(), expected.len(), "{said:#?}");
        assert!(error.hint().is_some());
    }

    #[test]
    fn every_key_that_asks_is_told() {
        let asked = Policy::default().asked();
        assert!(KEYS.iter().all(|key| asked.contains_key(key)) && asked.len() == KEYS.len());
        assert_eq!(Policy::from_toml("", "p").unwrap(), Policy::default());
    }
}
