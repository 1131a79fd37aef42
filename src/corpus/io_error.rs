//! What an error of the system says: something about the file, or something about the machine?

use std::io::ErrorKind;

/// Reason code of an error while opening.
pub(super) fn io_reason(error: &std::io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::NotFound => "io_not_found",
        ErrorKind::PermissionDenied => "io_permission",
        _ => "io_error",
    }
}

/// Is it the machine that failed (no descriptors, no memory, a bad disk)? Then the error says nothing about the file, and nothing may be
/// counted as lost because of it. What is not there, not permitted or no file at all is the file's own matter.
pub fn is_of_the_machine(error: &std::io::Error) -> bool {
    use rustix::io::Errno;
    const OF_THE_FILE: [Errno; 10] = [
        Errno::NOENT,
        Errno::ACCESS,
        Errno::PERM,
        Errno::LOOP,
        Errno::NOTDIR,
        Errno::ISDIR,
        Errno::NAMETOOLONG,
        Errno::NXIO,
        Errno::NODEV,
        Errno::INVAL,
    ];
    match error.raw_os_error() {
        Some(code) => OF_THE_FILE.iter().all(|errno| errno.raw_os_error() != code),
        None => matches!(error.kind(), ErrorKind::OutOfMemory | ErrorKind::StorageFull),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_of_the_machine() {
        use rustix::io::Errno;
        let of_the_machine = |code| is_of_the_machine(&std::io::Error::from_raw_os_error(code));
        for errno in [Errno::IO, Errno::MFILE, Errno::NFILE, Errno::NOMEM, Errno::STALE] {
            assert!(of_the_machine(errno.raw_os_error()), "{errno}");
        }
        for errno in [Errno::NOENT, Errno::ACCESS, Errno::PERM, Errno::LOOP, Errno::NAMETOOLONG] {
            assert!(!of_the_machine(errno.raw_os_error()), "{errno}");
        }
        assert!(!is_of_the_machine(&std::io::Error::other("not a regular file")));
    }
}
