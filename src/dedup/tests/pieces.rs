//! Pieces of texts against slow references: every line in a map, every stretch in a map.

use proptest::prelude::*;

use super::*;
use crate::dedup::candidates::Partners;
use crate::dedup::lines::each_line;
use crate::dedup::substring;
use crate::io::SortedRuns;

/// Documents by work shard: group and text.
type Shards = Vec<Vec<(u64, String)>>;

/// Calls `search` with the corpus; what it put aside is gone afterwards.
fn over<T>(shards: &Shards, memory: u64, search: impl FnOnce(&PieceCorpus<'_>) -> T) -> T {
    let dir = tempfile::tempdir().unwrap();
    let staging = Staging::new(dir.path()).unwrap();
    let documents = |shard: u64, give: &mut dyn FnMut(Document<'_>) -> Result<()>| {
        let mut all = shards[shard as usize].iter().zip(0..);
        all.try_for_each(|((group, text), row)| give(Document { ordinal: ordinal(shard, row), group: *group, text }))
    };
    let corpus = PieceCorpus { shards: shards.len() as u64, documents: &documents, memory, staging: &staging, parallel: &sequential };
    let found = search(&corpus);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    found
}

fn pieces(options: &Options, shards: &Shards, memory: u64) -> BTreeMap<u64, Vec<Cut>> {
    over(shards, memory, |corpus| {
        let found = find_pieces(options, corpus).unwrap();
        let mut all = BTreeMap::<u64, Vec<Cut>>::new();
        for shard in found.shards() {
            let cuts = found.of_shard(shard).unwrap();
            for of_document in cuts.chunk_by(|a, b| a.ordinal == b.ordinal) {
                let text = &shards[shard as usize][row_of(of_document[0].ordinal) as usize].1;
                all.insert(
                    of_document[0].ordinal,
                    settle(text, of_document, &[text.len() as u32], options.substring.map_or(0, |stretch| stretch as usize)),
                );
            }
        }
        all
    })
}

/// The texts in their order, in work shards of so many documents.
fn in_shards(documents: &[(u64, String)], of_each: usize) -> Shards {
    documents.chunks(of_each.max(1)).map(<[_]>::to_vec).collect()
}

fn lines_of(in_source: u32, in_all: u32) -> Options {
    Options { lines: Lines::Limits(LineLimits { in_source, in_all }), ..Options::default() }
}

/// Lines by their hashes, in a map: ordinals of the documents, by group.
fn frequent_lines(documents: &[(u64, String)], in_source: usize, in_all: usize) -> Vec<Vec<(usize, usize, usize)>> {
    let mut all: BTreeMap<u64, BTreeSet<(usize, u64)>> = BTreeMap::new();
    let lines = |text: &str| {
        let mut lines = Vec::new();
        each_line(text, &mut Vec::new(), &mut |line| lines.push(line));
        lines
    };
    for (number, (group, text)) in documents.iter().enumerate() {
        for line in lines(text) {
            all.entry(line.hash).or_default().insert((number, *group));
        }
    }
    let cuts = documents.iter().enumerate().map(|(number, (group, text))| {
        let is_cut = |hash: u64| {
            let has = &all[&hash];
            let of_group = has.iter().filter(|(_, other)| other == group).count();
            has.first().map(|(first, _)| *first).filter(|first| *first != number && (has.len() >= in_all || of_group >= in_source))
        };
        lines(text).into_iter().filter_map(|line| is_cut(line.hash).map(|of| (line.start, line.end, of))).collect()
    });
    cuts.collect()
}

const LINES: [&str; 6] = [
    "無断転載を禁じます。全部。",
    "この記事をシェアする　Facebook",
    "この記事をシェアするｆａｃｅｂｏｏｋ！",
    "短い行",
    "トップページに戻る　サイトマップ",
    "お問い合わせはこちらまで、どうぞ",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn frequent_lines_are_those_of_the_map(
        documents in prop::collection::vec((0_u64..3, prop::collection::vec((0..LINES.len(), 0..4_usize), 0..6)), 0..40),
        limits in (2_u32..5, 2_u32..14), of_each in 1_usize..12, memory in prop::sample::select(vec![0, MEMORY]),
    ) {
        let documents: Vec<(u64, String)> = documents.into_iter().map(|(group, lines)| {
            let text = lines.into_iter().flat_map(|(line, end)| [LINES[line], ["\n", "\r\n", "\r", "、\n"][end]]).collect::<String>();
            (group, if group == 0 { text.trim_end().to_owned() } else { text })
        }).collect();
        let found = pieces(&lines_of(limits.0, limits.1), &in_shards(&documents, of_each), memory);
        let wanted = frequent_lines(&documents, limits.0 as usize, limits.1 as usize);
        for (number, (wanted, (_, text))) in wanted.iter().zip(&documents).enumerate() {
            let place = |number: usize| ordinal((number / of_each) as u64, (number % of_each) as u32);
            let cuts = found.get(&place(number)).map_or(&[][..], Vec::as_slice);
            prop_assert_eq!(cuts.len(), wanted.len());
            for (at, (cut, (start, end, of))) in cuts.iter().zip(wanted).enumerate() {
                prop_assert_eq!((cut.end as usize, cut.of, cut.kind), (*end, place(*of), PieceKind::Lines));
                // The line end before the last lines goes with them where the text had none at its end.
                let taken = text.get(cut.start as usize..*start).unwrap().trim_end_matches(['\n', '\r']);
                prop_assert!(taken.is_empty() && (cut.start as usize == *start || cuts[at..].windows(2).all(|pair| pair[0].end == pair[1].start)));
            }
            let left = without::without(text, &cuts.iter().flat_map(|cut| [cut.start, cut.end]).collect::<Vec<_>>()).into_owned();
            let lines: Vec<&str> = left.split(['\n', '\r']).filter(|line| !line.is_empty()).collect();
            let before: Vec<&str> = text.split(['\n', '\r']).filter(|line| !line.is_empty()).collect();
            prop_assert!(lines.len() + wanted.len() == before.len() && lines.iter().all(|line| before.contains(line)), "only whole lines go");
        }
    }
}

/// What is held does not grow with what is found, and costs what lies on disk costs: many documents of one line, in little memory.
#[test]
fn a_line_of_very_many_documents_is_cut_from_all_but_the_first() {
    let documents: Vec<(u64, String)> =
        (0..30_000).map(|n| (n % 7, format!("文書{n:07}番の本文の行\n{}\n{}", LINES[0], LINES[0]))).collect();
    let found = pieces(&lines_of(5, 100), &in_shards(&documents, 5_000), 0);
    assert_eq!(found.len(), documents.len() - 1);
    assert!(found.values().all(|cuts| cuts.len() == 2 && cuts.iter().all(|cut| cut.of == 0)));
    assert_eq!(found, pieces(&lines_of(5, 1_000_000), &in_shards(&documents, 5_000), 0), "by source");
}

/// The stretches that repeat, before they are settled: start and end in bytes.
fn stretches(
    documents: &[(u64, String)],
    stretch: usize,
    partners: Partners,
    of_each: usize,
    memory: u64,
) -> Vec<Vec<(usize, usize, u64)>> {
    let all = over(&in_shards(documents, of_each), memory, |corpus| {
        let mut found = SortedRuns::new(corpus.staging, memory);
        substring::find(stretch, partners, corpus, &mut found).unwrap();
        let mut all = Vec::new();
        found
            .finish()
            .unwrap()
            .each(&mut |cut| {
                all.push(cut);
                Ok(())
            })
            .unwrap();
        all
    });
    let number = |ordinal: u64| shard_of(ordinal) as usize * of_each + row_of(ordinal) as usize;
    let mut of_documents = vec![Vec::new(); documents.len()];
    for Cut { ordinal, start, end, of, .. } in all {
        of_documents[number(ordinal)].push((start as usize, end as usize, number(of) as u64));
    }
    of_documents
}

/// Every stretch of so many characters in a map, with its first place: those that stand there before, united.
fn repeated(documents: &[(u64, String)], stretch: usize) -> Vec<Vec<(usize, usize)>> {
    let mut firsts: BTreeMap<Vec<char>, (usize, usize)> = BTreeMap::new();
    let of_document = |(number, (_, text)): (usize, &(u64, String))| {
        let chars: Vec<char> = text.chars().collect();
        let at: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        let mut spans: Vec<(usize, usize)> = Vec::new();
        for (place, window) in chars.windows(stretch).enumerate() {
            let first = *firsts.entry(window.to_vec()).or_insert((number, place));
            if first.0 < number || first.1 + stretch <= place {
                let (start, end) = (at[place], at[place + stretch]);
                match spans.last_mut().filter(|last| start <= last.1) {
                    Some(last) => last.1 = end,
                    None => spans.push((start, end)),
                }
            }
        }
        spans
    };
    documents.iter().enumerate().map(of_document).collect()
}

const EVERYBODY: Partners = Partners { firsts: usize::MAX, previous: false };

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// What is cut is what a map of all stretches says, character for character; with few partners nothing else is.
    #[test]
    fn stretches_that_repeat_are_those_of_the_map(
        snippets in prop::collection::vec("[あいうa]{1,25}|あ{1,40}|(あい){3,20}", 4..8),
        documents in prop::collection::vec(prop::collection::vec(0_usize..8, 0..6), 1..12),
        stretch in 6_usize..14, of_each in 1_usize..5, memory in prop::sample::select(vec![0, MEMORY]),
    ) {
        let documents: Vec<(u64, String)> = documents.into_iter()
            .map(|all| (0, all.into_iter().map(|n| snippets[n % snippets.len()].as_str()).collect())).collect();
        let wanted = repeated(&documents, stretch);
        let found = stretches(&documents, stretch, EVERYBODY, of_each, memory);
        for ((found, wanted), (_, text)) in found.iter().zip(&wanted).zip(&documents) {
            prop_assert_eq!(found.iter().map(|(start, end, _)| (*start, *end)).collect::<Vec<_>>(), wanted.clone(), "{} {:?}", text, documents);
        }
        for (number, (few, wanted)) in stretches(&documents, stretch, substring::PARTNERS, of_each, memory).iter().zip(&wanted).enumerate() {
            for (start, end, of) in few {
                prop_assert!(*of <= number as u64 && wanted.iter().any(|span| span.0 <= *start && *end <= span.1));
            }
        }
    }
}

#[test]
fn the_first_copy_stays_and_width_and_marks_make_no_difference() {
    let mut random = Random::new(21);
    let [one, two, three, shared] = [300, 200, 250, 120].map(|n| random.text(n));
    let dressed = dressed(&shared);
    let documents: Vec<(u64, String)> =
        [format!("{one}{shared}"), two.clone(), format!("{two}に続く。{dressed}{three}"), format!("{shared}{shared}")]
            .map(|text| (0, text))
            .to_vec();
    let options = Options { substring: Some(50), ..Options::default() };
    let left = |documents: &[(u64, String)]| -> Vec<String> {
        let found = pieces(&options, &in_shards(documents, 2), 0);
        let cuts = |number: usize| {
            found
                .get(&ordinal(number as u64 / 2, number as u32 % 2))
                .map_or_else(Vec::new, |cuts| cuts.iter().flat_map(|cut| [cut.start, cut.end]).collect())
        };
        documents.iter().enumerate().map(|(number, (_, text))| without::without(text, &cuts(number)).into_owned()).collect()
    };
    let now = left(&documents);
    assert_eq!(now[..2], [documents[0].1.clone(), two]);
    assert!(now[2].trim_start_matches(|c| !"に".contains(c)).starts_with("に続く") && now[2].ends_with(&three), "{}", now[2]);
    assert!(now[2].chars().count() < three.chars().count() + 8, "{}", now[2]);
    assert!(now[3].chars().count() < 10, "{}", now[3]);
    assert_eq!(left(&now.iter().map(|text| (0, text.clone())).collect::<Vec<_>>()), now, "nothing more repeats");
}

#[test]
fn stretches_end_where_sentences_do_if_enough_is_left() {
    let text = "前の文です。「同じ文です」と言った。同じ続きです。後の文です。";
    let ends: Vec<u32> = text.match_indices('。').map(|(at, c)| (at + c.len()) as u32).collect();
    let at = |piece: &str| text.find(piece).unwrap() as u32;
    let settled = |from: &str, to: &str, stretch: usize| {
        let cut = Cut { ordinal: 0, start: at(from), end: at(to), kind: PieceKind::Substring, of: 0 };
        let settled = settle(text, &[cut], &ends, stretch);
        assert_eq!(settled.len(), 1);
        let piece = text.get(settled[0].start as usize..settled[0].end as usize);
        piece.unwrap_or_else(|| panic!("{from} {to} {stretch}: {settled:?} of {cut:?}")).to_owned()
    };
    // Marks around it go with it where sentences end there.
    assert_eq!(settled("同じ文で", "。後の文", 10), "「同じ文です」と言った。同じ続きです。");
    // Inward on both sides, on one, or not at all.
    assert_eq!(settled("の文です。「", "きです。", 9), "「同じ文です」と言った。");
    assert_eq!(settled("の文です。「", "きです。", 13), "の文です。「同じ文です」と言った。");
    assert_eq!(settled("です。「", "じ続き", 11), "です。「同じ文です」と言った。");
    assert_eq!(settled("です。「", "じ続き", 99), "です。「同じ文です」と言った。同");
    assert_eq!(settled("文です」", "じ続き", 10), "文です」と言った。同");
    assert_eq!(settled("文です」", "じ続き", 7), "文です」と言った。");
    let line = Cut { ordinal: 0, start: at("「"), end: at("同じ続き"), kind: PieceKind::Lines, of: 0 };
    let over = Cut { start: at("です。「"), end: text.rfind("の文").unwrap() as u32, kind: PieceKind::Substring, ..line };
    let both = settle(text, &[over, line], &ends, 99);
    assert_eq!(
        both.iter().map(|cut| (cut.start, cut.end, cut.kind)).collect::<Vec<_>>(),
        [
            (over.start, line.start, PieceKind::Substring),
            (line.start, line.end, PieceKind::Lines),
            (line.end, over.end, PieceKind::Substring),
        ]
    );
}
