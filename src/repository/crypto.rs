//! AES-256 in counter mode, authenticated by Poly1305-AES: `IV || ciphertext || MAC`.
//!
//! The counter has 128 bits, as in restic. (The crate `aes256ctr_poly1305aes` counts with 64 bits: once in 2^40
//! packs it would write what restic cannot read.)

use std::fmt;

use aes::cipher::{BlockEncrypt, InnerIvInit, KeyInit, StreamCipher};
use aes::{Aes128, Aes256};
use ctr::{Ctr128BE, CtrCore, flavors::Ctr128BE as Counter};
use poly1305::Poly1305;
use poly1305::universal_hash::UniversalHash;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::error::{Damage, Doing, Error, ErrorKind, What};

/// Before the ciphertext.
pub const IV_LENGTH: usize = 16;
/// Behind the ciphertext.
pub const MAC_LENGTH: usize = 16;
/// How many bytes encryption adds.
pub const EXTENSION: usize = IV_LENGTH + MAC_LENGTH;

/// How much is encrypted and authenticated at a time, so that the second pass finds it in the cache.
const STEP: usize = 16 * 1024;

/// The secret keys of a repository, or of a password.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct SecretKeys {
    pub encrypt: [u8; 32],
    pub mac_k: [u8; 16],
    pub mac_r: [u8; 16],
}

impl SecretKeys {
    /// Random keys for a new repository.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn random() -> Result<SecretKeys, Error> {
        let mut bytes = Zeroizing::new([0; 64]);
        fill_random(&mut bytes[..])?;
        Ok(SecretKeys::from_bytes(&bytes))
    }

    /// In the order in which a key derivation yields them.
    pub fn from_bytes(bytes: &[u8; 64]) -> SecretKeys {
        let mut keys = SecretKeys {
            encrypt: [0; 32],
            mac_k: [0; 16],
            mac_r: [0; 16],
        };
        keys.encrypt.copy_from_slice(&bytes[..32]);
        keys.mac_k.copy_from_slice(&bytes[32..48]);
        keys.mac_r.copy_from_slice(&bytes[48..]);
        keys
    }

    /// Keys of zeros are what a program forgot to fill.
    pub fn is_valid(&self) -> bool {
        self.encrypt != [0; 32] && self.mac_k != [0; 16] && self.mac_r != [0; 16]
    }
}

impl fmt::Debug for SecretKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKeys(secret)")
    }
}

/// Fills the bytes from the system's random numbers.
///
/// # Errors
/// When there are none.
pub fn fill_random(bytes: &mut [u8]) -> Result<(), Error> {
    getrandom::fill(bytes).map_err(|cause| {
        Error::new(ErrorKind::NoRandom, Doing::Write, What::Repository).with(cause.to_string())
    })
}

/// Keys that are ready for use: their schedules are made once. Both ciphers clear their keys when they are dropped.
#[derive(Clone)]
pub struct Cipher {
    encrypt: Aes256,
    mac_k: Aes128,
    mac_r: Zeroizing<[u8; 16]>,
}

impl fmt::Debug for Cipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cipher(secret)")
    }
}

impl Cipher {
    /// A cipher with the keys of a repository.
    pub fn new(keys: &SecretKeys) -> Cipher {
        Cipher {
            encrypt: Aes256::new(&keys.encrypt.into()),
            mac_k: Aes128::new(&keys.mac_k.into()),
            // Poly1305 itself clears the bits of this half that must be zero.
            mac_r: Zeroizing::new(keys.mac_r),
        }
    }

    /// Encrypts in place what follows the first [`IV_LENGTH`] bytes at `start`, fills these with a new IV, and appends
    /// the MAC. So what is compressed into a buffer is not copied again.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn seal(&self, buffer: &mut Vec<u8>, start: usize) -> Result<(), Error> {
        let mut iv = [0; IV_LENGTH];
        fill_random(&mut iv)?;
        self.seal_with(buffer, start, iv);
        Ok(())
    }

    fn seal_with(&self, buffer: &mut Vec<u8>, start: usize, iv: [u8; IV_LENGTH]) {
        let sealed = &mut buffer[start..];
        sealed[..IV_LENGTH].copy_from_slice(&iv);
        let mut stream = self.stream(&iv);
        let mut mac = self.mac(&iv);
        let mut steps = sealed[IV_LENGTH..].chunks_exact_mut(STEP);
        for step in &mut steps {
            stream.apply_keystream(step);
            mac.update_padded(step);
        }
        let rest = steps.into_remainder();
        stream.apply_keystream(rest);
        let tag = finish(mac, rest);
        buffer.extend_from_slice(&tag);
    }

    /// Encrypts a text into a new buffer.
    ///
    /// # Errors
    /// As [`Cipher::seal`].
    pub fn seal_copy(&self, text: &[u8]) -> Result<Vec<u8>, Error> {
        let mut buffer = Vec::with_capacity(text.len() + EXTENSION);
        buffer.resize(IV_LENGTH, 0);
        buffer.extend_from_slice(text);
        self.seal(&mut buffer, 0)?;
        Ok(buffer)
    }

    /// Checks the MAC and decrypts in place. Returns the part of the buffer that holds the text.
    ///
    /// # Errors
    /// When it is too short, or when the MAC is wrong: then nothing is decrypted.
    pub fn open<'a>(&self, sealed: &'a mut [u8]) -> Result<&'a mut [u8], Damage> {
        let length = sealed
            .len()
            .checked_sub(EXTENSION)
            .ok_or(Damage::TooShort)?;
        let (iv, rest) = sealed.split_at_mut(IV_LENGTH);
        let (text, tag) = rest.split_at_mut(length);
        let iv: [u8; IV_LENGTH] = (&*iv).try_into().map_err(|_| Damage::TooShort)?;
        let whole = length - length % STEP;
        let mut mac = self.mac(&iv);
        mac.update_padded(&text[..whole]);
        let expected = finish(mac, &text[whole..]);
        if !bool::from(expected[..].ct_eq(tag)) {
            return Err(Damage::Authentication);
        }
        self.stream(&iv).apply_keystream(text);
        Ok(text)
    }

    fn stream(&self, iv: &[u8; IV_LENGTH]) -> Ctr128BE<&Aes256> {
        let core = CtrCore::<&Aes256, Counter>::inner_iv_init(&self.encrypt, iv.into());
        Ctr128BE::from_core(core)
    }

    fn mac(&self, iv: &[u8; IV_LENGTH]) -> Poly1305 {
        let mut key = Zeroizing::new([0; 32]);
        key[..16].copy_from_slice(&self.mac_r[..]);
        let mut block = (*iv).into();
        self.mac_k.encrypt_block(&mut block);
        key[16..].copy_from_slice(&block);
        Poly1305::new((&*key).into())
    }
}

/// The last bytes are not padded to a whole block: Poly1305 counts them as they are.
fn finish(mac: Poly1305, rest: &[u8]) -> [u8; MAC_LENGTH] {
    mac.compute_unpadded(rest).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cipher() -> Cipher {
        let bytes: [u8; 64] = std::array::from_fn(|at| at as u8);
        Cipher::new(&SecretKeys::from_bytes(&bytes))
    }

    #[test]
    fn what_is_sealed_opens_at_every_length() {
        let cipher = cipher();
        for length in [0, 1, 15, 16, 17, STEP - 1, STEP, STEP + 1, 3 * STEP + 5] {
            let text: Vec<u8> = (0..length).map(|at| at as u8).collect();
            let mut sealed = cipher.seal_copy(&text).unwrap();
            assert_eq!(sealed.len(), length + EXTENSION);
            assert_eq!(cipher.open(&mut sealed).unwrap(), text);
        }
    }

    #[test]
    fn every_changed_bit_is_noticed() {
        let cipher = cipher();
        let sealed = cipher.seal_copy(b"some text of 23 letters").unwrap();
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1 << (at % 8);
            assert_eq!(cipher.open(&mut changed), Err(Damage::Authentication));
        }
        for length in 0..sealed.len() {
            assert!(cipher.open(&mut sealed[..length].to_vec()).is_err());
        }
    }

    #[test]
    fn the_mac_is_that_of_the_poly1305_aes_paper() {
        // Appendix B of Bernstein's paper: k, r, n, and the MAC of the message f3 f6.
        let hex = |text: &str| -> Vec<u8> {
            (0..text.len() / 2)
                .map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap())
                .collect()
        };
        let mut bytes = [0; 64];
        bytes[32..48].copy_from_slice(&hex("ec074c835580741701425b623235add6"));
        bytes[48..].copy_from_slice(&hex("851fc40c3467ac0be05cc20404f3f700"));
        let cipher = Cipher::new(&SecretKeys::from_bytes(&bytes));
        let iv: [u8; 16] = hex("fb447350c4e868c52ac3275cf9d4327e").try_into().unwrap();
        let mac = finish(cipher.mac(&iv), &hex("f3f6"));
        assert_eq!(mac[..], hex("f4c633c3044fc145f84f335cb81953de"));
    }

    #[test]
    fn the_counter_carries_into_its_upper_half() {
        // The second block's counter is 2^64: with a 64-bit counter it would be that of an IV of zeros.
        let cipher = cipher();
        let mut iv = [0xff; 16];
        iv[..8].fill(0);
        let mut long = vec![0; IV_LENGTH + 32];
        cipher.seal_with(&mut long, 0, iv);
        let mut carried = [0; 16];
        carried[7] = 1;
        let mut expected = vec![0; IV_LENGTH + 16];
        cipher.seal_with(&mut expected, 0, carried);
        assert_eq!(long[32..48], expected[16..32]);
    }

    #[test]
    fn secrets_are_not_shown() {
        let keys = SecretKeys::random().unwrap();
        assert_eq!(format!("{keys:?}"), "SecretKeys(secret)");
        assert_eq!(format!("{:?}", Cipher::new(&keys)), "Cipher(secret)");
    }
}
