//! Closed from the first day: on a running site, nobody gets what is not theirs, and nothing is open
//! that need not be.
#![allow(clippy::unwrap_used, reason = "a test ends at the first thing that fails")]

mod site;

use diecast_lab::{
    golden::{Kind, Recipe},
    run::output_of,
};
use serde_json::{Value, json};
use site::{SOON, Site};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

const DEPOT_PORT: &str = ":7444";
/// A spool's record: magic, length, digest.
const DIGEST_IN_RECORD: std::ops::Range<usize> = 8..40;

/// What `curl` got: the status (`000` if no answer came) and the body.
fn curl(args: &[&str]) -> (String, Value) {
    let mut command = Command::new("curl");
    command.args(["-sS", "--noproxy", "*", "--max-time", "20", "-w", "\n%{http_code}"]).args(args);
    let said = output_of(&mut command, "").unwrap().stdout;
    let said = String::from_utf8_lossy(&said).into_owned();
    let (body, status) = said.rsplit_once('\n').unwrap_or(("", &said));
    (status.to_owned(), serde_json::from_str(body).unwrap_or_default())
}

struct Door<'a> {
    site: &'a Site,
    url: String,
    ca: String,
    token: String,
    folder: PathBuf,
}

impl<'a> Door<'a> {
    fn of(site: &'a Site) -> Self {
        let server = site.state().unwrap().server.unwrap();
        let ca = site.paths().ca().to_str().unwrap().to_owned();
        Self { site, url: server.url, ca, token: server.token.unwrap(), folder: site.data().join("body") }
    }

    /// The certificate of a provider's agent, as `curl` takes it.
    fn identity(&self, provider: &str) -> Vec<String> {
        let data = self.site.item(provider).unwrap().agent_data;
        let file = |name: &str| data.join(name).to_str().unwrap().to_owned();
        vec!["--cert".into(), file("certificate.pem"), "--key".into(), file("key.pem")]
    }

    fn ask(&self, path: &str, more: &[&str]) -> (String, Value) {
        curl(&[&["--cacert", &self.ca, &format!("{}{path}", self.url)], more].concat())
    }

    fn ask_as(&self, provider: &str, path: &str, more: &[&str]) -> (String, Value) {
        let identity = self.identity(provider);
        let identity: Vec<&str> = identity.iter().map(String::as_str).collect();
        self.ask(path, &[&identity, more].concat())
    }

    fn post(&self, body: &Value) -> Vec<String> {
        fs::write(&self.folder, body.to_string()).unwrap();
        let data = format!("@{}", self.folder.display());
        vec!["-H".into(), "content-type: application/json".into(), "--data-binary".into(), data]
    }
}

fn refused((status, said): (String, Value), expected: (&str, &str), who: &str) {
    assert_eq!((status.as_str(), said["code"].as_str()), (expected.0, Some(expected.1)), "{who}: {said}");
    for key in ["detail", "hint"] {
        assert!(said[key].as_str().is_some_and(|text| text.len() > 10), "{who}: {said}");
    }
}

fn operators_need_a_token(door: &Door<'_>) {
    let token = format!("authorization: Bearer {}", door.token);
    let routes =
        ["/api/v1/providers", "/api/v1/templates", "/api/v1/templates/golden/distribution", "/api/v1/hosts"];
    for path in routes {
        assert_eq!(door.ask(path, &["-H", &token]).0, "200", "{path}");
        refused(door.ask(path, &[]), ("401", "A0002"), path);
        refused(door.ask(path, &["-H", "authorization: Bearer dcs_wrong"]), ("401", "A0002"), path);
        refused(door.ask_as("kvm-a", path, &[]), ("401", "A0002"), path);
    }
    let plain = door.url.replacen("https", "http", 1);
    let (status, _) = curl(&[&format!("{plain}/api/v1/providers"), "-H", &token]);
    assert!(!status.starts_with('2'), "plain HTTP was answered with {status}");
    let (status, _) = curl(&[&format!("{}/healthz", door.url)]);
    assert_eq!(status, "000", "who does not know the CA does not take the server for it");
}

fn agents_speak_for_themselves_alone(door: &Door<'_>, digest: &str) {
    let id = |name: &str| door.site.provider(name)["id"].as_str().unwrap().to_owned();
    let report = json!({
        "provider": id("kvm-a"), "session": "00000000-0000-7000-8000-000000000000", "sequence": 1,
        "agent_version": "0", "generation": {"epoch": 0, "number": 0}, "addresses": [], "facts": null,
        "hypervisor_problem": null, "vms": [], "publications": [], "replicas": [], "hosts": [],
        "operations": [], "unassigned": [],
    });
    let body = door.post(&report);
    let body: Vec<&str> = body.iter().map(String::as_str).collect();
    refused(door.ask_as("kvm-c", "/agent/v1/report", &body), ("403", "P0012"), "a report for another");
    refused(door.ask("/agent/v1/report", &body), ("403", "P0012"), "a report without a certificate");
    let bearer = format!("authorization: Bearer {}", door.token);
    let (with_token, path) =
        ([&body[..], &["-H", &bearer]].concat(), format!("/agent/v1/manifests/{digest}"));
    refused(door.ask("/agent/v1/report", &with_token), ("403", "P0012"), "a report by an operator");
    assert_eq!(
        door.ask_as("kvm-b", &path, &["-o", "/dev/null"]).0,
        "200",
        "who is to hold it gets the manifest"
    );
    let (status, said) = door.ask_as("kvm-c", &path, &[]);
    assert_eq!(status, "403", "who is not to hold it gets none: {said}");
}

fn frames_are_for_peers_on_the_list(door: &Door<'_>, digest: &str) {
    let spool = door.site.item("kvm-a").unwrap().agent_data.join("spool").join(digest);
    let frame: String =
        fs::read(spool).unwrap()[DIGEST_IN_RECORD].iter().map(|it| format!("{it:02x}")).collect();
    let address = door.site.provider("kvm-a")["addresses"][0].as_str().unwrap().to_owned();
    let url = format!("https://{address}/depot/v1/versions/{digest}/frames/{frame}");
    // Who it is that answers is not what is asked here.
    let get = |identity: &[String]| {
        let identity: Vec<&str> = identity.iter().map(String::as_str).collect();
        curl(&[&["-k", "-o", "/dev/null", &url][..], &identity].concat()).0
    };
    door.site
        .wait_until("a peer on the list gets a frame", SOON, || get(&door.identity("kvm-b")) == "200")
        .unwrap();
    assert_eq!(get(&door.identity("kvm-c")), "403", "a peer that is not on the list");
    assert_eq!(get(&[]), "000", "nobody");
}

fn nothing_else_listens(site: &Site) {
    for item in site.list().unwrap() {
        let said = site.exec_text(&item.name, &["ss", "-ltnH"]).unwrap();
        let listening: Vec<&str> = said.lines().filter_map(|line| line.split_whitespace().nth(3)).collect();
        assert!(listening.iter().any(|at| at.ends_with(DEPOT_PORT)), "{}: {said}", item.name);
        // The hypervisor's own name server for its guests is not ours.
        let ours = |at: &&&str| !at.ends_with(DEPOT_PORT) && !at.starts_with("192.168.122.1:53");
        let open: Vec<_> = listening.iter().filter(ours).collect();
        assert!(open.is_empty(), "{} also listens at {open:?}", item.name);
    }
}

fn guests_run_unprivileged(site: &Site) {
    let proc = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    let storage = site.item("kvm-a").unwrap().storage.display().to_string();
    let guests = proc.filter(|path| {
        let line = fs::read(path.join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).into_owned();
        line.contains("qemu-system") && line.contains(&storage)
    });
    let guests: Vec<PathBuf> = guests.collect();
    assert!(!guests.is_empty(), "the host runs");
    for guest in guests {
        let status = fs::read_to_string(guest.join("status")).unwrap();
        let line = |key: &str| status.lines().find(|line| line.starts_with(key)).unwrap().to_owned();
        assert!(line("Uid:").split_whitespace().skip(1).all(|uid| uid != "0"), "{}", line("Uid:"));
        assert!(line("CapEff:").ends_with("0000000000000000"), "{}", line("CapEff:"));
    }
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let kind = entry.file_type().unwrap();
        match (kind.is_dir(), kind.is_file()) {
            (true, _) => files(&entry.path(), found),
            (_, true) => found.push(entry.path()),
            _ => {}
        }
    }
}

fn secrets_stay_secret(door: &Door<'_>) {
    let site = door.site;
    let password = site.state().unwrap().server.unwrap().password;
    let joining = site.diecast_json(&["provider", "add", "kvm-z", "--kind", "libvirt"]).unwrap();
    let token = joining["token"].as_str().unwrap();
    let secret = [door.token.as_str(), &password, token, "PRIVATE KEY"];
    let shown = site.ask(&["provider", "list"]).to_string() + &site.provider("kvm-z").to_string();
    for secret in secret {
        assert!(!shown.contains(secret), "`provider list --json` shows a secret");
    }
    let mut logs = vec![site.paths().server_log()];
    for item in site.list().unwrap() {
        let own = site.paths().provider(&item.name);
        logs.extend([own.agent_log(), own.machine_log()]);
        let key = item.agent_data.join("key.pem");
        assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600, "{}", key.display());
        let mode = fs::metadata(&item.agent_data).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o700, "{}", item.agent_data.display());
    }
    for log in &logs {
        let said = fs::read_to_string(log).unwrap_or_default();
        for (number, secret) in secret.iter().enumerate() {
            assert!(!said.contains(secret), "{} tells secret {number}", log.display());
        }
    }
    let mut kept = Vec::new();
    files(&site.paths().server(), &mut kept);
    assert!(kept.len() > 1, "{kept:?}");
    for file in kept.iter().filter(|file| !file.ends_with("ca.pem")) {
        let mode = fs::metadata(file).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{} may be read by others", file.display());
        let said = fs::read(file).unwrap();
        for secret in [door.token.as_str(), &password, token] {
            let there = said.windows(secret.len()).any(|bytes| bytes == secret.as_bytes());
            assert!(!there, "{} keeps a secret that a hash would do for", file.display());
        }
    }
}

#[test]
fn nobody_gets_what_is_not_theirs_and_nothing_is_open_that_need_not_be() {
    let site = Site::start(3);
    site.golden("kvm-a", &Recipe::new(Kind::BootOnly));
    site.create_template("kvm-a", &["kvm-b"]);
    let digest = site.wait_for_version();
    for name in ["kvm-a", "kvm-b"] {
        site.wait_ready(name, SOON);
    }
    let host = [
        "host",
        "create",
        "--template",
        "golden",
        "--provider",
        "kvm-a",
        "--count",
        "1",
        "--name",
        "desk-{n}",
    ];
    site.diecast_json(&host).unwrap();
    site.wait_until("the host runs", SOON, || {
        let said = site.ask(&["host", "list"]);
        said["items"][0]["power"] == "Running"
    })
    .unwrap();

    let door = Door::of(&site);
    operators_need_a_token(&door);
    agents_speak_for_themselves_alone(&door, &digest);
    frames_are_for_peers_on_the_list(&door, &digest);
    guests_run_unprivileged(&site);
    secrets_stay_secret(&door);
    nothing_else_listens(&site);
}
