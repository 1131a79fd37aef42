//! SIGINT and SIGTERM. A run is asked to stop and has some seconds, a second signal stops it at once; either way it resumes.
//! Every other command ends at once: it leaves nothing that could be resumed.

use std::io::Write;
use std::sync::{LazyLock, OnceLock};
use std::time::Duration;

use signal_hook::consts::{SIGINT, SIGTERM, SIGXFSZ};

use crate::pipeline::observer::Stop;

static STOP: LazyLock<Stop> = LazyLock::new(Stop::default);
static WATCHING: OnceLock<()> = OnceLock::new();

/// How long a clean stop may take; what is committed is safe however the process ends.
const GRACE: Duration = Duration::from_secs(4);

/// The request that the handlers set.
pub(super) fn stop() -> &'static Stop {
    &STOP
}

/// Installs the handlers, once; `resumable`: the command is a run.
pub(super) fn watch(resumable: bool) {
    WATCHING.get_or_init(|| {
        // A file size limit then shows as EFBIG (exit code 4) instead of killing the process.
        let _ = signal_hook::flag::register(SIGXFSZ, std::sync::Arc::default());
        let Ok(mut signals) = signal_hook::iterator::Signals::new([SIGINT, SIGTERM]) else { return };
        // Without a thread to spare the default action stays: the process ends, and resumes like after a kill.
        let _ = std::thread::Builder::new().name("signals".into()).spawn(move || {
            let mut asked = false;
            for signal in signals.forever() {
                if !resumable {
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
    });
}

fn end_run(signal: i32) -> ! {
    let _ = writeln!(std::io::stderr(), "stopped at once; run the same command again to resume");
    end(signal)
}

fn end(signal: i32) -> ! {
    #[expect(clippy::exit, reason = "a person asked for it, and nothing half-written carries a final name")]
    std::process::exit(128 + signal)
}
