//! Records that are not to be read any more: each called by a hash of its id, so that a plan does not say whom it forgets.

use super::record::Record;

/// Of the hashes: another key would call the same document otherwise.
const KEY: &[u8; 32] = b"seimai: documents to forget, v1.";

/// `input.forget`: a record that is read no more. `seimai forget` writes these.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Forgotten {
    /// Name of the input that holds it, as in the manifest. A plan that names an input that is not there is refused: a file that has got another name would bring the record back.
    pub file: String,
    /// Keyed BLAKE3 of its id, 64 hexadecimal digits.
    pub id: String,
    /// Decoded byte (of tables the row) at which it begins, so that only its own work shard is made again. Without it, or where the input has other bytes than it had, every record of that id in the file is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// BLAKE3 of the input for which `offset` holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<String>,
}

impl Forgotten {
    /// How a document of this id is called; the id is that of the record, without what tells equal ids apart.
    #[must_use]
    pub fn hash(id: &str) -> String {
        blake3::keyed_hash(KEY, id.as_bytes()).to_hex().to_string()
    }

    /// One sentence for what is wrong with it.
    pub(super) fn check(&self) -> Result<(), String> {
        let is_hash = |text: &str| blake3::Hash::from_hex(text).is_ok_and(|hash| hash.to_hex().as_str() == text);
        if self.file.is_empty() || !is_hash(&self.id) || self.input.as_deref().is_some_and(|input| !is_hash(input)) {
            return Err("input.forget: file is the name of an input; id and input are 64 hexadecimal digits".to_owned());
        }
        if self.offset.is_some() != self.input.is_some() {
            return Err("input.forget: offset and input are given together, or neither".to_owned());
        }
        Ok(())
    }
}

/// Is a record of this file among those?
pub(super) fn forgets(all: &[Forgotten], file: &str, record: &Record, scratch: &mut String) -> bool {
    let may_be = |one: &&Forgotten| one.file == file && one.offset.is_none_or(|offset| offset == record.offset);
    let mut candidates = all.iter().filter(may_be).peekable();
    if candidates.peek().is_none() {
        return false;
    }
    record.doc_id(file, scratch);
    let hash = Forgotten::hash(scratch);
    candidates.any(|one| one.id == hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_known_by_file_id_and_place() {
        let record = |id: Option<&str>, offset| Record { id: id.map(str::to_owned), ordinal_in_file: 3, offset, ..Record::default() };
        let entry = |file: &str, id: &str, offset| Forgotten { file: file.into(), id: Forgotten::hash(id), offset, input: None };
        let all = [entry("a", "x", Some(7)), entry("b", "b#3", None)];
        let forgets = |file: &str, record: &Record| super::forgets(&all, file, record, &mut String::new());
        assert!(forgets("a", &record(Some("x"), 7)) && forgets("b", &record(None, 9)));
        assert!(!forgets("a", &record(Some("x"), 8)) && !forgets("a", &record(Some("y"), 7)) && !forgets("b", &record(Some("x"), 7)));
    }

    #[test]
    fn what_names_no_record_is_refused() {
        let good = Forgotten { file: "a".into(), id: Forgotten::hash("x"), offset: Some(1), input: Some(Forgotten::hash("file")) };
        assert_eq!(good.check(), Ok(()));
        for wrong in [
            Forgotten { file: String::new(), ..good.clone() },
            Forgotten { id: "x".into(), ..good.clone() },
            Forgotten { id: good.id.to_uppercase(), ..good.clone() },
            Forgotten { input: None, ..good.clone() },
            Forgotten { offset: None, ..good.clone() },
            Forgotten { input: Some("y".into()), ..good.clone() },
        ] {
            assert!(wrong.check().unwrap_err().starts_with("input.forget"), "{wrong:?}");
        }
    }
}
