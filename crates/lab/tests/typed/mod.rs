//! How a guide is read: its blocks that say where they are typed, and the lines that one types.

/// A block of a guide: where it is typed, and what.
pub struct Block {
    pub places: Vec<String>,
    pub script: String,
}

pub fn blocks(page: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        // In a list it is indented as the list is.
        let Some((indent, places)) = line.split_once("```sh on ") else { continue };
        let script = lines.by_ref().map(|line| line.strip_prefix(indent).unwrap_or(line));
        let script: Vec<_> = script.take_while(|line| *line != "```").collect();
        let places = places.split(' ').map(str::to_owned).collect();
        found.push(Block { places, script: script.join("\n") });
    }
    found
}

/// What the guide says to read where there is no systemd.
pub fn without_systemd(line: &str) -> String {
    let acts = [("enable --now", "start"), ("start", "start"), ("restart", "restart"), ("stop", "stop")];
    let service = acts.iter().find_map(|(act, does)| {
        let name = line.strip_prefix(&format!("systemctl {act} "))?;
        Some(format!("service {name} {does}"))
    });
    service.unwrap_or_else(|| line.to_owned())
}

/// The lines of a script; those between braces are one.
pub fn commands(script: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut open = false;
    for line in script.lines() {
        match found.last_mut().filter(|_| open) {
            Some(last) => *last += &format!("\n{line}"),
            None => found.push(line.to_owned()),
        }
        open = (open || line.ends_with('{')) && line != "}";
    }
    found
}
