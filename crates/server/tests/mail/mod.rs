//! Exim in a folder of its own, as a test wants it: TLS, signing in, and everything into one mailbox.
//! It has to be installed (`scripts/install-packages` does) and run by root, as its kind of mail server is.
#![allow(dead_code, clippy::unwrap_used)]

use diecast_identity::{Authority, install_crypto_provider};
use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};

pub const USER: &str = "diecast";
pub const PASSWORD: &str = "the right password";
/// How long a test waits for what must happen soon. Not a measure: only an end to hanging.
const PATIENCE: Duration = Duration::from_secs(60);
/// As Debian names the user that Exim runs as.
const EXIM_USER: &str = "Debian-exim";

pub struct Exim {
    folder: TempDir,
    child: Child,
    /// Addresses: begun in the clear, TLS from the first byte, and without any TLS.
    pub starttls: String,
    pub tls: String,
    pub plain: String,
    pub ca: String,
}

impl Exim {
    pub async fn start() -> Self {
        install_crypto_provider();
        let folder = TempDir::new().unwrap();
        let authority = Authority::create().unwrap();
        let certificate = authority.sign_server(&["127.0.0.1".to_owned()]).unwrap();
        let ports = free_ports::<3>().await;
        let uid = uid();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        for (name, text) in [("cert.pem", &certificate.certificate_pem), ("key.pem", &certificate.key_pem)] {
            fs::write(folder.path().join(name), text).unwrap();
            chown(folder.path().join(name), Some(uid), None).unwrap();
        }
        for name in ["spool", "log", "mail"] {
            fs::create_dir(folder.path().join(name)).unwrap();
            chown(folder.path().join(name), Some(uid), None).unwrap();
        }
        let config = folder.path().join("exim.conf");
        fs::write(&config, settings(&folder, ports)).unwrap();
        fs::set_permissions(&config, fs::Permissions::from_mode(0o644)).unwrap();
        let mut exim = Command::new("/usr/sbin/exim4");
        exim.arg("-C").arg(&config).arg("-bdf").stdin(Stdio::null()).stdout(Stdio::null());
        let child = exim.spawn();
        let child = child.expect("Exim is installed: scripts/install-packages does that");
        let [starttls, tls, plain] = ports.map(|port| format!("127.0.0.1:{port}"));
        let exim = Self { folder, child, starttls, tls, plain, ca: authority.certificate_pem() };
        exim.wait("it answers", || std::net::TcpStream::connect(&exim.starttls).ok().map(drop)).await;
        exim
    }

    /// Everything that arrived, once it is so.
    pub async fn inbox(&self, what: &str, so: impl Fn(&str) -> bool) -> String {
        let path = self.folder.path().join("mail/inbox");
        // Long lines are folded in transport; what is looked for is not.
        let read = || fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n").replace("\n ", " ");
        self.wait(what, || Some(read()).filter(|inbox| so(inbox))).await
    }

    async fn wait<T>(&self, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
        let wait = async {
            loop {
                if let Some(found) = look() {
                    return found;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| {
            let read = |name: &str| fs::read_to_string(self.folder.path().join(name)).unwrap_or_default();
            panic!("never came to be: {what}\n{}\n{}", read("mail/inbox"), read("log/main"))
        })
    }
}

impl Drop for Exim {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// It takes connections and says nothing.
pub async fn hanging() -> (String, tokio::task::JoinHandle<()>) {
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = tcp.local_addr().unwrap().to_string();
    let holding = tokio::spawn(async move {
        let mut held: Vec<TcpStream> = Vec::new();
        while let Ok((connection, _)) = tcp.accept().await {
            held.push(connection);
        }
    });
    (address, holding)
}

/// Held all at once, so that they differ.
async fn free_ports<const COUNT: usize>() -> [u16; COUNT] {
    let mut held = Vec::new();
    for _ in 0..COUNT {
        held.push(TcpListener::bind("127.0.0.1:0").await.unwrap());
    }
    let ports: Vec<u16> = held.iter().map(|tcp| tcp.local_addr().unwrap().port()).collect();
    ports.try_into().unwrap()
}

fn uid() -> u32 {
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let line = users.lines().find(|line| line.starts_with(&format!("{EXIM_USER}:")));
    let line = line.expect("Exim is installed: scripts/install-packages does that");
    line.split(':').nth(2).unwrap().parse().unwrap()
}

fn settings(folder: &TempDir, [starttls, tls, plain]: [u16; 3]) -> String {
    let folder: PathBuf = folder.path().to_owned();
    let folder = folder.display();
    format!(
        r#"keep_environment =
primary_hostname = mail.test
spool_directory = {folder}/spool
log_file_path = {folder}/log/%s
pid_file_path = {folder}/spool/pid
deliver_drop_privilege
local_interfaces = 127.0.0.1
daemon_smtp_ports = {starttls} : {tls} : {plain}
tls_advertise_hosts = ${{if eq{{$received_port}}{{{plain}}}{{}}{{*}}}}
tls_certificate = {folder}/cert.pem
tls_privatekey = {folder}/key.pem
tls_on_connect_ports = {tls}
rfc1413_query_timeout = 0s
host_lookup =
acl_smtp_rcpt = recipient

begin acl
recipient:
  deny message = sign in first
       !authenticated = *
  deny message = nobody of that name
       local_parts = refused
  accept

begin routers
all:
  driver = accept
  transport = keep

begin transports
keep:
  driver = appendfile
  file = {folder}/mail/inbox
  user = {EXIM_USER}

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_condition = ${{if and{{{{eq{{$auth2}}{{{USER}}}}}{{eq{{$auth3}}{{{PASSWORD}}}}}}}}}
  server_set_id = $auth2
  server_advertise_condition = ${{if def:tls_in_cipher}}
"#
    )
}
