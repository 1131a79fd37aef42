//! Items of evaluation sets: which of the fields of a record are what is asked, which stand beside it, and which are answers.
//!
//! Benchmarks have no common format, but they have common names. A record is an object with a field that asks something; it may stand in lists of
//! other objects, whose contexts are its own (`data` › `paragraphs` › `qas`). Answers, labels, explanations and what is said about a record are never
//! looked for, and no list below them is entered. Where no name is known, every text of [`GENERIC_FROM`] characters or more is asked.

use serde_json::{Map, Value};

use crate::dedup::decontaminate::Texts;

/// Characters of a text that is taken for a question although its name is not known.
pub const GENERIC_FROM: usize = 30;
/// Objects and lists in each other, at most.
const DEPTH: usize = 16;

/// An item of an evaluation set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Item {
    /// Its own name, where it has one.
    pub id: Option<String>,
    /// What is looked for.
    pub texts: Texts,
}

/// What a field is, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// The name of the record.
    Id,
    /// What is asked.
    Question,
    /// What is asked, unless something else is: then it stands beside it.
    Text,
    /// What stands beside a question.
    Beside,
    /// What is answered, or said about the record.
    Other,
    /// A name that is not known.
    Unknown,
}

const IDS: &[&str] = &[
    "id",
    "qid",
    "q_id",
    "uid",
    "guid",
    "question_id",
    "task_id",
    "problem_id",
    "example_id",
    "sample_id",
    "review_id",
    "sentence_pair_id",
    "pair_id",
    "item_id",
    "doc_id",
    "idx",
    "index",
    "番号",
];
const QUESTIONS: &[&str] = &[
    "question",
    "questions",
    "original_question",
    "query",
    "prompt",
    "problem",
    "sentence",
    "sent",
    "premise",
    "hypothesis",
    "statement",
    "claim",
    "input",
    "inputs",
    "instruction",
    "turn",
    "turns",
    "goal",
    "stem",
    "utterance",
    "質問",
    "質問文",
    "問題",
    "問題文",
    "設問",
    "問い",
    "入力",
    "指示",
    "前提",
    "仮説",
];
const TEXTS: &[&str] =
    &["text", "document", "article", "body", "content", "value", "review", "post", "source_text", "src", "文", "文章", "本文"];
const BESIDE: &[&str] = &[
    "context",
    "contexts",
    "ctx",
    "passage",
    "passages",
    "paragraph",
    "background",
    "story",
    "choice",
    "choices",
    "option",
    "options",
    "candidate",
    "candidates",
    "answer_candidates",
    "ending",
    "endings",
    "a",
    "b",
    "c",
    "d",
    "e",
    "選択肢",
    "文脈",
    "資料",
];
const OTHERS: &[&str] = &[
    "answer",
    "answers",
    "label",
    "labels",
    "gold",
    "target",
    "targets",
    "output",
    "outputs",
    "reference",
    "references",
    "canonical_solution",
    "solution",
    "solutions",
    "test",
    "tests",
    "entry_point",
    "explanation",
    "rationale",
    "derivation",
    "derivations",
    "evidence",
    "category",
    "subject",
    "license",
    "source",
    "url",
    "split",
    "benchmark",
    "lang",
    "language",
    "type",
    "difficulty",
    "metadata",
    "meta",
    "title",
    "date",
    "timestamp",
    "summary",
    "highlights",
    "eval_aspect",
    "response",
    "responses",
    "completion",
    "chosen",
    "rejected",
    "answer_entity",
    "original_answer",
    "original_additional_info",
    "answer_start",
    "is_impossible",
    "correct",
    "score",
    "role",
    "from",
    "name",
    "task",
    "task_name",
    "metrics",
    "version",
    "few_shots",
    "example",
    "comment",
    "memo",
    "正解",
    "答え",
    "回答",
    "解答",
    "ラベル",
    "解説",
    "出力",
    "要約",
];

/// What the name of a field says: without case, language and number (`choice0`, `sentence2`, `question_ja`).
fn role(name: &str) -> Role {
    let whole = name.trim().to_lowercase().replace(['-', ' '], "_");
    let mut bare = whole.clone();
    for language in ["_ja", "_jp", "_jpn", "_japanese", "_en", "_text"] {
        if let Some(rest) = bare.strip_suffix(language).filter(|rest| !rest.is_empty()) {
            bare.truncate(rest.len());
        }
    }
    let bare = bare.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches('_');
    let bare = bare.strip_prefix("option_").or_else(|| bare.strip_prefix("choice_")).filter(|letter| letter.len() == 1).unwrap_or(bare);
    let all = [(IDS, Role::Id), (QUESTIONS, Role::Question), (TEXTS, Role::Text), (BESIDE, Role::Beside), (OTHERS, Role::Other)];
    let of = |name: &str| all.into_iter().find(|(names, _)| names.contains(&name)).map(|(_, role)| role);
    of(&whole).or_else(|| of(bare)).unwrap_or(Role::Unknown)
}

/// Is the name of a column one that is known?
fn is_known(name: &str) -> bool {
    role(name) != Role::Unknown
}

/// Gives the items of a value: a record, or whatever holds records.
pub fn each_item(value: &Value, give: &mut dyn FnMut(Item)) {
    enter(value, &[], DEPTH, give);
}

fn enter(value: &Value, beside: &[String], depth: usize, give: &mut dyn FnMut(Item)) {
    if depth == 0 {
        return;
    }
    match value {
        Value::Array(all) => all.iter().for_each(|value| enter(value, beside, depth - 1, give)),
        Value::Object(object) if let Some(rows) = transposed(object) => rows.iter().for_each(|row| record(row, beside, depth, give)),
        Value::Object(object) => record(object, beside, depth, give),
        // A list of nothing but texts.
        Value::String(text) => give(Item { id: None, texts: Texts { questions: vec![text.clone()], beside: beside.to_vec() } }),
        _ => {}
    }
}

/// The records of a table that is written column by column.
fn transposed(object: &Map<String, Value>) -> Option<Vec<Map<String, Value>>> {
    let cells = |column: &Value| match column {
        Value::Array(cells) => Some(cells.clone()),
        // Rows by number.
        Value::Object(cells) if cells.keys().all(|key| key.bytes().all(|b| b.is_ascii_digit())) => Some(cells.values().cloned().collect()),
        _ => None,
    };
    let columns: Vec<(&String, Vec<Value>)> = object.iter().map(|(name, column)| Some((name, cells(column)?))).collect::<Option<_>>()?;
    let rows = columns.first()?.1.len();
    let asks =
        |(name, cells): &(&String, Vec<Value>)| matches!(role(name), Role::Question | Role::Text) && cells.iter().all(Value::is_string);
    if columns.len() < 2 || !columns.iter().any(asks) || columns.iter().any(|(_, cells)| cells.len() != rows) {
        return None;
    }
    let row = |row: usize| columns.iter().map(|(name, cells)| ((*name).clone(), cells[row].clone())).collect();
    Some((0..rows).map(row).collect())
}

/// An object: an item, if something is asked in it; and what its lists hold.
fn record(object: &Map<String, Value>, beside: &[String], depth: usize, give: &mut dyn FnMut(Item)) {
    let of = |wanted: Role| object.iter().filter(move |(name, _)| role(name) == wanted);
    if of(Role::Other).any(|(name, said)| matches!(name.as_str(), "role" | "from") && is_answering(said)) {
        return;
    }
    let strings = |wanted: Role| of(wanted).flat_map(|(_, value)| texts_of(value)).collect::<Vec<String>>();
    let (mut questions, texts) = (strings(Role::Question), strings(Role::Text));
    let mut around = beside.to_vec();
    of(Role::Beside).for_each(|(_, value)| around.extend(texts_beside(value)));
    let holds = |(name, value): &(&String, &Value)| !matches!(role(name), Role::Other | Role::Beside) && has_objects(value);
    let inside: Vec<&Value> = object.iter().filter(holds).map(|(_, value)| value).collect();
    if questions.is_empty() {
        questions = texts;
    } else {
        around.extend(texts);
    }
    if questions.is_empty() && inside.is_empty() {
        let long = |text: &String| text.chars().count() >= GENERIC_FROM;
        questions = of(Role::Unknown).flat_map(|(_, value)| texts_of(value)).filter(long).collect();
    }
    // What is asked beside a list of records is asked of all of them: an instruction.
    if inside.is_empty() && !questions.is_empty() {
        let id = of(Role::Id).find_map(|(_, value)| match value {
            Value::String(id) if !id.is_empty() => Some(id.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        });
        give(Item { id, texts: labelled(questions, around.clone()) });
    }
    for value in inside {
        enter(value, &around, depth - 1, give);
    }
}

/// Does a message of a chat come from the one that is asked?
fn is_answering(role: &Value) -> bool {
    role.as_str().is_some_and(|role| matches!(role.to_lowercase().as_str(), "assistant" | "gpt" | "bot" | "model" | "chatbot"))
}

fn has_objects(value: &Value) -> bool {
    match value {
        Value::Array(all) => all.iter().any(|value| value.is_object() || has_objects(value)),
        Value::Object(object) => {
            object.values().any(|value| value.is_object() || has_objects(value)) || object.keys().any(|name| is_asked(name))
        }
        _ => false,
    }
}

fn is_asked(name: &str) -> bool {
    matches!(role(name), Role::Question | Role::Text)
}

/// The same of what stands beside a question; in an object (`{"label": [...], "text": [...]}`) or a list of them, what is text by its name.
fn texts_beside(value: &Value) -> Vec<String> {
    match value {
        Value::Object(object) => {
            object.iter().filter(|(name, _)| role(name) == Role::Text).flat_map(|(_, value)| texts_of(value)).collect()
        }
        Value::Array(all) => all.iter().flat_map(texts_beside).collect(),
        other => texts_of(other),
    }
}

/// The texts of a field: a string, or those of a list.
fn texts_of(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) if !text.trim().is_empty() => vec![text.clone()],
        Value::Array(all) if all.iter().any(Value::is_string) => all.iter().flat_map(texts_of).collect(),
        _ => Vec::new(),
    }
}

/// Lines of a prompt that say what follows (`質問：…`): what is asked, and what stands beside it.
const LABELS: &[(&str, Role)] = &[
    ("質問", Role::Question),
    ("問題", Role::Question),
    ("question", Role::Question),
    ("前提", Role::Question),
    ("仮説", Role::Question),
    ("文1", Role::Question),
    ("文2", Role::Question),
    ("文章", Role::Beside),
    ("文脈", Role::Beside),
    ("選択肢", Role::Beside),
    ("context", Role::Beside),
    ("passage", Role::Beside),
    ("choices", Role::Beside),
    ("options", Role::Beside),
];

/// Takes prompts apart whose lines are labelled, if one of them is labelled as a question.
fn labelled(questions: Vec<String>, mut beside: Vec<String>) -> Texts {
    let mut asked = Vec::with_capacity(questions.len());
    for question in questions {
        let mut parts: Vec<(Role, String)> = Vec::new();
        for line in question.lines() {
            let label = line.split_once([':', '：']).and_then(|(label, rest)| {
                let label = label.trim().to_lowercase();
                LABELS.iter().find(|(known, _)| *known == label).map(|(_, role)| (*role, rest))
            });
            match (label, parts.last_mut()) {
                (Some((role, rest)), _) => parts.push((role, rest.to_owned())),
                (None, Some((_, text))) => {
                    text.push('\n');
                    text.push_str(line);
                }
                (None, None) => parts.push((Role::Unknown, line.to_owned())),
            }
        }
        if parts.iter().any(|(role, _)| *role == Role::Question) {
            let of = |wanted: Role| parts.iter().filter(move |(role, _)| *role == wanted).map(|(_, text)| text.clone());
            asked.extend(of(Role::Question));
            beside.extend(of(Role::Beside));
        } else {
            asked.push(question);
        }
    }
    Texts { questions: asked, beside }
}

/// What the rows of a table without a line of names are: columns by place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Columns {
    /// The first line names them.
    Named,
    /// A question, its choices, and the letter of the answer: MMLU and its kin.
    QuestionChoicesAnswer,
    /// A question and its answer: MGSM.
    QuestionAnswer,
    /// Anything: texts of [`GENERIC_FROM`] characters or more are asked.
    Unknown,
}

impl Columns {
    /// What the first row of a table says of the others.
    pub fn of(first: &[&str]) -> Self {
        let last = first.last().map_or("", |cell| cell.trim());
        let is_letter = last.len() == 1 && last.bytes().all(|b| b.is_ascii_uppercase());
        let names = first.iter().filter(|name| is_known(name)).count();
        let has_asked = first.iter().any(|name| is_asked(name));
        if has_asked && (names >= 2 || first.len() <= 2 && first.iter().all(|name| name.chars().count() <= 16)) {
            return Self::Named;
        }
        match first.len() {
            4.. if is_letter => Self::QuestionChoicesAnswer,
            2 if last.parse::<f64>().is_ok() || last.replace(',', "").parse::<f64>().is_ok() => Self::QuestionAnswer,
            _ => Self::Unknown,
        }
    }

    /// The item of a row; `names` are those of the first row.
    pub fn item(self, names: &[String], row: &[&str]) -> Option<Item> {
        let owned = |cells: &[&str]| cells.iter().map(ToString::to_string).collect::<Vec<_>>();
        let texts = match (self, row) {
            (Self::Named, _) => {
                let cells = names.iter().zip(row).map(|(name, cell)| (name.clone(), Value::String((*cell).to_owned())));
                let mut item = None;
                record(&cells.collect(), &[], 1, &mut |found| item = Some(found));
                return item;
            }
            (Self::QuestionChoicesAnswer, [question, choices @ .., _]) => Texts { questions: owned(&[question]), beside: owned(choices) },
            (Self::QuestionAnswer, [question, _]) => Texts { questions: owned(&[question]), beside: Vec::new() },
            (_, row) => {
                let long: Vec<&str> = row.iter().copied().filter(|cell| cell.chars().count() >= GENERIC_FROM).collect();
                Texts { questions: owned(&long), beside: Vec::new() }
            }
        };
        (!texts.questions.is_empty()).then_some(Item { id: None, texts })
    }
}

/// The items of questions in XML: elements `question` with an `id` and a `text` in them, as NIILC has them.
pub fn of_xml(text: &str, give: &mut dyn FnMut(Item)) {
    for question in text.split("<question").skip(1).filter(|rest| rest.starts_with([' ', '>', '\n', '\t'])) {
        let (Some((attributes, _)), Some(asked)) = (question.split_once('>'), element(question, "text")) else { continue };
        let id = attributes.split_once("id=\"").and_then(|(_, rest)| rest.split_once('"')).map(|(id, _)| plain(id));
        give(Item { id, texts: Texts { questions: vec![plain(asked)], beside: Vec::new() } });
    }
}

fn element<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    Some(rest.split_once(&format!("</{name}>"))?.0)
}

/// Text without the entities of XML.
fn plain(text: &str) -> String {
    let text = text.strip_prefix("<![CDATA[").and_then(|text| text.strip_suffix("]]>")).unwrap_or(text);
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&apos;", "'").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn items(value: &Value) -> Vec<(Option<String>, Vec<String>, Vec<String>)> {
        let mut all = Vec::new();
        each_item(value, &mut |item| all.push((item.id, item.texts.questions, item.texts.beside)));
        all
    }

    fn expected(all: &[(&str, &[&str], &[&str])]) -> Vec<(Option<String>, Vec<String>, Vec<String>)> {
        let owned = |texts: &[&str]| texts.iter().map(ToString::to_string).collect();
        all.iter().map(|(id, asked, beside)| ((!id.is_empty()).then(|| (*id).to_owned()), owned(asked), owned(beside))).collect()
    }

    /// Cases: name, record, and the items in it with names, questions and what stands beside them.
    type Case<'a> = (&'a str, Value, &'a [(&'a str, &'a [&'a str], &'a [&'a str])]);

    fn check(cases: &[Case<'_>]) {
        for (name, value, wanted) in cases {
            assert_eq!(items(value), expected(wanted), "{name}");
            assert_eq!(items(&json!([value])), expected(wanted), "{name}, in a list");
        }
    }

    #[test]
    fn layouts_of_benchmarks() {
        check(&[
            (
                "JSQuAD",
                json!({"version": "1", "data": [{"title": "稲", "paragraphs": [{"context": "稲 [SEP] 本文", "qas": [
                    {"id": "a0", "question": "何の実か", "answers": [{"text": "稲", "answer_start": 0}], "is_impossible": false},
                    {"id": "a1", "question": "どこに育つか", "answers": []}]}]}]}),
                &[("a0", &["何の実か"], &["稲 [SEP] 本文"]), ("a1", &["どこに育つか"], &["稲 [SEP] 本文"])],
            ),
            (
                "JSQuAD as a table",
                json!({"id": "a0", "title": "稲", "context": "本文", "question": "何の実か", "answers": {"text": ["稲"], "answer_start": [0]}}),
                &[("a0", &["何の実か"], &["本文"])],
            ),
            (
                "JNLI, JSTS",
                json!({"sentence_pair_id": "7", "yjcaptions_id": "1-2-3", "sentence1": "猫がいる", "sentence2": "犬がいる", "label": "neutral"}),
                &[("7", &["猫がいる", "犬がいる"], &[])],
            ),
            (
                "JCommonsenseQA",
                json!({"q_id": 3, "question": "主食は？", "choice0": "米", "choice1": "水", "choice2": "石", "choice3": "木", "choice4": "土", "label": 0}),
                &[("3", &["主食は？"], &["米", "水", "石", "木", "土"])],
            ),
            ("MARC-ja", json!({"review_id": "R1", "sentence": "よい鍋です", "label": "positive"}), &[("R1", &["よい鍋です"], &[])]),
            (
                "JAQKET",
                json!({"qid": "QA-1", "question": "主食は？", "answer_entity": "米", "answer_candidates": ["米", "麦"], "original_question": "主食は？"}),
                &[("QA-1", &["主食は？", "主食は？"], &["米", "麦"])],
            ),
            ("JCommonsenseMorality", json!({"ID": 1, "sent": "席を譲った", "label": 0}), &[("1", &["席を譲った"], &[])]),
            (
                "GSM8K, MGSM",
                json!({"question": "米は何合か", "answer": "三合", "answer_number": 3, "equation_solution": "1+2=3"}),
                &[("", &["米は何合か"], &[])],
            ),
            (
                "HumanEval, JHumanEval",
                json!({"task_id": "t/0", "prompt_en": "def f(): \"\"\"sum\"\"\"", "prompt": "def f(): \"\"\"和\"\"\"", "entry_point": "f",
                    "canonical_solution": "    return 1", "test": "assert f()"}),
                &[("t/0", &["def f(): \"\"\"sum\"\"\"", "def f(): \"\"\"和\"\"\""], &[])],
            ),
        ]);
    }

    #[test]
    fn layouts_of_sets_that_are_made_for_models() {
        check(&[
            (
                "XL-Sum",
                json!({"id": "n1", "url": "u", "title": "見出し", "text": "記事の本文", "summary": "要約"}),
                &[("n1", &["記事の本文"], &[])],
            ),
            (
                "MT-bench",
                json!({"question_id": 81, "category": "writing", "turns": ["手紙を書け", "直せ"], "reference": ["拝啓"]}),
                &[("81", &["手紙を書け", "直せ"], &[])],
            ),
            (
                "llm-jp-eval",
                json!({"instruction": "答えよ", "output_length": 5, "metrics": ["exact_match"], "few_shots": [{"input": "例は？", "output": "例"}],
                    "samples": [{"input": "文章：本文\n質問：主食は？", "output": "米"}, {"input": "質問：色は？\n選択肢：0.白,1.黒", "output": "0"}]}),
                &[("", &["主食は？"], &["本文"]), ("", &["色は？"], &["0.白,1.黒"])],
            ),
            (
                "JSON Lines of items",
                json!({"id": "x", "benchmark": "JMMLU", "split": "test", "question": "どれか", "choices": ["一", "二"], "answer": "A", "license": "l"}),
                &[("x", &["どれか"], &["一", "二"])],
            ),
            (
                "ARC",
                json!({"id": "x", "question": "どれか", "choices": {"label": ["A", "B"], "text": ["一", "二"]}, "answerKey": "A"}),
                &[("x", &["どれか"], &["一", "二"])],
            ),
            (
                "JEMHopQA",
                json!({"qid": "j", "type": "comparison", "question": "先は？", "answer": "甲", "derivations": [["甲", "年", ["1"]]]}),
                &[("j", &["先は？"], &[])],
            ),
            (
                "chat",
                json!({"messages": [{"role": "user", "content": "米とは"}, {"role": "assistant", "content": "稲の実です"}]}),
                &[("", &["米とは"], &[])],
            ),
            ("columns", json!({"question": ["一は", "二は"], "answer": ["1", "2"]}), &[("", &["一は"], &[]), ("", &["二は"], &[])]),
            (
                "columns by number",
                json!({"input": {"0": "一は", "1": "二は"}, "output": {"0": "1", "1": "2"}}),
                &[("", &["一は"], &[]), ("", &["二は"], &[])],
            ),
            ("texts", json!(["一は", "二は"]), &[("", &["一は"], &[]), ("", &["二は"], &[])]),
            (
                "names that are not known",
                json!({"k1": "これは三十文字よりも長い文章であり、名前の知れない欄に書かれている。", "k2": "短い"}),
                &[("", &["これは三十文字よりも長い文章であり、名前の知れない欄に書かれている。"], &[])],
            ),
            (
                "answers alone",
                json!({"id": 1, "answer": "これは三十文字よりも長い答えであり、問いの書かれていない記録に書かれている。"}),
                &[],
            ),
            ("nothing", json!(null), &[]),
        ]);
    }

    #[test]
    fn tables_by_their_first_row() {
        for (first, columns) in [
            (&["問いの文はどれですか", "一", "二", "三", "四", "D"][..], Columns::QuestionChoicesAnswer),
            (&["米は一合と二合で何合ですか", "3"], Columns::QuestionAnswer),
            (&["米を千と二百まいた", "1,200"], Columns::QuestionAnswer),
            (&["question", "answer"], Columns::Named),
            (&["", "sent", "label"], Columns::Named),
            (&["記号はどれですか", "A", "B", "C", "D", "A"], Columns::QuestionChoicesAnswer),
            (&["ID", "sent", "label"], Columns::Named),
            (&["問題", "A", "B", "C", "D", "正解"], Columns::Named),
            (&["input", "output", "eval_aspect"], Columns::Named),
            (&["question", "A", "B", "C", "D", "answer"], Columns::Named),
            (&["何か書いてある", "別の何か"], Columns::Unknown),
        ] {
            assert_eq!(Columns::of(first), columns, "{first:?}");
        }
        let item = Columns::QuestionChoicesAnswer.item(&[], &["どれか", "一", "二", "三", "四", "D"]).unwrap();
        assert_eq!((item.texts.questions, item.texts.beside.len()), (vec!["どれか".to_owned()], 4));
        let names = ["ID", "sent", "label"].map(str::to_owned);
        let item = Columns::Named.item(&names, &["7", "席を譲った", "0"]).unwrap();
        assert_eq!((item.id.as_deref(), &item.texts.questions[..]), (Some("7"), &["席を譲った".to_owned()][..]));
        assert_eq!(Columns::Unknown.item(&[], &["短い", "1"]), None);
    }

    #[test]
    fn questions_in_xml() {
        let text = "<?xml version=\"1.0\"?><questions>\n<question id=\"E-1\">\n<text>A &amp; Bはどこ？</text><answers><answer>甲</answer></answers></question>\
                    <question><text>何？</text></question></questions>";
        let mut all = Vec::new();
        of_xml(text, &mut |item| all.push((item.id, item.texts.questions)));
        assert_eq!(all, [(Some("E-1".to_owned()), vec!["A & Bはどこ？".to_owned()]), (None, vec!["何？".to_owned()])]);
    }
}
