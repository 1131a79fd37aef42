//! SIGINT, SIGTERM and SIGHUP. A run or a training is asked to stop and has some seconds, a second signal stops it at once; either way it resumes.
//! Every other command ends at once: it leaves nothing that could be resumed.

use std::io::{PipeWriter, Read, Write};
use std::sync::{LazyLock, OnceLock};
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};

use crate::pipeline::observer::Stop;

static STOP: LazyLock<Stop> = LazyLock::new(Stop::default);
static WATCHING: OnceLock<()> = OnceLock::new();

/// How long a clean stop may take; what is committed is safe however the process ends.
const GRACE: Duration = Duration::from_secs(4);

/// The request that the handlers set.
pub(super) fn stop() -> &'static Stop {
    &STOP
}

/// Installs the handlers, once; `resumable`: the command is a run or a training.
pub(super) fn watch(resumable: bool) {
    WATCHING.get_or_init(|| {
        // A file size limit then shows as EFBIG (exit code 4) instead of killing the process.
        let _ = signal_hook::flag::register(SIGXFSZ, std::sync::Arc::default());
        // A pipe and no pair of sockets: this program opens none.
        let Ok((mut arrived, writer)) = std::io::pipe() else { return };
        // Without a thread to spare the default action stays: the process ends, and resumes like after a kill.
        let waiting = std::thread::Builder::new().name("signals".into()).spawn(move || {
            let (mut asked, mut signal) = (false, [0]);
            while arrived.read_exact(&mut signal).is_ok() {
                let signal = i32::from(signal[0]);
                if !resumable {
                    crate::io::remove_unfinished();
                    end(signal);
                }
                if asked {
                    end_run(signal);
                }
                asked = true;
                STOP.request(signal);
                let _ = std::thread::Builder::new().spawn(move || {
                    std::thread::sleep(GRACE);
                    end_run(signal);
                });
            }
        });
        if waiting.is_ok() {
            let _ = tell(writer);
        }
    });
}

/// From now on each signal that arrives is a byte in the pipe: its number.
fn tell(pipe: PipeWriter) -> std::io::Result<()> {
    // A handler must never wait; a byte that finds no room is one signal of very many.
    rustix::fs::fcntl_setfl(&pipe, rustix::fs::OFlags::NONBLOCK)?;
    let pipe = std::sync::Arc::new(pipe);
    // `nohup` and its kind have a process ignore SIGHUP: then it does not stop for it.
    let hangup = (!is_ignored(SIGHUP)).then_some(SIGHUP);
    for signal in [SIGINT, SIGTERM].into_iter().chain(hangup) {
        let (pipe, byte) = (std::sync::Arc::clone(&pipe), [signal as u8]);
        let handler = move || {
            let _ = rustix::io::write(&pipe, &byte);
        };
        // SAFETY: a handler may only do what is safe at any moment. This one makes a system call, `write`, which is.
        #[expect(unsafe_code, reason = "what a handler does is the promise of whoever registers it")]
        unsafe { signal_hook::low_level::register(signal, handler) }?;
    }
    Ok(())
}

/// Did the process begin with this signal ignored?
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

fn end_run(signal: i32) -> ! {
    let _ = writeln!(std::io::stderr(), "stopped at once; run the same command again to resume");
    end(signal)
}

fn end(signal: i32) -> ! {
    #[expect(clippy::exit, reason = "a person asked for it, and nothing half-written carries a final name")]
    std::process::exit(128 + signal)
}
