//! The registry: which stages a plan asks for, in the order of the flow. A new stage is one line here.

use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};

use super::lists::Lists;
use super::plan::Plan;
use super::verdict_columns;
use crate::decide::Decider;
use crate::dedup::Sketcher;
use crate::error::{Error, Result};
use crate::keigo::Keigo;
use crate::morpheme::Lexicon;
use crate::normalize::Normalize;
use crate::normalize::sentences::Sentences;
use crate::pii::{Pii, Policy};
use crate::quality::{Quality, WordList};
use crate::segment::{Segment, Segmenter};
use crate::stage::{Batch, Fold, Stage};
use crate::{bpe, corpus, decide, dedup, keigo, normalize, pack, pii, quality, schema, segment, shard};

/// A step of the way: each stands once in [`STEPS`], with its version and the way to build it.
struct Step {
    /// Name of the stage or fold.
    name: &'static str,
    /// Enters the fingerprint; known from the plan alone, without a dictionary.
    version: fn(&Plan) -> u32,
    /// How it is built.
    build: Build,
}

/// How a step is built.
enum Build {
    /// A stage of the first pass that needs no dictionary.
    Text(fn(&Plan) -> Box<dyn Stage>),
    /// A stage of the first pass.
    Annotate(fn(&Plan, &Opened<'_>) -> Result<Box<dyn Stage>>),
    /// The fold that finds duplicates.
    Sketch(fn(&Plan) -> Result<Box<dyn Fold>>),
    /// The fold that counts pre-tokens.
    Count(fn(&Plan) -> Result<Box<dyn Fold>>),
    /// No stage, or one that needs what an earlier pass made: the pass builds it.
    ByPass,
}

/// What the stages need of an opened dictionary, and of lists that were read.
struct Opened<'a> {
    lexicon: &'a dyn Lexicon,
    segmenter: Arc<dyn Segmenter>,
    /// The words of the user's lists; in the name of a table of documents they stand for themselves.
    words: Option<Arc<WordList>>,
}

/// Every step, in the order of the flow.
const STEPS: &[Step] = &[
    Step { name: "read", version: |_| corpus::VERSION, build: Build::ByPass },
    Step { name: "normalize", version: |_| normalize::VERSION, build: Build::Text(|plan| Box::new(Normalize::new(&plan.normalize))) },
    Step { name: "sentences", version: |_| normalize::sentences::VERSION, build: Build::Text(|_| Box::new(Sentences)) },
    Step {
        name: "segment",
        version: |plan| plan.segment.engine.version(),
        build: Build::Annotate(|_, opened| Ok(Box::new(Segment::new(opened.segmenter.clone())))),
    },
    Step {
        name: "keigo",
        version: |_| keigo::version(),
        build: Build::Annotate(|plan, opened| Ok(Box::new(Keigo::new(&plan.keigo.register, opened.lexicon)?))),
    },
    Step {
        name: "quality",
        version: |_| quality::version(),
        build: Build::Annotate(|plan, opened| {
            let quality = Quality::new(opened.lexicon.pos_table()).comparing(peers(plan)).listing(opened.words.clone());
            Ok(Box::new(quality.sparing_formulae(plan.keigo.protect.formulae)))
        }),
    },
    Step {
        name: "pii",
        version: |_| pii::version(),
        build: Build::Annotate(|plan, opened| Ok(Box::new(Pii::new(&plan.pii, &opened.lexicon.pos_table())))),
    },
    Step {
        name: "dedup",
        version: |_| dedup::view::VERSION,
        build: Build::Sketch(|plan| Ok(Box::new(Sketcher::new(&plan.dedup.of_sketches()).sparing_formulae(plan.keigo.protect.formulae)))),
    },
    Step { name: "decontaminate", version: |_| dedup::decontaminate::VERSION, build: Build::ByPass },
    Step { name: "resolve", version: |_| dedup::VERSION, build: Build::ByPass },
    Step { name: "cut", version: |_| dedup::lines::VERSION, build: Build::ByPass },
    Step { name: "decide", version: |_| decide::version(), build: Build::ByPass },
    Step { name: "count", version: |_| bpe::count::VERSION, build: Build::Count(|plan| Ok(Box::new(bpe::Count::new(&plan.tokenizer)?))) },
    Step { name: "train", version: |_| bpe::train::VERSION, build: Build::ByPass },
    Step { name: "encode", version: |_| bpe::encode::VERSION, build: Build::ByPass },
    Step { name: "shard", version: |_| shard::VERSION, build: Build::ByPass },
    Step { name: "pack", version: |_| pack::VERSION, build: Build::ByPass },
];

/// The peers whose figures a plan asks for.
fn peers(plan: &Plan) -> quality::Peers {
    quality::Peers {
        swallow_v1: plan.quality.asks_for(decide::Preset::SwallowV1),
        fineweb2_ja: plan.quality.asks_for(decide::Preset::Fineweb2Ja),
    }
}

/// Name and version of every step under a plan; the dictionary need not be there.
pub(super) fn versions(plan: &Plan) -> Vec<(&'static str, u32)> {
    STEPS.iter().map(|step| (step.name, (step.version)(plan))).collect()
}

/// The steps of the first pass: what a table of documents depends on.
pub(super) fn steps_of_annotation() -> Vec<&'static str> {
    STEPS.iter().filter(|step| step.name == "read" || is_annotation(step)).map(|step| step.name).collect()
}

fn is_annotation(step: &Step) -> bool {
    matches!(step.build, Build::Text(_) | Build::Annotate(_))
}

/// Names of the stages of the first pass, in order: those of [`some`].
pub fn names() -> impl Iterator<Item = &'static str> {
    STEPS.iter().filter(|step| is_annotation(step)).map(|step| step.name)
}

/// Stages for use on their own.
pub struct OnTheirOwn {
    /// In the order of the flow.
    pub stages: Vec<Box<dyn Stage>>,
    /// Fingerprint of the dictionary, where one of them needs it.
    pub dictionary: Option<String>,
}

/// Some stages of the first pass by their names; the dictionary is opened only where one of them needs it (paths in the plan start at
/// `base`).
///
/// # Errors
/// `Refused`: no stage of this name, or a dictionary that cannot be used.
pub fn some(plan: &Plan, base: &Path, wanted: &[&str]) -> Result<OnTheirOwn> {
    if let Some(unknown) = wanted.iter().find(|name| !names().any(|known| known == **name)) {
        let message = format!("there is no stage {}", crate::quarantine::escape(unknown, 100));
        return Err(Error::refused_with_hint(message, format!("stages are {}", names().collect::<Vec<_>>().join(", "))));
    }
    let (given, plan) = (plan, plan.of_annotation());
    let mut opened = None;
    let mut stages = Vec::with_capacity(wanted.len());
    for step in STEPS.iter().filter(|step| wanted.contains(&step.name)) {
        match step.build {
            Build::Text(build) => stages.push(build(&plan)),
            Build::Annotate(build) => {
                if opened.is_none() {
                    opened = Some((segment::open(&plan.segment.beside(base))?, Lists::read(given, base)?.words));
                }
                let Some(((dictionary, segmenter), words)) = &opened else { continue };
                let opened = Opened { lexicon: dictionary.as_ref(), segmenter: Arc::clone(segmenter), words: words.clone() };
                stages.push(build(&plan, &opened)?);
            }
            _ => {}
        }
    }
    Ok(OnTheirOwn { stages, dictionary: opened.map(|((dictionary, _), _)| dictionary.fingerprint().to_owned()) })
}

/// The stages of a plan, ready to work.
pub struct Stages {
    /// The plan they were built from.
    pub plan: Plan,
    /// Fused into the first pass.
    pub annotate: Vec<Box<dyn Stage>>,
    /// Schema of the batches that leave the first pass.
    pub annotated: SchemaRef,
    /// The fold that finds duplicates.
    pub sketcher: Box<dyn Fold>,
    /// Keep or drop.
    pub decider: Decider,
    /// What happens to personal data.
    pub pii: Policy,
    /// The fold that counts pre-tokens for the vocabulary.
    pub counter: Box<dyn Fold>,
    /// The lists in use.
    pub lists: Lists,
    /// The dictionary in use.
    pub dictionary: Arc<segment::dictionary::Dictionary>,
}

impl Stages {
    /// Reads lists, opens the dictionary (paths in the plan start at `base`) and builds the stages; their contracts are checked here, once.
    pub fn new(plan: &Plan, base: &Path) -> Result<Self> {
        let lists = Lists::read(plan, base)?;
        let (dictionary, segmenter) = segment::open(&plan.segment.beside(base))?;
        let built = Built::new(plan, &Opened { lexicon: dictionary.as_ref(), segmenter, words: lists.words.clone() })?;
        let decider = Decider::new(&plan.quality, &plan.keigo.policies()).with_urls(lists.urls.clone());
        let annotated = built.chain(&decider)?;
        let Built { annotate, sketcher: Some(sketcher), counter: Some(counter) } = built else {
            return Err(Error::internal("the registry lacks a fold"));
        };
        let pii = Policy::new(&plan.pii);
        Ok(Self { plan: plan.clone(), annotate, annotated, sketcher, decider, pii, counter, lists, dictionary })
    }

    /// A batch without rows, as it leaves the first pass: what an output without documents looks like.
    pub fn annotate_empty(&self) -> Batch {
        Batch::new_empty(self.annotated.clone())
    }
}

/// Stages and folds as [`STEPS`] builds them.
#[derive(Default)]
struct Built {
    annotate: Vec<Box<dyn Stage>>,
    sketcher: Option<Box<dyn Fold>>,
    counter: Option<Box<dyn Fold>>,
}

impl Built {
    fn new(plan: &Plan, opened: &Opened<'_>) -> Result<Self> {
        let mut built = Self::default();
        // What a table of documents is named by is all that its stages see.
        let of_annotation = plan.of_annotation();
        for step in STEPS {
            let (name, version) = match step.build {
                Build::Text(build) => built.push(build(&of_annotation)),
                Build::Annotate(build) => built.push(build(&of_annotation, opened)?),
                Build::Sketch(build) => said(built.sketcher.insert(build(plan)?)),
                Build::Count(build) => said(built.counter.insert(build(plan)?)),
                Build::ByPass => continue,
            };
            if (name, version) != (step.name, (step.version)(plan)) {
                return Err(Error::internal(format!(
                    "step {} is registered under another name or version than {name} {version}",
                    step.name
                )));
            }
        }
        Ok(built)
    }

    /// Takes a stage; its name and version.
    fn push(&mut self, stage: Box<dyn Stage>) -> (&'static str, u32) {
        let said = (stage.name(), stage.version());
        self.annotate.push(stage);
        said
    }

    /// Every column a stage or fold reads is made by the reader or a stage before it; gives the schema behind the last stage.
    fn chain(&self, decider: &Decider) -> Result<SchemaRef> {
        let ours = |refused: Error| Error::internal(format!("the stages do not fit together: {refused}"));
        let read = Schema::new(corpus::COLUMNS.iter().map(schema::Column::field).collect::<Vec<_>>());
        let annotated =
            self.annotate.iter().try_fold(read, |schema, stage| stage.contract().output(stage.name(), &schema)).map_err(ours)?;
        decider.contract().output("decide", &annotated).map_err(ours)?;
        for fold in self.sketcher.iter().chain(&self.counter) {
            fold.contract().output(fold.name(), &annotated).map_err(ours)?;
        }
        Ok(Arc::new(annotated))
    }
}

fn said(fold: &mut Box<dyn Fold>) -> (&'static str, u32) {
    (fold.name(), fold.version())
}

/// A column for documentation.
#[derive(Debug, Clone, Copy)]
pub struct ColumnFacts {
    /// The struct it is a field of, or the room whose tables it belongs to; empty for columns that several rooms share.
    pub table: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Its meaning.
    pub about: &'static str,
}

/// Every column and field of a struct, with its meaning.
pub fn columns() -> Vec<ColumnFacts> {
    let fact = |table, name, about| ColumnFacts { table, name, about };
    let shared = schema::ALL.iter().map(|column| fact("", column.name, column.about));
    let keigo = keigo::columns::FIELDS.iter().map(|field| fact("keigo", field.name, field.about));
    let quality = quality::MEASURES.iter().map(|measure| fact("quality", measure.name, measure.about));
    let listed = quality::LISTED_FIELDS.iter().map(|(name, about)| fact(schema::LISTED.name, name, about));
    let pii = std::iter::once(fact("pii", pii::SPANS.name, pii::SPANS.about));
    let dedup = dedup::columns()
        .chain(verdict_columns::COLUMNS)
        .chain(verdict_columns::FAMILY_COLUMNS)
        .chain(verdict_columns::BEGINS_COLUMNS)
        .map(|column| fact("dedup", column.name, column.about));
    let swallow = quality::SWALLOW_FIELDS.iter().map(|(name, about)| fact(schema::SWALLOW_V1.name, name, about));
    let fineweb2 = quality::FINEWEB2_FIELDS.iter().map(|(name, about)| fact(schema::FINEWEB2_JA.name, name, about));
    let decide = std::iter::once(fact("decide", decide::ROW.name, decide::ROW.about));
    let frame = corpus::SHARD_COLUMNS.iter().map(|column| fact("frame", column.name, column.about));
    shared
        .chain(keigo)
        .chain(quality)
        .chain(listed)
        .chain(swallow)
        .chain(fineweb2)
        .chain(pii)
        .chain(dedup)
        .chain(decide)
        .chain(frame)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::morpheme::{PosTable, Standard, Word};
    use crate::segment::{MorphemeBuffer, SegmentWorker};

    /// A dictionary of two parts of speech and no words.
    struct Toy;

    impl Lexicon for Toy {
        fn standard(&self) -> Standard {
            Standard::Ipadic
        }

        fn pos_table(&self) -> Arc<PosTable> {
            Arc::new(PosTable { tuples: vec![vec![], vec!["名詞".to_owned()]], unknown: vec![None; 2] })
        }

        fn each_word(&self, _: &mut dyn FnMut(&Word<'_>)) {}
    }

    impl Segmenter for Toy {
        fn version(&self) -> u32 {
            segment::Engine::Exact.version()
        }

        fn worker(&self) -> Box<dyn SegmentWorker + '_> {
            Box::new(Self)
        }
    }

    impl SegmentWorker for Toy {
        fn segment_line(&mut self, line: &str, base: u32, out: &mut MorphemeBuffer) {
            out.push(base + line.len() as u32, 1, 0);
        }
    }

    fn built() -> Built {
        Built::new(&Plan::default(), &Opened { lexicon: &Toy, segmenter: Arc::new(Toy), words: None }).unwrap()
    }

    #[test]
    fn the_chained_schema_is_what_the_stages_make() {
        let built = built();
        let annotated = built.chain(&Decider::new(&Plan::default().quality, &Plan::default().keigo.policies())).unwrap();
        let empty = built.annotate.iter().try_fold(corpus::empty_batch(), |batch, stage| stage.worker().apply(batch)).unwrap();
        assert_eq!(empty.schema(), annotated);
        assert_eq!(empty, Batch::new_empty(annotated));
    }

    #[test]
    fn folds_make_the_columns_of_their_contracts() {
        let built = built();
        for fold in built.sketcher.iter().chain(&built.counter) {
            let partial = fold.absorber().finish().unwrap();
            let said = fold.contract().adds.iter().map(schema::Column::field).collect::<Vec<_>>();
            assert_eq!(partial.schema().as_ref(), &Schema::new(said), "{}", fold.name());
        }
    }

    #[test]
    fn a_stage_that_is_missing_stops_the_plan() {
        let mut built = built();
        built.annotate.retain(|stage| stage.name() != "sentences");
        let said = built.chain(&Decider::new(&Plan::default().quality, &Plan::default().keigo.policies())).unwrap_err().to_string();
        assert!(said.contains("stage keigo: column sentence_ends") && said.contains("is missing"), "{said}");
        built.annotate.retain(|stage| stage.name() == "normalize");
        let said = built.chain(&Decider::new(&Plan::default().quality, &Plan::default().keigo.policies())).unwrap_err().to_string();
        assert!(said.contains("stage decide: column quality"), "{said}");
    }

    #[test]
    fn every_column_has_a_meaning() {
        for column in columns() {
            assert!(column.about.len() > 5 && column.about.ends_with(['.', '?']), "{column:?}");
        }
        let names: std::collections::BTreeSet<_> = columns().into_iter().map(|column| (column.table, column.name)).collect();
        assert_eq!(names.len(), columns().len());
    }
}
