//! A whole server in a test, on a loopback port with TLS, and agents that say what the test says.
#![allow(dead_code, clippy::unwrap_used)]

use diecast_api::agent::{self, Enrolled, Enrolment};
use diecast_domain::{
    assignment::Assignment,
    code::{Code, Problem},
    digest::Digest,
    generation::Generation,
    host::{HostPhase, HostReport},
    ids::{MaintenanceId, ProviderId, SessionId},
    maintenance::{WorkingCopyPhase, WorkingCopyReport},
    profile::{DiskBus, DiskSlot, Firmware, HardwareProfile, MachineType, Nic},
    provider::{
        CpuFacts, FirmwareFacts, NetworkFacts, NetworkKind, Power, ProviderFacts, StorageFacts, Vm, VmContent,
    },
    replica::{Phase, Progress, ReplicaReport},
    report::{Load, PublicationPhase, PublicationReport, Published, Report},
    template::VersionSize,
    units::{ByteCount, Timestamp},
};
use diecast_identity::{KeyedCertificate, Keys, Timeouts, reqwest_client};
use diecast_server::{Running, ServerSettings, start};
use diecast_transfer::{
    manifest::Manifest,
    progress::Progress as TransferProgress,
    publish::{DiskInput, PublishInput, publish},
    spool::Spool,
};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;
use tempfile::TempDir;
use uuid::Uuid;

pub const PASSWORD: &str = "a password for tests";

/// How long a test waits for what must happen soon. Not a measure: only an end to hanging.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct World {
    pub folder: TempDir,
    pub server: Option<Running>,
    pub url: String,
    pub ca: String,
    pub http: reqwest::Client,
    pub token: String,
}

pub fn settings(folder: &TempDir) -> ServerSettings {
    ServerSettings {
        data: folder.path().to_owned(),
        database: None,
        listen: "127.0.0.1:0".parse().unwrap(),
        names: Vec::new(),
        certificate: None,
        admin_password: Some(PASSWORD.to_owned()),
        show_password: true,
        notification_scripts: None,
        metrics_listen: None,
    }
}

impl World {
    pub async fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let server = start(settings(&folder)).await.unwrap();
        let mut world = Self {
            folder,
            url: String::new(),
            ca: server.ca_pem.clone(),
            http: reqwest_client(&server.ca_pem, None, Timeouts::default()).unwrap(),
            token: String::new(),
            server: None,
        };
        world.use_server(server);
        world.sign_in().await;
        world
    }

    fn use_server(&mut self, server: Running) {
        self.url = format!("https://{}", server.address);
        self.server = Some(server);
    }

    /// Stops the server and starts another one on the same data.
    pub async fn restart(&mut self) {
        self.restart_with(|_| ()).await;
    }

    /// The same, with other settings.
    pub async fn restart_with(&mut self, change: impl FnOnce(&mut ServerSettings)) {
        self.server.take().unwrap().stop().await;
        let mut settings = settings(&self.folder);
        change(&mut settings);
        let server = start(settings).await.unwrap();
        assert_eq!(server.ca_pem, self.ca, "a restart keeps the authority");
        self.use_server(server);
    }

    pub async fn sign_in(&mut self) {
        let body = json!({"user": "admin", "password": PASSWORD});
        let answer = self.http.post(format!("{}/api/v1/session", self.url)).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        self.token = answer.json::<Value>().await.unwrap()["token"].as_str().unwrap().to_owned();
    }

    pub fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}/api/v1{path}", self.url)).bearer_auth(&self.token)
    }

    pub async fn get(&self, path: &str) -> Value {
        good(self.ask(Method::GET, path).send().await.unwrap()).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Value {
        good(self.ask(Method::POST, path).json(&body).send().await.unwrap()).await
    }

    pub async fn delete(&self, path: &str) -> Value {
        good(self.ask(Method::DELETE, path).send().await.unwrap()).await
    }

    /// What a refusal says.
    pub async fn refused(&self, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        problem(self.ask(method, path).json(&body).send().await.unwrap()).await
    }

    /// Asks again and again until it is so.
    pub async fn until(&self, path: &str, what: &str, so: impl Fn(&Value) -> bool) -> Value {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let seen = self.get(path).await;
            if so(&seen) {
                return seen;
            }
            assert!(tokio::time::Instant::now() < deadline, "never came to be: {what}\n{seen:#}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Adds a provider; the token its agent joins with.
    pub async fn add_provider(&self, name: &str) -> String {
        let join = self.post("/providers", json!({"name": name})).await;
        join["token"].as_str().unwrap().to_owned()
    }

    /// Adds a provider, enrols an agent, and has it report once.
    pub async fn join(&self, name: &str) -> Agent {
        let token = self.add_provider(name).await;
        let mut agent = Agent::enrol(self, &token).await;
        agent.report().await;
        let path = format!("/providers/{name}");
        self.until(&path, "the provider is available", |it| it["state"] == "Available").await;
        agent
    }

    /// Publishes a template from the first agent, with everybody on its list.
    pub async fn publish(&self, name: &str, agents: &mut [Agent]) -> Manifest {
        let others: Vec<&str> = agents.iter().map(|agent| agent.name.as_str()).collect();
        let body = json!({"name": name, "provider": agents[0].name, "vm": "golden", "to": others});
        self.post("/templates", body).await;
        let (manifest, published) = golden(name);
        agents[0].work_off_publication(&manifest, published).await;
        let path = format!("/templates/{name}");
        self.until(&path, "the template is ready", |it| it["status"] == "Ready").await;
        manifest
    }

    /// Publishes, and has everybody hold it.
    pub async fn distribute(&self, name: &str, agents: &mut [Agent]) -> Manifest {
        let manifest = self.publish(name, agents).await;
        for agent in &mut *agents {
            agent.hold(manifest.digest(), Phase::Ready);
            agent.report().await;
        }
        let path = format!("/templates/{name}/distribution");
        self.until(&path, "everybody holds it", |it| it["distribution"] == "OK").await;
        manifest
    }
}

async fn good(answer: Response) -> Value {
    let status = answer.status();
    let text = answer.text().await.unwrap();
    assert!(status.is_success(), "{status}: {text}");
    if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() }
}

pub async fn problem(answer: Response) -> (StatusCode, Value) {
    let status = answer.status();
    assert!(!status.is_success(), "{status}");
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    let id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
    let said: Value = answer.json().await.unwrap();
    assert_eq!(said["request"], id, "the problem names its request");
    assert_eq!(said["status"], status.as_u16());
    for part in ["type", "title", "detail", "code", "hint"] {
        assert!(!said[part].as_str().unwrap().is_empty(), "{part} of {said}");
    }
    (status, said)
}

/// An agent that does nothing: it says what the test puts into its report.
pub struct Agent {
    pub name: String,
    pub id: ProviderId,
    pub identity: KeyedCertificate,
    pub http: reqwest::Client,
    pub url: String,
    pub said: Report,
}

pub async fn try_enrol(world: &World, token: &str, keys: &Keys) -> Response {
    let body =
        Enrolment { token: token.to_owned(), csr: keys.csr_pem.clone(), agent_version: "0.1.0".to_owned() };
    world.http.post(format!("{}{}", world.url, agent::ENROL)).json(&body).send().await.unwrap()
}

impl Agent {
    pub async fn enrol(world: &World, token: &str) -> Self {
        let keys = Keys::generate().unwrap();
        let answer = try_enrol(world, token, &keys).await;
        assert_eq!(answer.status(), StatusCode::OK);
        let enrolled: Enrolled = answer.json().await.unwrap();
        assert_eq!(enrolled.ca, world.ca);
        let identity = keys.certified(enrolled.certificate);
        Self {
            http: reqwest_client(&world.ca, Some(&identity), Timeouts::default()).unwrap(),
            said: first_report(enrolled.provider),
            name: enrolled.name,
            id: enrolled.provider,
            url: world.url.clone(),
            identity,
        }
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url))
    }

    pub async fn try_report(&mut self) -> Response {
        self.said.sequence += 1;
        self.request(Method::POST, agent::REPORT).json(&self.said).send().await.unwrap()
    }

    pub async fn report(&mut self) {
        let answer = self.try_report().await;
        assert_eq!(answer.status(), StatusCode::NO_CONTENT, "{}", answer.text().await.unwrap());
    }

    /// What it is told, newer than `after`.
    pub async fn assignment(&self, after: Option<Generation>) -> Option<Assignment> {
        let after = after.map(|after| format!("?after={after}")).unwrap_or_default();
        let path = format!("{}{after}", agent::ASSIGNMENT);
        let answer = self.request(Method::GET, &path).send().await.unwrap();
        match answer.status() {
            StatusCode::OK => Some(answer.json().await.unwrap()),
            StatusCode::NO_CONTENT => None,
            other => panic!("{other}: {}", answer.text().await.unwrap()),
        }
    }

    /// Accepts what it is told from now on, until it is so.
    pub async fn told(&mut self, what: &str, so: impl Fn(&Assignment) -> bool) -> Assignment {
        let told = tokio::time::timeout(PATIENCE, async {
            let mut after = None;
            loop {
                if let Some(told) = self.assignment(after).await {
                    if so(&told) {
                        return told;
                    }
                    after = Some(told.generation);
                }
            }
        });
        let told = told.await.unwrap_or_else(|_| panic!("{} was never told: {what}", self.name));
        self.said.generation = told.generation;
        told
    }

    pub async fn put_manifest(&self, manifest: &Manifest) -> Response {
        let path = format!("{}/{}", agent::MANIFESTS, manifest.digest().hex());
        self.request(Method::PUT, &path).body(manifest.encode()).send().await.unwrap()
    }

    pub async fn get_manifest(&self, digest: Digest) -> Response {
        let path = format!("{}/{}", agent::MANIFESTS, digest.hex());
        self.request(Method::GET, &path).send().await.unwrap()
    }

    /// Does what a publisher does, as far as the server can see.
    pub async fn work_off_publication(&mut self, manifest: &Manifest, published: Published) {
        let told = self.told("a publication", |told| !told.orders.publications.is_empty()).await;
        assert!(self.put_manifest(manifest).await.status().is_success());
        let order = &told.orders.publications[0];
        self.said.publications = vec![PublicationReport {
            id: order.id,
            phase: PublicationPhase::Done,
            attempt: order.attempt,
            progress: Progress::default(),
            problem: None,
            published: Some(published),
        }];
        self.report().await;
    }

    /// From now on it says this of a version.
    pub fn hold(&mut self, digest: Digest, phase: Phase) {
        self.said.replicas.retain(|replica| replica.digest != digest);
        let whole = matches!(phase, Phase::Ready | Phase::Registering);
        self.said.replicas.push(ReplicaReport {
            digest,
            phase,
            attempt: 1,
            progress: Progress::default(),
            verified_at: whole.then_some(Timestamp(1)),
            problem: None,
            serves: false,
            damage: None,
            sources: Vec::new(),
        });
    }

    /// From now on it says that the working copy it is told of stands, and runs.
    pub async fn make_working_copy(&mut self) -> MaintenanceId {
        let told = self.told("a working copy", |told| !told.orders.working_copies.is_empty()).await;
        let order = &told.orders.working_copies[0];
        self.said.working_copies = vec![WorkingCopyReport {
            id: order.id,
            phase: WorkingCopyPhase::Made,
            attempt: order.attempt,
            power: Some(Power::Running),
            addresses: vec!["10.0.0.7".to_owned()],
            guest_agent: true,
            problem: None,
        }];
        self.report().await;
        order.id
    }

    /// Says that the publication it is told of failed.
    pub async fn fail_publication(&mut self, problem: Problem) {
        let told = self.told("a publication", |told| !told.orders.publications.is_empty()).await;
        let order = &told.orders.publications[0];
        self.said.publications = vec![PublicationReport {
            id: order.id,
            phase: PublicationPhase::Failed,
            attempt: order.attempt,
            progress: Progress::default(),
            problem: Some(problem),
            published: None,
        }];
        self.report().await;
    }

    /// From now on it says that the hosts it is told of stand.
    pub async fn make_hosts(&mut self) {
        let told = self.told("a host", |told| !told.orders.hosts.is_empty()).await;
        let made = told.orders.hosts.iter().map(|order| HostReport {
            id: order.id,
            phase: HostPhase::Made,
            attempt: order.attempt,
            power: Some(Power::Running),
            addresses: vec!["10.0.0.9".to_owned()],
            guest_agent: true,
            guest_name: Some(order.name.to_string()),
            problem: None,
            incarnation: order.incarnation,
            digest: Some(order.version.digest),
            users: Some(Vec::new()),
            set_aside: Vec::new(),
        });
        self.said.hosts = made.collect();
        self.report().await;
    }
}

/// What an agent says that has done nothing yet.
pub fn first_report(provider: ProviderId) -> Report {
    let vm = |name: &str, power, obstacle: Option<Problem>| Vm {
        name: name.to_owned(),
        uuid: Uuid::new_v4(),
        power,
        vcpus: 1,
        memory: ByteCount::mib(256),
        disks: Vec::new(),
        managed: false,
        content: obstacle.is_none().then(|| VmContent { profile: profile(), occupied: ByteCount::gib(9) }),
        obstacle,
    };
    let running = Problem::new(Code::V0001, "`busy` is running");
    Report {
        provider,
        session: SessionId::from_uuid(Uuid::new_v4()),
        sequence: 0,
        agent_version: "0.1.0".to_owned(),
        generation: Generation::default(),
        addresses: vec!["127.0.0.1:7444".to_owned()],
        facts: Some(facts()),
        hypervisor_problem: None,
        vms: vec![vm("golden", Power::Off, None), vm("busy", Power::Running, Some(running))],
        publications: Vec::new(),
        replicas: Vec::new(),
        hosts: Vec::new(),
        operations: Vec::new(),
        working_copies: Vec::new(),
        protocol: diecast_domain::protocol::PROTOCOL,
        name: None,
        settings: None,
        former: None,
        unassigned: Vec::new(),
        traffic: Default::default(),
        floor: None,
        load: Some(Load { processors: 35, memory: 60 }),
        scrub: None,
    }
}

pub fn facts() -> ProviderFacts {
    ProviderFacts {
        hypervisor: "QEMU 7.2.22, libvirt 9.0.0".to_owned(),
        cpu: CpuFacts { model: "EPYC".to_owned(), count: 8, guest_models: Vec::new() },
        memory: ByteCount::gib(16),
        storages: vec![StorageFacts {
            name: "default".to_owned(),
            path: "/var/lib/libvirt/images".to_owned(),
            active: true,
            capacity: ByteCount::gib(100),
            free: ByteCount::gib(80),
        }],
        networks: vec![NetworkFacts { name: "corp".to_owned(), kind: NetworkKind::Network, active: true }],
        firmware: FirmwareFacts { bios: true, uefi: true, secure_boot: false },
        machine_types: vec![MachineType::Q35],
        hardware_acceleration: false,
    }
}

pub fn profile() -> HardwareProfile {
    HardwareProfile {
        vcpus: 1,
        memory: ByteCount::mib(256),
        machine: MachineType::Q35,
        firmware: Firmware::Bios,
        cpu_model: None,
        disks: vec![DiskSlot { name: "disk0".to_owned(), bus: DiskBus::Virtio, size: ByteCount(200 << 10) }],
        nics: vec![Nic { model: "virtio".to_owned(), network: "corp".to_owned() }],
        tpm: false,
        clock_localtime: false,
    }
}

/// A small version, really cut and hashed: the server checks manifests.
pub fn golden(content: &str) -> (Manifest, Published) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("disk0.raw");
    let mut bytes = content.as_bytes().repeat(1 + (200 << 10) / content.len());
    bytes.truncate(200 << 10);
    std::fs::write(&path, bytes).unwrap();
    let profile = profile();
    let input = PublishInput {
        disks: vec![DiskInput { name: "disk0".to_owned(), path }],
        nvram: None,
        profile: serde_json::to_vec(&profile).unwrap(),
    };
    let spool = Spool::open(&folder.path().join("spool")).unwrap();
    let manifest = publish(input, &spool, &TransferProgress::default(), &Default::default()).unwrap();
    let size = VersionSize {
        virtual_bytes: manifest.size(),
        data_bytes: manifest.data_bytes(),
        packed_bytes: manifest.wire_bytes(),
    };
    let published = Published {
        digest: manifest.digest(),
        size,
        profile,
        warnings: Vec::new(),
        new_bytes: None,
        trimming: None,
    };
    (manifest, published)
}
