//! What a page says of its charset.

/// The charset a page says it is in, from its first KiB.
pub(in crate::corpus) fn declared_charset(bytes: &[u8]) -> Option<&str> {
    let head = &bytes[..bytes.len().min(1024)];
    let at = head.to_ascii_lowercase().windows(8).position(|window| window == b"charset=")? + 8;
    let label = head[at..].strip_prefix(b"\"").or_else(|| head[at..].strip_prefix(b"'")).unwrap_or(&head[at..]);
    let end = label.iter().position(|b| !b.is_ascii_alphanumeric() && !b"-_".contains(b)).unwrap_or(label.len());
    std::str::from_utf8(&label[..end]).ok()
}
