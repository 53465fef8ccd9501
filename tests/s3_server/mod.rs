//! A real S3 server on this host: SeaweedFS, one for all tests that run at the same time.

#![allow(dead_code, reason = "each test program uses its own part")]

use std::ffi::OsStr;
use std::net::{TcpListener, TcpStream};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

/// The access key that may do everything.
pub const ACCESS_KEY: &str = "AKTESTALL";

/// A secret that is looked for in everything that freezerd writes.
pub const SECRET_KEY: &str = "canary-8kJ2-s3-secret";

/// The access key that may only read and list, with the same secret key.
pub const READER: &str = "AKTESTREAD";

/// The access key with the rights of the policy for hosts that may only add, with the same secret key.
pub const HOST: &str = "AKTESTHOST";

/// The access key with these rights but for those about the retention of files.
pub const NO_RETENTION: &str = "AKTESTNORETENTION";

/// Longer than a server takes to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// The ports of the parts of the server.
const PORTS: [&str; 13] = [
    "s3.port",
    "s3.port.https",
    "s3.port.grpc",
    "s3.port.iceberg",
    "s3.port.lance",
    "master.port",
    "master.port.grpc",
    "volume.port",
    "volume.port.grpc",
    "filer.port",
    "filer.port.grpc",
    "admin.port",
    "admin.port.grpc",
];

/// The server that is running, while a test uses it.
static RUNNING: Mutex<Weak<Server>> = Mutex::new(Weak::new());

/// No two tests have one bucket.
static BUCKETS: AtomicUsize = AtomicUsize::new(0);

/// A running server, which ends with the last test that uses it.
pub struct Server {
    process: Child,
    directory: tempfile::TempDir,
    /// `127.0.0.1:PORT`, without TLS.
    pub authority: String,
    /// The same with TLS.
    pub tls_authority: String,
    /// The certificate that a client must trust for TLS; `None` if openssl is missing.
    pub certificate: Option<PathBuf>,
}

/// One for each of [`PORTS`]. No program gets one of them for a connection of its own: those ports are above 32767.
fn free_ports() -> Vec<u16> {
    let mut ports: Vec<u16> = Vec::new();
    while ports.len() < PORTS.len() {
        let port = fastrand::u16(10_000..32_000);
        if !ports.contains(&port) && TcpListener::bind(("127.0.0.1", port)).is_ok() {
            ports.push(port);
        }
    }
    ports
}

impl Server {
    /// The server. `None`, with a line that says so, if SeaweedFS cannot be had.
    pub fn start() -> Option<Arc<Server>> {
        let mut running = RUNNING.lock().unwrap_or_else(|it| it.into_inner());
        if let Some(server) = running.upgrade() {
            return Some(server);
        }
        let program = program()?;
        // Another program may take one of the many ports before the server does.
        let server = (0..20).find_map(|_| Server::try_start(&program));
        let server = Arc::new(server.expect("SeaweedFS starts"));
        *running = Arc::downgrade(&server);
        Some(server)
    }

    fn try_start(program: &Path) -> Option<Server> {
        let directory = tempfile::tempdir().unwrap();
        let top = directory.path();
        std::fs::create_dir(top.join("data")).unwrap();
        let has_certificate = crate::certificate::make(top);
        let identity = |name: &str, key: &str, actions: &str| {
            format!(
                r#"{{"name": "{name}", "credentials": [{{"accessKey": "{key}", "secretKey": "{SECRET_KEY}"}}],
                "actions": [{actions}]}}"#
            )
        };
        let all = identity(
            "all",
            ACCESS_KEY,
            r#""Admin", "Read", "Write", "List", "Tagging""#,
        );
        let reader = identity("reader", READER, r#""Read", "List""#);
        let config = top.join("s3.json");
        let host = format!(
            r#"{{"name": "host", "credentials": [{{"accessKey": "{HOST}", "secretKey": "{SECRET_KEY}"}}],
            "policyNames": ["append-only"]}}"#
        );
        let no_retention = format!(
            r#"{{"name": "no-retention", "credentials": [{{"accessKey": "{NO_RETENTION}", "secretKey": "{SECRET_KEY}"}}],
            "policyNames": ["no-retention"]}}"#
        );
        let policy = std::fs::read_to_string("packaging/examples/s3-append-only.policy").unwrap();
        let policy = policy.replace("BUCKET", "bucket-*");
        let mut less: serde_json::Value = serde_json::from_str(&policy).unwrap();
        let statements = less["Statement"].as_array_mut().unwrap();
        statements.retain(|statement| !statement.to_string().contains("ObjectRetention"));
        let (policy, less) = (
            serde_json::Value::from(policy),
            serde_json::Value::from(less.to_string()),
        );
        let content = format!(
            r#"{{"identities": [{all}, {reader}, {host}, {no_retention}],
            "policies": [{{"name": "append-only", "content": {policy}}},
                         {{"name": "no-retention", "content": {less}}}]}}"#
        );
        std::fs::write(&config, content).unwrap();
        let ports = free_ports();
        let log = std::fs::File::create(top.join("log")).unwrap();
        let mut command = Command::new(program);
        command
            .arg(format!("-logdir={}", top.display()))
            .arg("mini")
            .arg(format!("-dir={}", top.join("data").display()))
            .args(["-ip=127.0.0.1", "-ip.bind=127.0.0.1"])
            .args([
                "-admin.ui=false",
                "-webdav=false",
                "-master.telemetry=false",
            ])
            .args([
                "-s3.autoCreateBucket=false",
                "-s3.allowDeleteBucketNotEmpty",
            ])
            // Each bucket takes some. By default the free space decides how many there are.
            .arg("-volume.max=4000")
            .arg(format!("-s3.config={}", config.display()));
        for (name, port) in PORTS.iter().zip(&ports) {
            let needs_certificate = *name == "s3.port.https";
            if has_certificate || !needs_certificate {
                command.arg(format!("-{name}={port}"));
            }
        }
        let file = |name: &str| top.join(name).display().to_string();
        if has_certificate {
            command
                .arg(format!("-s3.cert.file={}", file("cert.pem")))
                .arg(format!("-s3.key.file={}", file("key.pem")));
        }
        let process = command
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut server = Server {
            process,
            authority: format!("127.0.0.1:{}", ports[0]),
            tls_authority: format!("127.0.0.1:{}", ports[1]),
            certificate: Some(top.join("cert.pem")).filter(|_| has_certificate),
            directory,
        };
        let started = Instant::now();
        while started.elapsed() < PATIENCE {
            if server.process.try_wait().unwrap().is_some() {
                return None;
            }
            if server.answers() {
                return Some(server);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        None
    }

    /// Whether both doors are open. The one without TLS is asked for something.
    fn answers(&self) -> bool {
        use std::io::{Read, Write};
        let connect = |authority: &str| TcpStream::connect(authority);
        if self.certificate.is_some() && connect(&self.tls_authority).is_err() {
            return false;
        }
        let Ok(mut stream) = connect(&self.authority) else {
            return false;
        };
        let request = format!(
            "GET / HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
            self.authority
        );
        let mut answer = String::new();
        let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
        let asked = stream
            .write_all(request.as_bytes())
            .and_then(|()| stream.read_to_string(&mut answer));
        asked.is_ok() && answer.contains("AccessDenied")
    }

    /// The name of a bucket that does not exist yet.
    pub fn new_bucket(&self) -> String {
        format!("bucket-{}", BUCKETS.fetch_add(1, Ordering::Relaxed))
    }

    /// The address of the server.
    pub fn endpoint(&self) -> String {
        format!("http://{}/", self.authority)
    }

    /// The repository as `restic` and `location` name it.
    pub fn location(&self, path: &str) -> String {
        format!("s3:http://{}/{path}/", self.authority)
    }
}

impl Server {
    /// Sets something of a bucket, such as its `policy`. False, with a line that says so, if curl is not installed.
    pub fn set(&self, bucket: &str, what: &str, body: &str) -> bool {
        // curl signs the body of a file only.
        let file = self.directory.path().join(format!("{bucket}.{what}"));
        std::fs::write(&file, body).unwrap();
        let upload = ["--upload-file", file.to_str().unwrap()];
        let Some(answer) = self.curl(&format!("{bucket}?{what}="), &upload) else {
            return false;
        };
        assert!(answer.contains("HTTP/1.1 20"), "{answer}");
        true
    }

    /// Sends a request of the test's own, signed by `curl`, and returns the answer with its head. `None`, with a line
    /// that says so, if curl is not installed.
    pub fn curl(&self, path: &str, arguments: &[&str]) -> Option<String> {
        let ran = Command::new("curl")
            .args([
                "--silent",
                "--include",
                "--aws-sigv4",
                "aws:amz:us-east-1:s3",
            ])
            .arg("--user")
            .arg(format!("{ACCESS_KEY}:{SECRET_KEY}"))
            .args(arguments)
            .arg(format!("{}{path}", self.endpoint()))
            .output();
        match ran {
            Ok(ran) => Some(String::from_utf8_lossy(&ran.stdout).into_owned()),
            Err(error) => {
                println!("SKIPPED: what S3 does besides, because curl does not run: {error}");
                None
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The program. The first call downloads it.
fn program() -> Option<PathBuf> {
    let ran = Command::new("tests/tools/seaweedfs").output();
    match ran {
        Ok(ran) if ran.status.success() => {
            let path = ran.stdout.trim_ascii_end();
            Some(PathBuf::from(OsStr::from_bytes(path)))
        }
        other => {
            println!("SKIPPED: what an S3 server does, because SeaweedFS cannot be had: {other:?}");
            None
        }
    }
}
