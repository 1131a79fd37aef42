//! A toy lexicon.
