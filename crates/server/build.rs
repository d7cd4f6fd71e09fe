//! Chooses what is compiled in as the web console: what was built in `web/dist`, or, if nothing was, a
//! page that says how.

use std::{env, fs, path::PathBuf};

const UNBUILT: &str = "<!doctype html><html lang=\"en\"><title>Diecast</title><h1>Diecast</h1>\
    <p>The server runs, but was built without its web console. Build that with \
    <code>scripts/build-console</code>, then the server again. The command line is <code>diecast</code>; \
    the API is described at <a href=\"/api/v1/openapi.json\">/api/v1/openapi.json</a>.</p></html>\n";

fn main() {
    let crate_folder = PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let web = crate_folder.join("../../web");
    let built = web.join("dist");
    // What is not there would count as changed in every build. Where it cannot be made, it only does.
    let _ = fs::create_dir_all(&built);
    println!("cargo:rerun-if-changed={}", built.display());
    let folder = if built.join("index.html").is_file() {
        built
    } else {
        let own = PathBuf::from(env::var("OUT_DIR").expect("cargo sets it")).join("console");
        fs::create_dir_all(&own).expect("the output folder can be written");
        fs::write(own.join("index.html"), UNBUILT).expect("the output folder can be written");
        own
    };
    println!("cargo:rustc-env=DIECAST_CONSOLE={}", folder.display());
}
