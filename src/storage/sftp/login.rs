//! The login: keys, an agent, a password.
//!
//! The order is that of `ssh`: keys first, then the password. A server may ask for both.

use std::sync::Arc;

use russh::MethodKind;
use russh::client::{AuthResult, Handle, KeyboardInteractiveAuthResponse};
use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::AgentClient;
use russh::keys::{Algorithm, HashAlg, PrivateKeyWithHashAlg};
use tokio::net::UnixStream;
use zeroize::Zeroizing;

use super::super::error::ErrorKind;
use super::failure::{Failure, of_ssh, shown};
use super::host::Client;
use super::{Key, Options};

/// The most rounds of questions that are answered.
const ROUNDS: usize = 5;

/// What a server says to one proof.
enum Said {
    Welcome,
    /// It takes these methods now. If `so_far`, it has accepted the proof and wants another one.
    Goes {
        on_with: Vec<MethodKind>,
        so_far: bool,
    },
}

/// One login.
struct Login<'a> {
    ssh: &'a mut Handle<Client>,
    options: &'a Options,
    /// What the server takes now.
    takes: Vec<MethodKind>,
    /// What was shown and not accepted, for the message.
    refused: Vec<String>,
}

/// Logs in with what the options have.
pub(super) async fn login(ssh: &mut Handle<Client>, options: &Options) -> Result<(), Failure> {
    let mut login = Login {
        ssh,
        options,
        // Nearly every server takes keys. To ask takes a way to the server and back.
        takes: vec![MethodKind::PublicKey],
        refused: Vec::new(),
    };
    let asks_first = options.keys.is_empty();
    if asks_first && login.with_nothing().await? {
        return Ok(());
    }
    if login.with_keys().await? || login.with_agent().await? || login.with_password().await? {
        return Ok(());
    }
    if !asks_first && matches!(login.with_nothing().await, Ok(true)) {
        return Ok(());
    }
    Err(login.failure())
}

/// Understands an answer. A connection that ends looks like a refusal to the library.
fn said(ssh: &Handle<Client>, result: AuthResult) -> Result<Said, Failure> {
    match result {
        AuthResult::Success => Ok(Said::Welcome),
        AuthResult::Failure {
            remaining_methods,
            partial_success,
        } => {
            if remaining_methods.is_empty() && ssh.is_closed() {
                return Err(Failure::lost("the server ended the connection"));
            }
            Ok(Said::Goes {
                on_with: remaining_methods.to_vec(),
                so_far: partial_success,
            })
        }
    }
}

impl Login<'_> {
    /// Takes note of an answer to a proof. Returns whether that was the last one that is needed.
    fn is_in(&mut self, said: Said, proof: impl FnOnce() -> String) -> bool {
        match said {
            Said::Welcome => true,
            Said::Goes { on_with, so_far } => {
                self.takes = on_with;
                if !so_far {
                    self.refused.push(proof());
                }
                false
            }
        }
    }

    fn takes(&self, method: MethodKind) -> bool {
        self.takes.contains(&method)
    }

    /// A few servers want no proof. The others say what they take.
    async fn with_nothing(&mut self) -> Result<bool, Failure> {
        let asked = self.ssh.authenticate_none(self.options.user.as_str()).await;
        match said(self.ssh, asked.map_err(of_ssh)?)? {
            Said::Welcome => Ok(true),
            Said::Goes { on_with, .. } => {
                self.takes = on_with;
                Ok(false)
            }
        }
    }

    async fn with_keys(&mut self) -> Result<bool, Failure> {
        for Key { path, key } in &self.options.keys {
            if !self.takes(MethodKind::PublicKey) {
                return Ok(false);
            }
            let hash = self.hash(&key.algorithm()).await?;
            let key = PrivateKeyWithHashAlg::new(Arc::clone(key), hash);
            let user = self.options.user.as_str();
            let result = self.ssh.authenticate_publickey(user, key).await;
            let said = said(self.ssh, result.map_err(of_ssh)?)?;
            if self.is_in(said, || format!("the key in {}", path.display())) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn with_agent(&mut self) -> Result<bool, Failure> {
        let Some(socket) = &self.options.agent else {
            return Ok(false);
        };
        let failed = |error: russh::keys::Error| {
            Failure::new(
                ErrorKind::Unauthorized,
                format!(
                    "the SSH agent at {} cannot be used: {}",
                    socket.display(),
                    shown(error.to_string().as_bytes())
                ),
            )
        };
        let mut agent: AgentClient<UnixStream> =
            AgentClient::connect_uds(socket).await.map_err(failed)?;
        let identities = agent.request_identities().await.map_err(failed)?;
        if identities.is_empty() {
            self.refused
                .push("no key: the SSH agent has none".to_owned());
        }
        for identity in identities {
            if !self.takes(MethodKind::PublicKey) {
                return Ok(false);
            }
            let AgentIdentity::PublicKey { key, comment } = identity else {
                continue;
            };
            let hash = self.hash(&key.algorithm()).await?;
            let user = self.options.user.as_str();
            let result = self
                .ssh
                .authenticate_publickey_with(user, key, hash, &mut agent)
                .await;
            let proof = || format!("the key {} of the SSH agent", shown(comment.as_bytes()));
            match result {
                Ok(result) => {
                    let said = said(self.ssh, result)?;
                    if self.is_in(said, proof) {
                        return Ok(true);
                    }
                }
                // The agent does not sign with this key, because its owner does not confirm it for example.
                Err(_) if self.ssh.is_closed() => {
                    return Err(Failure::lost("the server ended the connection"));
                }
                Err(_) => self.refused.push(proof()),
            }
        }
        Ok(false)
    }

    async fn with_password(&mut self) -> Result<bool, Failure> {
        let Some(password) = &self.options.password else {
            return Ok(false);
        };
        if self.takes(MethodKind::Password) {
            let user = self.options.user.as_str();
            let result = self
                .ssh
                .authenticate_password(user, password.as_str())
                .await;
            let said = said(self.ssh, result.map_err(of_ssh)?)?;
            if self.is_in(said, || "the password".to_owned()) {
                return Ok(true);
            }
        }
        if self.takes(MethodKind::KeyboardInteractive) {
            return self.with_questions(password).await;
        }
        Ok(false)
    }

    /// Answers the one question of the server with the password.
    async fn with_questions(&mut self, password: &Zeroizing<String>) -> Result<bool, Failure> {
        let user = self.options.user.as_str();
        let mut next = self
            .ssh
            .authenticate_keyboard_interactive_start(user, None)
            .await;
        let mut is_answered = false;
        for _ in 0..ROUNDS {
            let answers = match next.map_err(of_ssh)? {
                KeyboardInteractiveAuthResponse::Success => return Ok(true),
                KeyboardInteractiveAuthResponse::Failure { .. } => {
                    self.refused
                        .push("the password, as an answer to its question".to_owned());
                    return Ok(false);
                }
                KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. } => {
                    match (prompts.len(), is_answered) {
                        (0, _) => Vec::new(),
                        (1, false) => {
                            is_answered = true;
                            vec![password.to_string()]
                        }
                        _ => {
                            let asked = prompts.last().map(|last| shown(last.prompt.as_bytes()));
                            return Err(Failure::new(
                                ErrorKind::Unauthorized,
                                format!(
                                    "the server asks for more than the password ({:?}); use a key",
                                    asked.unwrap_or_default()
                                ),
                            ));
                        }
                    }
                }
            };
            next = self
                .ssh
                .authenticate_keyboard_interactive_respond(answers)
                .await;
        }
        Err(Failure::answer("the server does not stop asking"))
    }

    /// The hash of a signature, which only RSA can choose. Servers that do not say what they know know SHA-512.
    async fn hash(&self, algorithm: &Algorithm) -> Result<Option<HashAlg>, Failure> {
        if !matches!(algorithm, Algorithm::Rsa { .. }) {
            return Ok(None);
        }
        let best = self.ssh.best_supported_rsa_hash().await.map_err(of_ssh)?;
        Ok(best.flatten().or(Some(HashAlg::Sha512)))
    }

    fn failure(&self) -> Failure {
        let user = &self.options.user;
        let takes: Vec<&str> = self.takes.iter().map(<&str>::from).collect();
        let takes = match takes.is_empty() {
            true => String::new(),
            false => format!("; it takes: {}", takes.join(", ")),
        };
        let refused = match self.refused.is_empty() {
            true => "nothing that the storage has".to_owned(),
            false => format!("not {}", self.refused.join(", not ")),
        };
        let text = match self.refused.is_empty() {
            true => format!("the server takes {refused} from the user {user}{takes}"),
            false => format!("the server lets the user {user} not in: {refused}{takes}"),
        };
        Failure::new(ErrorKind::Unauthorized, text)
    }
}
