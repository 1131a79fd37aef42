//! A plan as somebody gives it: from a file or through a pipe, with settings of the command line on top of it.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::plan::Plan;
use super::plan_kind::no_plan;
use super::plan_text::{Read, Sound};
use super::surroundings;
use crate::error::{Error, PlanFault, Result, Subject};
use crate::io::open_file;

/// A plan larger than this is refused.
const PLAN_BYTES_MAX: u64 = 1 << 20;

/// A plan with the directory it came from: relative input paths start at `base`.
#[derive(Debug, Clone)]
pub struct LoadedPlan {
    /// The settings.
    pub plan: Plan,
    /// Directory of the plan file.
    pub base: PathBuf,
    /// The plan file, for messages.
    pub file: PathBuf,
    /// What stands in it.
    pub text: String,
    /// `KEY=VALUE` settings on top of it.
    pub settings: Vec<String>,
}

impl LoadedPlan {
    /// Reads a plan file and applies `KEY=VALUE` settings (dotted keys, TOML values; bare words are strings). `-` is standard input, and paths
    /// start at the working directory then.
    ///
    /// # Errors
    /// `Refused`, with everything that is wrong, in the order of the file; where something is, also files that the plan names and that are not there.
    pub fn read(file: &Path, settings: &[String]) -> Result<Self> {
        let from_stdin = file.as_os_str() == "-";
        let name = if from_stdin { "standard input".to_owned() } else { file.display().to_string() };
        let unreadable = |error: &Error| {
            let message = format!("{name}: cannot read the plan: {}", error.without_path());
            of_plan(Error::refused_with_hint(message, "`seimai init` writes one"), &name)
        };
        let of_name = |error: Error| error.refused_if_of_the_name(unreadable);
        let reader: Box<dyn std::io::Read> =
            if from_stdin { Box::new(std::io::stdin()) } else { Box::new(open_file(file).map_err(of_name)?) };
        let mut bytes = Vec::new();
        reader.take(PLAN_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|e| of_name(Error::io(file, "read", e)))?;
        let is_whole = bytes.len() as u64 <= PLAN_BYTES_MAX;
        if let Some(what) = no_plan(&bytes, is_whole) {
            return Err(of_plan(data_for_plan(&name, what, from_stdin), &name));
        }
        if !is_whole {
            let refused = Error::refused_with_hint(format!("{name}: larger than {PLAN_BYTES_MAX} bytes"), DATA_HINT);
            return Err(of_plan(refused, &name));
        }
        let not_utf8 = |_| Error::refused_with_hint(format!("{name}: the plan is not UTF-8"), DATA_HINT);
        let text = String::from_utf8(bytes).map_err(|e| of_plan(not_utf8(e), &name))?;
        let file = PathBuf::from(name);
        let base = file.parent().filter(|parent| !parent.as_os_str().is_empty() && !from_stdin).unwrap_or_else(|| Path::new("."));
        Self::from_text(text, settings.to_vec(), base.to_path_buf(), file)
    }

    /// The same of a text that is there; `file` is what it is called in messages.
    ///
    /// # Errors
    /// As [`LoadedPlan::read`].
    pub fn from_text(text: String, settings: Vec<String>, base: PathBuf, file: PathBuf) -> Result<Self> {
        let name = file.display().to_string();
        let plan = {
            let sound = Sound::of(&text);
            let mut read = Read::new(&sound, &settings, &name, Plan::CHECKS);
            if read.is_faulty() {
                surroundings::complain(&mut read, &base);
            }
            read.finish()?
        };
        Ok(Self { plan, base, file, text, settings })
    }

    /// A refusal of something that the plan names (inputs, lists, a dictionary) as all such refusals, in the order of the file; another error as it is.
    #[must_use]
    pub fn all_refusals(&self, refused: Error) -> Error {
        if !matches!(&refused, Error::Refused { subject: Subject::Request | Subject::Dictionary, .. }) {
            return refused;
        }
        let name = self.file.display().to_string();
        let sound = Sound::of(&self.text);
        let mut read = Read::<Plan>::new(&sound, &self.settings, &name, &[]);
        let found = surroundings::complain(&mut read, &self.base);
        // One alone is said as it was.
        if found > 1 { read.finish().err().unwrap_or(refused) } else { refused }
    }
}

/// For a file that looks like anything but a plan.
const DATA_HINT: &str = "a plan is a TOML file that names the data; `seimai init --input FILE > plan.toml` writes one for it";

/// Data was given where a plan belongs.
fn data_for_plan(name: &str, what: &str, from_stdin: bool) -> Error {
    let message = format!("{name}: this is {what}: data, not a plan");
    if from_stdin {
        return Error::refused_with_hint(message, "a plan is a TOML file that names the data; `seimai init` writes one");
    }
    let hint = format!("write a plan that reads it: seimai init --input {name} > plan.toml; or look at it: seimai inspect --input {name}");
    Error::refused_with_hint(message, hint)
}

/// A refusal because of the plan called so.
fn of_plan(refused: Error, name: &str) -> Error {
    refused.about(Subject::Plan(Box::new(PlanFault { file: name.to_owned(), ..PlanFault::default() })))
}
