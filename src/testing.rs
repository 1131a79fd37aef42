//! For tests only: a test that cannot do its work on this machine says so, and fails where `CI` is set unless
//! `tests/it/may_skip.txt` names it.

/// Lines `test — reason`.
const MAY_SKIP: &str = include_str!("../tests/it/may_skip.txt");

/// Says that `test` needs `what`, which is not here.
///
/// # Panics
/// Where `CI` is set and the list does not name the test.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
pub(crate) fn skipped(test: &str, what: &str) {
    eprintln!("skipped: {test} needs {what} (not found)");
    let in_ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty());
    assert!(!in_ci || may_skip(test), "{test} was skipped where CI is set, and tests/it/may_skip.txt does not name it");
}

/// Tests that may be skipped everywhere, with the reasons.
pub(crate) fn listed() -> impl Iterator<Item = (&'static str, &'static str)> {
    MAY_SKIP.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).filter_map(|line| line.split_once(" — "))
}

fn may_skip(test: &str) -> bool {
    listed().any(|(name, _)| name == test)
}
