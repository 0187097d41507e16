//! Makes the playground that the program embeds, once: `playground/dist`, by npm, from what lies in `playground/`.
//!
//! Where that can't be done, the gateway is built without it, and both the build and the page in its place say why.

use std::{
    collections::hash_map::DefaultHasher,
    env,
    fs::{self, File},
    hash::{Hash, Hasher},
    io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::SystemTime,
};

/// Forbids making the playground; one that is there already is embedded all the same.
const SKIP: &str = "SKIP_PLAYGROUND";

/// What npm said last.
const LOG: &str = "playground/npm.log";

const NPM: &str = if cfg!(windows) { "npm.cmd" } else { "npm" };

/// What the playground is made from, the example queries aside.
const SOURCES: [&str; 6] = [
    "playground/index.html",
    "playground/main.jsx",
    "playground/package-lock.json",
    "playground/package.json",
    "playground/style.css",
    "playground/vite.config.js",
];
const EXAMPLES: &str = "examples/queries";
/// Embedded as they are; a new one has the program built again.
const DOCUMENTS: &str = "docs";
const PAGE: &str = "playground/dist/index.html";
/// Tells from which sources a playground was made. Without it, it was made by hand, and is left as it is.
const MARK: &str = "playground/dist/.made-from";

fn main() {
    println!("cargo:rerun-if-env-changed={SKIP}");
    for watched in SOURCES
        .iter()
        .chain([&EXAMPLES, &PAGE, &DOCUMENTS, &"build.rs"])
    {
        println!("cargo:rerun-if-changed={watched}");
    }

    let made = make_unless_made();
    let is_there = Path::new(PAGE).is_file();
    if let Err(why) = &made {
        let effect = match is_there {
            true => "is one of other sources",
            false => "is left out",
        };
        println!("cargo:warning=the playground {effect}: {why}");
    }
    let lacking = made.err().filter(|_| !is_there).unwrap_or_default();
    println!("cargo:rustc-env=PLAYGROUND_LACKING={lacking}");
}

fn make_unless_made() -> Result<(), String> {
    let sources = digest_of_sources().map_err(|err| format!("its sources can't be read: {err}"))?;
    if is_made_from(&sources) {
        return Ok(());
    }
    if env::var_os(SKIP).is_some_and(|value| !value.is_empty()) {
        return Err(format!("{SKIP} is set"));
    }

    // Two builds at once, such as an editor's and a terminal's, take turns, and the second finds it made.
    let turn = File::create("playground/.lock").and_then(|file| file.lock().map(|()| file));
    let _turn = turn.map_err(|err| format!("playground/.lock can't be locked: {err}"))?;
    match is_made_from(&sources) {
        true => Ok(()),
        false => make(&sources),
    }
}

/// Whether there is one that needs no making.
fn is_made_from(sources: &str) -> bool {
    let mark = fs::read_to_string(MARK).ok();
    Path::new(PAGE).is_file() && mark.is_none_or(|mark| mark == sources)
}

/// Makes it beside the place where it is looked for, and moves it there whole.
fn make(sources: &str) -> Result<(), String> {
    npm(&["ci", "--prefer-offline"])?;
    npm(&["run", "build", "--", "--outDir", "dist.new"])?;

    put_in_place(sources).map_err(|err| format!("playground/dist can't be written: {err}"))
}

fn put_in_place(sources: &str) -> io::Result<()> {
    fs::write("playground/dist.new/.made-from", sources)?;
    // What is newer than the start of this script would have it run once more by the next build.
    let page = File::options()
        .write(true)
        .open("playground/dist.new/index.html")?;
    page.set_modified(SystemTime::UNIX_EPOCH)?;

    match fs::remove_dir_all("playground/dist") {
        Err(err) if err.kind() != io::ErrorKind::NotFound => return Err(err),
        _ => {}
    }
    fs::rename("playground/dist.new", "playground/dist")
}

fn npm(arguments: &[&str]) -> Result<(), String> {
    let command = arguments.join(" ");
    let output = File::create(LOG)
        .and_then(|file| Ok((file.try_clone()?, file)))
        .map_err(|err| format!("{LOG} can't be written: {err}"))?;

    let status = Command::new(NPM)
        .args(arguments)
        .current_dir("playground")
        .stdin(Stdio::null())
        .stdout(output.0)
        .stderr(output.1)
        .status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(format!(
            "`npm {command}` failed, which needs Node.js 18 or newer and npm's registry: {LOG} says why \
            ({SKIP}=1 builds without trying)"
        )),
        Err(_) => Err("install Node.js 18 or newer with npm, and build again".to_owned()),
    }
}

/// Another version of Rust may digest otherwise: then the playground is made once more, which is no harm.
fn digest_of_sources() -> io::Result<String> {
    let mut examples = fs::read_dir(EXAMPLES)?
        .map(|entry| Ok(entry?.path()))
        .collect::<io::Result<Vec<_>>>()?;
    examples.sort();

    let mut digest = DefaultHasher::new();
    for path in SOURCES.iter().map(PathBuf::from).chain(examples) {
        path.hash(&mut digest);
        fs::read(&path)?.hash(&mut digest);
    }
    Ok(format!("{:016x}", digest.finish()))
}
