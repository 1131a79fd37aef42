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

/// What becomes of the readings of ruby.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Ruby {
    /// They are left out: 漢字
    #[default]
    Drop,
    /// They stand in brackets behind their base: 漢字（かんじ）
    Keep,
}

/// How a page is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// What of it is wanted.
    pub extract: Extract,
    /// What becomes of the readings of ruby.
    pub ruby: Ruby,
    /// Is it known to be XML (by media type or name)? A page that begins with `<?xml` is, whatever stands here.
    pub is_xml: bool,
}
