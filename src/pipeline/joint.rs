//! A run that several processes work on, on one machine or many: what they share is the output directory.
//!
//! A unit is committed by itself, by whoever has done it (ADR 0016), and what it is called does not tell by whom. So nothing has to be agreed on:
//! a unit that two have done is the same file twice, and a process that is gone leaves what it has finished. Locks only spare work (ADR 0049).

use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use super::layout::pass;
use super::loaded_plan::LoadedPlan;
use super::observer::{Observer, Stop};
use super::report::{Report, RunOptions};
use super::run::{Begun, Going, Wanted, refuse_early};
use super::run_log::RunLog;
use super::share::{Halt, Lacking, Share, Task, Together};
use super::way::Way;
use super::work_dir::{Entrance, State, WorkDir};
use super::{finish, inputs};
use crate::error::{Error, Result, Subject};

/// How long a process looks again for what others may have finished, unless it is told otherwise: network file systems show new names late.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// The passes of many units, in order. Each waits for every unit of the one before, and of several processes that start together only the last to
/// be ready goes on: so they have to be started so often, or less where a pass has few units.
pub const ROUNDS: [&str; 6] = [pass::ANNOTATE, pass::JUDGE, pass::DECIDE, pass::COUNT, pass::ENCODE, pass::PACK];

/// How often a process that waits for another to begin looks whether it has.
const LOOK: Duration = Duration::from_millis(100);

/// How a share ended.
#[derive(Debug)]
pub enum Ended {
    /// The run is finished, by this process or before.
    Finished(Box<Report>),
    /// This share is done; a pass lacks what other shares have not.
    Waiting(Lacking),
}

/// Does the share of one process: of each pass its units, and what comes behind a pass as soon as nothing of it is missing. Started again, with
/// this or another number of shares, it goes on from what all have done.
///
/// # Errors
/// As [`run`](super::run::run); `Refused` also where a run that shares with nobody is at work, or where it is to start over.
pub fn run_share(
    loaded: &LoadedPlan,
    options: &RunOptions,
    share: Share,
    patience: Duration,
    stop: &Stop,
    observer: &dyn Observer,
) -> Result<Ended> {
    let mut work = Joint::begin_as(loaded, options, patience, Some(share), stop, observer)?;
    match work.go(Task::Share(share), stop, observer) {
        Ok(None) => Ok(Ended::Finished(Box::new(work.finish(stop, observer)?))),
        Ok(Some(lacking)) => {
            work.log.waits(&lacking, observer);
            work.leave(observer)?;
            Ok(Ended::Waiting(lacking))
        }
        // Another process may have finished the run, and put the directory in order, while this one did again what was done.
        Err(error @ Error::Io { .. }) => {
            let report = work.finished_by_others().ok_or(error);
            work.log.ended(&report, observer);
            Ok(Ended::Finished(Box::new(report?)))
        }
        Err(error) => {
            work.log.failed(&error, observer);
            Err(error)
        }
    }
}

/// One of several processes that work on a run; what it has seen to be complete it does not look at again.
pub struct Joint {
    options: RunOptions,
    patience: Duration,
    started: Instant,
    /// None once the run is finished.
    going: Option<Box<Going>>,
    way: Mutex<Way>,
    seconds: Vec<(&'static str, f64)>,
    log: RunLog,
}

impl Joint {
    /// Begins the run, or joins those that work on it.
    ///
    /// # Errors
    /// See [`run_share`].
    pub fn begin(loaded: &LoadedPlan, options: &RunOptions, patience: Duration, stop: &Stop, observer: &dyn Observer) -> Result<Self> {
        Self::begin_as(loaded, options, patience, None, stop, observer)
    }

    fn begin_as(
        loaded: &LoadedPlan,
        options: &RunOptions,
        patience: Duration,
        share: Option<Share>,
        stop: &Stop,
        observer: &dyn Observer,
    ) -> Result<Self> {
        let started = Instant::now();
        if options.fresh {
            let hint = "start over once with `seimai run --fresh` and without --shard, or remove the directory";
            return Err(Error::refused_with_hint("--fresh: a process that shares a run cannot remove what others work on", hint));
        }
        refuse_early(&loaded.plan, options)?;
        let log = RunLog::new(options, share);
        let logged = log.with(observer);
        let begun = Wanted::new(loaded, options, stop, &log, &logged).and_then(|wanted| begin(wanted, stop));
        let going = match begun.inspect_err(|error| log.failed(error, observer))? {
            Begun::Going(going) => Some(going),
            Begun::Finished => None,
        };
        Ok(Self { options: options.clone(), patience, started, going, way: Mutex::default(), seconds: Vec::new(), log })
    }

    /// Is there nothing left to do?
    pub fn is_finished(&self) -> bool {
        self.going.is_none()
    }

    /// Hash of everything but the inputs that the output depends on; empty for a run that had finished.
    pub fn fingerprint(&self) -> &str {
        self.going.as_ref().map_or("", |going| going.fingerprint.as_str())
    }

    /// The first pass that is not complete, and what it lacks; nothing behind the last.
    ///
    /// # Errors
    /// Files of the run that cannot be read.
    pub fn look(&mut self, stop: &Stop, observer: &dyn Observer) -> Result<Option<Lacking>> {
        self.go(Task::Look, stop, observer).inspect_err(|error| self.log.failed(error, observer))
    }

    /// Works on one unit of a pass, unless that is done, and commits it; says whether it did.
    ///
    /// # Errors
    /// `Refused` where the run has no such unit, or does not come to it yet; those of the work.
    pub fn run_unit(&self, pass: &str, unit: &str, stop: &Stop, observer: &dyn Observer) -> Result<bool> {
        self.try_unit(pass, unit, stop, &self.log.with(observer)).inspect_err(|error| self.log.failed(error, observer))
    }

    fn try_unit(&self, pass: &str, unit: &str, stop: &Stop, observer: &dyn Observer) -> Result<bool> {
        let Some(going) = &self.going else { return Ok(false) };
        let task = Task::Unit { pass: pass.to_owned(), unit: unit.to_owned() };
        let context = going.context(&self.options, stop, observer, Together { task, patience: self.patience });
        let called = || format!("unit {} of {}", crate::quarantine::escape(unit, 80), crate::quarantine::escape(pass, 40));
        match way(&self.way)?.go(&context) {
            Err(Halt::Done(did)) => Ok(did),
            Err(Halt::Failed(error)) => Err(error),
            Err(Halt::Lacking(lacking)) if is_before(lacking.pass, pass) => {
                let message = format!("{}: {} lacks {} of {} units", called(), lacking.pass, lacking.units.len(), lacking.of);
                Err(Error::io(self.options.out.as_path(), "find what is to be there", std::io::Error::other(message)))
            }
            Ok(()) | Err(Halt::Lacking(_)) => {
                let hint = "plan, dictionary, inputs and version must be those that the run began with";
                Err(Error::refused_with_hint(format!("the run has no {}", called()), hint).about(Subject::Fingerprint))
            }
        }
    }

    /// Gives its place among others up and works on: for one whose driver has the run as long as it lasts.
    ///
    /// # Errors
    /// Those of the system.
    pub fn unlock(&self) -> Result<()> {
        self.going.as_ref().map_or(Ok(()), |going| going.store.work.unlock())
    }

    /// Goes on, up to the first pass that is not complete.
    fn go(&mut self, task: Task, stop: &Stop, observer: &dyn Observer) -> Result<Option<Lacking>> {
        let Some(going) = &self.going else { return Ok(None) };
        let observer = self.log.with(observer);
        let context = going.context(&self.options, stop, &observer, Together { task, patience: self.patience });
        let gone = way(&self.way)?.go(&context);
        self.seconds.extend(context.seconds.into_inner().unwrap_or_default());
        match gone {
            Ok(()) => Ok(None),
            Err(Halt::Lacking(lacking)) => Ok(Some(lacking)),
            Err(Halt::Failed(error)) => Err(error),
            Err(Halt::Done(_)) => Err(Error::internal("a unit that nobody asked for is done")),
        }
    }

    /// Writes the manifest and `_SUCCESS`; all passes are complete. What another has finished stays as it is.
    ///
    /// # Errors
    /// The directory cannot be written.
    pub fn finish(mut self, stop: &Stop, observer: &dyn Observer) -> Result<Report> {
        let report = match self.close(stop, observer) {
            Err(error @ Error::Io { .. }) => self.finished_by_others().ok_or(error),
            report => report,
        };
        self.log.ended(&report, observer);
        let report = report?;
        self.leave(observer)?;
        Ok(report)
    }

    fn close(&mut self, stop: &Stop, observer: &dyn Observer) -> Result<Report> {
        let Some(going) = &self.going else { return finish::already_done(&self.options.out, self.started) };
        let work = &going.store.work;
        // Waited for: it takes no time, and who comes second has nothing to do.
        let _claim = loop {
            match work.claim(pass::PACK)? {
                Some(claim) => break claim,
                None => stop.pause(LOOK)?,
            }
        };
        if work.is_complete() {
            return finish::already_done(&self.options.out, self.started);
        }
        let context = going.context(&self.options, stop, observer, Together::alone());
        let manifest = way(&self.way)?.manifest(&context)?;
        let seconds = std::mem::take(&mut self.seconds);
        let report = Report { manifest, seconds, wall: self.started.elapsed().as_secs_f64(), already_done: false };
        finish::commit(work, &report, going.pool.threads())?;
        Ok(report)
    }

    /// Leaves the run. The last one to leave a finished run puts its directory in order.
    ///
    /// # Errors
    /// The lock cannot be given back.
    pub fn leave(mut self, observer: &dyn Observer) -> Result<()> {
        let Some(mut going) = self.going.take() else { return Ok(()) };
        let work = &mut going.store.work;
        if work.is_complete() && work.outlast_others()? {
            finish::tidy(work, self.options.store_limit, observer);
        }
        Ok(())
    }

    /// The report of the run, if others have finished it.
    fn finished_by_others(&self) -> Option<Report> {
        let work = &self.going.as_ref()?.store.work;
        if work.is_complete() { finish::already_done(&self.options.out, self.started).ok() } else { None }
    }
}

fn way(way: &Mutex<Way>) -> Result<MutexGuard<'_, Way>> {
    way.lock().map_err(|_| Error::internal("another worker panicked"))
}

/// Is a pass one of those in front of another?
fn is_before(pass: &str, other: &str) -> bool {
    let place = |name: &str| pass::ALL.iter().position(|known| *known == name);
    place(pass) < place(other)
}

/// Comes in, and begins the run where nobody has.
fn begin(wanted: Wanted<'_>, stop: &Stop) -> Result<Begun> {
    loop {
        match WorkDir::open_shared(&wanted.options.out)? {
            Entrance::First(work) => return first(wanted, work),
            Entrance::Among(work) => match work.state()? {
                // Whoever was to begin it has gone.
                None => {}
                Some(known) => return among(wanted, work, &known),
            },
            Entrance::Wait => {}
        }
        stop.pause(LOOK)?;
    }
}

/// Nobody else is there.
fn first(wanted: Wanted<'_>, work: WorkDir) -> Result<Begun> {
    let begun = wanted.begin(work)?;
    if let Begun::Going(going) = &begun
        && !going.store.work.let_others_in()?
    {
        let message = format!("{}: another run has come in between", going.store.work.out().path().display());
        return Err(Error::refused_with_hint(message, "wait for it, and start this share again").about(Subject::Lock));
    }
    Ok(begun)
}

/// Others have begun it.
fn among(wanted: Wanted<'_>, mut work: WorkDir, known: &State) -> Result<Begun> {
    if work.is_complete() {
        let finished = finish::finished_state(work.out(), Some(known))?;
        if inputs::is_same_run(&finished, &wanted.now(&finished)?) {
            // Whoever finished it may have left the order to the last, which is this one then.
            if work.outlast_others()? {
                finish::tidy(&work, wanted.options.store_limit, wanted.observer);
            }
            return Ok(Begun::Finished);
        }
        let message = format!("{}: shares of a run of another plan or other inputs are still at work here", work.out().path().display());
        return Err(Error::refused_with_hint(message, "wait until they have ended, or name another --out").about(Subject::Lock));
    }
    let state = wanted.state(Some(known))?;
    wanted.go(work, state)
}
