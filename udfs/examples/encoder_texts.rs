//! Writes the texts that the encoder is taught with:
//! `cargo run -p verbatim-udfs --example encoder_texts DATA TEXTS.jsonl`; `encoder/distil.py` reads
//! them.
#![allow(clippy::print_stdout, reason = "a command-line program")]

use std::io::Write;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(data), Some(path)) = (arguments.next(), arguments.next()) else {
        return Err("two arguments are needed: the folder of the sets, the file to write".into());
    };
    let mut out = std::io::BufWriter::new(std::fs::File::create(&path)?);
    let texts = verbatim_udfs::train::encoder_texts(&data, &path, &mut out)?;
    out.flush()?;
    println!("{texts} texts in {}", path.display());
    Ok(())
}
