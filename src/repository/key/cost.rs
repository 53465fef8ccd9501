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
    pub fn calibrated() -> Cost {
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
    scrypt::scrypt(password, salt, &parameters, out).map_err(|_| Damage::Value)
}

/// What the password encrypts the repository's keys with.
pub(super) fn cipher_of(cost: Cost, password: &[u8], salt: &[u8]) -> Result<Cipher, Damage> {
    let mut bytes = Zeroizing::new([0; 64]);
    derive(cost, password, salt, &mut bytes)?;
    Ok(Cipher::new(&SecretKeys::from_bytes(&bytes)))
}
