//! The registry: which stages a plan asks for, in the order of the flow. A new stage is one line here.

use std::path::Path;
use std::sync::Arc;

use super::plan::Plan;
use crate::bpe::Count;
use crate::decide::Decider;
use crate::dedup::Sketcher;
use crate::error::{Error, Result};
use crate::keigo::Keigo;
use crate::morpheme::Lexicon;
use crate::normalize::Normalize;
use crate::normalize::sentences::Sentences;
use crate::quality::Quality;
use crate::schema;
use crate::segment::{self, Segment};
use crate::stage::{Batch, Contract, Fold, Stage};

/// The stages of a plan, ready to work.
pub struct Stages {
    /// The plan they were built from.
    pub plan: Plan,
    /// Fused into the first pass.
    pub annotate: Vec<Box<dyn Stage>>,
    /// The fold that finds duplicates.
    pub sketcher: Sketcher,
    /// Keep or drop.
    pub decider: Decider,
    /// The fold that counts pieces for the vocabulary.
    pub counter: Count,
    /// The dictionary in use.
    pub dictionary: Arc<segment::dictionary::Dictionary>,
}

impl Stages {
    /// Opens the dictionary (paths in the plan start at `base`) and builds the stages; their contracts are checked here, once.
    pub fn new(plan: &Plan, base: &Path) -> Result<Self> {
        let (dictionary, segmenter) = segment::open(&plan.segment.beside(base))?;
        let lexicon: &dyn Lexicon = dictionary.as_ref();
        let annotate: Vec<Box<dyn Stage>> = vec![
            Box::new(Normalize::new(&plan.normalize)),
            Box::new(Sentences),
            Box::new(Segment::new(segmenter)),
            Box::new(Keigo::new(&plan.keigo, lexicon)?),
            Box::new(Quality::new(lexicon.pos_table())),
        ];
        let stages = Self {
            plan: plan.clone(),
            annotate,
            sketcher: Sketcher::new(&plan.dedup),
            decider: Decider::new(&plan.quality),
            counter: Count::new(&plan.tokenizer)?,
            dictionary,
        };
        stages.check_contracts()?;
        Ok(stages)
    }

    /// A batch without rows, as it leaves the first pass: what an output without documents looks like.
    pub fn annotate_empty(&self) -> Result<Batch> {
        self.annotate.iter().try_fold(crate::corpus::empty_batch(), |batch, stage| stage.worker().apply(batch))
    }

    /// Every column a stage or fold reads is made by the reader or a stage before it.
    fn check_contracts(&self) -> Result<()> {
        let mut there: Vec<&str> = crate::corpus::COLUMNS.iter().map(|column| column.name).collect();
        let mut chain = |name: &str, contract: &Contract| -> Result<()> {
            for read in &contract.reads {
                if !there.contains(&read.name) {
                    return Err(Error::internal(format!("stage {name} reads column {}, which nothing before it makes", read.name)));
                }
            }
            there.extend(contract.adds.iter().map(|column| column.name));
            Ok(())
        };
        for stage in &self.annotate {
            chain(stage.name(), &stage.contract())?;
        }
        let reads_only = |contract: Contract| Contract { reads: contract.reads, adds: vec![] };
        chain(self.sketcher.name(), &reads_only(self.sketcher.contract()))?;
        chain("decide", &Contract { reads: vec![schema::SOURCE, schema::QUALITY, schema::REGISTER], adds: vec![] })?;
        chain(self.counter.name(), &reads_only(self.counter.contract()))
    }
}
