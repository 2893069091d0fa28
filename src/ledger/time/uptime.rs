//! How long the machine has run: a clock that nobody sets, and that all its processes share.

/// How long the machine has run, and since which start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Uptime {
    /// Distinguishes this start of this machine from all others.
    pub(crate) boot: i64,
    /// In milliseconds, those in which the machine slept among them.
    pub(crate) ms: i64,
}

/// How long this machine has run; `None` where it cannot be told.
#[cfg(not(test))]
pub(super) fn read() -> Option<Uptime> {
    machine::read()
}

#[cfg(test)]
pub(super) use script::read;

/// What tells one start of a machine from another, and the uptime in milliseconds, as Linux has them.
#[cfg(target_os = "linux")]
mod machine {
    use std::fs;
    use std::os::unix::ffi::OsStrExt as _;
    use std::sync::LazyLock;
    use std::time::Duration;

    use nix::time::{ClockId, clock_gettime};

    use crate::ledger::time::uptime::Uptime;
    use crate::token::Fingerprint;

    /// No machine runs for so long: something stands before the clock. libfaketime, for one, shows the time since 1970 there
    /// (<https://github.com/wolfcw/libfaketime>).
    const LONGEST: Duration = Duration::from_hours(20 * 365 * 24);

    /// `CLOCK_BOOTTIME` also counts while the machine is suspended (`clock_gettime(2)`).
    pub(super) fn read() -> Option<Uptime> {
        static BOOT: LazyLock<Option<i64>> = LazyLock::new(boot);
        let time = Duration::from(clock_gettime(ClockId::CLOCK_BOOTTIME).ok()?);
        (time < LONGEST).then_some(Uptime { boot: (*BOOT)?, ms: i64::try_from(time.as_millis()).ok()? })
    }

    /// `boot_id` is a random number made at each start (`random(4)`). In another time namespace the clock shows another time
    /// (`time_namespaces(7)`), as after another start.
    fn boot() -> Option<i64> {
        let mut id = fs::read("/proc/sys/kernel/random/boot_id").ok()?;
        if let Ok(namespace) = fs::read_link("/proc/self/ns/time") {
            id.extend(namespace.as_os_str().as_bytes());
        }
        Fingerprint::of(&id).0.first_chunk().map(|start| i64::from_be_bytes(*start))
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn the_machine_runs_on() -> Result<(), Box<dyn std::error::Error>> {
            let before = read().ok_or("a start and an uptime")?;
            std::thread::sleep(Duration::from_millis(20));
            let after = read().ok_or("a start and an uptime")?;
            assert_eq!(before.boot, after.boot);
            assert!((20..60_000).contains(&(after.ms - before.ms)), "{before:?}, {after:?}");
            // In seconds (`proc(5)`); some containers count from their own start there.
            let shown = fs::read_to_string("/proc/uptime")?;
            let shown: f64 = shown.split_whitespace().next().ok_or("two numbers")?.parse()?;
            assert!(Duration::from_millis(after.ms.cast_unsigned()).as_secs_f64() > shown - 60.0);
            Ok(())
        }
    }
}

/// Elsewhere nothing is known that all processes share and nobody sets.
#[cfg(not(any(target_os = "linux", test)))]
mod machine {
    pub(super) fn read() -> Option<crate::ledger::time::uptime::Uptime> {
        None
    }
}

/// The uptime that a test says.
#[cfg(test)]
pub(super) mod script {
    use std::cell::Cell;

    use crate::ledger::time::uptime::Uptime;

    thread_local! {
        static UPTIME: Cell<Option<Uptime>> = const { Cell::new(None) };
    }

    pub(crate) fn read() -> Option<Uptime> {
        UPTIME.get()
    }

    /// From now on, for this thread.
    pub(crate) fn set_uptime(uptime: Option<Uptime>) {
        UPTIME.set(uptime);
    }
}
