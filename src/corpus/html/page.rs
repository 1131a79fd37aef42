//! What is read of a page.

/// A page as text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// The text, one line a block of the page.
    pub text: String,
    /// What its `<title>` says, on one line; `None` where there is none or nothing in it.
    pub title: Option<String>,
}

impl Page {
    /// What is known of the page beside its text, as the `meta` of a record: `{"title": …}`.
    #[must_use]
    pub fn meta(&self) -> Option<String> {
        self.title.as_ref().map(|title| serde_json::json!({ "title": title }).to_string())
    }
}
