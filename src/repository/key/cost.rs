//! What it costs to derive a key from a password.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::SALT_LENGTH;
use crate::repository::crypto::{Cipher, SecretKeys};
use crate::repository::error::Damage;

/// What scrypt costs: `n` steps over 128 · `n` · `r` bytes of memory, `p` times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    #[serde(rename = "N")]
    pub n: u64,
    pub r: u32,
    pub p: u32,
}

impl Cost {
    /// scrypt's own recommendation, and the least that restic uses.
    pub const LEAST: Cost = Cost {
        n: 1 << 15,
        r: 8,
        p: 1,
    };
    /// Half a gigabyte: a hostile key file asks for no more.
    const MOST_MEMORY: u64 = 512 << 20;
    /// Some minutes.
    const MOST_WORK: u64 = 1 << 28;

    /// As restic chooses them: as much as this processor does in half a second, with the memory of the least.
    ///
    /// A build with debug assertions takes `n` from `FREEZERD_KEY_COST`: the tests open thousands of repositories.
    pub fn calibrated() -> Cost {
        #[cfg(debug_assertions)]
        if let Some(n) = std::env::var("FREEZERD_KEY_COST")
            .ok()
            .and_then(|n| n.parse().ok())
        {
            return Cost { n, ..Cost::LEAST };
        }
        let started = Instant::now();
        let mut out = Zeroizing::new([0; 64]);
        if derive(Cost::LEAST, b"", &[0; SALT_LENGTH], &mut out).is_err() {
            return Cost::LEAST;
        }
        let once = started.elapsed().max(Duration::from_millis(1));
        let times = Duration::from_millis(500).as_micros() / once.as_micros().max(1);
        Cost {
            p: u32::try_from(times).unwrap_or(1).clamp(1, 16),
            ..Cost::LEAST
        }
    }

    /// How many of the `p` computations, which do not depend on each other, run at the same time: each has its memory.
    fn lanes_at_a_time(self, cores: usize) -> usize {
        let memory = self.n.saturating_mul(u64::from(self.r)).saturating_mul(128);
        let fitting = usize::try_from(Cost::MOST_MEMORY / memory.max(1)).unwrap_or(usize::MAX);
        let lanes = usize::try_from(self.p).unwrap_or(usize::MAX);
        cores.min(fitting).min(lanes).max(1)
    }

    /// scrypt's parameters, when they are possible and bearable.
    pub(super) fn parameters(self) -> Option<scrypt::Params> {
        let (r, p) = (u64::from(self.r), u64::from(self.p));
        let memory = self.n.checked_mul(r)?.checked_mul(128)?;
        let work = self.n.checked_mul(r)?.checked_mul(p)?;
        let possible = self.n.is_power_of_two() && self.n > 1;
        if !possible || memory > Cost::MOST_MEMORY || work > Cost::MOST_WORK {
            return None;
        }
        scrypt::Params::new(self.n.ilog2() as u8, self.r, self.p).ok()
    }
}

fn derive(cost: Cost, password: &[u8], salt: &[u8], out: &mut [u8; 64]) -> Result<(), Damage> {
    let parameters = cost.parameters().ok_or(Damage::Value)?;
    let mut run = || scrypt::scrypt(password, salt, &parameters, out).map_err(|_| Damage::Value);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = cost.lanes_at_a_time(cores);
    let pool = || rayon::ThreadPoolBuilder::new();
    let built = pool().num_threads(threads).build();
    // Where the system gives no more threads, the one of the caller does the work.
    match built.or_else(|_| pool().num_threads(1).use_current_thread().build()) {
        Ok(pool) => pool.install(run),
        // An earlier call has made the thread a pool of one.
        Err(_) => run(),
    }
}

/// What the password encrypts the repository's keys with.
pub(super) fn cipher_of(cost: Cost, password: &[u8], salt: &[u8]) -> Result<Cipher, Damage> {
    let mut bytes = Zeroizing::new([0; 64]);
    derive(cost, password, salt, &mut bytes)?;
    Ok(Cipher::new(&SecretKeys::from_bytes(&bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_computations_that_run_together_give_what_the_standard_says() {
        // RFC 7914, section 12.
        let cost = Cost {
            n: 1024,
            r: 8,
            p: 16,
        };
        let mut out = [0; 64];
        derive(cost, b"password", b"NaCl", &mut out).unwrap();
        let hex: String = out.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            hex,
            "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162\
             2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640"
        );
    }

    #[test]
    fn no_more_run_together_than_there_is_memory_for() {
        let lanes = |n, p, cores| Cost { n, r: 8, p }.lanes_at_a_time(cores);
        assert_eq!(lanes(1 << 15, 6, 2), 2);
        assert_eq!(lanes(1 << 15, 1, 8), 1);
        assert_eq!(lanes(1 << 15, 64, 64), 16);
        assert_eq!(lanes(1 << 19, 6, 2), 1);
        assert_eq!(lanes(1 << 30, 6, 2), 1);
    }
}
