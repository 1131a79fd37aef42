//! Opens the dictionary and the engine that the options name.

use std::sync::Arc;

use crate::error::{Error, Result, Subject};
use crate::segment::dictionary::Dictionary;
use crate::segment::engine::Segmenter;
use crate::segment::exact::Exact;
use crate::segment::lindera::Lindera;
use crate::segment::options::{Engine, Options};
use crate::segment::store;

/// Opens the dictionary and the engine that the options name.
///
/// # Errors
/// Refused: dictionary not installed (the hint names the commands), malformed or damaged.
pub fn open(options: &Options) -> Result<(Arc<Dictionary>, Arc<dyn Segmenter>)> {
    open_any(options).map_err(|error| error.about(Subject::Dictionary))
}

fn open_any(options: &Options) -> Result<(Arc<Dictionary>, Arc<dyn Segmenter>)> {
    options.check().map_err(Error::refused)?;
    let dictionary = Arc::new(store::open::open_with(&options.dictionary, &options.user_dictionary)?);
    let segmenter: Arc<dyn Segmenter> = match options.engine {
        Engine::Lindera => Arc::new(Lindera::new(Arc::clone(&dictionary)).map_err(store::open::refuse)?),
        Engine::Exact => Arc::new(Exact::new(&dictionary).map_err(store::open::refuse)?),
    };
    Ok((dictionary, segmenter))
}
