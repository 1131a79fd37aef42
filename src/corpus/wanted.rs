//! What is wanted of a file that is read as a whole.

use super::html;
use super::options::{ChatOptions, DietDocuments, LawDocuments, Notation};

/// What the plan wants of a file.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Wanted {
    /// Of a page of HTML.
    pub(super) html: html::Options,
    /// The notation of text files and pages.
    pub(super) notation: Notation,
    /// Are readings and the like noted with their places?
    pub(super) spans: bool,
    /// What of a statute is a document.
    pub(super) law: LawDocuments,
    /// What of a record of the Diet is a document.
    pub(super) diet: DietDocuments,
    /// How a log of a chat is read.
    pub(super) chat: ChatOptions,
}
