//! Why a file cannot be opened.

use std::io::ErrorKind;

/// Reason code of an error while opening.
pub(super) fn io_reason(error: &std::io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::NotFound => "io_not_found",
        ErrorKind::PermissionDenied => "io_permission",
        _ => "io_error",
    }
}
