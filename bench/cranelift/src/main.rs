//! clpeer: Cranelift as a peer of Gantry, to compile, run and judge the same CLIF files.
//!
//!     clpeer test [--settings A,B] FILE...        run lines, natively, at several settings
//!     clpeer list FILE...                         functions with their instruction counts
//!     clpeer compile [options] FILE...            compile time, memory and shape of the code
//!     clpeer asm [options] FILE...                the code as text
//!     clpeer image --base N [options] FILE        a kernel's file as AArch64 code for an address
//!     clpeer shares FILE                          shape of code that another compiler made
//!     clpeer run [--tsv] [--reps N] FILE...       run time of each file's kernel
//!     clpeer parse [--tsv] [--reps N] FILE...     speed of the reader
//!     clpeer build [--reps N]                     speed of the builder

mod build;
mod compile;
mod heap;
mod host;
mod image;
mod judge;
mod kernel;
mod link;
mod shares;

use std::process::ExitCode;

#[global_allocator]
static HEAP: heap::Counting = heap::Counting;

const USAGE: &str = "usage: clpeer COMMAND [options] FILE...
  test list compile asm image shares run parse build
  --settings A,B   of: none+single_pass none speed+single_pass speed
  --only FILE      compile: only these functions, each on a line: PATH <tab> LINE
  --reps N         repetitions of which the median counts (5)
  --tsv            figures separated by tabs
  --baseline       without the host's CPU features
  --target ARCH    compile, asm: for aarch64 (its baseline) in place of the host
  --base N         image: the address, in decimal";

/// What the command line asked for; each subcommand uses its part.
pub struct Options {
    pub settings: Vec<host::Setting>,
    pub only: Option<String>,
    pub reps: usize,
    pub tsv: bool,
    pub baseline: bool,
    pub aarch64: bool,
    pub base: usize,
    pub files: Vec<String>,
}

fn parse_options(args: &[String]) -> Result<Options, String> {
    let mut o = Options {
        settings: Vec::new(),
        only: None,
        reps: 5,
        tsv: false,
        baseline: false,
        aarch64: false,
        base: 0,
        files: Vec::new(),
    };
    let mut it = args.iter();
    while let Some(arg) = it.next() {
        let mut value = || it.next().ok_or(format!("{arg} needs a value"));
        match arg.as_str() {
            "--settings" => {
                for name in value()?.split(',') {
                    o.settings.push(host::Setting::by_name(name)?);
                }
            }
            "--only" => o.only = Some(value()?.clone()),
            "--reps" => o.reps = value()?.parse().map_err(|_| "--reps needs a number")?,
            "--tsv" => o.tsv = true,
            "--baseline" => o.baseline = true,
            "--base" => o.base = value()?.parse().map_err(|_| "--base needs a number")?,
            "--target" => {
                o.aarch64 = match value()?.as_str() {
                    "aarch64" => true,
                    "host" => false,
                    other => return Err(format!("unknown target {other}")),
                }
            }
            _ if arg.starts_with('-') => return Err(format!("unknown option {arg}")),
            _ => o.files.push(arg.clone()),
        }
    }
    o.reps = o.reps.max(1);
    Ok(o)
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let options = match parse_options(args.get(1..).unwrap_or(&[])) {
        Ok(o) if !o.files.is_empty() || args.first().is_some_and(|a| a == "build") => o,
        Ok(_) => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
        Err(e) => {
            eprintln!("clpeer: {e}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    // A panic of Cranelift's is one function's failure, reported where it is caught.
    std::panic::set_hook(Box::new(|_| {}));
    let status = match args[0].as_str() {
        "test" => judge::test(&options),
        "list" => compile::list(&options),
        "compile" => compile::compile(&options),
        "asm" => compile::asm(&options),
        "image" => image::image(&options),
        "shares" => shares::of_file(&options.files[0]),
        "run" => kernel::run(&options),
        "parse" => compile::parse(&options),
        "build" => build::build(&options),
        _ => {
            eprintln!("{USAGE}");
            2
        }
    };
    ExitCode::from(status)
}
