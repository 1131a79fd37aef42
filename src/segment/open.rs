//! Opens the dictionary and the engine that the options name.

use std::sync::Arc;

use crate::error::{Error, Result, Subject};
use crate::segment::dictionary::Dictionary;
use crate::segment::engine::Segmenter;
use crate::segment::exact::Exact;
use crate::segment::lindera::Lindera;
use crate::segment::options::{Engine, Options};
use crate::segment::store::{self, Check};

/// Opens the dictionary and the engine that the options name. Every byte of the dictionary is compared with its hash first.
///
/// # Errors
/// Refused: dictionary not installed (the hint names the commands), malformed or damaged. I/O.
pub fn open(options: &Options) -> Result<(Arc<Dictionary>, Arc<dyn Segmenter>)> {
    open_checked(options, Check::EachTime)
}

/// [`open`], for work that is shorter than comparing every byte: where a note of the store says that these very files were compared since
/// the machine was started, that is taken for granted. Such a note is written here too.
///
/// # Errors
/// See [`open`].
pub fn open_noted(options: &Options) -> Result<(Arc<Dictionary>, Arc<dyn Segmenter>)> {
    open_checked(options, Check::Once)
}

fn open_checked(options: &Options, when: Check) -> Result<(Arc<Dictionary>, Arc<dyn Segmenter>)> {
    open_any(options, when).map_err(|error| error.about(Subject::Dictionary))
}

fn open_any(options: &Options, when: Check) -> Result<(Arc<Dictionary>, Arc<dyn Segmenter>)> {
    options.check().map_err(Error::refused)?;
    let dictionary = Arc::new(store::open::open_with(&options.dictionary, &options.user_dictionary, when)?);
    let segmenter: Arc<dyn Segmenter> = match options.engine {
        Engine::Lindera => Arc::new(Lindera::new(Arc::clone(&dictionary)).map_err(store::open::refuse)?),
        Engine::Exact => Arc::new(Exact::new(&dictionary).map_err(store::open::refuse)?),
    };
    Ok((dictionary, segmenter))
}
