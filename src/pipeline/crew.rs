//! Lends the threads of the pool to a training, tells how far it is, and keeps what it has learned, so that an interrupted one goes on from there.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use super::observer::{Event, Observer, Stop};
use super::pool::Pool;
use crate::bpe;
use crate::bpe::crew::{Aside, Crew, Stage};
use crate::bpe::merge::Learned;
use crate::bpe::{Options, Trained};
use crate::error::{Error, Result};
use crate::io::{Dir, MappedCells, Place, Staging, read_limited, seal, unseal};
use crate::stage::BatchIter;

/// The observer is told this often at most.
const TELL_EVERY: Duration = Duration::from_millis(200);

/// What is learned is written this often.
const KEEP_EVERY: Duration = Duration::from_secs(5);

/// The share of the memory that pairs and their lists may take.
const LISTS: u64 = 3;

/// The share of the memory that the array of symbols may take: a longer one is a file.
const ARRAY: u64 = 6;

/// A file with what has been learned is not larger: 2 million merges.
const CHECKPOINT_BYTES_MAX: u64 = 1 << 28;

/// Threads and memory for a training, and whoever wants to know of it.
pub struct PoolCrew<'a> {
    pool: &'a Pool,
    stop: &'a Stop,
    observer: &'a dyn Observer,
    memory: u64,
    checkpoint: Option<Checkpoint>,
    aside: Option<Dir>,
    state: Mutex<State>,
}

impl Aside for MappedCells {
    fn append(&mut self, symbols: &[u32]) -> Result<()> {
        Self::append(self, symbols)
    }

    fn end(&mut self) -> Result<()> {
        self.map()
    }
}

/// Where a training keeps what it has learned: the merges of its stages, as sealed JSON. One that cannot be read or belongs to another training is not there.
#[derive(Debug)]
pub struct Checkpoint {
    place: Place,
    home: Home,
    key: String,
}

/// Where the file is made.
#[derive(Debug)]
enum Home {
    Staging(Staging),
    /// A directory that is there for the checkpoint alone.
    Own(Place),
}

/// What a checkpoint says.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    key: String,
    stages: Vec<(Stage, Learned)>,
}

struct State {
    told: Instant,
    kept: Instant,
    stage: Stage,
    stages: BTreeMap<Stage, Learned>,
    failed: Option<Error>,
}

impl Checkpoint {
    /// The file at `place`, made in `staging`, for the training that `key` names: the same counts, options, sizes and version.
    pub(super) fn new(place: Place, staging: Staging, key: String) -> Self {
        Self { place, home: Home::Staging(staging), key }
    }

    /// In a directory beside `output` that is there only after an interruption.
    ///
    /// # Errors
    /// Those of finding the directory in which `output` is to lie.
    pub(super) fn beside(output: &Path, key: String) -> Result<Self> {
        let name = output.file_name().map_or_else(|| "tokenizer".into(), |name| name.to_string_lossy().into_owned());
        let own = Place::named(&output.with_file_name(format!(".{name}.seimai-merges")))?;
        Ok(Self { place: own.at("merges.json"), home: Home::Own(own), key })
    }

    fn read(&self) -> BTreeMap<Stage, Learned> {
        let kept = read_limited(&self.place, CHECKPOINT_BYTES_MAX).ok();
        let kept = kept.and_then(|bytes| serde_json::from_slice::<Kept>(unseal(&bytes)?).ok()).filter(|kept| kept.key == self.key);
        kept.map_or_else(BTreeMap::new, |kept| kept.stages.into_iter().collect())
    }

    fn write(&self, stages: &BTreeMap<Stage, Learned>) -> Result<()> {
        let stages = stages.iter().map(|(stage, learned)| (*stage, learned.clone())).collect();
        let staging = match &self.home {
            Home::Staging(staging) => staging.clone(),
            Home::Own(own) => Staging::within(own.create_dir()?),
        };
        self.place.create_parent()?;
        staging.write(&self.place, &seal(&Kept { key: self.key.clone(), stages })?).map(|_| ())
    }
}

impl<'a> PoolCrew<'a> {
    /// Nothing learned yet.
    pub fn new(pool: &'a Pool, stop: &'a Stop, observer: &'a dyn Observer, memory: u64) -> Self {
        let now = Instant::now();
        let state = State { told: now, kept: now, stage: Stage::First, stages: BTreeMap::new(), failed: None };
        Self { pool, stop, observer, memory, checkpoint: None, aside: None, state: Mutex::new(state) }
    }

    /// With what an interrupted training of the same has learned, if it has; keeps what is learned.
    #[must_use]
    pub fn with(mut self, checkpoint: Checkpoint) -> Self {
        self.state().stages = checkpoint.read();
        self.checkpoint = Some(checkpoint);
        self
    }

    /// With a directory for a file without a name: what an array is that memory cannot hold.
    #[must_use]
    pub fn aside(mut self, dir: Dir) -> Self {
        self.aside = Some(dir);
        self
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn keep(&self, state: &mut State, learned: &Learned) {
        let Some(checkpoint) = &self.checkpoint else { return };
        state.stages.insert(state.stage, learned.clone());
        state.kept = Instant::now();
        if let Err(error) = checkpoint.write(&state.stages) {
            state.failed.get_or_insert(error);
        }
    }

    /// The vocabulary is written: what led to it is not needed any more.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn forget(&self) -> Result<()> {
        match &self.checkpoint {
            None => Ok(()),
            Some(Checkpoint { home: Home::Own(own), .. }) => own.remove_all(),
            Some(Checkpoint { place, .. }) => place.remove_file(),
        }
    }

    /// Trains vocabularies of several sizes with all threads; what is learned depends on counts and options alone.
    ///
    /// # Errors
    /// Those of [`bpe::train_sizes`], and of the checkpoint.
    pub fn train<'c>(&self, counts: &dyn Fn() -> Result<BatchIter<'c>>, options: &Options, sizes: &[u32]) -> Result<Vec<Trained>> {
        let trained = bpe::train_sizes(counts, options, sizes, self);
        if let Some(error) = self.state().failed.take() {
            return Err(error);
        }
        // The signal that it was ended by is known here.
        self.stop.check().and(trained)
    }
}

impl Crew for PoolCrew<'_> {
    fn threads(&self) -> usize {
        self.pool.threads()
    }

    fn side_by_side(&self, n: usize, work: &(dyn Fn(usize) + Sync)) {
        if n == 1 { work(0) } else { self.pool.parallel(n, work) }
    }

    fn memory(&self) -> usize {
        usize::try_from(self.memory / LISTS).unwrap_or(usize::MAX)
    }

    fn symbols(&self) -> usize {
        usize::try_from(self.memory / ARRAY).unwrap_or(usize::MAX) / size_of::<u32>()
    }

    fn aside(&self) -> Result<Option<Box<dyn Aside>>> {
        self.aside.as_ref().map(|dir| Ok(Box::new(MappedCells::new(dir)?) as Box<dyn Aside>)).transpose()
    }

    fn begin(&self, stage: Stage) -> Learned {
        let mut state = self.state();
        state.stage = stage;
        state.stages.get(&stage).cloned().unwrap_or_default()
    }

    fn learned(&self, learned: &Learned, newest: &[u8]) -> bool {
        let mut state = self.state();
        let goes_on = self.stop.check().is_ok();
        if !goes_on || state.kept.elapsed() >= KEEP_EVERY {
            self.keep(&mut state, learned);
        }
        if state.told.elapsed() >= TELL_EVERY {
            state.told = Instant::now();
            let newest = String::from_utf8_lossy(newest).into_owned();
            self.observer.on_event(&Event::Learned { merges: learned.merges.len() as u64, newest });
        }
        goes_on && state.failed.is_none()
    }

    /// Nothing is written: what a short stage learned is learned again as fast.
    fn end(&self, learned: &Learned) {
        let mut state = self.state();
        if self.checkpoint.is_some() {
            let stage = state.stage;
            state.stages.insert(stage, learned.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bpe::counts_table;
    use crate::pipeline::observer::Silent;

    /// Words of three kana, and two of them as they stand in a text: enough for merges in both stages.
    fn counts() -> crate::stage::Batch {
        let kana: Vec<char> = ('あ'..='ん').collect();
        let word = |i: usize| [i * 7, i * i + 3, i / 5].map(|n| kana[n % kana.len()]).iter().collect::<String>();
        let mut levels = [Vec::new(), Vec::new()];
        for i in 0..400_usize {
            levels[0].push((word(i), 1 + 900 / (i as u64 + 1)));
            levels[1].push((word(i) + &word(i * 3 % 400), 1 + 500 / (i as u64 + 1)));
        }
        let rows = |level: usize| levels[level].iter().map(|(text, count)| (text.as_bytes(), *count)).collect();
        counts_table(&[(0, rows(0)), (1, rows(1))]).unwrap()
    }

    #[test]
    fn an_interrupted_training_goes_on() {
        let (dir, counts) = (tempfile::tempdir().unwrap(), counts());
        let output = dir.path().join("tokenizer");
        let rows = || Ok(Box::new(std::iter::once(Ok(counts.clone()))) as BatchIter<'_>);
        let options = Options { superwords: 0.5, ..Options::default() };
        let (pool, sizes) = (Pool::new(2).unwrap(), [600, 800]);
        let files = |trained: &[Trained]| trained.iter().map(Trained::files).collect::<Vec<_>>();
        let whole = PoolCrew::new(&pool, &Stop::default(), &Silent, u64::MAX).train(&rows, &options, &sizes).unwrap();
        assert!(whole.iter().all(|trained| trained.report["merges_of_superwords"].as_u64().unwrap() > 150));
        let (mut interruptions, mut learned) = (0, Vec::new());
        let trained = loop {
            let stop = Stop::default();
            let crew = PoolCrew::new(&pool, &stop, &Silent, u64::MAX).with(Checkpoint::beside(&output, "ours".to_owned()).unwrap());
            learned.push(crew.state().stages.values().map(|stage| stage.merges.len()).sum::<usize>());
            if interruptions < 6 {
                stop.request(15);
                assert!(matches!(crew.train(&rows, &options, &sizes), Err(Error::Interrupted(15))));
                interruptions += 1;
            } else {
                let trained = crew.train(&rows, &options, &sizes).unwrap();
                crew.forget().unwrap();
                break trained;
            }
        };
        assert!(learned.is_sorted_by(|before, after| before < after), "{learned:?}");
        assert_eq!(files(&trained), files(&whole));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_is_not_ours_or_not_whole_is_not_there() {
        let dir = tempfile::tempdir().unwrap();
        let checkpoint = |key: &str| Checkpoint::beside(&dir.path().join("t"), key.to_owned()).unwrap();
        let learned = Learned { merges: vec![bpe::merge::Merge { left: 1, right: 2, count: 3 }], ..Learned::default() };
        let stages = BTreeMap::from([(Stage::First, learned.clone()), (Stage::Second(300), learned)]);
        checkpoint("ours").write(&stages).unwrap();
        assert_eq!(checkpoint("ours").read(), stages);
        assert_eq!(checkpoint("theirs").read(), BTreeMap::new());
        let place = checkpoint("ours").place;
        let (bytes, staging) = (std::fs::read(place.path()).unwrap(), Staging::new(dir.path()).unwrap());
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            staging.write(&place, &damaged).unwrap();
            assert_eq!(checkpoint("ours").read(), BTreeMap::new(), "byte {at}");
        }
    }
}
