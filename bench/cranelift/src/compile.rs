//! `clpeer compile`: time, memory and code of `Context::compile` alone, setting by setting;
//! `clpeer asm`: that code as text.

use crate::host::{self, SETTINGS, Setting, median};
use crate::shares::{self, Shape};
use crate::{Options, heap};
use cranelift_codegen::Context;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::Function;
use cranelift_codegen::isa::{CallConv, TargetIsa};
use cranelift_reader::{ParseOptions, parse_test};
use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

/// Enough for what recurses over the depth of a generated function.
const STACK: usize = 1 << 30;

struct Subject {
    path: String,
    line: usize, // of its `function`
    func: Function,
    insts: usize,
}

struct Skip {
    path: String,
    line: usize, // of the function; 0: the whole file
    reason: String,
}

/// The functions of all files in order, and the files that could not be read.
fn load(files: &[String]) -> (Vec<Subject>, Vec<Skip>) {
    let (mut subjects, mut skips) = (Vec::new(), Vec::new());
    for path in files {
        match host::read_text(path).and_then(|text| parse_functions(&text)) {
            Ok(functions) => {
                for (line, func) in functions {
                    let insts = host::count_insts(&func);
                    subjects.push(Subject { path: path.clone(), line, func, insts });
                }
            }
            Err(reason) => skips.push(Skip { path: path.clone(), line: 0, reason }),
        }
    }
    (subjects, skips)
}

/// Each function with the line it begins at.
fn parse_functions(text: &str) -> Result<Vec<(usize, Function)>, String> {
    let header = host::read_header(text);
    let body = host::without_header(text, header.lines);
    let options = ParseOptions {
        default_calling_convention: CallConv::SystemV,
        ..ParseOptions::default()
    };
    let file = parse_test(&body, options);
    let file = file.map_err(|e| format!("line {}: {}", e.location.line_number, e.message))?;
    Ok(file.functions.into_iter().map(|f| (f.1.location.line_number, f.0)).collect())
}

pub fn list(options: &Options) -> u8 {
    let (subjects, skips) = load(&options.files);
    for s in &subjects {
        println!("{}\t{}\t{}\t{}", s.path, s.line, s.func.name, s.insts);
    }
    for s in &skips {
        eprintln!("{}: {}", s.path, s.reason);
    }
    if skips.is_empty() { 0 } else { 2 }
}

/// `clpeer parse`: the reader's speed over each file, in MB of text a second.
pub fn parse(options: &Options) -> u8 {
    let mut status = 0;
    for path in &options.files {
        let text = match host::read_text(path) {
            Ok(text) => text,
            Err(e) => {
                eprintln!("{path}: {e}");
                status = 2;
                continue;
            }
        };
        let mut times = Vec::new();
        for _ in 0..=options.reps {
            let start = Instant::now();
            let functions = parse_functions(&text);
            times.push(start.elapsed().as_nanos() as u64);
            if let Err(e) = functions {
                eprintln!("{path}: {e}");
                status = 2;
                break;
            }
        }
        let rate = text.len() as f64 * 1e3 / median(&mut times[1.min(options.reps)..]) as f64;
        match options.tsv {
            true => println!("cranelift\t{path}\t{}\t{rate:.1}", text.len()),
            false => println!("{path}: {} bytes, {rate:.1} MB/s", text.len()),
        }
    }
    status
}

pub fn compile(options: &Options) -> u8 {
    let (mut subjects, mut skips) = load(&options.files);
    if let Some(list) = &options.only {
        match read_only(list) {
            Ok(only) => subjects.retain(|s| only.contains(&(s.path.clone(), s.line))),
            Err(e) => {
                eprintln!("{list}: {e}");
                return 2;
            }
        }
    }
    let settings = if options.settings.is_empty() { &SETTINGS[..] } else { &options.settings[..] };
    let run = || measure_all(&mut subjects, settings, options, &mut skips);
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK);
        thread.spawn_scoped(scope, run).expect("a thread starts").join().expect("it ends well");
    });
    for s in &skips {
        match options.tsv {
            true => println!("skip\t{}\t{}\t{}", s.path, s.line, s.reason),
            false => println!("skipped: {}:{}: {}", s.path, s.line, s.reason),
        }
    }
    0
}

/// `clpeer asm`: each function as Cranelift's own listing, with its size in bytes.
pub fn asm(options: &Options) -> u8 {
    let (subjects, _) = load(&options.files);
    let setting = options.settings.first().unwrap_or(&SETTINGS[1]);
    let isa = host::isa_of(*setting, options);
    let mut ctx = Context::new();
    for s in &subjects {
        ctx.clear();
        ctx.set_disasm(true);
        match compile_once(&mut ctx, s, &*isa) {
            Ok(_) => {
                let code = ctx.compiled_code().expect("it was compiled");
                let listing = code.vcode.as_deref().unwrap_or("");
                println!("; {} {} bytes\n{listing}", s.func.name, code.code_buffer().len());
            }
            Err(reason) => println!("; {}: {reason}", s.func.name),
        }
    }
    0
}

fn read_only(list: &str) -> Result<HashSet<(String, usize)>, String> {
    let text = std::fs::read_to_string(list).map_err(|e| e.to_string())?;
    let mut only = HashSet::new();
    for line in text.lines() {
        let mut words = line.split('\t');
        let path = words.next().unwrap_or("").to_string();
        let line = words.next().and_then(|w| w.parse().ok()).ok_or("expected a line number")?;
        only.insert((path, line));
    }
    Ok(only)
}

fn measure_all(
    subjects: &mut Vec<Subject>,
    settings: &[Setting],
    options: &Options,
    skips: &mut Vec<Skip>,
) {
    // A function that one setting refuses is left out of all, so that figures stay comparable.
    for setting in settings {
        let isa = host::isa_of(*setting, options);
        subjects.retain(|s| match compile_once(&mut Context::new(), s, &*isa) {
            Ok(_) => true,
            Err(reason) => {
                skips.push(Skip { path: s.path.clone(), line: s.line, reason });
                false
            }
        });
    }
    if subjects.is_empty() {
        return;
    }
    for setting in settings {
        let isa = host::isa_of(*setting, options);
        let figures = measure(subjects, &*isa, options);
        figures.print(subjects, setting.name, options.tsv);
    }
}

/// Compiles into a context that is clear; the time of `Context::compile` alone, in ns.
fn compile_once(ctx: &mut Context, s: &Subject, isa: &dyn TargetIsa) -> Result<u64, String> {
    ctx.func = s.func.clone();
    compile_loaded(ctx, isa)
}

fn compile_loaded(ctx: &mut Context, isa: &dyn TargetIsa) -> Result<u64, String> {
    let mut plane = ControlPlane::default();
    let start = Instant::now();
    let result = catch_unwind(AssertUnwindSafe(|| {
        ctx.compile(isa, &mut plane).map(|_| ()).map_err(|e| format!("{:?}", e.inner))
    }));
    let time = start.elapsed().as_nanos() as u64;
    match result {
        Ok(Ok(())) => Ok(time),
        Ok(Err(reason)) => Err(reason.replace(['\n', '\t'], " ")),
        Err(_) => Err("panic".to_string()),
    }
}

struct Figures {
    total_ns: u64,         // all medians
    median_ns: Vec<u64>,   // by function
    code_bytes: u64,
    peak: i64,             // bytes above the IR itself, context and result included
    allocations: u64,
    shape: Shape,
}

fn measure(subjects: &[Subject], isa: &dyn TargetIsa, options: &Options) -> Figures {
    let reps = options.reps;
    let mut ctx = Context::new();
    let mut times = vec![Vec::with_capacity(reps); subjects.len()];
    for pass in 0..=reps {
        for (k, s) in subjects.iter().enumerate() {
            ctx.clear();
            let ns = compile_once(&mut ctx, s, isa).unwrap_or(0);
            if pass > 0 {
                times[k].push(ns);
            }
        }
    }
    let median_ns: Vec<u64> = times.iter_mut().map(|t| median(t)).collect();
    let (mut code_bytes, mut shape) = (0, Shape::default());
    for s in subjects {
        ctx.clear();
        if compile_once(&mut ctx, s, isa).is_ok() {
            let code = ctx.compiled_code().expect("it was compiled").code_buffer();
            code_bytes += code.len() as u64;
            if !options.aarch64 {
                shape.add(shares::of_code(code)); // which reads x86-64 only
            }
        }
    }
    let (peak, allocations) = measure_heap(subjects, isa);
    Figures {
        total_ns: median_ns.iter().sum(),
        median_ns,
        code_bytes,
        peak,
        allocations,
        shape,
    }
}

/// The most that a new context holds while it compiles all functions one after another, less the
/// copy of the IR that it is given; and the number of allocations, those of the copy left out.
fn measure_heap(subjects: &[Subject], isa: &dyn TargetIsa) -> (i64, u64) {
    let (mut most, mut allocations) = (0, 0);
    heap::start();
    let mut ctx = Context::new();
    for s in subjects {
        ctx.clear();
        ctx.func = Function::new();
        let before = heap::live();
        ctx.func = s.func.clone();
        let ir = heap::live() - before;
        let calls = heap::calls();
        heap::reset_peak();
        let _ = compile_loaded(&mut ctx, isa);
        most = most.max(heap::peak() - ir);
        allocations += heap::calls() - calls;
    }
    heap::stop();
    (most, allocations)
}

/// Upper bounds of the size classes, in instructions of IR.
const CLASSES: [(usize, &str); 6] = [
    (10, "1-10"),
    (30, "11-30"),
    (100, "31-100"),
    (300, "101-300"),
    (1000, "301-1000"),
    (usize::MAX, ">1000"),
];

impl Figures {
    fn print(&self, subjects: &[Subject], setting: &str, tsv: bool) {
        let insts: usize = subjects.iter().map(|s| s.insts).sum();
        let per_inst = |x: u64| x as f64 / insts as f64;
        let (ns, bytes) = (per_inst(self.total_ns), per_inst(self.code_bytes));
        let n = subjects.len();
        if tsv {
            println!(
                "total\t{setting}\t{n}\t{insts}\t{ns:.1}\t{bytes:.2}\t{}\t{}\t{}",
                self.peak,
                self.allocations,
                self.shape.tsv()
            );
        } else {
            println!("cranelift {setting}: {n} functions, {insts} instructions");
            println!("  {ns:.1} ns and {bytes:.2} bytes an instruction");
            println!("  peak heap {} bytes, {} allocations", self.peak, self.allocations);
            let s = &self.shape;
            let percent = |part: u64, of: u64| 100.0 * part as f64 / of.max(1) as f64;
            println!(
                "  {:.1} % touch the frame, {:.1} % are moves, {} loads ({:.1} %) in inner loops",
                percent(s.frame, s.insts),
                percent(s.moves, s.insts),
                s.inner_loads,
                percent(s.inner_loads, s.inner_insts)
            );
        }
        let mut low = 0;
        for (high, name) in CLASSES {
            let members = subjects.iter().zip(&self.median_ns);
            let members = members.filter(|(s, _)| s.insts > low && s.insts <= high);
            let (count, sum) = members.fold((0u64, 0u64), |(n, t), (_, ns)| (n + 1, t + ns));
            let each = sum as f64 / count.max(1) as f64;
            match tsv {
                true => println!("class\t{setting}\t{name}\t{count}\t{each:.0}"),
                false => println!("  {name:>8} instructions: {count:6} functions, {each:12.0} ns"),
            }
            low = high;
        }
    }
}
