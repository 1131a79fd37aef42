//! Tests of `dicts/user/keigo-modern.csv` over IPADIC, alone and against the programs of MeCab.
//!
//! `SEIMAI_TEST_MECAB`: `required`, `if-present` (default), `none`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use super::tiny;
use crate::morpheme::Standard;
use crate::segment::dictionary::Dictionary;
use crate::segment::exact::Exact;
use crate::segment::{store, user};

const INDEXER: &str = "/usr/lib/mecab/mecab-dict-index";
/// Context ids of IPADIC 2.7.0.
const IPADIC_IDS: u16 = 1316;

/// Words of the file, each in a sentence.
const WITH_WORDS: [(&str, &str); 20] = [
    ("貴職", "貴職のご意見をお聞かせください。"),
    ("貴学", "貴学の図書館を利用したく存じます。"),
    ("貴会", "貴会のご発展をお祈り申し上げます。"),
    ("貴院", "貴院で検査を受けたいのですが。"),
    ("御校", "御校の説明会に参加しました。"),
    ("弊行", "弊行の窓口でお手続きください。"),
    ("弊校", "弊校では来月に見学会を開きます。"),
    ("恐悦至極", "お褒めにあずかり恐悦至極に存じます。"),
    ("スマホ", "電車の中でスマホを忘れたことに気づいた。"),
    ("推し活", "週末は友人と推し活に出かけます。"),
    ("既読", "返事はないが既読はついている。"),
    ("サブスク", "使わないサブスクを解約した。"),
    ("テレワーク", "来週からテレワークを始めます。"),
    ("生成AI", "生成AIで文章を要約する。"),
    ("クラウド", "写真はクラウドに保存してある。"),
    ("コロナ禍", "コロナ禍で祭りは中止になった。"),
    ("キャッシュレス", "この店はキャッシュレスで払える。"),
    ("ググっ", "意味が分からないのでググったところ、すぐ出てきた。"),
    ("バズる", "その動画がバズるとは思わなかった。"),
    ("エモい", "夕焼けがとてもエモい。"),
];

/// Sentences without a word of the file, several of them with a beginning or a part of one.
const ORDINARY: [&str; 20] = [
    "昨日の夕方、駅前の本屋で古い地図を見つけました。",
    "弊社の担当者が明日、御社に伺います。",
    "資料をお送りしますので、ご査収ください。",
    "ご多忙のところ恐縮ですが、ご確認のほどよろしくお願いいたします。",
    "先日はご高覧いただき、誠にありがとうございました。",
    "つまらないものですが、ご笑納ください。",
    "貴社ますますご清栄のこととお慶び申し上げます。",
    "彼は職場で貴重な経験を積んだ。",
    "この行は読み飛ばしてかまいません。",
    "彼女を会長に推した人は多い。",
    "生活に必要な物を活用する。",
    "インスタントラーメンにお湯を注ぐ。",
    "アプリケーションを終了してから電源を切る。",
    "タイパンツを市場で買った。",
    "コロナの観測は皆既日食のときに行われた。",
    "黒い歴史書を三冊、密かに運び出した。",
    "学院の貴公子と呼ばれた男の話である。",
    "雨が降れば、試合は来週に延期される。",
    "ソースコードをオープンな場所に置く。",
    "朝の活動を終えて婚礼に向かった。",
];

fn csv() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("dicts/user/keigo-modern.csv")
}

/// The directory of a dictionary, opened with and without the file; `None` if it is not IPADIC.
fn open(dir: &Path) -> Option<(Arc<Dictionary>, Arc<Dictionary>)> {
    let plain = store::open(dir.to_str()?).ok()?;
    let is_ipadic = plain.about().standard == Standard::Ipadic && plain.about().left_ids == IPADIC_IDS;
    is_ipadic.then(|| {
        (
            Arc::new(store::open_with(dir.to_str().unwrap(), &[csv().to_str().unwrap().to_owned()], store::Check::EachTime).unwrap()),
            Arc::new(plain),
        )
    })
}

fn analyse(dictionary: &Arc<Dictionary>, text: &str) -> String {
    tiny::mecab_format(dictionary, &Exact::new(dictionary).unwrap(), text)
}

/// The compiled UTF-8 dictionary that `mecab` uses.
fn dictionary_of_mecab() -> Option<PathBuf> {
    let about = String::from_utf8(Command::new("mecab").arg("-D").output().ok()?.stdout).ok()?;
    let field = |name: &str| about.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim_start_matches(':').trim());
    let utf8 = field("charset")?.to_lowercase().replace('-', "") == "utf8";
    utf8.then(|| Path::new(field("filename").unwrap_or_default()).parent().map(Path::to_path_buf)).flatten()
}

#[test]
fn rows_have_no_commas_too_many_and_no_duplicates() {
    let text = std::fs::read_to_string(csv()).unwrap();
    let mut rows: Vec<&str> = text.lines().collect();
    assert!(rows.len() >= 60 && rows.iter().all(|row| row.split(',').count() == 13), "{}", rows.len());
    rows.sort_unstable();
    assert!(rows.is_sorted_by(|a, b| a < b));
}

#[test]
fn the_words_come_out_whole_and_ordinary_text_is_not_disturbed() {
    let installed = store::locate("ipadic").ok().or_else(dictionary_of_mecab);
    let Some((dictionary, plain)) = installed.and_then(|dir| open(&dir)) else {
        let needs = "the dictionary ipadic (seimai dictionary fetch ipadic)";
        return crate::testing::skipped("the_words_come_out_whole_and_ordinary_text_is_not_disturbed", needs);
    };
    assert!(dictionary.resolved_user_rows().is_empty());
    let sentences = WITH_WORDS.map(|(_, sentence)| sentence).join("\n");
    let out = analyse(&dictionary, &sentences);
    for ((word, sentence), analysis) in WITH_WORDS.iter().zip(out.split("EOS\n")) {
        assert!(sentence.contains(word) && analysis.lines().any(|line| line.split('\t').next() == Some(word)), "{word}: {analysis}");
    }
    let ordinary = ORDINARY.join("\n");
    assert_eq!(analyse(&dictionary, &ordinary), analyse(&plain, &ordinary));
    // Every row agrees with the dictionary: its left id stands for the part of speech that it names.
    let rows = user::read(&plain.to_raw().unwrap(), "keigo-modern.csv", &std::fs::read(csv()).unwrap()).unwrap().entries;
    let table = &plain.about().pos_table;
    for row in rows {
        let tuple = &table.tuples[usize::from(plain.about().pos_of_left[usize::from(row.left)])];
        assert!(row.left == row.right && row.feature.starts_with(&format!("{},", tuple.join(","))), "{row:?}");
    }
}

/// What `mecab -u` prints for some lines.
fn mecab(dictionary: &Path, user: &Path, lines: &str) -> String {
    let mut child = Command::new("mecab")
        .args(["-r", "/dev/null", "-O", "", "-d"])
        .arg(dictionary)
        .arg("-u")
        .arg(user)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_analysis_is_that_of_mecab_with_the_same_user_dictionary() {
    let mode = std::env::var("SEIMAI_TEST_MECAB").unwrap_or_default();
    let dir = if mode == "none" || !Path::new(INDEXER).is_file() { None } else { dictionary_of_mecab() };
    let Some((dir, (dictionary, plain))) = dir.and_then(|dir| Some((dir.clone(), open(&dir)?))) else {
        assert_ne!(mode, "required", "mecab, {INDEXER} and a UTF-8 IPADIC are required");
        let needs = format!("mecab, {INDEXER} and a UTF-8 IPADIC");
        return crate::testing::skipped("the_analysis_is_that_of_mecab_with_the_same_user_dictionary", &needs);
    };
    let text = WITH_WORDS.iter().map(|(_, sentence)| *sentence).chain(ORDINARY).collect::<Vec<_>>().join("\n") + "\n";
    let temporary = tempfile::tempdir().unwrap();
    let compile = |csv: &Path| {
        let compiled = temporary.path().join("user.dic");
        let run = Command::new(INDEXER).arg("-d").arg(&dir).arg("-u").arg(&compiled).args(["-f", "utf-8", "-t", "utf-8"]).arg(csv).output();
        assert!(run.unwrap().status.success());
        compiled
    };
    let theirs = mecab(&dir, &compile(&csv()), &text);
    assert_eq!(analyse(&dictionary, &text), theirs);
    assert_ne!(analyse(&plain, &text), theirs);

    // Three columns, and MeCab given what they became.
    let three = temporary.path().join("three.csv");
    tiny::overwrite(&three, "図書館を利用,名詞-固有名詞,トショカンヲリヨウ\nスマホ,名詞-一般,スマホ\n".as_bytes());
    let resolved = store::open_with(dir.to_str().unwrap(), &[three.to_str().unwrap().to_owned()], store::Check::EachTime).unwrap();
    let rows: Vec<&str> = resolved.resolved_user_rows().iter().map(|row| row.csv.as_str()).collect();
    let printed = temporary.path().join("printed.csv");
    tiny::overwrite(&printed, (rows.join("\n") + "\n").as_bytes());
    let theirs = mecab(&dir, &compile(&printed), &text);
    assert_eq!(analyse(&Arc::new(resolved), &text), theirs);
    assert!(theirs.contains("スマホ\t名詞,一般,*,*,*,*,スマホ,スマホ,スマホ\n"));
}
