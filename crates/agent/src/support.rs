//! `diecast-agent support`: what this machine says of the agent and its hypervisor, in one archive, without secrets.
//!
//! It reads the agent's folder as it lies there and asks the system's programs. It changes nothing, needs neither the
//! server nor a running agent, and waits for no hypervisor that hangs.

use crate::{report::AGENT_VERSION, settings::SupportArgs};
use diecast_domain::code::{Code, Problem};
use diecast_support::{Archive, Redactor};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

const FOLDER: &str = "diecast-agent-support";
/// What the agent keeps in single files. The key of its certificate is not among them.
const DOCUMENTS: [&str; 3] = ["identity.json", "assignment.json", "storage.json"];
/// Folders of small documents, one for each version, host or operation.
const FOLDERS: [&str; 4] = ["verified", "damaged", "published", "operations"];
/// Documents of one folder: thousands of hosts say no more than some hundreds.
const DOCUMENTS_MAX: usize = 500;
const UNITS: [&str; 3] = ["diecast-agent", "libvirtd", "virtqemud"];

/// Makes the archive; returns the list of what is in it.
pub async fn support(args: &SupportArgs) -> Result<String, Problem> {
    let mut archive = Archive::new(FOLDER, Redactor::new(args.redact_addresses));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    archive.json("versions", &json!({ "agent": AGENT_VERSION, "made_at_unix_seconds": now }));
    let data = &args.data.data;
    for name in DOCUMENTS {
        document(&mut archive, name, &data.join(name));
    }
    for folder in FOLDERS {
        documents(&mut archive, folder, &data.join(folder));
    }
    let data = data.display().to_string();
    archive.command("folder.txt", "ls", &["-lanR", "--time-style=full-iso", &data]).await;
    if let Some(storage) = storage(&args.data.data) {
        let storage = storage.display().to_string();
        archive.command("storage.txt", "ls", &["-lanRs", "--time-style=full-iso", &storage]).await;
        archive.command("storage-disk.txt", "df", &["-h", "-T", &storage]).await;
    }
    of_the_system(&mut archive).await;
    let written = archive.write(&args.file, now);
    written.map_err(|error| {
        Problem::new(Code::S0003, format!("{} cannot be written: {error}", args.file.display()))
            .with_hint("name a file that does not exist, in a folder that you may write to")
    })?;
    Ok(archive.contents())
}

fn document(archive: &mut Archive, name: &str, path: &Path) {
    let read = fs::read(path).map_err(|error| error.to_string());
    match read.and_then(|bytes| serde_json::from_slice::<Value>(&bytes).map_err(|error| error.to_string())) {
        Ok(value) => archive.json(name.trim_end_matches(".json"), &value),
        Err(why) => archive.missing(name, &why),
    }
}

/// Everything of a folder as one document, by the names of the files.
fn documents(archive: &mut Archive, name: &str, path: &Path) {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) => return archive.missing(name, &error.to_string()),
    };
    let read = entries.filter_map(|entry| {
        let entry = entry.ok()?;
        let value = serde_json::from_slice::<Value>(&fs::read(entry.path()).ok()?).ok()?;
        Some((entry.file_name().to_string_lossy().into_owned(), value))
    });
    let read: serde_json::Map<String, Value> = read.take(DOCUMENTS_MAX).collect();
    archive.json(name, &read);
}

/// Diecast's folder in the storage pool, as the agent wrote it down.
fn storage(data: &Path) -> Option<PathBuf> {
    let kept: Value = serde_json::from_slice(&fs::read(data.join("storage.json")).ok()?).ok()?;
    kept["path"].as_str().map(PathBuf::from)
}

async fn of_the_system(archive: &mut Archive) {
    archive.command("machine/uname.txt", "uname", &["-a"]).await;
    archive.command("machine/disks.txt", "df", &["-h", "-T"]).await;
    archive.command("machine/mounts.txt", "findmnt", &["-l"]).await;
    archive.command("machine/memory.txt", "cat", &["/proc/meminfo"]).await;
    archive.command("machine/qemu.txt", "qemu-img", &["--version"]).await;
    archive.command("machine/libvirt.txt", "virsh", &["-r", "version", "--daemon"]).await;
    archive.command("machine/domains.txt", "virsh", &["-r", "list", "--all", "--title"]).await;
    archive.command("machine/pools.txt", "virsh", &["-r", "pool-list", "--all", "--details"]).await;
    archive.command("machine/networks.txt", "virsh", &["-r", "net-list", "--all"]).await;
    for unit in UNITS {
        let name = format!("machine/{unit}.txt");
        archive.command(&name, "systemctl", &["status", "--no-pager", "-l", unit]).await;
        let name = format!("machine/{unit}.journal.txt");
        let asked = ["--unit", unit, "--lines", "5000", "--no-pager", "--quiet"];
        archive.command(&name, "journalctl", &asked).await;
    }
    match fs::read_to_string("/etc/diecast/agent.toml") {
        Ok(text) => archive.text("machine/agent.toml", &text),
        Err(error) => archive.missing("machine/agent.toml", &error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::DataArg;

    #[tokio::test]
    async fn an_archive_has_the_agents_orders_and_neither_its_key_nor_what_guests_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        fs::create_dir_all(data.join("verified")).unwrap();
        let orders = json!({"generation": {"epoch": 1, "number": 7}, "orders": {"hosts": [
            {"name": "desk-1", "setup": {"user_data": "geheim-1", "unattend": "geheim-2"}}]}});
        fs::write(data.join("assignment.json"), orders.to_string()).unwrap();
        fs::write(data.join("key.pem"), "-----BEGIN PRIVATE KEY-----\ngeheim-3\n").unwrap();
        fs::write(data.join("verified/abc"), r#"{"at": 5}"#).unwrap();
        let file = folder.path().join("support.tar.zst");
        let args = SupportArgs { file: file.clone(), redact_addresses: false, data: DataArg { data } };
        let contents = support(&args).await.unwrap();
        for listed in ["assignment.json", "verified.json", "identity.json: not there"] {
            assert!(contents.contains(listed), "{contents}");
        }
        let whole = zstd::decode_all(fs::File::open(&file).unwrap()).unwrap();
        let whole = String::from_utf8_lossy(&whole);
        assert!(whole.contains("desk-1") && !whole.contains("geheim"));
        assert!(support(&args).await.unwrap_err().cause.contains("exists"));
    }
}
