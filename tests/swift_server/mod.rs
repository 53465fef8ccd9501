//! Real servers on this host: Keystone and Swift, started once for all tests of a program. They end with it.

#![allow(dead_code, reason = "each test program uses its own part")]

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};

use freezerd::storage::FileKind;
use freezerd::storage::http::{Client, Method, Options, Request};
use serde_json::{Value, json};

/// The user with all rights in the project.
pub const USER: &str = "bob";

/// A user who may only read in the project.
pub const READER: &str = "reader";

/// The user whom the trust is for. She has no rights of her own.
pub const TRUSTED: &str = "alice";

/// The password of every user. It is looked for in everything that freezerd writes.
pub const PASSWORD: &str = "canary-3xW7-swift";

/// The name of the application credential.
pub const CREDENTIAL: &str = "freezerd";

/// Its secret. It is looked for in everything that freezerd writes.
pub const CREDENTIAL_SECRET: &str = "canary-6pR4-credential";

/// The project whose containers the tests use.
pub const PROJECT: &str = "backup";

pub const REGION: &str = "RegionOne";

const SCRIPT: &str = include_str!("server.py");

/// No two tests have one container.
static CONTAINERS: AtomicUsize = AtomicUsize::new(0);

/// The running servers.
pub struct Server {
    /// Keeps its standard input open: the servers end when it ends.
    _process: Child,
    control: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
    told: Value,
    client: Client,
    /// Of the user with all rights.
    token: OnceLock<String>,
}

/// The servers. `None`, with a line that says so, if they are not installed.
pub fn start() -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    let server = SERVER.get_or_init(|| {
        for program in ["keystone-manage", "swift-proxy-server", "python3"] {
            if !is_installed(program) {
                println!("SKIPPED: what Swift does, because {program} is not installed");
                return None;
            }
        }
        // Another program may take a port before a server does.
        let server = (0..3).find_map(|_| Server::try_start());
        Some(server.expect("Keystone and Swift start"))
    });
    if server.is_none() {
        println!("SKIPPED: what Swift does, because Keystone and Swift are not installed");
    }
    server.as_ref()
}

fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|directory| directory.join(program).exists())
}

impl Server {
    fn try_start() -> Option<Server> {
        let mut hasher = DefaultHasher::new();
        SCRIPT.hash(&mut hasher);
        let template = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("keystone-{:016x}", hasher.finish()));
        let mut process = Command::new("python3")
            .arg("-c")
            .arg(SCRIPT)
            .arg(template)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        let stdin = process.stdin.take().unwrap();
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let Ok(told) = serde_json::from_str(&line) else {
            // It says why on standard error.
            process.wait().unwrap();
            return None;
        };
        Some(Server {
            _process: process,
            control: Mutex::new((stdin, stdout)),
            told,
            client: Client::new(Options::default()).unwrap(),
            token: OnceLock::new(),
        })
    }

    /// The address of Keystone.
    pub fn auth_url(&self) -> String {
        format!("http://127.0.0.1:{}/v3/", self.told["keystone"])
    }

    /// The address of a Keystone whose tokens end after four seconds.
    pub fn auth_url_of_short_tokens(&self) -> String {
        format!("http://127.0.0.1:{}/v3/", self.told["brief"])
    }

    /// `127.0.0.1:PORT` of the object store.
    pub fn authority(&self) -> String {
        format!("127.0.0.1:{}", self.told["swift"])
    }

    /// An id: `project_id`, `trust_id` or `application_credential_id`.
    pub fn id(&self, of: &str) -> String {
        self.told[of].as_str().unwrap().to_owned()
    }

    /// The name of a container that does not exist yet.
    pub fn new_container(&self) -> String {
        format!("container-{}", CONTAINERS.fetch_add(1, Ordering::Relaxed))
    }

    /// Makes a region whose object store is at this `HOST:PORT`, and returns its name.
    pub fn new_region(&self, authority: &str) -> String {
        self.new_region_at(&format!("http://{authority}"))
    }

    /// The same for an address.
    pub fn new_region_at(&self, address: &str) -> String {
        let name = format!("Region-{}", CONTAINERS.fetch_add(1, Ordering::Relaxed));
        let mut control = self.control.lock().unwrap();
        writeln!(control.0, "{name} {address}").unwrap();
        let mut line = String::new();
        control.1.read_line(&mut line).unwrap();
        assert_eq!(line, "made\n");
        name
    }

    /// Sends a request of the test's own below the containers, and returns the status and the body.
    #[track_caller]
    pub fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&'static str, &str)],
        body: &str,
    ) -> (u16, String) {
        let token = self.token.get_or_init(|| self.new_token()).clone();
        let account = self.id("project_id");
        let url = format!("http://{}/v1/AUTH_{account}/{path}", self.authority());
        let mut all = vec![("x-auth-token", token)];
        all.extend(
            headers
                .iter()
                .map(|(name, value)| (*name, (*value).to_owned())),
        );
        let answer = self
            .client
            .send(&Request {
                method,
                url: &url,
                headers: &all,
                body: body.as_bytes(),
                kind: FileKind::Lock,
            })
            .unwrap();
        let status = answer.status;
        let body = match method {
            Method::Head => Vec::new(),
            _ => answer.whole(1 << 20).unwrap(),
        };
        (status, String::from_utf8(body).unwrap())
    }

    /// The names of the objects in a container.
    pub fn objects(&self, container: &str) -> Vec<String> {
        let (status, text) = self.send(Method::Get, container, &[], "");
        assert!((200..300).contains(&status), "{status} {text}");
        text.lines().map(str::to_owned).collect()
    }

    fn new_token(&self) -> String {
        let domain = json!({"id": "default"});
        let user = json!({"name": USER, "domain": domain, "password": PASSWORD});
        let body = json!({"auth": {
            "identity": {"methods": ["password"], "password": {"user": user}},
            "scope": {"project": {"name": PROJECT, "domain": domain}},
        }});
        let answer = self
            .client
            .send(&Request {
                method: Method::Post,
                url: &format!("{}auth/tokens", self.auth_url()),
                headers: &[("content-type", "application/json".to_owned())],
                body: body.to_string().as_bytes(),
                kind: FileKind::Lock,
            })
            .unwrap();
        answer.header("x-subject-token").unwrap().to_owned()
    }

    /// What `restic` finds in its environment.
    pub fn for_restic(&self) -> Vec<(&'static str, String)> {
        vec![
            ("OS_AUTH_URL", self.auth_url()),
            ("OS_USERNAME", USER.to_owned()),
            ("OS_PASSWORD", PASSWORD.to_owned()),
            ("OS_USER_DOMAIN_NAME", "Default".to_owned()),
            ("OS_PROJECT_NAME", PROJECT.to_owned()),
            ("OS_PROJECT_DOMAIN_NAME", "Default".to_owned()),
            ("OS_REGION_NAME", REGION.to_owned()),
        ]
    }
}
