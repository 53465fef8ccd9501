//! Polynomials over the field of two elements, as bits of an integer: what restic's chunker is keyed with.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::crypto::fill_random;
use super::error::Error;

/// Shown as hexadecimal digits without leading zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Polynomial(pub u64);

/// The degree of the polynomials that restic makes.
const DEGREE: u32 = 53;

impl Polynomial {
    /// A random irreducible polynomial of degree 53, for a new repository.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn random() -> Result<Polynomial, Error> {
        // One in about 53 is irreducible, or one in 27 of those with a constant term.
        loop {
            let mut bytes = [0; 8];
            fill_random(&mut bytes)?;
            let low = u64::from_le_bytes(bytes) & ((1 << DEGREE) - 1);
            let candidate = Polynomial(low | 1 << DEGREE | 1);
            if candidate.is_irreducible() {
                return Ok(candidate);
            }
        }
    }

    /// `None` for the polynomial 0.
    pub fn degree(self) -> Option<u32> {
        self.0.checked_ilog2()
    }

    /// Rabin's test: x^(2^n) = x modulo the polynomial of degree n, and it has no factor in common with
    /// x^(2^(n/p)) - x for any prime divisor p of n.
    pub fn is_irreducible(self) -> bool {
        let Some(degree) = self.degree().filter(|degree| *degree > 0) else {
            return false;
        };
        let x = remainder(2, self.0);
        let mut power = x;
        for step in 1..=degree {
            power = square(power, self.0);
            let is_test = degree % step == 0 && is_prime(degree / step);
            if is_test && common_factor(self.0, power ^ x) != 1 {
                return false;
            }
        }
        power == x
    }
}

fn is_prime(number: u32) -> bool {
    number > 1 && (2..number).all(|divisor| !number.is_multiple_of(divisor))
}

fn remainder(mut value: u128, modulus: u64) -> u64 {
    let degree = modulus.ilog2();
    while let Some(top) = value.checked_ilog2().filter(|top| *top >= degree) {
        value ^= u128::from(modulus) << (top - degree);
    }
    // Below the modulus, which has 64 bits.
    value as u64
}

/// A square has no mixed terms: each bit moves to twice its place.
fn square(value: u64, modulus: u64) -> u64 {
    let mut spread = 0_u128;
    for bit in 0..64 {
        spread |= u128::from(value >> bit & 1) << (2 * bit);
    }
    remainder(spread, modulus)
}

fn common_factor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, remainder(u128::from(a), b));
    }
    a
}

impl fmt::Display for Polynomial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}", self.0)
    }
}

impl Serialize for Polynomial {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Polynomial {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Polynomial, D::Error> {
        let text = String::deserialize(deserializer)?;
        u64::from_str_radix(&text, 16)
            .map(Polynomial)
            .map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_polynomials_are_sorted_right() {
        // x, x+1, x²+x+1, x³+x+1, x³+x²+1, x⁴+x+1, and those of restic's documents.
        for irreducible in [
            2,
            3,
            7,
            11,
            13,
            19,
            0x25_b468_838d_cb75,
            0x3D_A335_8B4D_C173,
        ] {
            assert!(Polynomial(irreducible).is_irreducible(), "{irreducible:x}");
        }
        // 1 and 0 are not; x², x²+1 = (x+1)², x⁴+x²+1 = (x²+x+1)².
        for reducible in [
            0,
            1,
            4,
            5,
            21,
            0x25_b468_838d_cb74,
            0x3D_A335_8B4D_C177,
            u64::MAX,
        ] {
            assert!(!Polynomial(reducible).is_irreducible(), "{reducible:x}");
        }
    }

    #[test]
    fn as_many_are_irreducible_as_gauss_counts() {
        for (degree, expected) in [(1, 2), (2, 1), (3, 2), (4, 3), (8, 30), (10, 99)] {
            let count = (1_u64 << degree..2 << degree)
                .filter(|bits| Polynomial(*bits).is_irreducible())
                .count();
            assert_eq!(count, expected, "of degree {degree}");
        }
    }

    #[test]
    fn a_random_one_has_the_degree_that_restic_wants() {
        let random = Polynomial::random().unwrap();
        assert_eq!(random.degree(), Some(53));
        assert!(random.is_irreducible());
        assert_ne!(random, Polynomial::random().unwrap());
    }
}
