//! Recorded replies of the services.

use std::collections::BTreeMap;
use std::sync::Mutex;

use super::super::outside::Reply;
use super::*;

#[derive(Default)]
struct Recorded {
    variables: BTreeMap<&'static str, &'static str>,
    files: BTreeMap<&'static str, &'static str>,
    /// What is asked, and the answer.
    replies: BTreeMap<&'static str, (u16, &'static str)>,
    asked: Mutex<Vec<String>>,
}

impl Recorded {
    fn answer(&self, asked: String) -> Result<Reply, Failure> {
        let found = self.replies.get(asked.as_str());
        let reply = found.map(|(status, body)| Reply {
            status: *status,
            body: body.as_bytes().to_vec(),
        });
        self.asked.lock().unwrap().push(asked);
        reply.ok_or_else(|| Failure::told(ErrorKind::Unreachable, "nobody answers".to_owned()))
    }

    fn fetch(&self) -> Result<Credentials, Failure> {
        let wanted = Wanted {
            region: "eu-west-1".to_owned(),
            ..Wanted::default()
        };
        fetch(&wanted, self)
    }

    fn refused(&self) -> String {
        let failure = self.fetch().unwrap_err();
        assert_eq!(failure.kind, ErrorKind::Unauthorized);
        told(failure)
    }
}

fn told(failure: Failure) -> String {
    use crate::storage::error::{Doing, Place};
    failure
        .at(Doing::Read, Place::Path("x".to_owned()))
        .to_string()
}

impl Outside for Recorded {
    fn variable(&self, name: &str) -> Option<String> {
        self.variables.get(name).map(|value| (*value).to_owned())
    }

    fn file(&self, path: &Path) -> io::Result<Vec<u8>> {
        match self.files.get(path.to_str().unwrap()) {
            Some(content) => Ok(content.as_bytes().to_vec()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn near(
        &self,
        method: Method,
        url: &str,
        headers: &[(&'static str, String)],
    ) -> Result<Reply, Failure> {
        let headers: String = headers
            .iter()
            .map(|(name, value)| format!(" {name}={value}"))
            .collect();
        self.answer(format!("{method:?} {url}{headers}"))
    }

    fn far(&self, url: &str, form: &str) -> Result<Reply, Failure> {
        self.answer(format!("{url} {form}"))
    }
}

const ROLE: &str = r#"{"Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": "ASIA1", "SecretAccessKey": "S",
    "Token": "T", "Expiration": "2026-11-27T06:00:00Z"}"#;

const STS: &str = "<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
    <AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>ASIA2</AccessKeyId><SecretAccessKey>S</SecretAccessKey>\
    <SessionToken>T</SessionToken><Expiration>2026-11-27T06:00:00Z</Expiration></Credentials>\
    </AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>";

const FORM: &str = "https://sts.eu-west-1.amazonaws.com/ Action=AssumeRoleWithWebIdentity&RoleArn=arn%3Aaws%3Arole%2Fx&\
    RoleSessionName=web1&Version=2011-06-15&WebIdentityToken=e.y.J";

/// A host on which every source is set up.
fn everything() -> Recorded {
    Recorded {
        variables: BTreeMap::from([
            ("AWS_ACCESS_KEY_ID", "AK0"),
            ("AWS_SECRET_ACCESS_KEY", "S"),
            ("AWS_WEB_IDENTITY_TOKEN_FILE", "/token"),
            ("AWS_ROLE_ARN", "arn:aws:role/x"),
            ("AWS_ROLE_SESSION_NAME", "web1"),
            ("HOME", "/root"),
            ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/x"),
        ]),
        files: BTreeMap::from([
            ("/token", "e.y.J\n"),
            (
                "/root/.aws/credentials",
                "[default]\naws_access_key_id=AK3\naws_secret_access_key=S\n",
            ),
        ]),
        replies: BTreeMap::from([
            (FORM, (200, STS)),
            ("Get http://169.254.170.2/v2/x", (200, ROLE)),
            (
                "Put http://169.254.169.254/latest/api/token x-aws-ec2-metadata-token-ttl-seconds=21600",
                (200, "M=="),
            ),
            (
                "Get http://169.254.169.254/latest/meta-data/iam/security-credentials/ x-aws-ec2-metadata-token=M==",
                (200, "backup\n"),
            ),
            (
                "Get http://169.254.169.254/latest/meta-data/iam/security-credentials/backup x-aws-ec2-metadata-token=M==",
                (200, ROLE),
            ),
        ]),
        asked: Mutex::default(),
    }
}

#[test]
fn one_source_after_the_other_is_tried() {
    let mut host = everything();
    assert_eq!(host.fetch().unwrap().access_key, "AK0");
    host.variables.remove("AWS_ACCESS_KEY_ID");
    let fetched = host.fetch().unwrap();
    assert_eq!(fetched.access_key, "ASIA2");
    assert_eq!(*fetched.session_token.unwrap(), "T");
    assert!(fetched.expires.is_some());
    host.variables.remove("AWS_WEB_IDENTITY_TOKEN_FILE");
    assert_eq!(host.fetch().unwrap().access_key, "AK3");
    host.files.clear();
    assert_eq!(host.fetch().unwrap().access_key, "ASIA1");
    assert_eq!(host.asked.lock().unwrap().len(), 2);
    host.variables
        .remove("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    assert_eq!(host.fetch().unwrap().access_key, "ASIA1");
    assert_eq!(host.asked.lock().unwrap().len(), 5);
    host.replies.clear();
    let told = host.refused();
    assert!(told.contains("has no `access_key`"), "{told}");
}

#[test]
fn a_source_that_is_set_up_and_refuses_is_not_passed_over() {
    let mut host = everything();
    host.variables.remove("AWS_ACCESS_KEY_ID");
    let refusal = "<ErrorResponse><Error><Code>InvalidIdentityToken</Code></Error></ErrorResponse>";
    host.replies.insert(FORM, (400, refusal));
    let told = host.refused();
    assert!(told.contains("InvalidIdentityToken"), "{told}");
    assert!(!told.contains("e.y.J"), "{told}");
    host.replies.insert(FORM, (503, ""));
    assert_eq!(host.fetch().unwrap_err().kind, ErrorKind::Overloaded);
    host.files.remove("/token");
    assert!(host.refused().contains("/token does not exist"));
}

#[test]
fn a_profile_that_is_wanted_is_the_only_source() {
    let host = everything();
    let wanted = |profile: Option<&str>, file: Option<&str>| Wanted {
        profile: profile.map(str::to_owned),
        file: file.map(PathBuf::from),
        region: String::new(),
    };
    let found = fetch(&wanted(Some("default"), None), &host).unwrap();
    assert_eq!(found.access_key, "AK3");
    for (wanted, words) in [
        (wanted(Some("nobody"), None), "has no profile \"nobody\""),
        (wanted(None, Some("/none")), "/none does not exist"),
    ] {
        let text = told(fetch(&wanted, &host).unwrap_err());
        assert!(text.contains(words), "{text}");
    }
}

#[test]
fn a_container_with_a_token_is_asked_with_it_and_only_near() {
    let mut host = everything();
    host.variables = BTreeMap::from([
        (
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            "http://169.254.170.23/v1/credentials",
        ),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/token"),
    ]);
    let asked = "Get http://169.254.170.23/v1/credentials authorization=e.y.J";
    host.replies.insert(asked, (200, ROLE));
    assert_eq!(host.fetch().unwrap().access_key, "ASIA1");
    host.variables
        .insert("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://evil.example/");
    assert!(host.refused().contains("not beside this one"));
    for (url, near) in [
        ("https://any.example/x", true),
        ("http://localhost:80/x", true),
        ("http://[::1]/", true),
        ("http://localhost.evil.example/", false),
        ("http://127.0.0.1@evil.example/", false),
        ("http://127.0.0.1:x@evil.example/", false),
        ("ftp://x/", false),
    ] {
        assert_eq!(is_near(url), near, "{url}");
    }
}

#[test]
fn a_machine_without_a_role_or_with_nonsense_is_told() {
    let mut host = everything();
    host.variables.clear();
    let role = "Get http://169.254.169.254/latest/meta-data/iam/security-credentials/backup x-aws-ec2-metadata-token=M==";
    host.replies.insert(role, (200, r#"{"Code": "Failed"}"#));
    assert!(host.refused().contains("has no credentials"));
    let roles = "Get http://169.254.169.254/latest/meta-data/iam/security-credentials/ x-aws-ec2-metadata-token=M==";
    host.replies.insert(roles, (404, ""));
    assert!(host.refused().contains("no role"));
    host.variables.insert("AWS_EC2_METADATA_DISABLED", "true");
    assert!(host.refused().contains("has no `access_key`"));
}
