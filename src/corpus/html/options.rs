//! What is wanted of a page.

/// What of a page is its text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Extract {
    /// The main content: without navigation, headers and footers of the site, forms, share buttons, notices and the like.
    #[default]
    Main,
    /// Everything a reader sees.
    All,
}

/// How a page is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// What of it is wanted.
    pub extract: Extract,
    /// Is it known to be XML (by media type or name)? A page that begins with `<?xml` is, whatever stands here.
    pub is_xml: bool,
}
