//! What the benchmarks measure time with: the best of some rounds, in CPU seconds of this thread.

/// CPU seconds of this thread so far.
pub(crate) fn cpu_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Best of `rounds` rounds, at least one, and what the last gave.
pub(crate) fn best_of<T>(rounds: usize, mut work: impl FnMut() -> T) -> (f64, T) {
    let mut once = || {
        let start = cpu_seconds();
        let value = work();
        (cpu_seconds() - start, value)
    };
    let (mut best, mut last) = once();
    for _ in 1..rounds {
        let (seconds, value) = once();
        best = best.min(seconds);
        last = value;
    }
    (best, last)
}
