//! What one file may cost, as it is configured: each limit has the name it goes by in the configuration.

use serde::{Deserialize, Serialize};

const MIB: u64 = 1024 * 1024;

/// How far containers are opened. Every limit but the first counts for one file of the tree and all that is nested in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Containers within containers; a compressor and the tar in it are one. 0 opens none.
    pub max_archive_depth: u32,
    /// Whether the user chose that depth: then what lies deeper was not asked for.
    #[serde(skip)]
    pub depth_chosen: bool,
    /// Bytes that come out of decompressors, all nested ones together.
    pub max_expansion: u64,
    /// Bytes out for each byte in, checked for one compressed stream once `ratio_after` bytes came out of the file.
    pub max_ratio: u64,
    /// Bytes that may come out at any ratio: zeros are cheap to read, and a token may stand behind them.
    pub ratio_after: u64,
    /// Members, all nested ones together.
    pub max_entries: u64,
    /// Seconds of work, scanning included; waiting is none.
    pub max_seconds: u64,
    /// Bytes that decoders and buffers may hold at a time.
    pub max_memory: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            max_archive_depth: 8,
            depth_chosen: false,
            max_expansion: 16 * 1024 * MIB,
            max_ratio: 250,
            ratio_after: 1280 * MIB,
            max_entries: 1_000_000,
            max_seconds: 120,
            max_memory: 160 * MIB,
        }
    }
}

/// The limit that cut something short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Limit {
    Depth,
    Expansion,
    Ratio,
    Entries,
    Seconds,
    Memory,
}

impl Limit {
    /// Its name in the configuration, and its value.
    pub(super) fn name_and_value(self, limits: &Limits) -> (&'static str, u64) {
        match self {
            Limit::Depth => ("max_archive_depth", u64::from(limits.max_archive_depth)),
            Limit::Expansion => ("max_expansion", limits.max_expansion),
            Limit::Ratio => ("max_ratio", limits.max_ratio),
            Limit::Entries => ("max_entries", limits.max_entries),
            Limit::Seconds => ("max_seconds", limits.max_seconds),
            Limit::Memory => ("max_memory", limits.max_memory),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_named_as_in_the_configuration() {
        let limits = Limits::default();
        let json = serde_json::to_value(limits).expect("plain numbers");
        for limit in
            [Limit::Depth, Limit::Expansion, Limit::Ratio, Limit::Entries, Limit::Seconds, Limit::Memory]
        {
            let (name, value) = limit.name_and_value(&limits);
            assert_eq!(json[name].as_u64(), Some(value), "{name}");
        }
    }
}
