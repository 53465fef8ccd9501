//! Somebody between this host and a mail server, who puts answers into the connection before it is encrypted.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::{accepts, certificate, fails, with};

/// What a server would say to EHLO, MAIL, RCPT, DATA and to the mail.
const ANSWERS: [&str; 5] = [
    "250 h\r\n",
    "250 ok\r\n",
    "250 ok\r\n",
    "354 go on\r\n",
    "250 ok\r\n",
];

fn config(directory: &Path) -> Arc<ServerConfig> {
    let certificate = CertificateDer::from_pem_file(directory.join("cert.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(directory.join("key.pem")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    Arc::new(config)
}

/// A server that takes every mail if nobody is in between. So many answers of somebody else follow the one to STARTTLS; then
/// it takes no mail. Returns its port.
fn server(directory: &Path, put_in: usize) -> u16 {
    let config = config(directory);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let config = Arc::clone(&config);
            std::thread::spawn(move || serve(client, config, put_in));
        }
    });
    port
}

fn serve(client: TcpStream, config: Arc<ServerConfig>, put_in: usize) -> Option<()> {
    let mut plain = BufReader::new(client);
    let mut line = String::new();
    plain.get_mut().write_all(b"220 h\r\n").ok()?;
    plain.read_line(&mut line).ok()?;
    plain
        .get_mut()
        .write_all(b"250-h\r\n250 STARTTLS\r\n")
        .ok()?;
    plain.read_line(&mut line).ok()?;
    let said = format!("220 go on\r\n{}", ANSWERS[..put_in].concat());
    plain.get_mut().write_all(said.as_bytes()).ok()?;
    let connection = ServerConnection::new(config).unwrap();
    let stream = StreamOwned::new(connection, plain.into_inner());
    talk(stream, put_in == 0)
}

fn talk<S: Read + Write>(stream: S, takes_mails: bool) -> Option<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let answer = match line.split([' ', '\r']).next()? {
            "EHLO" => "250-h\r\n250 8BITMIME\r\n",
            "MAIL" | "RCPT" if takes_mails => "250 ok\r\n",
            "MAIL" | "RCPT" => "550 nobody\r\n",
            "DATA" => {
                stream.get_mut().write_all(b"354 go on\r\n").ok()?;
                while line != ".\r\n" {
                    line.clear();
                    stream.read_line(&mut line).ok()?;
                }
                "250 ok\r\n"
            }
            "QUIT" => "221 bye\r\n",
            _ => "500 what\r\n",
        };
        stream.get_mut().write_all(answer.as_bytes()).ok()?;
        stream.get_mut().flush().ok()?;
    }
}

#[test]
fn answers_that_came_before_the_encryption_do_not_count() {
    let directory = tempfile::tempdir().unwrap();
    if !certificate::make(directory.path()) {
        return;
    }
    for put_in in 0..=ANSWERS.len() {
        let host = with(&format!(
            "[notify.r]\ntype = \"mail\"\nhost = \"localhost\"\nport = {}\ntls = \"starttls\"\nfrom = \"a@b\"\nto = \"c@d\"\n\
             ca_file = \"{}/cert.pem\"\n",
            server(directory.path(), put_in),
            directory.path().display()
        ));
        match put_in {
            0 => accepts(&host),
            _ => drop(fails(&host, "permanent", "before it was encrypted")),
        }
    }
}
