//! Signs requests: AWS Signature Version 4, in the head of the request. Pure.
//!
//! A signature in the address would do, too. But addresses come into the logs of servers and proxies, and some servers
//! refuse such requests.

use std::fmt::Write as _;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::credentials::Credentials;

/// The name of the method.
const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// What is signed of a request.
pub(super) struct Unsigned<'a> {
    pub method: &'static str,
    /// With percent escapes for all but letters, digits and `-._~/`.
    pub path: &'a str,
    /// As [`query`] makes it.
    pub query: &'a str,
    /// The host, and its port.
    pub host: &'a str,
    /// With names in lower case.
    pub headers: &'a [(&'static str, String)],
    /// The SHA-256 of the body in hexadecimal.
    pub payload: &'a str,
    /// `20261126T235959Z`.
    pub time: &'a str,
    pub region: &'a str,
}

impl Unsigned<'_> {
    /// All headers of the request, with the signature.
    pub fn sign(&self, credentials: &Credentials) -> Vec<(&'static str, String)> {
        let mut headers = self.headers.to_vec();
        headers.push(("host", self.host.to_owned()));
        headers.push(("x-amz-content-sha256", self.payload.to_owned()));
        headers.push(("x-amz-date", self.time.to_owned()));
        if let Some(token) = &credentials.session_token {
            headers.push(("x-amz-security-token", token.to_string()));
        }
        headers.sort();
        let names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
        let names = names.join(";");
        let mut canonical = format!("{}\n{}\n{}\n", self.method, self.path, self.query);
        for (name, value) in &headers {
            let _ = writeln!(canonical, "{name}:{}", value.trim());
        }
        let _ = write!(canonical, "\n{names}\n{}", self.payload);
        let day = self.time.split('T').next().unwrap_or_default();
        let scope = format!("{day}/{}/s3/aws4_request", self.region);
        let hashed = hex(&Sha256::digest(canonical.as_bytes()));
        let text = format!("{ALGORITHM}\n{}\n{scope}\n{hashed}", self.time);
        let secret = Zeroizing::new(format!("AWS4{}", *credentials.secret_key));
        let mut key = mac(secret.as_bytes(), day);
        for part in [self.region, "s3", "aws4_request"] {
            key = mac(&*key, part);
        }
        let signature = hex(&*mac(&*key, &text));
        let access_key = &credentials.access_key;
        headers.push((
            "authorization",
            format!(
                "{ALGORITHM} Credential={access_key}/{scope},SignedHeaders={names},Signature={signature}"
            ),
        ));
        headers
    }
}

fn mac(key: &[u8], text: &str) -> Zeroizing<[u8; 32]> {
    // A key of any length is a key.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return Zeroizing::new([0; 32]);
    };
    mac.update(text.as_bytes());
    Zeroizing::new(mac.finalize().into_bytes().into())
}

/// The bytes in hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// A query string in the form that is signed and sent.
pub(super) fn query(pairs: &[(&str, &str)]) -> String {
    let mut pairs: Vec<(String, String)> = pairs
        .iter()
        .map(|(name, value)| (escaped(name), escaped(value)))
        .collect();
    pairs.sort();
    let pairs: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join("&")
}

/// A text with percent escapes for all but letters, digits and `-._~`.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

/// A text without percent escapes. What is not one stays as it is.
pub(super) fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let escape = after.get(..2).filter(|_| byte == b'%');
        let escape = escape.and_then(|digits| std::str::from_utf8(digits).ok());
        match escape.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(escaped) => {
                bytes.push(escaped);
                rest = &after[2..];
            }
            None => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of Amazon's documentation: "Signature Calculations for the Authorization Header".
    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn signature(
        method: &'static str,
        path: &str,
        query: &str,
        headers: &[(&'static str, String)],
        payload: &str,
    ) -> String {
        let credentials = Credentials {
            access_key: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            secret_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned().into(),
            session_token: None,
            expires: None,
        };
        let unsigned = Unsigned {
            method,
            path,
            query,
            host: "examplebucket.s3.amazonaws.com",
            headers,
            payload,
            time: "20130524T000000Z",
            region: "us-east-1",
        };
        let signed = unsigned.sign(&credentials);
        let (name, value) = signed.last().unwrap();
        assert_eq!(*name, "authorization");
        assert!(!format!("{signed:?}").contains("wJalr"));
        value.rsplit('=').next().unwrap().to_owned()
    }

    #[test]
    fn the_examples_of_the_documentation_have_these_signatures() {
        let range = [("range", "bytes=0-9".to_owned())];
        assert_eq!(
            signature("GET", "/test.txt", "", &range, EMPTY),
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
        );
        let put = [
            ("date", "Fri, 24 May 2013 00:00:00 GMT".to_owned()),
            ("x-amz-storage-class", "REDUCED_REDUNDANCY".to_owned()),
        ];
        let payload = hex(&Sha256::digest(b"Welcome to Amazon S3."));
        assert_eq!(
            signature("PUT", "/test%24file.text", "", &put, &payload),
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"
        );
        assert_eq!(
            signature("GET", "/", "lifecycle=", &[], EMPTY),
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"
        );
        let list = query(&[("prefix", "J"), ("max-keys", "2")]);
        assert_eq!(
            signature("GET", "/", &list, &[], EMPTY),
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
        );
    }

    #[test]
    fn a_query_is_sorted_and_escaped() {
        assert_eq!(
            query(&[("prefix", "a b/ü+"), ("list-type", "2")]),
            "list-type=2&prefix=a%20b%2F%C3%BC%2B"
        );
    }
}
