//! Files as text, and Cranelift's targets at the settings that are compared.

use cranelift_codegen::ir::Function;
use cranelift_codegen::isa::{self, OwnedTargetIsa, TargetIsa};
use cranelift_codegen::settings::{self, Configurable};
use cranelift_reader::{Location, parse_options};
use std::process::{Command, Stdio};
use target_lexicon::Triple;

/// One of the four ways of compiling: an `opt_level` with an allocator.
#[derive(Clone, Copy, PartialEq)]
pub struct Setting {
    pub name: &'static str,
    pub opt_level: &'static str,
    pub allocator: &'static str,
}

pub const SETTINGS: [Setting; 4] = [
    Setting { name: "none+single_pass", opt_level: "none", allocator: "single_pass" },
    Setting { name: "none", opt_level: "none", allocator: "backtracking" },
    Setting { name: "speed+single_pass", opt_level: "speed", allocator: "single_pass" },
    Setting { name: "speed", opt_level: "speed", allocator: "backtracking" },
];

impl Setting {
    pub fn by_name(name: &str) -> Result<Setting, String> {
        let found = SETTINGS.iter().find(|s| s.name == name);
        found.copied().ok_or(format!("unknown setting {name}"))
    }
}

/// The text of a file; one that ends in .xz goes through `xz -dc`.
pub fn read_text(path: &str) -> Result<String, String> {
    let bytes = if path.ends_with(".xz") {
        let child = Command::new("xz").args(["-dc", "--", path]).stderr(Stdio::inherit()).output();
        let done = child.map_err(|e| format!("xz: {e}"))?;
        if !done.status.success() {
            return Err(format!("xz: {}", done.status));
        }
        done.stdout
    } else {
        std::fs::read(path).map_err(|e| e.to_string())?
    };
    String::from_utf8(bytes).map_err(|_| "not UTF-8".to_string())
}

/// One `target` line of a file: its words, and all `set` words before it.
#[derive(Clone, Default)]
pub struct Target {
    pub words: Vec<String>,
    pub sets: Vec<String>,
}

impl Target {
    /// The tag of its results: architecture and features.
    pub fn tag(&self, setting: Setting) -> String {
        format!("{} {}", self.words.join(" "), setting.name)
    }
}

/// What stands before the first function, read here since Cranelift's reader refuses a whole file
/// for one setting that it does not know.
pub struct Header {
    pub targets: Vec<Target>,
    pub runs: bool,
    pub lines: usize,
}

/// Reads the header, keeping targets that run here, or a bare x86_64 when there is none.
/// `lines` is the number of its lines, which the caller blanks for the reader.
pub fn read_header(text: &str) -> Header {
    let mut h = Header { targets: Vec::new(), runs: false, lines: 0 };
    let mut sets = Vec::new();
    for line in text.lines() {
        let code = line.split(';').next().unwrap_or("");
        let mut words = code.split_whitespace().map(str::to_string);
        match words.next().as_deref() {
            Some("function") => break,
            Some("set") => sets.extend(words),
            Some("test") => h.runs |= words.next().is_some_and(|w| w == "run" || w == "interpret"),
            Some("target") => h.targets.push(Target { words: words.collect(), sets: sets.clone() }),
            _ => {}
        }
        h.lines += 1;
    }
    h.targets.retain(|t| t.words.first().is_some_and(|w| w.starts_with("x86_64")));
    if h.targets.is_empty() {
        h.targets.push(Target { words: vec!["x86_64".to_string()], sets });
    }
    h
}

/// The same text with every header line empty, all line numbers kept.
pub fn without_header(text: &str, lines: usize) -> String {
    let rest: String = text.split_inclusive('\n').skip(lines).collect();
    "\n".repeat(lines) + &rest
}

fn common_flags(b: &mut settings::Builder, setting: Setting) {
    b.set("opt_level", setting.opt_level).unwrap();
    b.set("regalloc_algorithm", setting.allocator).unwrap();
}

/// The target of a header line at a setting, or why this host cannot run it.
pub fn isa_of_target(target: &Target, setting: Setting) -> Result<OwnedTargetIsa, String> {
    let at = Location { line_number: 0 };
    let mut flags = settings::builder();
    flags.set("enable_verifier", "true").unwrap();
    for set in &target.sets {
        parse_options([set.as_str()].into_iter(), &mut flags, at)
            .map_err(|_| format!("Cranelift has no setting {set}"))?;
    }
    common_flags(&mut flags, setting);
    let mut builder = isa::lookup(Triple::host()).map_err(|e| e.to_string())?;
    for word in &target.words[1..] {
        parse_options([word.as_str()].into_iter(), &mut builder, at)
            .map_err(|_| format!("Cranelift has no flag {word}"))?;
    }
    let isa = builder.finish(settings::Flags::new(flags)).map_err(|e| e.to_string())?;
    match missing_feature(&*isa) {
        Some(name) => Err(format!("the host lacks {name}")),
        None => Ok(isa),
    }
}

/// The first feature that `isa` uses and the host has not.
fn missing_feature(isa: &dyn TargetIsa) -> Option<&'static str> {
    let host = cranelift_native::builder().ok()?;
    let host = host.finish(settings::Flags::new(settings::builder())).ok()?;
    let has: Vec<_> = host.isa_flags().iter().map(|v| (v.name, v.as_bool())).collect();
    isa.isa_flags()
        .iter()
        .filter(|v| v.name.starts_with("has_") && v.as_bool() == Some(true))
        .map(|v| v.name)
        .find(|name| has.iter().any(|h| h.0 == *name && h.1 == Some(false)))
}

/// The host with its own features (or none of them), verifier off: what a JIT would compile for.
pub fn isa_of_host(setting: Setting, baseline: bool) -> OwnedTargetIsa {
    let mut flags = settings::builder();
    flags.set("enable_verifier", "false").unwrap();
    flags.set("probestack_strategy", "inline").unwrap();
    common_flags(&mut flags, setting);
    let builder = cranelift_native::builder_with_options(!baseline).expect("this host is known");
    builder.finish(settings::Flags::new(flags)).expect("these flags are valid")
}

/// The machine of the options: the host, or AArch64 without any extension.
pub fn isa_of(setting: Setting, options: &crate::Options) -> OwnedTargetIsa {
    if !options.aarch64 {
        return isa_of_host(setting, options.baseline);
    }
    let mut flags = settings::builder();
    flags.set("enable_verifier", "false").unwrap();
    flags.set("probestack_strategy", "inline").unwrap();
    common_flags(&mut flags, setting);
    let triple: Triple = "aarch64-unknown-linux-gnu".parse().expect("a triple");
    let builder = isa::lookup(triple).expect("the peer was built with this target");
    builder.finish(settings::Flags::new(flags)).expect("these flags are valid")
}

/// Instructions as parsed: those that stand in a block.
pub fn count_insts(f: &Function) -> usize {
    f.layout.blocks().map(|b| f.layout.block_insts(b).count()).sum()
}

pub fn median(values: &mut [u64]) -> u64 {
    values.sort_unstable();
    values[values.len() / 2]
}
