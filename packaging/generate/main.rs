//! Generates the files that a package contains beside the program: manual pages, completions, the commented
//! `freezerd.toml`, the JSON Schema of a job file, and the pages of `docs/` with links that work in the package. The
//! source is the definitions that the program itself uses.
//!
//! `cargo run --example generate -- DIR`
//!
//! With `--docs`, it writes the pages of `docs/` that are made from the same definitions: `jobs.md` and `settings.md`.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap_complete::Shell;

mod commands;
mod completions;
mod installed;
mod jobs;
mod markdown;
mod page;
mod reference;
mod settings;
mod settings_reference;
mod texts;

fn main() -> ExitCode {
    let Some(directory) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: generate DIR|--docs");
        return ExitCode::from(64);
    };
    let written = match directory.to_str() {
        Some("--docs") => write_docs(Path::new("docs")),
        _ => write_all(&directory),
    };
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("generate: {}: {error}", directory.display());
            ExitCode::FAILURE
        }
    }
}

fn write_docs(directory: &Path) -> io::Result<()> {
    write(&directory.join("jobs.md"), &reference::page())?;
    write(&directory.join("settings.md"), &settings_reference::page())
}

fn write_all(top: &Path) -> io::Result<()> {
    let command = commands::visible();
    for (name, text) in commands::pages(&command) {
        write(&top.join("man").join(name), &text)?;
    }
    write(&top.join("man/freezerd-jobs.5"), &jobs::page())?;
    write(&top.join("man/freezerd.toml.5"), &settings::page())?;
    write(&top.join("freezerd.toml"), &settings::template())?;
    write_docs(&top.join("docs"))?;
    for (name, text) in installed::pages()? {
        write(&top.join("doc").join(name), &text)?;
    }
    let schema = format!("{:#}\n", freezerd::job::schema::schema());
    write(&top.join("job.schema.json"), &schema)?;
    for (shell, name) in [
        (Shell::Bash, "completions/freezerd.bash"),
        (Shell::Zsh, "completions/_freezerd"),
        (Shell::Fish, "completions/freezerd.fish"),
    ] {
        write(&top.join(name), &completions::script(shell, &command))?;
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    std::fs::write(path, text)
}
